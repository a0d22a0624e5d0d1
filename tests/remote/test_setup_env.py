"""scripts/setup-env.sh uses the image's own Python when it has what the job needs, and makes a venv when it hasn't."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
[ "$1" = - ] || { echo "made: $*" >&2; exit 1; }  # a venv is not wanted here, only that it is begun
exec %s "$@"
"""


@pytest.fixture
def image_python(tmp_path):
    """The Python of an image that has the pinned packages."""
    path = tmp_path / "python3"
    path.write_text(PYTHON % sys.executable)
    path.chmod(0o755)
    return path


def set_up(python, *packages):
    venv = python.with_name("venv")
    words = ["bash", ROOT / "scripts/setup-env.sh", python, ROOT / "pyproject.toml", venv, *packages]
    done = subprocess.run(words, capture_output=True, text=True)
    begun = venv.with_name("venv.log")
    return done.stdout.strip(), begun.read_text() if begun.exists() else ""


def test_an_image_that_has_the_pins_and_the_packages_is_used_as_it_is(image_python):
    assert set_up(image_python) == (sys.executable, "")
    assert set_up(image_python, "boto3") == (sys.executable, "")


def test_an_image_without_a_package_of_this_job_gets_a_venv(image_python):
    used, begun = set_up(image_python, "boto3", "nobodys-package")
    assert used == "" and begun.startswith("made: -m venv")
