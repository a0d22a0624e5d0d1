"""What all language models share: what learns and what reads, the end of an epoch, and the test at the very end."""

import importlib.util
import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs import atomic, learning_rate, results, training
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


@dataclass(frozen=True)
class Models:
    """The same network twice, whatever the engine: what learns, and one of Keras to read with, any rows, no state."""

    learner: object
    reader: object


def sentence(text, vocabulary, symbols):
    """What is to be learnt, for people. text: a corpus.Split of symbols, which are "words" or so."""
    learnt, validation, held_out = (f"{len(part):,}" for part in (text.learnt, text.validation, text.held_out))
    return (
        f"Learning {learnt} {symbols}, {len(vocabulary):,} different; {validation} choose the epoch, {held_out} are "
        "held out."
    )


def models(build, params, symbols, course):
    """The Models of a job's network, with the engine chosen. build: of the job. course: of streams.course."""
    reader, steps = build(params, symbols), (course.steps, course.more_steps)
    weights = reader.get_weights()
    if _engine(params) == "numpy":
        from jobs.text.numpy_learner import NumpyLearner  # not above: with a GPU, nobody needs numba

        rate = learning_rate.function(params.learning_rate, *steps)
        return Models(NumpyLearner(weights, params, rate), reader)
    learner = KerasLearner(build(params, symbols, params.batch))
    learner.use(weights)
    training.compile_adam(learner.model, params, *steps)
    return Models(learner, reader)


def epoch_end(out, job, params, models, validation, **facts):  # noqa: PLR0913
    """The function that training.fit calls after each epoch: reads the validation text, writes a sample.

    Weights and model.json are those of the epoch that knew that text best. With them the last epochs begin, in which
    that text is learnt as well. models: a Models. validation: from evaluation.pieces. facts: what
    model.json needs besides parameters and metrics; the vocabulary.
    """
    learner, reader = models.learner, models.reader
    facts["engine"] = learner.engine
    facts["units"] = {"loss": f"nats per {'word' if facts.get('symbols') == 'words' else 'character'}"}

    def finish(epoch, row):
        reader.set_weights(learner.weights)
        _write_sample(out / "samples" / f"epoch-{epoch:03d}.txt", job, params, reader, facts)
        if epoch > params.epochs:
            metrics = _kept(out) | {"last_epoch": epoch, "last_loss": row["loss"]}
            results.write(out, job, params, reader, metrics=metrics, **facts)
            return
        row |= _figures("validation", evaluation.nats_per_symbol(reader, *validation), facts)
        if epoch == 1 or row["validation_loss"] <= _kept(out).get("validation_loss", math.inf):
            results.write(out, job, params, reader, metrics=row, **facts)
        if epoch == params.epochs and params.refit:
            reader.load_weights(out / results.WEIGHTS)
            learner.use(reader.get_weights())

    return finish


def _write_sample(path, job, params, reader, facts):
    choice = writing.Choice(params.temperature, seed=params.seed)
    with tempfile.TemporaryDirectory() as folder:
        results.write(Path(folder), job, params, reader, **facts)
        sample = writing.pieces(network.read(Path(folder)), params.sample_length, choice=choice)
        atomic.write_text(path, "".join(sample))


def report(out, reader, held_out):
    """Test the weights that are kept on the held-out text, this once; add the figures to model.json, print a line.

    held_out: from evaluation.pieces.
    """
    reader.load_weights(out / results.WEIGHTS)
    description = json.loads((out / "model.json").read_text(encoding="utf-8"))
    found = description["metrics"]
    found |= _figures("held_out", evaluation.nats_per_symbol(reader, *held_out), description)
    atomic.write_json(out / "model.json", description, indent=1)
    told = {name: found[name] for name in ("epoch", *found) if name.split("_")[0] in ("epoch", "validation", "held")}
    told |= {name: found[name] for name in ("last_epoch",) if name in found}
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


def _kept(out):
    """The metrics of the weights that are kept; none without any, as when only a checkpoint came along."""
    path = out / "model.json"
    return json.loads(path.read_text(encoding="utf-8"))["metrics"] if path.exists() else {}
