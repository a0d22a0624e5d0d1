"""The sampler in numpy: the same probabilities as Keras, the same text for a seed, one line for what is wrong."""

import itertools
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from jobs import finished_runs
from jobs.parameters import NotFound
from jobs.text import network, writing


@pytest.fixture
def runs(tiny_run, tmp_path):
    """A copy of the runs folder, to spoil."""
    shutil.copytree(tiny_run, tmp_path / tiny_run.name)
    return tmp_path


@pytest.fixture(scope="session")
def tiny_network(tiny_run):
    """Without the opening that it would read before it writes: its first logits are those of a line end alone."""
    return replace(network.read(tiny_run / "out"), opening=[])


def sample(checkout, runs, *arguments):
    command = [str(checkout / "bin" / "sample.sh"), "--runs-dir", str(runs), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def write_random(folder, layers, units):
    """Weights and model.json of a network of 11 symbols that learnt nothing; returns it as Keras has it."""
    from jobs import lstm_aiw, results

    params = lstm_aiw.Parameters(layers=layers, units=units, embedding=7)
    model = lstm_aiw.build(params, symbols=11)
    model.set_weights([np.random.default_rng(0).normal(0, 0.5, array.shape) for array in model.get_weights()])
    results.write(folder, "lstm_aiw", params, model, vocabulary=list("abcdefghijk"))
    return model


@pytest.mark.parametrize("state_of", [lambda state: state, network.compiled], ids=["numpy", "compiled"])
@pytest.mark.parametrize("layers", [1, 3])
def test_probabilities_equal_those_of_keras(layers, state_of, tmp_path):
    model = write_random(tmp_path, layers, units=24)
    read = network.read(tmp_path)
    rows = np.random.default_rng(1).integers(0, 11, (3, 60))
    theirs = writing.probabilities(model.predict_on_batch(rows))
    one, several = state_of(network.begin(read)), state_of(network.begin(read, rows=3))
    for position in range(60):
        alone = writing.probabilities(network.step(read, one, int(rows[0, position])))
        together = writing.probabilities(network.step(read, several, rows[:, position]))
        np.testing.assert_allclose(alone, theirs[0, position], atol=1e-5)
        np.testing.assert_allclose(together, theirs[:, position], atol=1e-5)


def test_the_score_is_the_loss_that_keras_reports(tiny_network, tiny_run, tiny_text):
    symbols = writing.numbers(tiny_network, tiny_text.read_text())
    told = json.loads((tiny_run / "out" / "model.json").read_text())["metrics"]["held_out_loss"]
    assert writing.score(tiny_network, symbols[-440:]) == pytest.approx(told, abs=0.1)


def write(network, length, choice=None, prompt="", stop=""):
    return "".join(writing.pieces(network, length, prompt, choice, stop))


def test_same_seed_same_text_whatever_the_length(tiny_network):
    one = write(tiny_network, 300, writing.Choice(seed=5))
    assert write(tiny_network, 200, writing.Choice(seed=5)) == one[:200]
    assert write(tiny_network, 300, writing.Choice(seed=6)) != one
    assert len(one) == 300


@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize(
    "choice",
    [{"temperature": 0.4}, {"temperature": 0}, {"temperature": 0.4, "top_k": 4}, {"top_p": 0.9}],
    ids=str,
)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_long_text_which_compiled_code_writes_is_the_same_text(layers, choice, rows, tmp_path, monkeypatch):
    write_random(tmp_path, layers, units=22)  # 22 is no multiple of the rows that it reads at a time
    model, asked = network.read(tmp_path), (400, "cab", writing.Choice(**choice), rows)
    numpy_wrote = np.concatenate(list(writing.blocks(model, *asked)))
    monkeypatch.setattr(writing, "MUCH", 1)
    compiled_wrote = np.concatenate(list(writing.blocks(model, *asked)))
    np.testing.assert_array_equal(compiled_wrote, numpy_wrote)
    assert len(np.unique(numpy_wrote)) > 3 or choice.get("temperature") == 0


@pytest.mark.parametrize("rows", [None, 3])
def test_the_opening_is_read_like_a_prompt_and_not_shown(tiny_network, rows):
    words = "".join(tiny_network.vocabulary[:3])
    opened = replace(tiny_network, opening=writing.numbers(tiny_network, words))
    shown = np.concatenate(list(writing.blocks(opened, 20, rows=rows)))
    assert (shown == np.concatenate(list(writing.blocks(tiny_network, 20, words, rows=rows)))).all()


def test_without_temperature_the_likeliest_is_written(tiny_network):
    greedy = write(tiny_network, 50, writing.Choice(temperature=0), prompt="The c")
    assert greedy == write(tiny_network, 50, writing.Choice(temperature=1, top_k=1, seed=9), prompt="The c")
    assert greedy == write(tiny_network, 50, writing.Choice(temperature=1, top_p=0, seed=9), prompt="The c")
    assert [greedy] * 3 == writing.texts(tiny_network, 50, 3, "The c", writing.Choice(temperature=0))


def test_a_text_ends_before_the_stop(tiny_network):
    choice = writing.Choice(seed=5)
    whole = write(tiny_network, 600, choice)
    for stop in (whole[0], whole[40:43], whole[126:132], whole[-1:], "never!"):
        assert write(tiny_network, 600, choice, stop=stop) == whole.partition(stop)[0]


@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_frequencies_follow_the_probabilities(tiny_network, temperature):
    """10,000 rows draw their first symbol; the share of each is its probability, within four standard errors."""
    logits = network.step(tiny_network, network.begin(tiny_network), tiny_network.vocabulary.index("\n"))
    expected = writing.probabilities(logits / temperature)
    drawn = next(writing.blocks(tiny_network, 1, choice=writing.Choice(temperature), rows=10_000))
    shares = np.bincount(drawn[0], minlength=len(expected)) / 10_000
    assert np.all(np.abs(shares - expected) < 4 * np.sqrt(expected / 10_000) + 1e-4)


def test_top_k_and_top_p_leave_out_the_unlikely(tiny_network):
    state = network.begin(tiny_network)
    expected = writing.probabilities(network.step(tiny_network, state, tiny_network.vocabulary.index("\n")))
    likeliest_first = np.argsort(expected)[::-1]
    drawn = next(writing.blocks(tiny_network, 1, choice=writing.Choice(top_k=3), rows=2000))
    assert set(drawn[0]) == set(likeliest_first[:3])
    needed = 1 + int(np.searchsorted(np.cumsum(expected[likeliest_first]), 0.5))
    drawn = next(writing.blocks(tiny_network, 1, choice=writing.Choice(top_p=0.5), rows=2000))
    assert set(drawn[0]) == set(likeliest_first[:needed])


def test_the_command_writes_and_repeats(checkout, tiny_run):
    arguments = ("--length", "60", "--seed", "3", "--prompt", "a dog")
    first = sample(checkout, tiny_run.parent, *arguments)
    assert (first.returncode, first.stderr) == (0, "")
    assert len(first.stdout) == len("a dog") + 60 + len("\n") and first.stdout.startswith("a dog")
    assert sample(checkout, tiny_run.parent, *arguments, "--run", tiny_run.name).stdout == first.stdout


def test_several_texts_and_json(checkout, tiny_run):
    arguments = ("--samples", "3", "--length", "20", "--seed", "1")
    plain = sample(checkout, tiny_run.parent, *arguments).stdout
    lines = sample(checkout, tiny_run.parent, *arguments, "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(row["run"], row["seed"], len(row["text"])) for row in found] == [(tiny_run.name, 1, 20)] * 3
    assert len({row["text"] for row in found}) == 3
    assert plain == "".join(f"--- {number} of 3 ---\n{row['text']}\n" for number, row in enumerate(found, 1))


def test_a_file_is_scored(checkout, tiny_run, tiny_text, tmp_path):
    told = json.loads(sample(checkout, tiny_run.parent, "--score", str(tiny_text), "--json").stdout)
    assert (told["symbols"], told["left_out"]) == (len(tiny_text.read_text()), 0)
    (tmp_path / "other.txt").write_text("zzz tac eht qqq")
    plain = sample(checkout, tiny_run.parent, "--score", str(tmp_path / "other.txt")).stdout
    assert "nats per character (9 characters" in plain and "6 that it never saw left out" in plain
    assert float(plain.split()[0]) > told["nats"]
    (tmp_path / "old.txt").write_bytes("Thé cat sat\n".encode("cp1252"))
    score = ("--score", str(tmp_path / "old.txt"))
    assert "in the encoding utf-8" in sample(checkout, tiny_run.parent, *score).stderr
    assert "(11 characters" in sample(checkout, tiny_run.parent, *score, "--encoding", "cp1252").stdout


def test_a_reader_that_leaves_is_no_error(checkout, tiny_run):
    command = f"{checkout}/bin/sample.sh --runs-dir {tiny_run.parent} --length 100000 | head -c 5"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, len(done.stdout)) == (0, "", 5)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--run", "lstm_aiw-20200101-000000-0000"), 3, "No run lstm_aiw-20200101-000000-0000"),
        (("--run", "../.."), 3, "No run"),
        (("--runs-dir", "/nowhere"), 3, "No finished run"),
        (("--temperature", "-1"), 2, "expected at least 0, got -1"),
        (("--temperature", "hot"), 2, "invalid number value: 'hot'"),
        (("--length", "-5"), 2, "expected at least 0"),
        (("--top-p", "1.5"), 2, "expected at least 0 and at most 1, got 1.5"),
        (("--samples", "0"), 2, "expected at least 1"),
        (("--score", "/nowhere.txt"), 2, "found nothing at /nowhere.txt"),
        (("--prompt", "Ω and Я"), 2, "never saw"),
        (("--colour", "red"), 2, "Unrecognized arguments"),
    ],
)
def test_a_wrong_wish_is_one_line(tiny_run, arguments, code, message, capsys):
    from jobs.sample import main

    assert main(["--runs-dir", str(tiny_run.parent), *arguments]) == code
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""


