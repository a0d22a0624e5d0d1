"""How well a language model knows a text that it has not learnt from."""

from dataclasses import dataclass

import numpy as np

ROWS = 32  # pieces of the text read at once
LONGEST = 1000  # symbols of a piece
LOGITS = 1 << 26  # computed at once: a quarter of a gigabyte
MOST = 500_000  # symbols of a longer text that are read: its beginning


@dataclass(frozen=True)
class Parts:
    """Each as pieces() returns it."""

    validation: tuple
    held_out: tuple


def parts(text, context):
    """The two parts of a corpus.Split that are not learnt from at first, cut for reading."""
    return Parts(pieces(text.learnt, text.validation, context), pieces(text.known, text.held_out, context))


def pieces(before, text, context):
    """The text cut into equal pieces, each with the `context` symbols before it, which are not counted.

    before: what precedes the text. Returns an array (pieces, context + 1 + length) of int32, and the context, which is
    less than asked for where `before` is that short. Fewer symbols at the end than there are pieces are left out.
    """
    text, context = text[:MOST], min(context, len(before) - 1)
    count = min(len(text), ROWS * -(-len(text) // (ROWS * LONGEST)))
    whole = np.concatenate([before[-context - 1 :], text]).astype(np.int32)
    length = len(text) // count
    return np.stack([whole[piece * length :][: context + 1 + length] for piece in range(count)]), context


def nats_per_symbol(model, rows, context):
    """Mean negative log likelihood, in nats, of each row's symbols after its first `context` + 1.

    model: (rows, length) of symbols -> (rows, length, symbols) of logits. rows: from pieces().
    """
    symbols = int(rows.max()) + 1
    at_once = next(count for count in (ROWS, 8, 2, 1) if count == 1 or count * rows.shape[1] * symbols <= LOGITS)
    parts = np.split(rows, range(at_once, len(rows), at_once))
    return float(np.average([_nats(model, part, context) for part in parts], weights=[len(part) for part in parts]))


def _nats(model, rows, context):
    logits = model.predict_on_batch(rows[:, :-1])[:, context:]
    targets = rows[:, context + 1 :]
    highest = logits.max(-1, keepdims=True)
    log_sums = np.log(np.exp(logits - highest).sum(-1)) + highest[..., 0]
    chosen = np.take_along_axis(logits, targets[..., None], -1)[..., 0]
    return (log_sums - chosen).mean(dtype=np.float64)
