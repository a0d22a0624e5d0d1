"""A parameter is checked the same way wherever it is given, and what is wrong is said in one line."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from jobs.parameters import BadInput, describe, files, from_command_line, main, option, parse


@dataclass(frozen=True)
class Parameters:
    epochs: int = option(12, "passes over the text", at_least=1)
    dropout: float = option(0.3, "share left out: 30 % or so", at_least=0, at_most=0.9)
    learning_rate: float = option(0.02, "at its highest", above=0)
    lower_case: bool = option(True, "fold capitals")
    shape: str = option("round", "of it", choices=("round", "square"))
    text: str = option("", "your own", file=True)


def test_assignments_become_typed_values():
    given = parse(Parameters, {"epochs": "3", "learning_rate": "1e-3", "lower_case": "no", "text": "a b.txt"})
    assert given == Parameters(epochs=3, learning_rate=0.001, lower_case=False, text="a b.txt")
    assert parse(Parameters, {"epochs": 3, "lower_case": False}) == Parameters(epochs=3, lower_case=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", "many", "Expected a whole number for epochs, got 'many'."),
        ("epochs", "2.5", "Expected a whole number for epochs, got '2.5'."),
        ("epochs", "0", "Expected a value at least 1 for epochs, got '0'."),
        ("dropout", "0.95", "Expected a value at least 0, at most 0.9 for dropout, got '0.95'."),
        ("dropout", "nan", "Expected a value at least 0, at most 0.9 for dropout, got 'nan'."),
        ("learning_rate", "0", "Expected a value above 0 for learning_rate, got '0'."),
        ("lower_case", "perhaps", "Expected true or false for lower_case, got 'perhaps'."),
        ("shape", "flat", "Expected a value out of round, square for shape, got 'flat'."),
    ],
)
def test_a_wrong_value_is_told_in_one_line(name, value, message):
    with pytest.raises(ValueError) as wrong:
        parse(Parameters, {name: value})
    assert str(wrong.value) == message


def test_an_unknown_name_lists_what_there_is_closest_first():
    with pytest.raises(BadInput, match=r"^Unknown parameter 'epoch'\. There are: epochs, .*text\.$"):
        parse(Parameters, {"epoch": "3"})


def test_a_description_has_type_default_and_range():
    assert describe(Parameters)[1] == (
        "dropout",
        "number",
        0.3,
        "share left out: 30 % or so",
        "at least 0, at most 0.9",
    )
    assert files(Parameters) == ["text"]


def test_a_flag_wins_over_the_file(tmp_path):
    file = tmp_path / "given.json"
    file.write_text(json.dumps({"epochs": 4, "dropout": 0.1}))
    arguments = ["--out", "here", "--params", str(file), "--epochs", "5", "--learning-rate", "1"]
    given, out = from_command_line(Parameters, arguments)
    assert (given, str(out)) == (Parameters(epochs=5, dropout=0.1, learning_rate=1.0), "here")


@pytest.mark.parametrize("content", ["[1]", "{", '{"epochs": "x"}', '{"nothing": 1}', None])
def test_a_wrong_file_is_told_in_one_line(tmp_path, content, capsys):
    file = tmp_path / "given.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit) as exit_:
        main(Parameters, None, "", ["--out", str(tmp_path), "--params", str(file)])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_help_shows_every_parameter(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(Parameters, None, "Learn.", ["--help"])
    shown = capsys.readouterr().out
    assert exit_.value.code == 0
    assert all(row[0].replace("_", "-") in shown for row in describe(Parameters))
    assert "30 % or so" in shown


def test_a_full_disk_is_told_in_one_line(tmp_path, capsys):
    def train(_params, out):
        raise OSError(28, "No space left on device", str(out / "model.weights.h5"))

    with pytest.raises(SystemExit) as exit_:
        main(Parameters, train, "", ["--out", str(tmp_path)])
    assert exit_.value.code == 1
    assert capsys.readouterr().err == f"No space left on device: {tmp_path}/model.weights.h5\n"


def test_what_must_start_fast_imports_no_tensorflow(checkout):
    modules = "jobs.parameters, jobs.text.corpus, jobs.registry, jobs.sample, jobs.lstm_aiw"
    program = f"import sys, {modules}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=checkout, check=False).returncode == 0
