"""Endless different cuts of a set of pictures, streamed by tf.data: the set may be larger than memory.

Files are decoded when they are needed, several at a time and ahead of the training, and kept while there is room. What
a batch holds follows from (seed, epoch, step) alone, so that a training that was stopped goes on bit for bit.
"""

import functools
from dataclasses import dataclass, field

import numpy as np

from jobs.pictures import augmentation, preparation
from jobs.pictures.masks import Encoding
from jobs.pictures.preparation import Preparation

KEPT_BYTES = 1 << 29  # of decoded pictures
NEIGHBOURS = 32  # pictures whose cuts are mixed: each is decoded once an epoch, however many cuts it has
LEAST_STEPS = 32  # in an epoch: a few pictures are cut more often
MOST_CUTS = 4000  # in an epoch: many large pictures are cut less often, but each of them once


@dataclass(frozen=True)
class Source:
    """Where the cuts come from."""

    files: tuple  # (picture, mask) of each pair: Paths
    sizes: tuple  # (width, height) of each once it is shrunk
    encoding: Encoding
    preparation: Preparation
    augment: str  # as in augmentation.cut
    light: float  # as in augmentation.light
    seed: int


@dataclass
class Cuts:
    """Batches for training.fit: inputs (batch, tile, tile, channels) of float32, targets (batch, tile, tile) of uint8.

    A target is a class number, or IGNORED.
    """

    source: Source
    batch: int
    iterator: object = field(default=None, init=False)
    next: tuple = field(default=(0, 0), init=False)  # the epoch and step that the iterator would give

    def __post_init__(self):
        self.counts = _cuts_of_each(self.source, self.batch)
        self.steps = -(-sum(self.counts) // self.batch)
        self.read = _reader(self.source)

    def steps_of(self, epochs):
        """The steps of each of so many epochs."""
        return [self.steps] * epochs

    def at(self, epoch, step):
        """Inputs and targets of one step; steps count from 0."""
        if self.next != (epoch, step):
            self.iterator = iter(self._dataset(epoch, step))
        self.next = (epoch, step + 1)
        return next(self.iterator)

    def _dataset(self, epoch, step):
        """The rest of an epoch from that step on, as a tf.data.Dataset."""
        import tensorflow as tf

        order = _order(self.counts, self.steps * self.batch, (self.source.seed, epoch))
        kinds, shape = (tf.float32, tf.uint8), (self.source.preparation.tile,) * 2

        def load(position):
            one = functools.partial(_cut, self.source, self.read, order, epoch)
            pixels, mask = tf.numpy_function(one, [position], kinds, stateful=False)
            return tf.ensure_shape(pixels, (*shape, self.source.preparation.channels)), tf.ensure_shape(mask, shape)

        positions = tf.data.Dataset.range(step * self.batch, self.steps * self.batch)
        return positions.map(load, tf.data.AUTOTUNE).batch(self.batch).prefetch(tf.data.AUTOTUNE)


def _cut(source, read, order, epoch, position):
    """The cut at that position of an epoch."""
    random = np.random.default_rng((source.seed, epoch, int(position)))
    pixels, mask = read(int(order[position]))
    pixels, mask = augmentation.cut(random, pixels, mask, source.preparation.tile, source.augment)
    pixels = augmentation.light(random, preparation.standardised(pixels, source.preparation), source.light)
    return np.ascontiguousarray(pixels, np.float32), np.ascontiguousarray(mask)


def _reader(source):
    """The function that gives picture and mask number n, shrunk; it keeps the latest in KEPT_BYTES of memory."""
    largest = max(width * height for width, height in source.sizes) * (source.preparation.channels + 1)

    @functools.lru_cache(max(NEIGHBOURS, KEPT_BYTES // largest))
    def read(number):
        picture, mask = source.files[number]
        pixels = preparation.pixels(picture, source.preparation)
        return pixels, preparation.mask(mask, source.encoding, source.preparation)

    return read


def _cuts_of_each(source, batch):
    """How many cuts an epoch makes of each picture: as many tiles as it has room for, unless they are few or many."""
    room = [max(1.0, width * height / source.preparation.tile**2) for width, height in source.sizes]
    often = max(1.0, LEAST_STEPS * batch / sum(room)) * min(1.0, MOST_CUTS / sum(room))
    return [max(1, round(tiles * often)) for tiles in room]


def _order(counts, length, seed):
    """Which picture each cut of an epoch is of: (length,) ints. Pictures are shuffled, then cuts among neighbours."""
    random = np.random.default_rng(seed)
    pictures = random.permutation(len(counts))
    parts = [pictures[start : start + NEIGHBOURS] for start in range(0, len(pictures), NEIGHBOURS)]
    cuts = np.concatenate([random.permutation(np.repeat(part, [counts[one] for one in part])) for part in parts])
    return np.resize(cuts, length)
