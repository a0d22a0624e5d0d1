"""What goes along to the instance: the jobs, the scripts, the pins, the parameters and the files they name."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("jobs/*.py", "scripts/*.sh", "pyproject.toml")


def payload(run):
    """{path in the run's folder on the instance: local Path}. Writes params.json into the run's own folder."""
    sources = {}
    for pattern in CODE:
        for path in sorted(ROOT.glob(pattern)):
            relative = path.relative_to(ROOT)
            sources[str(relative if relative.parts[0] == "scripts" else Path("code") / relative)] = path
    parameters = dict(run.parameters)
    for name, local in run.files.items():
        parameters[name] = f"../files/{name}/{Path(local).name}"  # the job starts in code/
        sources.update(_files(name, Path(local)))
    written = run.folder / "params.json"
    written.write_text(json.dumps(parameters, indent=1) + "\n")
    return sources | {"params.json": written}


def _files(name, local):
    """A file, or all files below a folder, as they will lie on the instance."""
    if local.is_file():
        return {f"files/{name}/{local.name}": local}
    inside = [path for path in sorted(local.rglob("*")) if path.is_file()]
    return {f"files/{name}/{local.name}/{path.relative_to(local).as_posix()}": path for path in inside}
