"""A trained LSTM language model in numpy alone: reads Keras' weights, takes one step at a time. Starts in 0.2 s.

Four things make a step fast. A layer's output is multiplied once, by its own recurrent kernel and the next layer's
kernel side by side. The embedding is multiplied by the first kernel beforehand. As sigmoid(x) = tanh(x / 2) / 2 + 1/2,
halved columns of the three sigmoid gates let one tanh do all four. And all arrays, parts of arrays and constants are
made once: numpy takes as long to make one as to compute with it.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from jobs import weights
from jobs.parameters import NotFound
from jobs.text import description

SIZE_LIMIT, LAYERS_LIMIT, TABLE_LIMIT = 1 << 24, 100, 1 << 28  # of one dimension; layers; numbers in Network.table
TIED = "layers/reversible_embedding/vars/0"
LINE = 16  # numbers in a line of the cache, 64 bytes
HALF = np.array(0.5, np.float32)


@dataclass(frozen=True)
class Layer:
    """One LSTM layer of H units, and N = four times the units of the next layer, or the S symbols after the last."""

    kernels: (
        np.ndarray
    )  # (H, 4H + N and some of no use): its own recurrent kernel, beside the kernel of what comes next
    next_bias: np.ndarray  # (N,)


@dataclass(frozen=True)
class Network:
    """Weights as the steps need them, float32. Gates in the order input, forget, output, candidate."""

    vocabulary: list  # S texts: what symbol number i reads as
    parameters: dict  # of the job that trained it
    is_words: bool  # symbols are words, not characters
    opening: list  # numbers of the symbols to read before writing, so as to be in the middle of a text
    table: np.ndarray  # (S, 4H): what each symbol adds to the first layer's gates: embedding, kernel and bias in one
    layers: tuple


class Memory:
    """What one layer of H units remembers, and where it computes: for one text, or with a leading axis for its rows."""

    def __init__(self, layer, rows=None):
        units, columns = layer.kernels.shape
        leading = () if rows is None else (rows,)
        self.gates, self.product, self.cell, self.output, self.added = (
            np.zeros((*leading, size), np.float32) for size in (4 * units, columns, units, units, units)
        )
        self.ahead = self.product[..., : 4 * units]
        self.onward = self.product[..., 4 * units : 4 * units + len(layer.next_bias)]
        self.sigmoids, self.candidate = self.gates[..., : 3 * units], self.gates[..., 3 * units :]
        self.into, self.kept, self.shown = (self.gates[..., start : start + units] for start in units * np.arange(3))
        self.compute = _cell


def read(folder):
    """The network of model.json and model.weights.h5 in a folder.

    Raises NotFound for a missing or damaged file, and for weights that are not of the model that model.json describes.
    """
    found = description.read(folder)
    path = folder / "model.weights.h5"
    return _network(path, found, *weights.read(path, lambda stored: _arrays(path, found, stored)))


def sharpened(network, temperature):
    """The same network with its logits divided by the temperature, which is above 0."""
    scale = np.float32(1 / max(temperature, 1e-6))
    *before, last = network.layers
    columns = np.ones(last.kernels.shape[1], np.float32)
    columns[4 * len(last.kernels) :] = scale
    return replace(network, layers=(*before, Layer(_in_lines(last.kernels * columns), last.next_bias * scale)))


def begin(network, rows=None):
    """The state before the first symbol, a Memory of zeros for each layer: for one text or for several rows of it."""
    return [Memory(layer, rows) for layer in network.layers]


def widen(network, state, rows):
    """The state of one text as that of several rows, all alike so far."""
    wide = begin(network, rows)
    for memory, before in zip(wide, state, strict=True):
        memory.product[:], memory.cell[:] = before.product, before.cell
    return wide


def compiled(state):
    """The same state, computed with from now on by compiled code, which takes half a second to come."""
    from jobs.text import lstm_cell

    for memory in state:
        units = memory.cell.shape[-1]
        rows = memory.gates.reshape(-1, 4 * units), memory.cell.reshape(-1, units), memory.output.reshape(-1, units)
        memory.compute = lambda _memory, rows=rows: lstm_cell.read(*rows)
    return state


def step(network, state, symbols):
    """Read one symbol (an int, or an array (rows,)); return logits (S,) or (rows, S) for the next. Changes state.

    The logits are overwritten by the next step.
    """
    flow = network.table[symbols]
    for layer, memory in zip(network.layers, state, strict=True):
        np.add(flow, memory.ahead, memory.gates)
        memory.compute(memory)
        np.matmul(memory.output, layer.kernels, memory.product)
        flow = np.add(memory.onward, layer.next_bias, memory.onward)
    return flow


def _cell(memory):
    """One LSTM cell: from its gates before activation, sigmoids halved, to its output."""
    np.tanh(memory.gates, memory.gates)
    np.multiply(memory.sigmoids, HALF, memory.sigmoids)
    np.add(memory.sigmoids, HALF, memory.sigmoids)
    np.multiply(memory.into, memory.candidate, memory.added)
    np.multiply(memory.cell, memory.kept, memory.cell)
    np.add(memory.cell, memory.added, memory.cell)
    np.tanh(memory.cell, memory.output)
    np.multiply(memory.output, memory.shown, memory.output)


def _arrays(path, found, stored):
    """Embedding, [(kernel, recurrent kernel, bias) of each LSTM], output kernel and bias, by Keras 3's names.

    Their shapes are those that model.json promises, or nothing is read. Raises NotFound, KeyError.
    """
    tied = TIED in stored  # the output kernel is the embedding turned round
    embedding = stored[TIED if tied else "layers/embedding/vars/0"]
    names = sorted({name.split("/")[1] for name in stored if name.startswith("layers/lstm")}, key=lambda n: (len(n), n))
    cells = [[stored[f"layers/{name}/cell/vars/{position}"] for position in range(3)] for name in names]
    outputs = [] if tied else [stored["layers/dense/vars/0"], stored["layers/dense/vars/1"]]
    shapes = [one.shape for one in (embedding, *itertools.chain(*cells), *outputs)]
    promised = _shapes(len(found["vocabulary"]), found["parameters"], tied)
    if shapes != promised:
        raise NotFound(f"{path} does not fit its model.json: expected shapes {promised}, got {shapes}.")
    embedding, *outputs = (one[()].astype(np.float32, copy=False) for one in (embedding, *outputs))
    if tied:
        outputs = [embedding.T, np.zeros(len(embedding), np.float32)]
    return embedding, [tuple(one[()].astype(np.float32, copy=False) for one in cell) for cell in cells], *outputs


def _network(path, found, embedding, cells, output, output_bias):  # noqa: PLR0913
    vocabulary, opening = found["vocabulary"], found.get("opening", [])
    ordered = [tuple(map(_ordered, cell)) for cell in cells]
    follow = [(kernel, bias) for kernel, _recurrent, bias in ordered[1:]] + [(output, output_bias)]
    layers = [
        Layer(_in_lines(np.hstack((recurrent, next_kernel))), next_bias)
        for (_kernel, recurrent, _bias), (next_kernel, next_bias) in zip(ordered, follow, strict=True)
    ]
    if not isinstance(opening, list) or not all(type(one) is int and 0 <= one < len(vocabulary) for one in opening):
        raise NotFound(f"The opening in {path.with_name('model.json')} is damaged: expected numbers of its vocabulary.")
    kernel, _recurrent, bias = ordered[0]
    is_words = found.get("symbols") == "words"
    return Network(vocabulary, found["parameters"], is_words, opening, embedding @ kernel + bias, tuple(layers))


def _in_lines(matrix):
    """A copy whose rows begin with a line of the processor's cache; read a quarter faster. More columns, of zeros.

    An odd number of lines, as rows at a distance of a power of two drive each other out of the cache.
    """
    rows, columns = matrix.shape
    width = LINE * (-(-columns // LINE) | 1)
    numbers = np.zeros(rows * width + LINE, np.float32)
    start = -numbers.ctypes.data // numbers.itemsize % LINE
    copy = numbers[start : start + rows * width].reshape(rows, width)
    copy[:, :columns] = matrix
    return copy


def _shapes(symbols, parameters, tied):
    """What model.json promises: the shapes of the embedding, of each layer's kernels and bias, of the output's.

    Raises ValueError for sizes that no network of ours has.
    """
    sizes = [parameters.get(name) for name in ("embedding", "units", "layers")]
    if not all(type(size) is int and 0 < size <= SIZE_LIMIT for size in (*sizes, symbols)) or sizes[2] > LAYERS_LIMIT:
        raise ValueError(f"model.json tells of {symbols:,} symbols and of embedding, units, layers = {sizes}")
    embedding, units, layers = sizes
    outputs = [units] * layers
    if tied:
        outputs[-1] = embedding
    if symbols * 4 * outputs[0] > TABLE_LIMIT:
        raise ValueError(f"{symbols:,} symbols and {outputs[0]:,} units are too many to write with")
    cells = [
        ((before, 4 * size), (size, 4 * size), (4 * size,))
        for before, size in zip([embedding, *outputs], outputs, strict=False)
    ]
    last = [] if tied else [(outputs[-1], symbols), (symbols,)]
    return [(symbols, embedding), *itertools.chain(*cells), *last]


def _ordered(weights):
    """The columns of a kernel or bias from Keras' order of gates, i f c o, to ours, i f o c, sigmoids halved."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.concatenate((i / 2, f / 2, o / 2, c), axis=-1)
