"""All that a page tells of a run, gathered from its folder: the record, and what came home, which is not trusted."""

import ast
import dataclasses

from jobs import parameters as job_parameters
from remote import catalog, plan, runs
from remote.errors import Failure
from remote.page import files, metrics, verdict

LOG_LINES = 25
LOG_TAIL_BYTES = 64 << 10
MOST_LENGTH = 400  # characters of a parameter's value, or of a line of the log
MOST_RESULTS = 40
LONGEST_UNIT = 40  # characters: it stands beside the title of half a page's chart
MOST_CLASSES = 254
DEEPEST = 4  # dicts within dicts of model.json that are looked into


@dataclasses.dataclass(frozen=True)
class Parameter:
    """default: as text, "" where it isn't known. help: one line."""

    name: str
    value: str
    default: str
    differs: bool
    help: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """One job of a run; most runs have only one. rows: of metrics. model: what model.json says."""

    run: runs.Run
    job: str
    verdict: verdict.Verdict
    rows: list
    best: metrics.Best | None
    parameters: list
    model: dict

    @property
    def out(self):
        return self.run.folder / self.run.out_of(self.job)

    @property
    def epochs(self):
        """How many there were to be."""
        given = {one.name: one.value for one in self.parameters}.get("epochs", "0")
        return given if given != "0" else f"{len(self.rows)}"


def gather(run):
    """The Facts of each job of a run, in whatever state it is."""
    return [_gather(run, turn["job"], turn["parameters"]) for turn in run.turns]


def _gather(run, job, given):
    out = run.folder / run.out_of(job)
    rows, model = metrics.read(out / "metrics.jsonl"), files.record(out / "model.json")
    return Facts(run, job, verdict.of(run), rows, _best(rows, model), parameters(job, given), model)


def _best(rows, model):
    """What the run is judged by: of the weights that came home, if model.json says it, else of its best epoch."""
    measured = metrics.numbers(model.get("metrics"))
    kept = {"epoch": rows[-1]["epoch"]} | measured if rows and measured else {}
    best = metrics.best([*rows, kept] if kept else rows)
    if best is None or kept.get(best.name) is None:
        return best
    return metrics.Best(best.name, kept[best.name], int(kept["epoch"]), True)


def parameters(job, given):
    """The Parameters of a job, {name: value}, in the job's order; those that it no longer has, last."""
    try:
        described = job_parameters.describe(catalog.parameters_class(job))
    except Failure:  # the job has been removed since, or changed for the worse
        described = []
    known = {name: (default, text) for name, _, default, text, _ in described}
    order = [name for name in known if name in given] + [name for name in given if name not in known]
    return [_parameter(name, given[name], known.get(name)) for name in order]


def _parameter(name, value, described):
    if described is None:
        return Parameter(name, _shown(value), "", False, "")
    default, text = described
    return Parameter(name, _shown(value), _shown(default), value != default, text)


def _shown(value):
    return _cut(str(value).lower() if isinstance(value, bool) else str(value))


def _cut(text):
    return text if len(text) <= MOST_LENGTH else text[:MOST_LENGTH] + " …"


def sentence(job):
    """What the job does, by the first line of its own docstring; "" when that can't be read."""
    try:
        tree = ast.parse((catalog.JOBS / f"{job}.py").read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def unit(facts, family):
    """The unit of a family of metrics, as model.json has it; "" for a bare number."""
    units = facts.model.get("units")
    told = units.get(family, "") if isinstance(units, dict) else ""
    return str(told)[:LONGEST_UNIT] or ("seconds" if family == "seconds" else "")


def baselines(facts):
    """{name: value} of what the job compares its best metric with, as it reaches that without learning."""
    return metrics.numbers(facts.model.get("baselines"))


def results(facts):
    """[(name, value)] of what model.json says of the finished model besides the curves: numbers, by their path."""
    curves = set(metrics.names(facts.rows)) | {"epoch"}
    found = [(name, value) for name, value in _flat(facts.model.get("metrics"), "") if name not in curves]
    found += metrics.numbers(facts.model).items()
    found += [(f"without learning: {name}", value) for name, value in baselines(facts).items()]
    return [(name[:80], f"{value:.4g}") for name, value in found if value is not None][:MOST_RESULTS]


def _flat(value, path, depth=0):
    """[(path, number)] of all numbers in nested dicts."""
    if isinstance(value, dict) and depth < DEEPEST:
        inside = [_flat(below, f"{path} {name}".strip(), depth + 1) for name, below in value.items()]
        return [pair for pairs in inside for pair in pairs]
    return [(path, number) for number in metrics.numbers({path: value}).values()]


def by_class(facts):
    """(measures, [(class, a figure of each)]) of what model.json has as a list with one number for each class."""
    classes, measured = facts.model.get("classes"), facts.model.get("metrics")
    if not isinstance(classes, list) or not isinstance(measured, dict):
        return [], []
    lists = {name[:80]: value for name, value in measured.items() if isinstance(value, list)}
    lists = {name: value for name, value in lists.items() if len(value) == len(classes)}
    rows = [(_cut(str(one)), [_figure(each[n]) for each in lists.values()]) for n, one in enumerate(classes)]
    return list(lists), rows[:MOST_CLASSES] if lists else []


def _figure(value):
    found = metrics.numbers({"value": value}).get("value")
    return "–" if found is None else f"{found:.4g}"


def versions(run, model):
    """[(what, which)]: the machine, and what the numbers may depend on. model: of model.json."""
    machine = plan.machine(run.instance_type) if run.instance_type else run.host or "none"
    where = ", ".join(filter(None, (run.zone, run.market)))
    recorded = model.get("versions")
    found = [("rented" if run.instance_type else "machine", f"{machine}{f', {where}' if where else ''}")]
    if model.get("machine"):
        found.append(("trained on", str(model["machine"])[:120]))
    named = recorded.items() if isinstance(recorded, dict) else ()
    return found + [(str(name)[:40], str(version)[:120]) for name, version in named]


def seconds(run):
    """From launch to end, or to now; of a machine that was not rented, from the job's start."""
    return runs.seconds(run.launched or run.started, run.closed or run.ended or runs.now())


def last_lines(run):
    """The end of the log, as text."""
    lines = files.text(run.log, LOG_TAIL_BYTES, last=True).rstrip().splitlines()[-LOG_LINES:]
    return "\n".join(_cut(line) for line in lines)
