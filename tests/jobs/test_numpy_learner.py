"""What learns in numpy learns what Keras learns: the same outputs, gradients and steps of Adam."""

import dataclasses

import numpy as np
import pytest

from jobs import learning_rate, lstm_aiw, lstm_words, training
from jobs.text import lstm_cell, numpy_learner

SIZES = {"batch": 32, "timesteps": 7, "units": 20, "embedding": 12, "layers": 2}
NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "weight_dropout": 0.0}
SYMBOLS, STEPS = 11, 10


@pytest.fixture(scope="module", params=[lstm_aiw, lstm_words], ids=["characters", "tied words"])
def pair(request):
    """The parameters, a compiled network of Keras, and what learns in numpy from the same weights."""
    job = request.param
    params = job.Parameters(epochs=2, **SIZES, **NO_DROPOUT)
    model = job.build(params, SYMBOLS, params.batch)
    training.compile_adam(model, params, STEPS, STEPS)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.4, array.shape) for array in model.get_weights()])
    rate = learning_rate.function(params.learning_rate, STEPS, STEPS)
    return params, model, numpy_learner.NumpyLearner(model.get_weights(), params, rate)


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
    params, model, learner = pair
    schedule, ours = model.optimizer._learning_rate, learner.learning_rate
    rates = [ours(step) for step in range(25)]
    np.testing.assert_allclose(rates, [float(schedule(step)) for step in range(25)], rtol=1e-5)
    assert (
        max(rates) == params.learning_rate
        and max(rates[STEPS:]) == pytest.approx(0.6 * params.learning_rate)
        and rates[-1] == 0
    )


def test_the_compiled_tanh_is_exact_to_the_last_digits_and_keeps_what_is_no_number():
    numbers = np.concatenate([np.linspace(-12, 12, 10_001), [1e30, -1e30, np.nan]]).astype(np.float32)
    cells = numbers[None]
    activated, outputs = np.empty_like(cells), np.empty_like(cells)
    gates = np.full((1, 4 * numbers.size), 100, np.float32)  # open, but for what comes in: what was there is shown
    gates[:, : numbers.size] = -100
    lstm_cell.forward(gates, np.zeros_like(gates), cells, np.empty_like(cells), activated, outputs)
    np.testing.assert_allclose(activated[0], np.tanh(numbers), atol=1e-6)
    np.testing.assert_allclose(outputs, activated, atol=1e-6)


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
