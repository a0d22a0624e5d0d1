"""A trained LSTM language model in numpy alone: reads Keras' weights, takes one step at a time. Starts in 0.2 s.

Gates are in Keras' order: input, forget, candidate, output. As sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, the columns of the
three sigmoid gates are halved when read, and one tanh does all four.
"""

import json
from dataclasses import dataclass

import h5py
import numpy as np

from jobs.parameters import NotFound


@dataclass(frozen=True)
class Network:
    """Weights as the steps need them, float32. H units, S symbols."""

    vocabulary: list  # S texts: what symbol number i reads as
    parameters: dict  # of the job that trained it
    is_words: bool  # symbols are words, not characters
    table: np.ndarray  # (S, 4H): embedding, first kernel and bias in one: what each symbol adds to the first gates
    recurrent: np.ndarray  # (H, 4H) of the first layer
    deeper: tuple  # for each further layer: (2H, 4H) kernel over recurrent kernel, and (4H,) bias
    output: np.ndarray  # (H, S)
    output_bias: np.ndarray  # (S,)


@dataclass
class State:
    """What the network remembers: for each layer its output and its cell, (H,) or (rows, H) each."""

    outputs: list
    cells: list


def read(folder):
    """The network of model.json and model.weights.h5 in a folder.

    Raises NotFound for a missing or damaged file, and for weights that are not of the model that model.json describes.
    """
    description = _read_description(folder / "model.json")
    path = folder / "model.weights.h5"
    try:
        with h5py.File(path) as file:
            arrays = _arrays(file["layers"])
    except FileNotFoundError:
        raise NotFound(f"Expected weights at {path}, found none. A run has them after its first epoch.") from None
    except (OSError, KeyError, RuntimeError) as wrong:
        raise NotFound(f"{path} is damaged or not a language model's: {str(wrong).splitlines()[0]}") from None
    return _network(path, description, *arrays)


def begin(network, rows=None):
    """The state before the first symbol: zeros, for one text or for several rows of it."""
    sizes = [network.recurrent.shape[0], *(len(bias) // 4 for _kernel, bias in network.deeper)]
    shapes = [(size,) if rows is None else (rows, size) for size in sizes]
    return State(*([np.zeros(shape, np.float32) for shape in shapes] for _ in ("outputs", "cells")))


def step(network, state, symbols):
    """Read one symbol (an int, or an array (rows,)); return logits (S,) or (rows, S) for the next. Changes state."""
    gates = state.outputs[0] @ network.recurrent
    gates += network.table[symbols]
    flow = _cell(gates, state, 0)
    for layer, (kernel, bias) in enumerate(network.deeper, start=1):
        gates = np.concatenate((flow, state.outputs[layer]), -1) @ kernel
        gates += bias
        flow = _cell(gates, state, layer)
    logits = flow @ network.output
    logits += network.output_bias
    return logits


def _cell(gates, state, layer):
    """One LSTM cell from its four gates before activation, (..., 4H) with halved sigmoids; returns the new output."""
    units = gates.shape[-1] // 4
    np.tanh(gates, gates)
    candidate, output_gate = gates[..., 2 * units : 3 * units], gates[..., 3 * units :]
    sigmoids = gates[..., : 2 * units]
    sigmoids += 1
    sigmoids *= 0.5
    output_gate += 1
    output_gate *= 0.5
    cell = state.cells[layer]
    cell *= gates[..., units : 2 * units]
    candidate *= gates[..., :units]
    cell += candidate
    output = np.tanh(cell, out=state.outputs[layer])
    output *= output_gate
    return output


def _read_description(path):
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(description["vocabulary"], list) and isinstance(description["parameters"], dict):
            return description
    except FileNotFoundError:
        raise NotFound(f"Expected a finished run, found no {path}.") from None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise NotFound(f"{path} is damaged, or not of a language model: expected a vocabulary and parameters in it.")


def _arrays(layers):
    """Embedding, [(kernel, recurrent kernel, bias) of each LSTM], output kernel and bias, by Keras 3's names."""
    names = sorted((name for name in layers if name.startswith("lstm")), key=lambda name: (len(name), name))
    cells = [tuple(layers[f"{name}/cell/vars/{position}"][()] for position in range(3)) for name in names]
    if "reversible_embedding" in layers:  # tied: the output kernel is the embedding turned round
        embedding = layers["reversible_embedding/vars/0"][()]
        return embedding, cells, embedding.T, np.zeros(len(embedding), np.float32)
    return layers["embedding/vars/0"][()], cells, layers["dense/vars/0"][()], layers["dense/vars/1"][()]


def _network(path, description, embedding, cells, output, output_bias):  # noqa: PLR0913
    vocabulary, parameters = description["vocabulary"], description["parameters"]
    found = [embedding.shape, *(cell[1].shape for cell in cells), output.shape]
    told = _shapes(len(vocabulary), parameters, tied=np.shares_memory(output, embedding))
    if found != told:
        raise NotFound(f"{path} does not fit its model.json: expected shapes {told}, got {found}.")
    (kernel, recurrent, bias), *others = [_halved(*cell) for cell in cells]
    table = embedding @ kernel + bias
    deeper = tuple((np.vstack((kernel, recurrent)), bias) for kernel, recurrent, bias in others)
    is_words = description.get("symbols") == "words"
    return Network(vocabulary, parameters, is_words, table, recurrent, deeper, output, output_bias)


def _shapes(symbols, parameters, tied):
    """What model.json promises: the shapes of the embedding, of each layer's recurrent kernel, of the output kernel."""
    embedding, units, layers = (parameters.get(name, 0) for name in ("embedding", "units", "layers"))
    sizes = [units] * layers
    if tied:
        sizes[-1:] = [embedding]
    return [(symbols, embedding), *((size, 4 * size) for size in sizes), (*sizes[-1:], symbols)]


def _halved(*weights):
    """A cell's weights with the columns of the three sigmoid gates halved."""
    units = weights[1].shape[0]
    half = np.full(4 * units, 0.5, np.float32)
    half[2 * units : 3 * units] = 1
    return tuple(array * half for array in weights)
