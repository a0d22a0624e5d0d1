"""Learn from your Slack export, then write conversations as your colleagues might: the LSTM of lstm_aiw.

    python -m jobs.lstm_slack --out runs/slack --export export.zip --channels general,random --since 2024-01-01
    bin/sample.sh --as alice --in general

Only what is selected is read, and only that leaves your machine: pack() writes it to a text file before anything else.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from jobs import atomic, metrics, parameters, training
from jobs.lstm_aiw import build
from jobs.parameters import BadInput, option
from jobs.text import corpus, evaluation, language_model, learnable, slack_export, streams, text_files


@dataclass(frozen=True)
class Parameters:
    """What `--set name=value` and the flags may change."""

    export: str = option("", "the export as Slack makes it: the .zip or its folder", file=True)
    people: str = option("", "only what these said, such as alice,bob; empty: everybody")
    channels: str = option("", "only what was said here, such as general,random; empty: everywhere")
    since: str = option("", "the first day, YYYY-MM-DD")
    until: str = option("", "the last day, YYYY-MM-DD")
    lower_case: bool = option(False, "fold capitals: fewer characters, each seen more often")
    rare: int = option(5, "characters that occur less often than this are not learnt", at_least=1)
    held_out: float = option(
        0.1, "share of the text, its end, only tested on; as much chooses the epoch", above=0, at_most=0.4
    )
    epochs: int = option(16, "passes over the text; under 4 reads as noise", at_least=1)
    refit: float = option(0.5, "this share of the epochs again, over what chose the epoch as well", at_least=0)
    batch: int = option(32, "streams read side by side", at_least=1)
    timesteps: int = option(100, "characters between two updates", at_least=1)
    embedding: int = option(64, "numbers that stand for a character", at_least=1)
    units: int = option(512, "size of an LSTM layer", at_least=1)
    layers: int = option(1, "LSTM layers", at_least=1, at_most=8)
    dropout: float = option(0.5, "share of each layer's outputs left out while learning", at_least=0, at_most=0.9)
    embedding_dropout: float = option(0.1, "the same of the embedding", at_least=0, at_most=0.9)
    weight_dropout: float = option(0.2, "the same of the recurrent weights", at_least=0, at_most=0.9)
    learning_rate: float = option(0.01, "Adam's at its highest: a tenth of the way up to it, then down to 0", above=0)
    sample_length: int = option(1000, "characters of the sample after each epoch", at_least=0)
    temperature: float = option(0.7, "of that sample: lower is safer, higher is bolder", at_least=0)
    engine: str = option("auto", "what learns; auto: numpy, or Keras with a GPU", choices=("auto", "keras", "numpy"))
    seed: int = option(0, "same seed, same machine: same weights", at_least=0)


def pack(params, folder):
    """Write the selected conversations to folder/conversations.txt; return parameters that name it as the export.

    A remote run calls this on your machine and takes along what it wrote, instead of the export. Raises BadInput.
    """
    if not params.export:
        raise BadInput("Expected a Slack export: --export FILE.zip, or for a remote run --set export=FILE.zip.")
    days = slack_export.day(params.since), slack_export.day(params.until)
    selection = slack_export.Selection(_names(params.people), _names(params.channels), *days)
    text = "".join(slack_export.conversations(params.export, selection))
    if not text:
        raise BadInput("No message in the export is by these people, in these channels, at that time.")
    atomic.write_text(folder / "conversations.txt", text)
    return replace(params, export=str(folder / "conversations.txt"))


def check(params):
    """Refuse an export that can't be learnt from: all that train would refuse. Raises BadInput.

    A remote run calls this on your machine before anything is rented.
    """
    with tempfile.TemporaryDirectory() as folder:
        learnable.check(_text(pack(params, Path(folder))), params)


def data(params):
    """The conversations as one text, the oldest first: vocabulary, a corpus.Split of its numbers, who speaks where."""
    with tempfile.TemporaryDirectory() as folder:
        packed = params if params.export.endswith(".txt") else pack(params, Path(folder))
        text = _text(packed)
        vocabulary = corpus.vocabulary(text, params.rare)
        split = corpus.split(corpus.encode(text, vocabulary), params.held_out)
        return vocabulary, split, slack_export.speakers(text)


def train(params, out):
    """Train as the parameters say and leave in the folder `out`: weights, model.json, metrics, samples, a plot."""
    vocabulary, text, speakers = data(params)
    course = streams.course(text, params)
    print(language_model.sentence(text, vocabulary, "characters"), flush=True)

    training.make_repeatable(params.seed)
    models = language_model.models(build, params, len(vocabulary), course)
    parts = evaluation.parts(text, context=4 * params.timesteps)
    opening = language_model.opening(text.known, vocabulary)
    facts = {"vocabulary": vocabulary, "opening": opening, **speakers}
    finish_epoch = language_model.epoch_end(out, "lstm_slack", params, models, parts.validation, **facts)
    metrics.plot(out, training.fit(models.learner, course, params, out, finish_epoch))
    language_model.report(out, models.reader, parts.held_out)


def _text(packed):
    return text_files.Text((Path(packed.export),), "utf-8", packed.lower_case)


def _names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
