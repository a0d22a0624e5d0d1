"""A block of one text, written by compiled code from the first symbol to the last: numpy's calls cost half its time.

Sizes as in jobs.text.network: S symbols, H units, N for what comes next.
"""

from jobs.text import lstm_cell
from jobs.text.lstm_cell import compiled

ROWS = 4  # of a matrix that are read side by side, so that the sum is read and written once for all


def write(network, state, symbol, _choice, noise, block):
    """Fill block, (n,), with the numbers of the symbols that follow `symbol`: each the highest of logits and noise.

    noise: (n, S). state: moves on, as jobs.text.network.step would move it.
    """
    layers = tuple(
        (layer.kernels, layer.next_bias, memory.product, memory.gates, memory.cell, memory.output)
        for layer, memory in zip(network.layers, state, strict=True)
    )
    _write(network.table, layers, symbol, noise, block)


@compiled
def _write(table, layers, symbol, noise, block):
    for position in range(block.size):
        flow = table[symbol]
        for kernels, next_bias, product, gates, cell, output in layers:
            gates[:] = flow + product[: gates.size]
            lstm_cell.read_one(gates, cell, output)
            _multiply(output, kernels, product)
            flow = product[gates.size : gates.size + next_bias.size]
            flow += next_bias
        symbol = (flow + noise[position]).argmax()
        block[position] = symbol


@compiled
def _multiply(factors, matrix, total):
    """total = factors @ matrix, faster than the BLAS for a single row."""
    total[:] = 0
    whole = factors.size - factors.size % ROWS
    for row in range(0, whole, ROWS):
        _add_rows(factors[row : row + ROWS], matrix[row : row + ROWS], total)
    for row in range(whole, factors.size):
        total += factors[row] * matrix[row]


@compiled
def _add_rows(factors, rows, total):
    first, second, third, fourth = rows[0], rows[1], rows[2], rows[3]
    one, two, three, four = factors[0], factors[1], factors[2], factors[3]
    for place in range(total.size):
        total[place] += one * first[place] + two * second[place] + three * third[place] + four * fourth[place]
