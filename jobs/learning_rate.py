"""Adam's learning rate in a training: up for a tenth of all steps, then down to zero along a cosine.

Where a training goes on with more steps on more data, once more and not as high.
"""

import math

RISING = 0.1  # of all steps
LOWEST = 0.1  # of the highest rate, to begin with
AGAIN = 0.6  # how high the second time


def function(highest, steps, more=0):
    """Rate as a function of how many of the `steps`, and then of the `more` steps, have been made."""

    def rate(made):
        if made >= steps and more:
            return AGAIN * _up_and_down(highest, more, made - steps)
        return _up_and_down(highest, steps, made)

    return rate


def schedule(highest, steps, more=0):
    """The same for an optimizer of Keras."""
    from keras import ops, optimizers

    first, second = _cosine(highest, steps), _cosine(AGAIN * highest, more or 1)

    class UpAndDown(optimizers.schedules.LearningRateSchedule):
        def __call__(self, made):
            return ops.where(made < steps, first(made), second(made - steps)) if more else first(made)

    return UpAndDown()


def _up_and_down(highest, steps, made):
    rising, falling = _rise_and_fall(steps)
    if made < rising:
        return highest * (LOWEST + (1 - LOWEST) * made / rising)
    return highest * (1 + math.cos(math.pi * min(1, (made - rising) / falling))) / 2


def _cosine(highest, steps):
    from keras import optimizers

    rising, falling = _rise_and_fall(steps)
    return optimizers.schedules.CosineDecay(highest * LOWEST, falling, warmup_target=highest, warmup_steps=rising)


def _rise_and_fall(steps):
    """How many steps the learning rate rises, and how many it falls."""
    return max(1, int(RISING * steps)), max(1, int((1 - RISING) * steps))
