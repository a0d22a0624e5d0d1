"""An LSTM layer over many steps, and its gradient, in numpy: a processor is done sooner than with Keras' loop.

Four things make it fast. The rows are cut into parts, one for each core. All weight gradients are one product at the
end, not one a step. The products within a step are cut into blocks so small that BLAS reads the weights where they are,
instead of packing them anew at each step. And as sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, halved columns of the three
sigmoid gates let one tanh do all four.
Sizes: B rows, T timesteps, E inputs, H units. Gates in Keras' order: input, forget, candidate, output. All float32.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import threadpoolctl

ROWS_OF_PART = 16  # at least: with fewer, a product costs as much as with these
SMALL_PRODUCT = 600_000  # multiplications, rather less than OpenBLAS's limit for its kernels that pack nothing
CORES = os.cpu_count() or 1
POOL = ThreadPoolExecutor(CORES)


def side_by_side(work, given):
    """[work(*arguments) for arguments in given], each on a core of its own; numpy lets others run while it computes."""
    if len(given) == 1:
        return [work(*given[0])]
    return list(POOL.map(lambda arguments: work(*arguments), given))


class Recurrence:
    """One layer: forward(), then backward() through what forward() has just read. Uses its arrays again and again."""

    def __init__(self, rows, timesteps, inputs, units):
        threadpoolctl.threadpool_limits(1, "blas")  # the parts run side by side already
        most = max(1, min(CORES, rows // ROWS_OF_PART))
        parts = next(count for count in range(most, 0, -1) if rows % count == 0)
        self.parts = [_Part.of(rows // parts, timesteps, inputs, units) for _ in range(parts)]
        self.units = units
        self.outputs = np.empty((rows, timesteps, units), np.float32)
        self.input_gradient = np.empty((rows, timesteps, inputs), np.float32)

    def forward(self, inputs, state, weights):
        """Outputs (B, T, H) and the state after the last step.

        inputs: (B, T, E). state: outputs and cells before the first step, (B, H) each. weights: kernel (E, 4H),
        recurrent kernel (H, 4H), bias (4H,). The outputs are overwritten by the next call.
        """
        scale = _per_gate(self.units, 1.0)
        kernel, recurrent, bias = (weight * scale for weight in weights)
        recurrent = _blocks(recurrent, self.parts[0].rows)
        read = self._of_each_part(_forward, inputs, *state, self.outputs, shared=(kernel, recurrent, bias))
        return self.outputs, *map(np.concatenate, zip(*read, strict=True))

    def backward(self, gradient, state_gradient, weights):
        """From the gradients of what forward() returned, those of what it was given: inputs, state, weights.

        Returns (B, T, E), (B, H) twice, and the three of the weights, summed over rows and steps.
        """
        kernel, recurrent, _bias = weights
        shared = np.ascontiguousarray(kernel.T), _blocks(recurrent.T, self.parts[0].rows)
        found = self._of_each_part(_backward, gradient, *state_gradient, self.input_gradient, shared=shared)
        outputs, cells, *of_weights = zip(*found, strict=True)
        return self.input_gradient, np.concatenate(outputs), np.concatenate(cells), *map(sum, of_weights)

    def _of_each_part(self, work, *arrays, shared):
        """[work(part, *its rows of each array, *shared) for each part]."""
        cut = [np.split(array, len(self.parts)) for array in arrays]
        return side_by_side(work, [(part, *rows, *shared) for part, *rows in zip(self.parts, *cut, strict=True)])


@dataclass(frozen=True)
class _Part:
    """What forward leaves for backward, of some of the rows. Time comes first: a step is one piece of memory."""

    inputs: np.ndarray  # (T, B, E)
    gates: np.ndarray  # (T, B, 4H), after activation
    cells: np.ndarray  # (T + 1, B, H), before the first step and after each
    activated: np.ndarray  # (T, B, H): tanh of the cells after each
    outputs: np.ndarray  # (T + 1, B, H)
    gate_gradient: np.ndarray  # (T, B, 4H), before activation

    @classmethod
    def of(cls, rows, timesteps, inputs, units):
        sizes = [inputs, 4 * units, units, units, units, 4 * units]
        steps = [timesteps, timesteps, timesteps + 1, timesteps, timesteps + 1, timesteps]
        return cls(*(np.zeros((step, rows, size), np.float32) for step, size in zip(steps, sizes, strict=True)))

    @property
    def rows(self):
        return self.inputs.shape[1]


def _forward(part, inputs, output, cell, outputs, kernel, recurrent, bias):  # noqa: PLR0913
    """Fill the part from its rows of inputs and state, and `outputs` with its outputs; return the state after it."""
    part.inputs[:], part.outputs[0], part.cells[0] = inputs.transpose(1, 0, 2), output, cell
    np.matmul(_flat(part.inputs), kernel, out=_flat(part.gates))
    units, product = cell.shape[1], _Product(recurrent, part.rows)
    scale, shift = _per_gate(units, 1.0), _per_gate(units, 0.0)
    added = np.empty_like(cell)
    for step, gates in enumerate(part.gates):
        product.add(part.outputs[step], gates)
        gates += bias
        np.tanh(gates, gates)
        gates *= scale
        gates += shift
        into, kept, candidate, shown = _gates(gates)
        after = np.multiply(kept, part.cells[step], part.cells[step + 1])
        after += np.multiply(into, candidate, added)
        np.multiply(shown, np.tanh(after, part.activated[step]), part.outputs[step + 1])
    outputs[:] = part.outputs[1:].transpose(1, 0, 2)
    return part.outputs[-1], part.cells[-1]


def _backward(part, gradient, output_gradient, cell_gradient, input_gradient, kernel, recurrent):  # noqa: PLR0913
    """From the gradients of a part's rows, those of its state before the first step and of the weights.

    Fills input_gradient. kernel, recurrent: turned round.
    """
    product = _Product(recurrent, part.rows)
    later, cell_gradient, slope = output_gradient.copy(), cell_gradient.copy(), np.empty_like(cell_gradient)
    for step in range(len(part.gates) - 1, -1, -1):
        later += gradient[:, step]
        _through_cell(part, step, later, cell_gradient, slope)
        later[:] = 0
        product.add(part.gate_gradient[step], later)
    of_gates = _flat(part.gate_gradient)
    input_gradient[:] = (of_gates @ kernel).reshape(part.inputs.shape).transpose(1, 0, 2)
    of_kernels = (_flat(read).T @ of_gates for read in (part.inputs, part.outputs[:-1]))
    return later, cell_gradient, *of_kernels, of_gates.sum(0)


def _through_cell(part, step, output_gradient, cell_gradient, slope):
    """One step back: fill the step's gate_gradient, and turn cell_gradient into that of the step before."""
    gates, of_gates, activated = part.gates[step], part.gate_gradient[step], part.activated[step]
    into, kept, candidate, shown = _gates(gates)
    of_into, of_kept, of_candidate, of_shown = _gates(of_gates)
    np.multiply(gates, gates, of_gates)
    np.subtract(gates, of_gates, of_gates)  # s - s^2, a sigmoid's slope
    np.subtract(1, np.multiply(candidate, candidate, slope), of_candidate)  # 1 - t^2, a tanh's
    np.subtract(1, np.multiply(activated, activated, slope), slope)
    slope *= shown
    slope *= output_gradient
    cell_gradient += slope
    for of_gate, factor in ((of_into, candidate), (of_kept, part.cells[step]), (of_candidate, into)):
        of_gate *= factor
        of_gate *= cell_gradient
    of_shown *= activated
    of_shown *= output_gradient
    cell_gradient *= kept


