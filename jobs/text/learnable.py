"""Whether texts can be learnt from: asked on the user's machine, before anything is rented."""

import dataclasses
import itertools

from jobs.parameters import BadInput
from jobs.text import corpus, streams, text_files, words

ENOUGH = 1_000_000  # words; that there are more, nobody has to know


def check(text, params):
    """Refuse a text_files.Text that can't be read, or is too short, as train would. Raises BadInput."""
    lengths = _of_each_file(text, characters)
    _check_lengths([sum(lengths)], params)


def check_words(text, params):
    """The same for a model of words, to which each file is a text of its own."""
    _check_lengths(_of_each_file(text, word_count), params)


def characters(pieces):
    """How many characters a text has."""
    return sum(map(len, pieces))


def word_count(pieces):
    """How many words a text has, or ENOUGH; all of it is read."""
    pieces = iter(pieces)
    found = sum(1 for _token in itertools.islice(words.tokens(pieces), ENOUGH))
    characters(pieces)
    return found


def _check_lengths(lengths, params):
    learnt = corpus.shares(lengths, params.held_out)[:, 0].sum()
    streams.check_length(int(learnt), params)


def _of_each_file(text, length):
    """The length of each file; of those that can't be read all are named. Raises BadInput."""
    lengths, unreadable, reasons = [], [], []
    for path in text.paths:
        try:
            lengths.append(length(dataclasses.replace(text, paths=(path,))))
        except BadInput as wrong:
            unreadable.append(path)
            reasons.append(wrong)
    if len(unreadable) > 1:
        raise BadInput(f"Of {len(text.paths)} files these can't be read: {text_files.named(unreadable)}. {reasons[0]}")
    if reasons:
        raise reasons[0]
    return lengths
