"""What all language models share: what learns and what reads, the end of an epoch, and the test at the very end."""

import importlib.util
import json
import math
import tempfile
from pathlib import Path

import numpy as np

from jobs import atomic, results, training
from jobs.keras_learner import KerasLearner
from jobs.text import evaluation, network, writing

OPENING, LAST = 200, 100_000  # symbols: of an opening, and among which its end is looked for


def opening(learnt, vocabulary):
    """The numbers of the learnt text's last symbols up to a line end: read before a sample begins, and not shown.

    A model that has read nothing takes itself to be before the title of a book, and may write blanks for ever.
    """
    last = np.asarray(learnt[-LAST:])
    line_ends = np.flatnonzero(last == vocabulary.index("\n")) if "\n" in vocabulary else []
    end = line_ends[-1] + 1 if len(line_ends) else len(last)
    return [int(number) for number in last[max(0, end - OPENING) : end]]


def models(build, params, symbols, steps):
    """What learns, with the engine chosen, and the same network of Keras to read with: any rows, no state.

    build: of the job. steps: in an epoch. Both begin with the same weights, whatever the engine.
    """
    reader = build(params, symbols)
    weights = reader.get_weights()
    if _engine(params) == "numpy":
        from jobs.text.numpy_learner import NumpyLearner  # not above: with a GPU, nobody needs numba

        return NumpyLearner(weights, params, training.learning_rate(params, steps)), reader
    model = build(params, symbols, params.batch)
    for variable, array in zip(model.trainable_variables, weights, strict=True):
        variable.assign(array)
    training.compile_adam(model, params, steps)
    return KerasLearner(model), reader


def epoch_end(out, job, params, models, validation, **facts):  # noqa: PLR0913
    """The function that training.fit calls after each epoch: reads the validation text, writes a sample.

    Weights and model.json are those of the epoch that knew that text best. models: as models() returns them.
    validation: from evaluation.pieces. facts: what model.json needs besides parameters and metrics; the vocabulary.
    """
    learner, reader = models
    choice = writing.Choice(params.temperature, seed=params.seed)
    facts["engine"] = learner.engine
    facts["units"] = {"loss": f"nats per {'word' if facts.get('symbols') == 'words' else 'character'}"}

    def finish(epoch, row):
        reader.set_weights(learner.weights)
        row |= _figures("validation", evaluation.nats_per_symbol(reader, *validation), facts)
        with tempfile.TemporaryDirectory() as folder:
            results.write(Path(folder), job, params, reader, **facts)
            sample = writing.pieces(network.read(Path(folder)), params.sample_length, choice=choice)
            atomic.write_text(out / "samples" / f"epoch-{epoch:03d}.txt", "".join(sample))
        if epoch == 1 or row["validation_loss"] <= _best_loss(out):
            results.write(out, job, params, reader, metrics=row, **facts)

    return finish


def report(out, reader, held_out):
    """Test the best epoch's weights on the held-out text, this once; add the figures to model.json, print a line.

    held_out: from evaluation.pieces.
    """
    reader.load_weights(out / "model.weights.h5")
    description = json.loads((out / "model.json").read_text(encoding="utf-8"))
    found = description["metrics"]
    found |= _figures("held_out", evaluation.nats_per_symbol(reader, *held_out), description)
    atomic.write_json(out / "model.json", description, indent=1)
    told = {name: found[name] for name in ("epoch", *found) if name == "epoch" or name.startswith(("valid", "held"))}
    told |= {name: description[name] for name in description if name.startswith("kneser_ney")}
    print("best", " ".join(f"{name} {value:.4g}" for name, value in told.items()), flush=True)


def _engine(params):
    import tensorflow as tf

    if params.engine != "auto":
        return params.engine
    without = tf.config.list_physical_devices("GPU") or not importlib.util.find_spec("numba")
    return "keras" if without else "numpy"


def _figures(part, nats, facts):
    """{"validation_loss": nats} and, of words, the perplexity."""
    figures = {f"{part}_loss": nats}
    return figures | ({f"{part}_perplexity": math.exp(nats)} if facts.get("symbols") == "words" else {})


def _best_loss(out):
    """The validation loss of the weights that are kept; infinity without any, as when only a checkpoint came along."""
    path = out / "model.json"
    return json.loads(path.read_text(encoding="utf-8"))["metrics"]["validation_loss"] if path.exists() else math.inf
