"""The baseline that a neural language model must beat: an interpolated Kneser-Ney trigram, in numpy.

Source: Chen and Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, 1998, section 4.1.6; one
discount per order, D = n1 / (n1 + 2 n2), from the numbers of n-grams seen once and twice.
"""

import numpy as np


def nats_per_symbol(learnt, text, symbols):
    """Mean negative log likelihood, in nats, of a text's symbols after its second, by a trigram model of `learnt`.

    learnt, text: (length,) ints below `symbols`.
    """
    learnt, text = np.asarray(learnt, np.int64), np.asarray(text, np.int64)
    return float(-np.log(_trigram(learnt, text, symbols)).mean())


def _trigram(learnt, text, symbols):
    """Probability of each symbol of the text after its second, given the two before."""
    trigrams, counts = np.unique(_joined(learnt, 3, symbols), return_counts=True)
    lower = _bigram(trigrams, text[1:], symbols)
    return _interpolated(trigrams, counts, _joined(text, 3, symbols), symbols, lower)


def _bigram(trigrams, text, symbols):
    """The same one order lower: a bigram counts as often as there are different symbols before it."""
    bigrams, counts = np.unique(trigrams % symbols**2, return_counts=True)
    lower = _unigram(bigrams, text[1:], symbols)
    return _interpolated(bigrams, counts, _joined(text, 2, symbols), symbols, lower)


def _unigram(bigrams, text, symbols):
    """And the lowest, interpolated with all symbols alike, so that nothing is impossible."""
    counts = np.bincount(bigrams % symbols, minlength=symbols)
    discount = _discount(counts[counts > 0])
    share = np.maximum(counts - discount, 0) / counts.sum()
    return (share + discount * np.count_nonzero(counts) / counts.sum() / symbols)[text]


def _interpolated(grams, counts, wanted, symbols, lower):
    """(count - D) / (count of the context) + (D x different followers of the context) / (its count) x lower order."""
    contexts, first, followers = np.unique(grams // symbols, return_index=True, return_counts=True)
    totals = np.add.reduceat(counts, first)
    discount = _discount(counts)
    place = _find(contexts, wanted // symbols)
    total = np.where(place < 0, 1, totals[place])
    count = np.where((found := _find(grams, wanted)) < 0, 0, counts[found])
    left = np.where(place < 0, 1.0, discount * followers[place] / total)
    return np.maximum(count - discount, 0) / total + left * lower


def _discount(counts):
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    return once / (once + 2 * twice) if once and twice else 0.5


def _joined(numbers, order, symbols):
    """Each run of `order` symbols as one int64: its digits to the base `symbols`."""
    joined = np.zeros(len(numbers) - order + 1, np.int64)
    for position in range(order):
        joined = joined * symbols + numbers[position : position + len(joined)]
    return joined


def _find(ordered, wanted):
    """Where each wanted value stands in an ordered array; -1 where it is not."""
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[place] == wanted, place, -1)
