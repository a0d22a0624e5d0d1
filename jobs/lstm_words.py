"""Learn a text one word at a time: an LSTM whose output layer is its embedding turned round, on eight novels.

    python -m jobs.lstm_words --out runs/words                       # on a GPU; two cores take 45 minutes
    python -m jobs.lstm_words --out runs/mine --text my-novels/      # your own: a million words or more

The same streams as in lstm_aiw; the vocabulary is cut, what is rarer is one unknown word. The perplexity on the end of
every book is reported beside that of a Kneser-Ney trigram, which is what an LSTM has to beat.
Source: Zaremba et al., arXiv:1409.2329; tied weights: Press and Wolf, arXiv:1608.05859.
"""

import dataclasses
import math
from dataclasses import dataclass

from jobs import downloads, metrics, parameters, registry, training
from jobs.parameters import option
from jobs.text import corpus, evaluation, kneser_ney, language_model, learnable, streams, text_files, words

MOST_READ = 10_000_000  # words by the trigram, the last ones: it needs 100 bytes for each


@dataclass(frozen=True)
class Parameters:
    """What `--set name=value` and the flags may change."""

    text: str = option(
        "", "your own: a file, a folder of .txt and .md files, https://, s3://; empty: eight novels", file=True
    )
    encoding: str = option("", "of that text, such as cp1252 or latin-1; empty: UTF-8, UTF-16 or UTF-32, as it looks")
    lower_case: bool = option(False, "fold capitals")
    vocabulary: int = option(10_000, "different words; all others are one unknown word", at_least=10)
    held_out: float = option(
        0.1, "share of each file, its end, only tested on; as much chooses the epoch", above=0, at_most=0.4
    )
    epochs: int = option(8, "passes over the text", at_least=1)
    refit: float = option(0.25, "this share of the epochs again, over what chose the epoch as well", at_least=0)
    batch: int = option(32, "streams read side by side", at_least=1)
    timesteps: int = option(35, "words between two updates", at_least=1)
    embedding: int = option(256, "numbers that stand for a word; also the size of the last LSTM layer", at_least=1)
    units: int = option(256, "size of the LSTM layers before the last", at_least=1)
    layers: int = option(2, "LSTM layers", at_least=1, at_most=8)
    dropout: float = option(0.4, "share of each layer's outputs left out while learning", at_least=0, at_most=0.9)
    embedding_dropout: float = option(0.2, "the same of the embedding", at_least=0, at_most=0.9)
    weight_dropout: float = option(0.2, "the same of the recurrent weights", at_least=0, at_most=0.9)
    learning_rate: float = option(0.004, "Adam's at its highest: a tenth of the way up to it, then down to 0", above=0)
    sample_length: int = option(200, "words of the sample after each epoch", at_least=0)
    temperature: float = option(0.8, "of that sample: lower is safer, higher is bolder", at_least=0)
    engine: str = option("auto", "what learns; auto: numpy, or Keras with a GPU", choices=("auto", "keras", "numpy"))
    seed: int = option(0, "same seed, same machine: same weights", at_least=0)


def check(params):
    """Refuse a text of this machine that can't be learnt from: all that train would refuse. Raises BadInput.

    A remote run calls this on your machine before anything is rented.
    """
    if params.text and not downloads.is_address(params.text):
        learnable.check_words(_text(params), params)


def data(params):
    """The vocabulary, a list of words, and the text as their numbers, a corpus.Split: of each file's parts in turn."""
    text = _text(params)
    books = [dataclasses.replace(text, paths=(path,)) for path in text.paths]
    counts, lengths = words.count(books)
    vocabulary = words.vocabulary(counts, params.vocabulary)
    numbers = words.encode((token for book in books for token in words.tokens(book)), vocabulary)
    return vocabulary, corpus.split(numbers, params.held_out, lengths)


def build(params, symbols, batch=None):
    """The network: (rows, timesteps) of word numbers -> (rows, timesteps, symbols) of logits for the next ones.

    batch: the fixed number of rows of a network that carries its state from call to call; None: any, beginning at zero.
    """
    from keras import Input, Model, layers

    from jobs.text.weight_dropout import lstm

    numbers = Input((params.timesteps if batch else None,), batch_size=batch, dtype="int32")
    embedding = layers.ReversibleEmbedding(symbols, params.embedding)
    flow = layers.Dropout(params.embedding_dropout)(embedding(numbers))
    for units in [params.units] * (params.layers - 1) + [params.embedding]:
        flow = lstm(params, units, stateful=batch is not None)(flow)
        flow = layers.Dropout(params.dropout)(flow)
    return Model(numbers, embedding(flow, reverse=True))


def kneser_ney_perplexity(read, held_out, symbols):
    """Of a trigram that has read the text as well; of a very long one, the end, as more takes it much memory."""
    nats = kneser_ney.nats_per_symbol(read[-MOST_READ:], held_out[: evaluation.MOST], symbols)
    return math.exp(nats)


def train(params, out):
    """Train as the parameters say and leave in the folder `out`: weights, model.json, metrics, samples, a plot."""
    vocabulary, text = data(params)
    course = streams.course(text, params)
    baseline = kneser_ney_perplexity(text.known if course.more_epochs else text.learnt, text.held_out, len(vocabulary))
    print(language_model.sentence(text, vocabulary, "words"))
    print(f"A Kneser-Ney trigram has perplexity {baseline:.1f} on what is held out.", flush=True)

    training.make_repeatable(params.seed)
    models = language_model.models(build, params, len(vocabulary), course)
    parts = evaluation.parts(text, context=4 * params.timesteps)
    opening = language_model.opening(text.known, vocabulary)
    facts = {"vocabulary": vocabulary, "opening": opening, "symbols": "words", "kneser_ney_perplexity": baseline}
    finish_epoch = language_model.epoch_end(out, "lstm_words", params, models, parts.validation, **facts)
    metrics.plot(out, training.fit(models.learner, course, params, out, finish_epoch))
    language_model.report(out, models.reader, parts.held_out)


def _text(params):
    paths = text_files.find(params.text) if params.text else tuple(map(registry.fetch, registry.NOVELS))
    return text_files.Text(paths, params.encoding, params.lower_case)


if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
