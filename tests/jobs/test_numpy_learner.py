"""What learns in numpy learns what Keras learns: the same outputs, gradients and steps of Adam."""

import dataclasses

import numpy as np
import pytest

from jobs import lstm_aiw, lstm_words, training
from jobs.text import numpy_learner, recurrence

SIZES = {"batch": 32, "timesteps": 7, "units": 20, "embedding": 12, "layers": 2}
NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "weight_dropout": 0.0}
SYMBOLS, STEPS = 11, 10


@pytest.fixture(scope="module", params=[lstm_aiw, lstm_words], ids=["characters", "tied words"])
def pair(request):
    """The parameters, a compiled network of Keras, and what learns in numpy from the same weights."""
    job = request.param
    params = job.Parameters(epochs=2, **SIZES, **NO_DROPOUT)
    model = job.build(params, SYMBOLS, params.batch)
    training.compile_adam(model, params, STEPS)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.4, array.shape) for array in model.get_weights()])
    return params, model, numpy_learner.NumpyLearner(model.get_weights(), params, training.learning_rate(params, STEPS))


def batch(seed):
    rows = np.random.default_rng(seed).integers(0, SYMBOLS, (SIZES["batch"], SIZES["timesteps"] + 1), np.int32)
    return rows[:, :-1], rows[:, 1:]


def test_gradients_equal_those_of_keras(pair):
    import tensorflow as tf

    _params, model, learner = pair
    inputs, targets = batch(0)
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True))
    expected = tape.gradient(loss, model.trainable_variables)
    assert learner.propagate(inputs, targets) == pytest.approx(float(loss), abs=1e-5)
    for ours, theirs in zip(learner.gradients, expected, strict=True):
        np.testing.assert_allclose(ours, tf.convert_to_tensor(theirs), atol=1e-6)


def test_steps_with_carried_state_equal_those_of_keras(pair):
    """Adam, its learning rate, the shortening of long gradients, the state from step to step."""
    _params, model, learner = pair
    for layer in model.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()
    learner.begin_epoch()
    for step in range(STEPS):
        theirs = float(model.train_on_batch(*batch(step)))
        assert learner.learn(*batch(step)) == pytest.approx(theirs, abs=1e-4)
    for ours, variable in zip(learner.weights, model.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, variable.numpy(), atol=1e-3)


def test_the_learning_rate_is_the_schedule_of_keras(pair):
    params, model, _learner = pair
    schedule, ours = model.optimizer._learning_rate, training.learning_rate(params, STEPS)
    np.testing.assert_allclose(
        [ours(step) for step in range(25)], [float(schedule(step)) for step in range(25)], rtol=1e-5
    )


@pytest.mark.parametrize(("rows", "units"), [(32, 256), (31, 20), (4, 130)])
def test_neither_parts_nor_blocks_show(rows, units, monkeypatch):
    random = np.random.default_rng(0)
    shapes = [(rows, 5, 6), (rows, units), (rows, units), (6, 4 * units), (units, 4 * units), (4 * units,)]
    inputs, output, cell, *weights = [random.normal(0, 0.3, shape).astype(np.float32) for shape in shapes]
    gradient = random.normal(size=(rows, 5, units)).astype(np.float32)

    def through():
        layer = recurrence.Recurrence(rows, 5, 6, units)
        forward = [array.copy() for array in layer.forward(inputs, (output, cell), weights)]
        return [*forward, *layer.backward(gradient, (output, cell), weights)]

    cut = through()
    monkeypatch.setattr(recurrence, "ROWS_OF_PART", 1000)
    monkeypatch.setattr(recurrence, "SMALL_PRODUCT", 0)
    for one, other in zip(cut, through(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_dropout_follows_from_seed_and_step_and_keeps_the_mean():
    first, again, later = (numpy_learner.Masks(3, step).draw((50, 1000), 0.3) for step in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != later).any()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.7)}
    assert first.mean() == pytest.approx(1, abs=0.02)
    assert (first[:, 0] == 0).mean() > 0.1


@pytest.mark.parametrize("share", ["dropout", "embedding_dropout", "weight_dropout"])
def test_gradients_are_those_of_the_loss_with_the_same_dropout(pair, share):
    """By the difference quotient along the gradient itself."""
    params, _model, plain = pair
    learner = numpy_learner.NumpyLearner(plain.weights, dataclasses.replace(params, **{share: 0.4}), lambda _step: 0)
    learner.begin_epoch()
    learner.propagate(*batch(1))
    direction = learner.gradient.copy()
    start, length = learner.numbers.copy(), np.linalg.norm(direction)

    def loss(distance):
        learner.begin_epoch()
        learner.numbers[:] = start + distance / length * direction
        return learner.propagate(*batch(1))

    assert (loss(0.02) - loss(-0.02)) / 0.04 == pytest.approx(length, rel=0.02)
