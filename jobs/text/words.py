"""Texts as words that can be put together again: a token carries the space before it, so joining them gives the text.

"the cat, sat" is "the", " cat", ",", " sat". Line ends within a paragraph count as spaces; paragraphs end with "\\n".
"""

import collections
import re

import numpy as np

from jobs.text.corpus import UNKNOWN

TOKEN = re.compile(r" ?[^\W\d_]+(?:['’][^\W\d_]+)*| ?\d| ?[^\w\s]| ?_|\s")


def paragraphs(text):
    """The paragraphs of a text that comes in pieces: one line each, single spaces, "\\n" at the end."""
    rest = ""
    for piece in text:
        *whole, rest = re.split(r"\n[^\S\n]*\n\s*", rest + piece)
        yield from filter(str.strip, whole)
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
    """The tokens as numbers of their vocabulary, (length,) of int32; others become its last entry, UNKNOWN."""
    numbers = {token: number for number, token in enumerate(known)}
    return np.fromiter((numbers.get(token, len(known) - 1) for token in all_tokens), np.int32)
