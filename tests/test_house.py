"""The house stays as it was drawn: imports point one way, versions agree, what is documented is what there is."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PYTHON_FILES = sorted(
    path for folder in ("jobs", "remote") for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts
)
SHELL_FILES = sorted(
    [path for path in (ROOT / "bin").iterdir() if path.is_file()]
    + list((ROOT / "scripts").glob("*.sh"))
    + [ROOT / ".ci/run"]
)
# Whom a layer may import, besides libraries. remote reads a job's parameters, never a job.
MAY_IMPORT = {
    "jobs": {"jobs"},
    "remote.embedded": {"remote.cloud", "remote.errors"},
    "remote.commands": {"remote"},
    "remote": {"remote", "jobs.parameters"},
}


def imported(path):
    """Full names of all modules that a file imports from this repository."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module in ("remote", "jobs", "remote.embedded")
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if whole else {node.module}
    return {name for name in names if name.split(".")[0] in ("remote", "jobs", "fabfile", "tests")}


def layer(path):
    parts = path.relative_to(ROOT).parts
    return next((name for name in MAY_IMPORT if name == ".".join(parts[:2])), parts[0])


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    allowed = MAY_IMPORT[layer(path)] | ({"remote.embedded"} if layer(path) == "remote.embedded" else set())
    for name in imported(path):
        assert any(name == one or name.startswith(f"{one}.") for one in allowed), f"{path} imports {name}"
        if layer(path) == "remote":
            assert not name.startswith("remote.embedded"), f"{path} knows the embedded EC2"
            assert not name.startswith("remote.commands"), f"{path} knows the command line"


def test_imports_of_remote_have_no_circle():
    graph = {f"remote.{path.stem}": imported(path) for path in (ROOT / "remote").glob("*.py")}
    while leaves := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for leaf in leaves:
            del graph[leaf]
    assert not graph


def test_environment_yml_has_the_versions_of_pyproject():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert set(conda[-1]["pip"]) == {pin for name in ("client", "embedded", "jobs", "cpu") for pin in groups[name]}


def test_a_file_is_one_idea():
    too_long = {
        str(path.relative_to(ROOT)): count
        for path in PYTHON_FILES + [ROOT / "fabfile.py"]
        if (count := len(path.read_text().splitlines())) > 300
    }
    assert not too_long


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shellcheck_is_content(path):
    shellcheck = Path(sys.executable).parent / "shellcheck"
    found = subprocess.run([shellcheck, "-x", path], capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stdout


def test_readme_documents_every_task_setting_and_exit_code():
    readme = (ROOT / "README.md").read_text()
    tasks = re.findall(r"^  ([a-z]+) ", subprocess.check_output([ROOT / "bin/fab", "--list"], text=True), re.M)
    settings = yaml.safe_load((ROOT / "fabric.yaml").read_text())
    codes = re.findall(r"(\d+)\s{3}", (ROOT / "remote/errors.py").read_text().split('"""')[1])
    assert len(tasks) > 10 and len(settings) > 15 and len(codes) > 8
    missing = [f"task {name}" for name in tasks if f"`{name}`" not in readme and f"fab {name}" not in readme]
    missing += [f"setting {name}" for name in settings if f"`{name}`" not in readme]
    missing += [f"exit code {code}" for code in codes if f"| {code} |" not in readme]
    assert not missing


def test_every_setting_says_why():
    for line in (ROOT / "fabric.yaml").read_text().splitlines():
        assert not line or line.startswith("#") or "#" in line, line
