"""A language model that learns without TensorFlow: network, loss and optimizer are those of Keras, sooner done.

Takes its weights from the Keras network and gives them back. Sizes: B rows, T timesteps, S symbols, others as in
recurrence.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from jobs.text.recurrence import Recurrence

MOMENTUM, SQUARES_MOMENTUM, EPSILON = 0.9, 0.999, 1e-7  # Adam's, as Keras has them
LONGEST_GRADIENT = 1.0
ADAM_PIECE = 1 << 16  # weights: what Adam needs of them fits into a core's cache
CORES = os.cpu_count() or 1
POOL = ThreadPoolExecutor(CORES)


@dataclass
class _Layer:
    recurrence: Recurrence
    state: tuple  # outputs and cells after the last step, (B, H) each
    weights: list  # kernel, recurrent kernel, bias
    gradients: list
    mask: np.ndarray = None  # what is left out of the recurrent kernel in this step
    thinned: list = None  # the weights without it

    def thin(self, mask):
        kernel, recurrent, bias = self.weights
        self.mask, self.thinned = mask, [kernel, recurrent * mask, bias]


class NumpyLearner:
    """Embedding, LSTM layers with dropout around them, output layer: its own, or the embedding turned round."""

    engine = "numpy"

    def __init__(self, weights, params, learning_rate):
        """weights: of the Keras network, in its order. learning_rate: a function of the number of steps made."""
        self.params, self.learning_rate, self.made = params, learning_rate, 0
        self.numbers = np.concatenate([array.ravel() for array in weights])  # all weights in a row
        self.gradient, self.mean, self.squares = (np.zeros_like(self.numbers) for _ in range(3))
        self.weights, self.gradients = _views(self.numbers, weights), _views(self.gradient, weights)
        self.is_tied = len(weights) % 3 == 1
        firsts = range(1, len(weights) - (0 if self.is_tied else 2), 3)
        self.layers = [self._layer(slice(first, first + 3)) for first in firsts]

    def use(self, weights):
        """Go on with these, in the same order."""
        for own, array in zip(self.weights, weights, strict=True):
            own[:] = array

    def begin_epoch(self):
        """The text begins anew: forget what was read."""
        for layer in self.layers:
            for array in layer.state:
                array[:] = 0

    def learn(self, inputs, targets):
        """One step: two arrays (B, T) of symbols. Returns the mean loss, in nats, that it began with."""
        loss = self.propagate(inputs, targets)
        self._adam()
        self.made += 1
        return loss

    def arrays(self):
        """All that the next step depends on, to be kept and given to restore()."""
        states = [array for layer in self.layers for array in layer.state]
        return [np.array(self.made), self.numbers, self.mean, self.squares, *states]

    def restore(self, arrays):
        """Go on from what arrays() once returned. Raises ValueError when it is of another network."""
        own = self.arrays()
        if [array.shape for array in own] != [np.shape(array) for array in arrays]:
            raise ValueError("Expected arrays of this network.")
        for mine, array in zip(own, arrays, strict=True):
            mine[...] = array
        self.made = int(arrays[0])

    def propagate(self, inputs, targets):
        """The loss; fills self.gradients, and moves the state on."""
        params, masks, inputs = self.params, Masks(self.params.seed, self.made), inputs.T
        used = [masks.draw((*inputs.shape, self.weights[0].shape[1]), params.embedding_dropout)]
        flow = self.weights[0][inputs] * used[0]
        for layer in self.layers:
            layer.thin(masks.draw(layer.weights[1].shape, params.weight_dropout))
            outputs = layer.recurrence.forward(flow, layer.state, layer.thinned)
            used.append(masks.draw(outputs.shape, params.dropout))
            flow = outputs * used[-1]
        loss, back = self._output(flow, targets.T)
        for layer in reversed(self.layers):
            back *= used.pop()
            back = layer.recurrence.backward(back, layer.thinned, layer.gradients)
            layer.gradients[1] *= layer.mask
        back *= used.pop()
        self._embedding_gradient(inputs, back)
        return loss

    def _output(self, flow, targets):
        """The mean loss, and its gradient with respect to flow (T, B, H); fills that of the output layer."""
        kernel, bias = (self.weights[0].T, np.float32(0)) if self.is_tied else self.weights[-2:]
        rows, chosen = flow.reshape(-1, flow.shape[-1]), targets.ravel()
        shares = rows @ kernel
        parts = zip(*(np.array_split(array, CORES) for array in (shares, chosen)), strict=True)
        loss = sum(side_by_side(_softmax, [(*part, bias, targets.size) for part in parts]))
        if self.is_tied:
            np.matmul(shares.T, rows, out=self.gradients[0])
        else:
            np.matmul(rows.T, shares, out=self.gradients[-2])
            shares.sum(0, out=self.gradients[-1])
        return loss, (shares @ kernel.T).reshape(flow.shape)

    def _embedding_gradient(self, inputs, back):
        """Add up what came back to each symbol read."""
        if not self.is_tied:
            self.gradients[0][:] = 0
        read = inputs.ravel()
        order = np.argsort(read, kind="stable")
        symbols, first = np.unique(read[order], return_index=True)
        self.gradients[0][symbols] += np.add.reduceat(back.reshape(read.size, -1)[order], first)

    def _adam(self):
        """One step of Adam, as keras.optimizers.Adam makes it, after the gradient is shortened if it is too long."""
        shortened = np.float32(min(1, LONGEST_GRADIENT / max(float(np.linalg.norm(self.gradient)), EPSILON)))
        corrected = np.sqrt(1 - SQUARES_MOMENTUM ** (self.made + 1)) / (1 - MOMENTUM ** (self.made + 1))
        rate = np.float32(self.learning_rate(self.made) * corrected)
        arrays = self.numbers, self.gradient, self.mean, self.squares
        pieces = [slice(start, start + ADAM_PIECE) for start in range(0, self.numbers.size, ADAM_PIECE)]
        side_by_side(_adam, [(*(array[piece] for array in arrays), shortened, rate) for piece in pieces])

    def _layer(self, three):
        weights = self.weights[three]
        (inputs, _gates), (units, _gates) = weights[0].shape, weights[1].shape
        state = tuple(np.zeros((self.params.batch, units), np.float32) for _ in range(2))
        recurrence = Recurrence(self.params.batch, self.params.timesteps, inputs, units)
        return _Layer(recurrence, state, weights, self.gradients[three])


def side_by_side(work, given):
    """[work(*arguments) for arguments in given], each on a core of its own; numpy lets others run while it computes."""
    if len(given) == 1:
        return [work(*given[0])]
    return list(POOL.map(lambda arguments: work(*arguments), given))


def _softmax(shares, targets, bias, count):
    """Of some of `count` targets, their share of the mean loss; turns their logits less bias into their gradient."""
    shares += bias
    shares -= shares.max(1, keepdims=True)
    positions = np.arange(len(shares))
    chosen = shares[positions, targets]
    np.exp(shares, shares)
    sums = shares.sum(1)
    shares *= (1 / (sums * np.float32(count)))[:, None]
    shares[positions, targets] -= np.float32(1 / count)
    return float((np.log(sums) - chosen).sum(dtype=np.float64)) / count


def _adam(numbers, gradient, mean, squares, shortened, rate):  # noqa: PLR0913
    """One step of a piece of all weights."""
    gradient *= shortened
    change = gradient - mean
    change *= np.float32(1 - MOMENTUM)
    mean += change
    np.square(gradient, change)
    change -= squares
    change *= np.float32(1 - SQUARES_MOMENTUM)
    squares += change
    np.sqrt(squares, change)
    change += np.float32(EPSILON)
    np.divide(mean, change, change)
    change *= rate
    numbers -= change


class Masks:
    """What dropout leaves out in one step: follows from seed and step alone."""

    def __init__(self, seed, step):
        self.random = np.random.Generator(np.random.SFC64((seed, step)))

    def draw(self, shape, share):
        """An array of that shape: 0 with this probability, else 1 / (1 - share). For no dropout: 1."""
        if not share:
            return np.float32(1)
        kept = np.frombuffer(self.random.bytes(2 * int(np.prod(shape))), np.uint16) >= round(share * 65536)
        return (kept * np.float32(1 / (1 - share))).reshape(shape)


def _views(flat, like):
    """The parts of a flat array in the shapes of the arrays given."""
    ends = np.cumsum([array.size for array in like])
    return [part.reshape(array.shape) for part, array in zip(np.split(flat, ends[:-1]), like, strict=True)]
