"""Texts as words that can be put together again: a token carries the space before it, so joining them gives the text.

"the cat, sat" is "the", " cat", ",", " sat". Line ends within a paragraph count as spaces; paragraphs end with "\\n".
"""

import collections
import itertools
import re

import numpy as np

from jobs.text import corpus
from jobs.text.corpus import UNKNOWN

TOKEN = re.compile(r" ?[^\W\d_]+(?:['’][^\W\d_]+)*| ?\d| ?[^\w\s]| ?_|\s")
PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
BLOCK = 1 << 20  # tokens that are encoded at once
LONGEST_WORD = 1 << 16  # characters; a text without white space is cut somewhere


def tokens(text):
    """All tokens of a text that comes in pieces."""
    is_begun = False
    for part in _parts(text):
        for position, paragraph in enumerate(PARAGRAPH_END.split(part)):
            if position and is_begun:
                yield "\n"
                is_begun = False
            if line := " ".join(paragraph.split()):
                yield from TOKEN.findall(f" {line}" if is_begun else line)
                is_begun = True
    if is_begun:
        yield "\n"


def count(texts):
    """How often each token occurs in several texts, a Counter, and how many tokens each text has, a list."""
    counts, lengths = collections.Counter(), []
    for text in texts:
        own = collections.Counter(tokens(text))
        counts.update(own)
        lengths.append(own.total())
    return counts, lengths


def vocabulary(counts, size):
    """The `size` - 1 most frequent tokens of a Counter, the most frequent first, then UNKNOWN for all the others."""
    frequent = sorted(counts, key=lambda token: (-counts[token], token))[: size - 1]
    return [*frequent, UNKNOWN]


def encode(all_tokens, known):
    """The tokens as numbers of their vocabulary, memory-mapped (length,); others become its last entry, UNKNOWN."""
    numbers = {token: number for number, token in enumerate(known)}
    found, kind = (numbers.get(token, len(known) - 1) for token in all_tokens), corpus.kind_for(known)
    blocks = (np.fromiter(itertools.islice(found, BLOCK), kind) for _ in itertools.count())
    return corpus.on_disk(itertools.takewhile(len, blocks), kind)


def _parts(text):
    """The same text in pieces that are cut before white space, so in no word and in no paragraph's end."""
    rest = ""
    for piece in text:
        joined = rest + piece
        end = _last_space(joined) or (len(joined) if len(joined) > LONGEST_WORD else 0)
        yield joined[:end]
        rest = joined[end:]
    yield rest


def _last_space(text):
    """Where the last white space of a text begins; 0 where there is none."""
    words = text.rstrip()
    if len(words) == len(text):
        words = text[: len(text) - len("".join(text.rsplit(None, 1)[-1:]))].rstrip()
    return len(words)
