"""A long sequence cut for truncated back-propagation through time: many streams read side by side, a bit at a time."""

from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput


def check_length(length, params):
    """Raise BadInput for a text that has too few symbols to learn from. params: have a batch and timesteps."""
    needed = (params.batch + 1) * params.timesteps
    if length < needed:
        raise BadInput(
            f"The text is too short: expected at least {needed:,} symbols to learn from (batch {params.batch}, "
            f"timesteps {params.timesteps}), got {length:,}. Make batch or timesteps smaller."
        )


@dataclass(frozen=True)
class Streams:
    """`batch` readers, each with its own equal part of the text; a step moves every one `timesteps` symbols on.

    So row b of one step continues row b of the step before, and an LSTM that keeps its state sees more than timesteps.
    """

    numbers: np.ndarray  # (length,) ints, memory-mapped or not
    batch: int
    timesteps: int
    seed: int = 0

    def __post_init__(self):
        check_length(len(self.numbers), self)

    @property
    def steps(self):
        """Steps in an epoch; a few symbols at the end of each part are left over, other ones in each epoch."""
        return (len(self.numbers) - self.timesteps) // self.batch // self.timesteps

    def steps_of(self, epochs):
        """The steps of each of so many epochs."""
        return [self.steps] * epochs

    def at(self, epoch, step):
        """Inputs and targets of one step: two arrays (batch, timesteps) of int32; targets are the symbols that follow.

        Each epoch cuts elsewhere, by a random shift that follows from seed and epoch alone.
        """
        shift = np.random.default_rng((self.seed, epoch)).integers(self.timesteps)
        part = (len(self.numbers) - shift - 1) // self.batch
        starts = shift + step * self.timesteps + part * np.arange(self.batch)
        rows = np.stack([self.numbers[start : start + self.timesteps + 1] for start in starts]).astype(np.int32)
        return rows[:, :-1], rows[:, 1:]


@dataclass(frozen=True)
class Course:
    """Some epochs over a part of a text, then a few more over the whole of it."""

    part: Streams
    epochs: int  # over the part
    whole: Streams
    more_epochs: int

    @property
    def steps(self):
        """Steps of all epochs over the part."""
        return self.epochs * self.part.steps

    @property
    def more_steps(self):
        """Steps after them."""
        return self.more_epochs * self.whole.steps

    def steps_of(self, epochs):
        """The steps of each epoch, of so many over the part and of the others."""
        return self.part.steps_of(epochs) + self.whole.steps_of(self.more_epochs)

    def at(self, epoch, step):
        """As Streams.at."""
        return (self.part if epoch <= self.epochs else self.whole).at(epoch, step)


def course(text, params):
    """How a job goes through a corpus.Split: what is learnt, params.epochs times; then what chose the epoch as well."""
    more_epochs = round(params.refit * params.epochs)
    sizes = params.batch, params.timesteps, params.seed
    return Course(Streams(text.learnt, *sizes), params.epochs, Streams(text.known, *sizes), more_epochs)
