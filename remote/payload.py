"""What goes along to the instance: the jobs, the scripts, the pins, the parameters and the files they name."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("jobs/**/*.py", "scripts/*.sh", "pyproject.toml")


def payload(run):
    """{path in the run's folder on the instance: local Path}. Writes params.json into the run's own folder."""
    sources = {}
    for pattern in CODE:
        for path in sorted(ROOT.glob(pattern)):
            relative = path.relative_to(ROOT)
            sources[str(relative if relative.parts[0] == "scripts" else Path("code") / relative)] = path
    if run.adopted:
        return sources
    parameters = {turn["job"]: turn["parameters"] | _addresses(turn) for turn in run.turns}
    for turn in run.turns:
        for name, local in turn["files"].items():
            sources |= _files(f"files/{turn['job']}/{name}", Path(local))
    written = run.folder / "params.json"
    written.write_text(json.dumps(parameters if run.then else parameters[run.job], indent=1) + "\n")
    return sources | {"params.json": written}


def _addresses(turn):
    """{parameter: path} of the user's files, as the job finds them, which starts in code/."""
    return {name: f"../files/{turn['job']}/{name}/{Path(local).name}" for name, local in turn["files"].items()}


def _files(folder, local):
    """A file, or all files below a folder, as they will lie on the instance."""
    if local.is_file():
        return {f"{folder}/{local.name}": local}
    inside = [path for path in sorted(local.rglob("*")) if path.is_file()]
    return {f"{folder}/{local.name}/{path.relative_to(local).as_posix()}": path for path in inside}
