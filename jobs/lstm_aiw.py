"""Learn a text one character at a time, then write more of it: an LSTM on Alice's Adventures in Wonderland.

    python -m jobs.lstm_aiw --out runs/here                       # some minutes on two cores
    python -m jobs.lstm_aiw --out runs/mine --text letters.txt    # your own text, 100 kB at least
    python -m jobs.lstm_aiw --out runs/quick --units 256 --dropout 0.3 --weight-dropout 0 --learning-rate 0.02

The text is cut in order: most of it is learnt, the tenth after that chooses the epoch whose weights are kept, and is
then learnt as well; the last tenth is read once, at the very end. The third line takes a third of the time and reads a
little worse.

Many streams of the text are read side by side, 50 characters at a time, with a target after every character and the
LSTM's state carried on (truncated back-propagation through time: Williams and Peng 1990; Graves, arXiv:1308.0850).
"""

from dataclasses import dataclass

from jobs import downloads, metrics, parameters, registry, training
from jobs.parameters import option
from jobs.text import corpus, evaluation, language_model, learnable, streams, text_files


@dataclass(frozen=True)
class Parameters:
    """What `--set name=value` and the flags may change."""

    text: str = option("", "your own: a file, a folder of .txt and .md files, https://, s3://; empty: Alice", file=True)
    encoding: str = option("", "of that text, such as cp1252 or latin-1; empty: UTF-8, UTF-16 or UTF-32, as it looks")
    lower_case: bool = option(True, "fold capitals: fewer characters, each seen more often")
    rare: int = option(1, "characters that occur less often than this are not learnt", at_least=1)
    held_out: float = option(
        0.1, "share of the text, its end, only tested on; as much chooses the epoch", above=0, at_most=0.4
    )
    epochs: int = option(10, "passes over the text; under 4 reads as noise", at_least=1)
    refit: float = option(0.6, "this share of the epochs again, over what chose the epoch as well", at_least=0)
    batch: int = option(32, "streams read side by side", at_least=1)
    timesteps: int = option(50, "characters between two updates", at_least=1)
    embedding: int = option(64, "numbers that stand for a character", at_least=1)
    units: int = option(512, "size of an LSTM layer", at_least=1)
    layers: int = option(1, "LSTM layers; two cost twice as much and gain little here", at_least=1, at_most=8)
    dropout: float = option(0.5, "share of each layer's outputs left out while learning", at_least=0, at_most=0.9)
    embedding_dropout: float = option(0.1, "the same of the embedding", at_least=0, at_most=0.9)
    weight_dropout: float = option(0.2, "the same of the recurrent weights", at_least=0, at_most=0.9)
    learning_rate: float = option(0.01, "Adam's at its highest: a tenth of the way up to it, then down to 0", above=0)
    sample_length: int = option(500, "characters of the sample after each epoch", at_least=0)
    temperature: float = option(0.7, "of that sample: lower is safer, higher is bolder", at_least=0)
    engine: str = option("auto", "what learns; auto: numpy, or Keras with a GPU", choices=("auto", "keras", "numpy"))
    seed: int = option(0, "same seed, same machine: same weights", at_least=0)


def check(params):
    """Refuse a text of this machine that can't be learnt from: all that train would refuse. Raises BadInput.

    A remote run calls this on your machine before anything is rented.
    """
    if params.text and not downloads.is_address(params.text):
        learnable.check(_text(params), params)


def data(params):
    """The text's vocabulary, a list of characters, and the text as their numbers, a corpus.Split."""
    text = _text(params)
    vocabulary = corpus.vocabulary(text, params.rare)
    return vocabulary, corpus.split(corpus.encode(text, vocabulary), params.held_out)


def build(params, symbols, batch=None):
    """The network: (rows, timesteps) of character numbers -> (rows, timesteps, symbols) of logits for the next ones.

    batch: the fixed number of rows of a network that carries its state from call to call; None: any, beginning at zero.
    """
    from keras import Input, Model, initializers, layers

    from jobs.text.weight_dropout import lstm

    numbers = Input((params.timesteps if batch else None,), batch_size=batch, dtype="int32")
    spread = initializers.RandomNormal(stddev=1.0)  # with Keras' own, of 0.03, the first epochs are lost
    flow = layers.Embedding(symbols, params.embedding, spread)(numbers)
    flow = layers.Dropout(params.embedding_dropout)(flow)
    for _ in range(params.layers):
        flow = lstm(params, params.units, stateful=batch is not None)(flow)
        flow = layers.Dropout(params.dropout)(flow)
    return Model(numbers, layers.Dense(symbols)(flow))


def train(params, out):
    """Train as the parameters say and leave in the folder `out`: weights, model.json, metrics, samples, a plot."""
    vocabulary, text = data(params)
    course = streams.course(text, params)
    print(language_model.sentence(text, vocabulary, "characters"), flush=True)

    training.make_repeatable(params.seed)
    models = language_model.models(build, params, len(vocabulary), course)
    parts = evaluation.parts(text, context=4 * params.timesteps)
    facts = {"vocabulary": vocabulary, "opening": language_model.opening(text.known, vocabulary)}
    finish_epoch = language_model.epoch_end(out, "lstm_aiw", params, models, parts.validation, **facts)
    metrics.plot(out, training.fit(models.learner, course, params, out, finish_epoch))
    language_model.report(out, models.reader, parts.held_out)


def _text(params):
    paths = text_files.find(params.text) if params.text else (registry.fetch(registry.ALICE),)
    return text_files.Text(paths, params.encoding, params.lower_case)


if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