def test_truncated_weights_are_told(runs, tiny_run):
    file = runs / tiny_run.name / "out" / "model.weights.h5"
    whole = file.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 50):
        file.write_bytes(whole[:length])
        with pytest.raises(NotFound, match="damaged"):
            network.read(file.parent)
    file.unlink()
    with pytest.raises(NotFound, match="Expected weights"):
        network.read(file.parent)


@pytest.mark.parametrize("change", [{"units": 13}, {"layers": 2}, {"embedding": 6}])
def test_weights_that_do_not_fit_are_told(runs, tiny_run, change):
    file = runs / tiny_run.name / "out" / "model.json"
    model = json.loads(file.read_text())
    model["parameters"] |= change
    file.write_text(json.dumps(model))
    with pytest.raises(NotFound, match="does not fit its model.json"):
        network.read(file.parent)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"vocabulary": 3, "parameters": {}}'])
def test_a_damaged_description_is_told(runs, tiny_run, content):
    file = runs / tiny_run.name / "out" / "model.json"
    file.write_text(content)
    with pytest.raises(NotFound, match="model.json is damaged"):
        network.read(file.parent)


def test_the_newest_language_model_is_found(tmp_path):
    for run_id, model in {
        "lstm_words-20260101-000000-0000": {"vocabulary": [], "parameters": {}},
        "lstm_aiw-20260301-000000-0000": {"vocabulary": [], "parameters": {}},
        "unet-20260401-000000-0000": {"classes": 2},
        "lstm_aiw-20260501-000000-0000": None,
    }.items():
        (tmp_path / run_id / "out").mkdir(parents=True)
        if model is not None:
            (tmp_path / run_id / "out" / "model.json").write_text(json.dumps(model))
    assert finished_runs.find(tmp_path).parent.name == "lstm_aiw-20260301-000000-0000"
    with pytest.raises(NotFound, match="bin/fab pull --run lstm_aiw-20260501"):
        finished_runs.find(tmp_path, "lstm_aiw-20260501-000000-0000")


def test_unknown_is_never_written(tiny_network):
    import dataclasses

    last = dataclasses.replace(tiny_network, vocabulary=[*tiny_network.vocabulary[:-1], "\ufffd"])
    for choice in (writing.Choice(2.0), writing.Choice(0), writing.Choice(2.0, top_k=len(last.vocabulary))):
        written = itertools.chain.from_iterable(writing.blocks(last, 400, choice=choice))
        assert len(last.vocabulary) - 1 not in set(written)
