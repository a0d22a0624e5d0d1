"""Texts as words that can be put together again: a token carries the space before it, so joining them gives the text.

"the cat, sat" is "the", " cat", ",", " sat". Line ends within a paragraph count as spaces; paragraphs end with "\\n".
"""

import collections
import itertools
import re

import numpy as np

from jobs.text import corpus
from jobs.text.corpus import UNKNOWN

LONGEST = 1 << 20  # characters of a paragraph; so that a text without empty lines is never in memory as a whole
AT_ONCE = 1 << 20  # tokens
TOKEN = re.compile(r" ?[^\W\d_]+(?:['’][^\W\d_]+)*| ?\d| ?[^\w\s]| ?_|\s")


def paragraphs(text):
    """The paragraphs of a text that comes in pieces; a much too long one is cut between two words."""
    rest = ""
    for piece in text:
        *whole, rest = re.split(r"\n[^\S\n]*\n\s*", rest + piece)
        yield from filter(str.strip, whole)
        if len(rest) > LONGEST and (cut := max(rest.rfind(" "), rest.rfind("\n"))) > 0:
            yield rest[:cut]
            rest = rest[cut:]
    if rest.strip():
        yield rest


def tokens(text):
    """All tokens of a text that comes in pieces."""
    for paragraph in paragraphs(text):
        yield from TOKEN.findall(" ".join(paragraph.split()))
        yield "\n"


def vocabulary(all_tokens, size):
    """The `size` - 1 most frequent tokens, the most frequent first, then UNKNOWN for all the others."""
    counts = collections.Counter(all_tokens)
    frequent = sorted(counts, key=lambda token: (-counts[token], token))[: size - 1]
    return [*frequent, UNKNOWN]


def encode(all_tokens, known):
    """The tokens as numbers of their vocabulary, (length,) of int32 on disk; others become its last entry, UNKNOWN."""
    numbers = {token: number for number, token in enumerate(known)}
    return corpus.on_disk(_arrays(numbers.get(token, len(known) - 1) for token in all_tokens), np.int32)


def _arrays(numbers):
    """Numbers that come one by one, as arrays."""
    while len(array := np.fromiter(itertools.islice(numbers, AT_ONCE), np.int32)):
        yield array