class _Product:
    """rows (B, depth) times a matrix in blocks (blocks, depth, width), added to an array (B, blocks * width)."""

    def __init__(self, blocks, rows):
        self.blocks = blocks
        self.result = np.empty((len(blocks), rows, blocks.shape[2]), np.float32)

    def add(self, rows, total):
        np.matmul(rows, self.blocks, out=self.result)
        seen = total.reshape(len(rows), len(self.blocks), -1)
        seen += self.result.transpose(1, 0, 2)


def _blocks(matrix, rows):
    """A matrix (depth, columns) cut into blocks of columns, (blocks, depth, width), for products with `rows` rows."""
    depth, columns = matrix.shape
    fitting = [
        width for width in range(1, columns + 1) if columns % width == 0 and rows * depth * width < SMALL_PRODUCT
    ]
    width = max(fitting) if max(fitting, default=0) >= 16 else columns  # 16 numbers are a register of AVX-512
    return np.ascontiguousarray(matrix.reshape(depth, -1, width).transpose(1, 0, 2))


def _per_gate(units, candidate):
    """(4H,): one half for the sigmoid gates, for the candidate the number given."""
    return np.repeat(np.float32([0.5, 0.5, candidate, 0.5]), units)


def _gates(array):
    """The four quarters of the columns."""
    units = array.shape[1] // 4
    return [array[:, start : start + units] for start in range(0, 4 * units, units)]


def _flat(array):
    """(T, B, n) as (T * B, n)."""
    return array.reshape(-1, array.shape[-1])
