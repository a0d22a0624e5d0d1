"""Words can be joined to the text they came from; the trigram baseline is a probability and learns."""

import collections
import json

import numpy as np
import pytest

from jobs import lstm_words
from jobs.text import kneser_ney, network, words, writing
from jobs.text.corpus import UNKNOWN

TEXT = 'It\'s "odd", said 42 cats;\nno,\nan_d dogs\N{EM DASH}all of them.\n\n\nNaïve.\n'


def test_joining_the_tokens_gives_the_paragraphs():
    expected = 'It\'s "odd", said 42 cats; no, an_d dogs\N{EM DASH}all of them.\nNaïve.\n'
    assert "".join(words.tokens([TEXT])) == expected
    assert list(words.tokens([TEXT]))[:6] == ["It's", ' "', "odd", '"', ",", " said"]


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
def test_pieces_do_not_show(length):
    pieces = [TEXT[start : start + length] for start in range(0, len(TEXT), length)]
    assert list(words.tokens(pieces)) == list(words.tokens([TEXT]))


def test_encoding_in_parts_does_not_show(monkeypatch):
    monkeypatch.setattr(words, "BLOCK", 3)
    assert words.encode(list("abcabcab"), ["a", "b", UNKNOWN]).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_the_rarest_become_one_unknown_word():
    tokens = list("aaabbcd")
    known = words.vocabulary(collections.Counter(tokens), 3)
    assert known == ["a", "b", UNKNOWN]
    assert words.encode(tokens, known).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_kneser_ney_probabilities_add_up_to_one():
    learnt = np.random.default_rng(0).integers(0, 5, 400) ** 2 % 7
    for before in ([0, 1], [6, 6], [4, 2]):
        likelihoods = [np.exp(-kneser_ney.nats_per_symbol(learnt, [*before, after], 7)) for after in range(7)]
        assert sum(likelihoods) == pytest.approx(1)


def test_kneser_ney_learns_what_follows_what():
    learnt = np.tile([0, 1, 2, 3, 0, 2, 1, 3], 50)
    assert kneser_ney.nats_per_symbol(learnt, learnt, 4) < 0.2 < kneser_ney.nats_per_symbol(learnt, learnt[::-1], 4)


@pytest.fixture(scope="module")
def words_run(tiny_text, tmp_path_factory):
    out = tmp_path_factory.mktemp("words")
    sizes = {"vocabulary": 12, "epochs": 2, "batch": 4, "timesteps": 6, "embedding": 8, "units": 12, "sample_length": 9}
    lstm_words.train(lstm_words.Parameters(text=str(tiny_text), **sizes), out)
    return out


def test_perplexity_is_told_beside_the_baseline(words_run):
    model = json.loads((words_run / "model.json").read_text())
    assert model["kneser_ney_perplexity"] > 1
    for part in ("validation", "held_out"):
        assert model["metrics"][f"{part}_perplexity"] == pytest.approx(np.exp(model["metrics"][f"{part}_loss"]))


def test_the_sampler_writes_words(words_run):
    read = network.read(words_run)
    written = "".join(writing.pieces(read, 40, "The cat", writing.Choice(seed=1)))
    assert UNKNOWN not in written
    assert writing.split(read, "The cat sat.") == ["The", " cat", " sat", "."]
    assert writing.numbers(read, " zebra") == [read.vocabulary.index(UNKNOWN)]


def test_tied_probabilities_equal_those_of_keras(words_run):
    read = network.read(words_run)
    params = lstm_words.Parameters(**read.parameters)
    model = lstm_words.build(params, len(read.vocabulary))
    model.load_weights(words_run / "model.weights.h5")
    row = np.random.default_rng(1).integers(0, len(read.vocabulary), 30)
    theirs = writing.probabilities(model.predict_on_batch(row[None])[0])
    state = network.begin(read)
    ours = [writing.probabilities(network.step(read, state, int(number))) for number in row]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
