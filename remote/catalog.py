"""The jobs that there are, and their parameters, read without importing the jobs: TensorFlow takes 4 seconds."""

import ast
import dataclasses
import difflib
from pathlib import Path

from jobs import parameters as job_parameters
from remote.errors import NotFound, Usage

JOBS = Path(__file__).parent.parent / "jobs"


def names(folder=JOBS):
    """Names of all jobs: the files of jobs/ that define Parameters and train."""
    return sorted(path.stem for path in folder.glob("*.py") if _is_job(path))


def parameters_class(name, folder=JOBS):
    """The Parameters dataclass of a job. Raises NotFound for an unknown job, Usage for one that can't be read."""
    path = folder / f"{name}.py"
    known = names(folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise NotFound(f"No job {name!r} in jobs/.{hint} There are: {', '.join(known)}.")
    return _evaluate(path)


def packs(name, folder=JOBS):
    """Does the job choose on this machine what of the user's files goes along, by a function pack?"""
    return "pack" in _defined(folder / f"{name}.py")


def checks(name, folder=JOBS):
    """Does the job look on this machine whether the user's files can be learnt from, by a function check?"""
    return "check" in _defined(folder / f"{name}.py")


def share_out(jobs, assignments, folder=JOBS):
    """{job: its assignments}: of several jobs NAME=VALUE is for each that has a NAME, JOB.NAME=VALUE for that one.

    Raises Usage for a job named twice, and for a name that none of them has; NotFound for an unknown job.
    """
    if not jobs:
        raise Usage(f"Expected --job NAME. There are: {', '.join(names(folder))}.")
    if len(set(jobs)) < len(jobs):
        raise Usage(f"Expected each job once, got --job {' --job '.join(jobs)}.")
    if len(jobs) == 1:
        return {jobs[0]: assignments}
    known = {job: {field.name for field in dataclasses.fields(parameters_class(job, folder))} for job in jobs}
    shared = {job: [] for job in jobs}
    for assignment in assignments:
        owner, _, own = assignment.partition("=")[0].strip().replace("-", "_").rpartition(".")
        takers = [owner] if owner in known else [job for job in jobs if own in known[job] and not owner]
        if not takers:
            raise Usage(
                f"No job of {', '.join(jobs)} takes --set {assignment}. Expected NAME=VALUE, or JOB.NAME=VALUE for one"
                f" of them. See: bin/fab plan --job {jobs[0]}"
            )
        for job in takers:
            shared[job].append(assignment.strip().removeprefix(f"{owner}."))
    return shared


def check(name, assignments, folder=JOBS):
    """Parameters of a job from ["epochs=20", ...]; returns a dataclass instance. Raises Usage, NotFound."""
    cls = parameters_class(name, folder)
    pairs = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise Usage(f"Expected --set NAME=VALUE, got --set {assignment}. See: bin/fab plan --job {name}")
        pairs[key.strip().replace("-", "_")] = value
    try:
        return job_parameters.parse(cls, pairs)
    except ValueError as wrong:
        raise Usage(f"{name}: {wrong}") from None


def _is_job(path):
    return {"Parameters", "train"} <= _defined(path)


def _defined(path):
    """The names of the functions and classes of a file."""
    return {getattr(node, "name", "") for node in _tree(path).body}


def _tree(path):
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise Usage(f"{path} is not valid Python: {error}.") from None


def _evaluate(path):
    """Run the Parameters class of a job file alone, with the imports that a dataclass needs."""
    wanted = [node for node in _tree(path).body if _defines_parameters(node)]
    namespace = {"__name__": f"jobs.{path.stem}"}
    try:
        exec(compile(ast.Module(wanted, type_ignores=[]), str(path), "exec"), namespace)
    except Exception as error:  # the class is the user's code: whatever it raises is about that code
        raise Usage(
            f"Parameters of {path} can't be read: {error}."
            " Expected the class to need nothing but dataclasses and jobs.parameters."
        ) from None
    return namespace["Parameters"]


def _defines_parameters(node):
    if isinstance(node, ast.ImportFrom):
        return node.module in ("dataclasses", "jobs.parameters", "__future__")
    if isinstance(node, ast.Import):
        return all(alias.name == "dataclasses" for alias in node.names)
    return isinstance(node, ast.ClassDef) and node.name == "Parameters"
