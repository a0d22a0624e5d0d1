"""What benchmarks.lstm_training compares: engines, which can make a step of training and tell their held-out loss."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jobs import learning_rate, lstm_aiw
from jobs.text import evaluation, language_model, streams
from jobs.text.streams import Streams

WINDOW, TUTORIAL_BATCH = 100, 128


@dataclass(frozen=True)
class Engine:
    name: str
    targets: int  # learnt in a step
    flop: float  # of a step's matrix products
    step: Callable
    restart: Callable  # begin anew, compiled as it is
    held_out_loss: Callable  # nats per character
    steps_between_looks: int


def tutorial(text, symbols, units):
    """As tutorials have it: windows of 100 characters as numbers between 0 and 1, one target each, Adam as it comes."""
    import keras

    layers = [
        keras.Input((WINDOW, 1)),
        keras.layers.LSTM(units),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(symbols, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    fresh, random = model.get_weights(), np.random.default_rng(0)

    def step():
        starts = random.integers(len(text.learnt) - WINDOW, size=TUTORIAL_BATCH)
        model.train_on_batch(*_windows(text.learnt, starts, symbols))

    def held_out_loss():
        starts = np.arange(0, len(text.validation) - WINDOW, 7)
        return float(model.evaluate(*_windows(text.validation, starts, symbols), batch_size=512, verbose=0))

    flop = 6 * TUTORIAL_BATCH * (WINDOW * 4 * units * (units + 1) + units * symbols)
    return Engine(
        "tutorial, windows of 100",
        TUTORIAL_BATCH,
        flop,
        step,
        lambda: _renew(model, fresh),
        held_out_loss,
        steps_between_looks=25,
    )


def keras_streams(text, symbols, units):
    """Streams with a target after every character, learnt with the stock layers and loop of Keras."""
    return _job("streams, Keras", "keras", text, symbols, units)


def numpy_streams(text, symbols, units):
    """The same network, recipe and streams as our job learns them on a processor."""
    return _job("streams, ours", "numpy", text, symbols, units)


def _job(name, engine, text, symbols, units):
    params = lstm_aiw.Parameters(units=units, weight_dropout=0.0, engine=engine, timesteps=50, batch=32)
    course = streams.course(text, params)
    models = language_model.models(lstm_aiw.build, params, symbols, course)
    learner, reader = models.learner, models.reader
    fresh, position = [array.copy() for array in learner.arrays()], _Position(course.part)

    def held_out_loss():
        reader.set_weights(learner.weights)
        return evaluation.nats_per_symbol(reader, *evaluation.parts(text, 4 * params.timesteps).validation)

    def restart():
        position.made = 0
        learner.restore(fresh)

    def step():
        if position.made % course.part.steps == 0:
            learner.begin_epoch()
        learner.learn(*position.next())

    return _streams_engine(name, params, symbols, step, restart, held_out_loss)


def torch_streams(text, symbols, units):
    """The same network, recipe and streams in native torch, whose LSTM on a CPU is oneDNN's."""
    import torch

    params = lstm_aiw.Parameters(units=units)
    course = streams.course(text, params)
    network, position = _torch_network(params, symbols), _Position(course.part)
    fresh = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rate = learning_rate.function(1.0, course.steps, course.more_steps)
    optimizer = schedule = state = None

    def restart():
        nonlocal optimizer, schedule
        position.made = 0
        network.load_state_dict(fresh)
        optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def logits(inputs, before):
        flow = network["embedding_dropout"](network["embedding"](torch.as_tensor(inputs)))
        flow, after = network["lstm"](flow, before)
        return network["dense"](network["dropout"](flow)), tuple(tensor.detach() for tensor in after)

    def step():
        nonlocal state
        inputs, targets = position.next()
        told, state = logits(inputs, state if position.made % course.part.steps != 1 else None)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(told.flatten(0, 1), torch.as_tensor(targets).long().flatten()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()

    def held_out_loss():
        with torch.no_grad():
            network.eval()
            reader = _Predictor(lambda rows: logits(rows, None)[0].numpy())
            loss = evaluation.nats_per_symbol(reader, *evaluation.parts(text, 4 * params.timesteps).validation)
            network.train()
            return loss

    restart()
    return _streams_engine("streams, torch", params, symbols, step, restart, held_out_loss)


def _torch_network(params, symbols):
    from torch import nn

    layers = {
        "embedding": nn.Embedding(symbols, params.embedding),
        "embedding_dropout": nn.Dropout(params.embedding_dropout),
        "lstm": nn.LSTM(params.embedding, params.units, batch_first=True),
        "dropout": nn.Dropout(params.dropout),
        "dense": nn.Linear(params.units, symbols),
    }
    return nn.ModuleDict(layers)


def _streams_engine(name, params, symbols, step, restart, held_out_loss):  # noqa: PLR0913
    targets = params.batch * params.timesteps
    weights = (params.embedding + params.units) * 4 * params.units + params.units * symbols
    return Engine(name, targets, 6 * targets * weights, step, restart, held_out_loss, steps_between_looks=4)


@dataclass
class _Position:
    """Walks through the streams without an end."""

    streams: Streams
    made: int = 0

    def next(self):
        epoch, step = divmod(self.made, self.streams.steps)
        self.made += 1
        return self.streams.at(epoch + 1, step)


@dataclass(frozen=True)
class _Predictor:
    predict_on_batch: Callable


def _renew(model, weights):
    """The model as it was made: weights, and an optimizer of zeros."""
    model.set_weights(weights)
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape))


def _windows(numbers, starts, symbols):
    """Inputs (n, WINDOW, 1) between 0 and 1, and the character after each."""
    rows = np.stack([numbers[start : start + WINDOW + 1] for start in starts])
    return rows[:, :-1, None].astype(np.float32) / symbols, rows[:, -1].astype(np.int32)
