"""Jobs are found as files, and their parameters read without running them."""

import subprocess
import sys

import pytest

from remote import catalog
from remote.errors import NotFound, Usage

OWN_JOB = '''"""A job of one's own."""
from dataclasses import dataclass

import a_library_that_is_only_on_the_instance
from jobs.parameters import option


@dataclass(frozen=True)
class Parameters:
    epochs: int = option(3, "rounds", at_least=1, at_most=9)
    rate: float = option(0.5, "speed", above=0)
    fast: bool = option(False, "hurry")


def train(params, out):
    raise SystemExit("never run here")
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.py").write_text(OWN_JOB)
    (tmp_path / "corpus.py").write_text("def read(): ...\n")
    return tmp_path


def test_a_file_with_parameters_and_train_is_a_job_and_others_are_not(folder):
    assert catalog.names(folder) == ["own"]


def test_parameters_are_typed_without_importing_what_the_job_imports(folder):
    params = catalog.check("own", ["epochs=5", "rate=0.25", "fast=true"], folder)
    assert (params.epochs, params.rate, params.fast) == (5, 0.25, True)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("epoch=5", "epoch.*epochs"),
        ("epochs=many", "epochs.*many"),
        ("epochs=10", "epochs.*10"),
        ("rate=0", "rate"),
        ("rate=nan", "rate"),
        ("fast=perhaps", "fast"),
        ("epochs", "NAME=VALUE"),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_was_expected(folder, assignment, words):
    with pytest.raises(Usage, match=words):
        catalog.check("own", [assignment], folder)


def test_an_unknown_job_names_the_nearest(folder):
    with pytest.raises(NotFound, match="Did you mean own"):
        catalog.check("owm", [], folder)
    with pytest.raises(NotFound):
        catalog.check("../own", [], folder)


def test_a_job_with_a_syntax_error_is_one_line_not_a_traceback(folder):
    (folder / "broken.py").write_text("def train(:\n")
    with pytest.raises(Usage, match="broken.py is not valid Python"):
        catalog.names(folder)


def test_reading_the_shipped_jobs_imports_no_tensorflow():
    code = (
        "import sys; from remote import catalog; catalog.check('lstm_aiw', ['epochs=2']);"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=catalog.JOBS.parent)
