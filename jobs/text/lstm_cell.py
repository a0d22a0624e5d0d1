"""What an LSTM computes between two matrix products, forwards and backwards, compiled: one pass over the numbers.

numpy would make twenty passes, and on processors without AVX-512 takes as long for tanh alone as for the product.
Sizes: B rows, H units. Gates in Keras' order: input, forget, candidate, output. All float32 and contiguous.
"""

import numba
import numpy as np

# Not `fastmath=True`: what is no number must stay none, so that a training that fails is seen to fail.
compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz"})
ONE, HALF, LARGEST = np.float32(1), np.float32(0.5), np.float32(7.9)  # beyond it tanh is 1 in float32
# Factors of a rational approximation of tanh, Eigen's and so TensorFlow's, right to a few units in the last place: of
# the odd powers above the line and of the even ones below it, from the lowest on.
ABOVE = np.float32(
    [4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08]
    + [-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16]
)
BELOW = np.float32([4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06])


@compiled
def forward(gates, added, before, after, activated, outputs):  # noqa: PLR0913
    """One step of all rows.

    gates: (B, 4H), what the inputs add up to; become the gates after activation. added: (B, 4H), what the outputs of
    the step before add. before, after: the cells, (B, H). activated: tanh of `after`. All but added, before are filled.
    """
    units = outputs.shape[1]
    for row in range(len(outputs)):
        gate, more = gates[row], added[row]
        _sigmoid(gate[: 2 * units], more[: 2 * units])
        _tanh_of_sum(gate[2 * units : 3 * units], more[2 * units : 3 * units])
        _sigmoid(gate[3 * units :], more[3 * units :])
        _remember(gate[:units], gate[units : 2 * units], gate[2 * units : 3 * units], before[row], after[row])
        _show(after[row], gate[3 * units :], activated[row], outputs[row])


@compiled
def backward(gates, before, activated, of_outputs, of_cells, of_gates):  # noqa: PLR0913
    """The same step back, from what forward() left.

    of_outputs: the gradient of the outputs, (B, H). of_cells: of the cells after the step, becomes that before it.
    of_gates: (B, 4H), filled: before activation.
    """
    units = before.shape[1]
    for row in range(len(before)):
        into, kept = gates[row, :units], gates[row, units : 2 * units]
        candidate, shown = gates[row, 2 * units : 3 * units], gates[row, 3 * units :]
        of_output, of_cell, of_gate = of_outputs[row], of_cells[row], of_gates[row]
        _through_output(activated[row], shown, of_output, of_cell)
        _through_sigmoid(shown, activated[row], of_output, of_gate[3 * units :])
        _through_sigmoid(into, candidate, of_cell, of_gate[:units])
        _through_sigmoid(kept, before[row], of_cell, of_gate[units : 2 * units])
        _through_tanh(candidate, into, of_cell, of_gate[2 * units : 3 * units])
        _through_memory(kept, of_cell)


@compiled
def read(gates, cells, outputs):
    """One step of all rows for jobs.text.network, which learns nothing and has its own order of gates.

    gates: (B, 4H), input, forget, output, candidate; those of the three sigmoids halved. cells: go on; outputs: filled.
    """
    for row in range(len(outputs)):
        read_one(gates[row], cells[row], outputs[row])


@compiled
def read_one(gates, cell, output):
    """The same for one row: (4H,), (H,), (H,)."""
    units = output.size
    _halved_sigmoid(gates[: 3 * units])
    _tanh_of_each(gates[3 * units :])
    _go_on(gates[:units], gates[units : 2 * units], gates[3 * units :], cell)
    _tell(cell, gates[2 * units : 3 * units], output)


# One short loop each, over few arrays, or the compiler cannot tell that they don't overlap and takes one number a time.


@compiled
def _sigmoid(numbers, added):
    for place in range(numbers.size):
        numbers[place] = _tanh(HALF * (numbers[place] + added[place])) * HALF + HALF


@compiled
def _tanh_of_sum(numbers, added):
    for place in range(numbers.size):
        numbers[place] = _tanh(numbers[place] + added[place])


@compiled
def _halved_sigmoid(numbers):
    for place in range(numbers.size):
        numbers[place] = _tanh(numbers[place]) * HALF + HALF


@compiled
def _tanh_of_each(numbers):
    for place in range(numbers.size):
        numbers[place] = _tanh(numbers[place])


@compiled
def _remember(into, kept, candidate, before, after):
    for place in range(after.size):
        after[place] = kept[place] * before[place] + into[place] * candidate[place]


@compiled
def _go_on(into, kept, candidate, cells):
    for place in range(cells.size):
        cells[place] = kept[place] * cells[place] + into[place] * candidate[place]


@compiled
def _tell(cells, shown, outputs):
    for place in range(cells.size):
        outputs[place] = shown[place] * _tanh(cells[place])


@compiled
def _show(cells, shown, activated, outputs):
    for place in range(cells.size):
        activated[place] = _tanh(cells[place])
        outputs[place] = shown[place] * activated[place]


@compiled
def _through_output(activated, shown, of_outputs, of_cells):
    for place in range(activated.size):
        of_cells[place] += of_outputs[place] * shown[place] * (ONE - activated[place] * activated[place])


@compiled
def _through_sigmoid(gate, factor, of_product, of_gate):
    for place in range(gate.size):
        of_gate[place] = of_product[place] * factor[place] * gate[place] * (ONE - gate[place])


@compiled
def _through_tanh(gate, factor, of_product, of_gate):
    for place in range(gate.size):
        of_gate[place] = of_product[place] * factor[place] * (ONE - gate[place] * gate[place])


@compiled
def _through_memory(kept, of_cells):
    for place in range(kept.size):
        of_cells[place] *= kept[place]


@numba.njit(inline="always", fastmath={"contract", "reassoc", "arcp", "nsz"})
def _tanh(number):
    number = LARGEST if number > LARGEST else number
    number = -LARGEST if number < -LARGEST else number
    square = number * number
    above, below = ABOVE[6], BELOW[3]
    for power in (5, 4, 3, 2, 1, 0):
        above = above * square + ABOVE[power]
    for power in (2, 1, 0):
        below = below * square + BELOW[power]
    return number * above / below
