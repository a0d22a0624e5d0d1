"""An LSTM layer over many steps, and its gradient, on a processor: sooner done than with Keras' loop.

Three things make it fast. Each step is one product for all rows, which numpy's BLAS shares among the cores. What lies
between two products is compiled (lstm_cell.py). The weight gradients are one product at the end, not one a step.
Sizes: T timesteps, B rows, E inputs, H units. Time comes first, so that a step is one piece of memory. All float32.
"""

import numpy as np

from jobs.text import lstm_cell


class Recurrence:
    """One layer: forward(), then backward() through what forward() has just read. Uses its arrays again and again."""

    def __init__(self, rows, timesteps, inputs, units):
        def zeros(steps, size):
            return np.zeros((steps, rows, size), np.float32)

        self.gates, self.of_gates = zeros(timesteps, 4 * units), zeros(timesteps, 4 * units)
        self.cells, self.outputs = (
            zeros(timesteps + 1, units),
            zeros(timesteps + 1, units),
        )  # [0]: before the first step
        self.activated = zeros(timesteps, units)  # tanh of the cells after each step
        self.added, self.of_inputs = np.zeros((rows, 4 * units), np.float32), zeros(timesteps, inputs)

    def forward(self, inputs, state, weights):
        """Outputs (T, B, H), which the next call overwrites. Moves the state on.

        inputs: (T, B, E). state: outputs and cells before the first step, (B, H) each. weights: kernel (E, 4H),
        recurrent kernel (H, 4H), bias (4H,).
        """
        kernel, recurrent, bias = weights
        self.inputs, (self.outputs[0], self.cells[0]) = inputs, state
        np.matmul(_flat(inputs), kernel, out=_flat(self.gates))
        self.gates += bias
        for step, gates in enumerate(self.gates):
            np.matmul(self.outputs[step], recurrent, out=self.added)
            before, after = self.cells[step : step + 2]
            lstm_cell.forward(gates, self.added, before, after, self.activated[step], self.outputs[step + 1])
        state[0][:], state[1][:] = self.outputs[-1], self.cells[-1]
        return self.outputs[1:]

    def backward(self, gradient, weights, of_weights):
        """From the gradient of the outputs, (T, B, H), that of the inputs, (T, B, E), which the next call overwrites.

        weights: as given to forward(). of_weights: three arrays like them, filled with their gradients. What came
        before the first step counts as given: its gradient is not asked for.
        """
        kernel, recurrent, _bias = weights
        of_outputs, of_cells = np.zeros_like(self.outputs[0]), np.zeros_like(self.cells[0])
        for step in reversed(range(len(self.gates))):
            of_outputs += gradient[step]
            read = self.gates[step], self.cells[step], self.activated[step]
            lstm_cell.backward(*read, of_outputs, of_cells, self.of_gates[step])
            np.matmul(self.of_gates[step], recurrent.T, out=of_outputs)
        of_gates = _flat(self.of_gates)
        np.matmul(_flat(self.inputs).T, of_gates, out=of_weights[0])
        np.matmul(_flat(self.outputs[:-1]).T, of_gates, out=of_weights[1])
        of_gates.sum(0, out=of_weights[2])
        np.matmul(of_gates, kernel.T, out=_flat(self.of_inputs))
        return self.of_inputs


def _flat(array):
    """(T, B, n) as (T * B, n)."""
    return array.reshape(-1, array.shape[-1])
