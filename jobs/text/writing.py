"""Text from a language model, symbol by symbol; and how likely it finds a given one."""

import importlib.util
import itertools
from dataclasses import dataclass

import numpy as np

from jobs.parameters import BadInput
from jobs.text import network as net
from jobs.text import words
from jobs.text.corpus import UNKNOWN

BLOCK = 128  # symbols that are shown together, and per draw of random numbers
MUCH = 20_000  # symbols to write: with so many, compiled code is worth its time to start
LEAST = np.float32(1e-9)  # instead of 0, whose logarithm is infinite


@dataclass(frozen=True)
class Choice:
    """How the next symbol is chosen out of the probabilities."""

    temperature: float = 1.0  # logits are divided by it; 0: always the likeliest
    top_k: int = 0  # only among the k likeliest; 0: all
    top_p: float = 1.0  # only among the likeliest that together have this probability
    seed: int = 0


def numbers(network, text):
    """The symbol numbers of a text. Raises BadInput for symbols that the model never saw and has no number for."""
    known, symbols = _known(network), split(network, text)
    strange = sorted(set(symbols) - set(known))
    if strange and UNKNOWN not in known:
        raise BadInput(f"The model never saw {' '.join(map(repr, strange[:5]))}. It knows: {''.join(known)!r}.")
    return [known.get(symbol, len(known) - 1) for symbol in symbols]


def known_numbers(network, text):
    """The same with such symbols left out, and how many they were."""
    known, symbols = _known(network), split(network, text)
    unknown = known.get(UNKNOWN)
    found = [number for symbol in symbols if (number := known.get(symbol, unknown)) is not None]
    return found, len(symbols) - len(found)


def split(network, text):
    """The symbols of a text, characters or words, lower-cased if the model's own text was."""
    text = text.lower() if network.parameters.get("lower_case") else text
    return list(words.tokens([text]))[:-1] if network.is_words else list(text)


def blocks(network, length, prompt="", choice=None, rows=None):
    """Write `length` symbols after the prompt, or at the beginning of a line: yields (n,) or (n, rows) symbol numbers.

    The first block is one symbol, so that it can be shown at once. rows: several texts side by side, or None for one.
    """
    choice = choice or Choice()
    network = net.sharpened(network, choice.temperature or 1)
    random = np.random.default_rng(choice.seed)
    state = net.begin(network)
    *before, symbol = [*network.opening, *numbers(network, prompt)] or [_start(network)]
    for number in before:
        net.step(network, state, number)
    if rows is not None:
        state, symbol = net.widen(network, state, rows), np.full(rows, symbol)
    done, write = 0, _write
    while done < length:
        count = min(BLOCK, length - done) if done else 1
        noise = _noise(network, random, choice, (count, *np.shape(symbol)))
        block = np.empty((count, *np.shape(symbol)), np.int64)
        write(network, state, symbol, choice, noise, block)
        yield block
        if not done and length * (rows or 1) >= MUCH:
            write = _compiled(state, choice)
        done, symbol = done + count, block[-1]


def pieces(network, length, prompt="", choice=None, stop=""):
    """What is written after the prompt, as texts to be shown one after the other; ends before `stop`, if that comes."""
    written = (
        "".join([network.vocabulary[number] for number in block]) for block in blocks(network, length, prompt, choice)
    )
    return _until(stop, written) if stop else written


def texts(network, length, rows, prompt="", choice=None, stop=""):
    """What is written after the prompt in `rows` different ways, side by side: much faster than one after the other."""
    columns = np.concatenate([np.zeros((0, rows), int), *blocks(network, length, prompt, choice, rows)]).T
    whole = ("".join([network.vocabulary[number] for number in column]) for column in columns)
    return [text.partition(stop)[0] if stop else text for text in whole]


def score(network, symbols):
    """Nats per symbol: mean negative log likelihood of all but the first of the symbol numbers, two at least."""
    state, total = net.begin(network), 0.0
    for before, after in itertools.pairwise(symbols):
        logits = net.step(network, state, before)
        total += _log_sum(logits) - float(logits[after])
    return total / (len(symbols) - 1)


def probabilities(logits):
    """Softmax over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _known(network):
    return {symbol: number for number, symbol in enumerate(network.vocabulary)}


def _until(stop, written):
    """The same texts up to `stop`, which may begin in one and end in the next."""
    held = ""
    for piece in written:
        before, found, _after = (held + piece).partition(stop)
        if found:
            yield before
            return
        held = before[max(0, len(before) - len(stop) + 1) :]
        yield before[: len(before) - len(held)]
    yield held


def _start(network):
    """What comes before a text without a prompt: a line end, as texts begin lines."""
    return network.vocabulary.index("\n") if "\n" in network.vocabulary else 0


def _noise(network, random, choice, shape):
    """Gumbel noise (*shape, S): adding it to logits and taking the highest is to draw from their softmax.

    It is minus the logarithm of what is exponentially distributed. UNKNOWN gets minus infinity: it is never chosen.
    Temperature 0 gets no noise.
    """
    shape += (len(network.vocabulary),)
    noise = np.zeros(shape, np.float32)
    if choice.temperature:
        random.standard_exponential(dtype=np.float32, out=noise)
        np.negative(np.log(np.maximum(noise, LEAST, out=noise), out=noise), out=noise)
    if network.vocabulary[-1] == UNKNOWN:
        noise[..., -1] = -np.inf
    return noise


def _choose(logits, choice, noise):
    """The number of the next symbol, or (rows,) of them, from logits at the choice's temperature."""
    if choice.top_k or choice.top_p < 1:
        _bar_unlikely(logits + np.where(np.isneginf(noise), noise, 0), logits, choice)
    np.add(logits, noise, logits)
    return int(logits.argmax()) if logits.ndim == 1 else logits.argmax(-1)


def _write(network, state, symbol, choice, noise, block):  # noqa: PLR0913
    """Fill the block, (n,) or (n, rows), with what follows `symbol`."""
    for position, one in enumerate(noise):
        block[position] = symbol = _choose(net.step(network, state, symbol), choice, one)


def _compiled(state, choice):
    """_write() with compiled code, where there is any; it takes half a second to come."""
    if not importlib.util.find_spec("numba"):
        return _write
    from jobs.text import compiled_block

    if state[0].cell.ndim == 1 and not choice.top_k and choice.top_p == 1:
        return compiled_block.write
    net.compiled(state)
    return _write


def _bar_unlikely(allowed, logits, choice):
    """Set to minus infinity what is not among the top_k likeliest, or not needed to reach the probability top_p."""
    order = np.argsort(allowed, -1)[..., ::-1]
    if choice.top_k:
        np.put_along_axis(logits, order[..., choice.top_k :], -np.inf, -1)
    if choice.top_p < 1:
        likeliest = np.take_along_axis(probabilities(allowed), order, -1)
        needed = np.cumsum(likeliest, -1) - likeliest < choice.top_p
        needed[..., 0] = True
        ranks = np.argsort(order, -1)
        logits[~np.take_along_axis(needed, ranks, -1)] = -np.inf


def _log_sum(logits):
    highest = logits.max()
    return float(highest + np.log(np.exp(logits - highest).sum()))
