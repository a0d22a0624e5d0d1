"""Recurrent weights are left out while learning only, and what is learnt fits the stock layer and cuDNN."""

import sys

import numpy as np
import pytest

from jobs import lstm_aiw, lstm_words


@pytest.fixture(scope="module")
def layers():
    """A thinned layer and a stock one with the same weights."""
    import keras

    from jobs.text.weight_dropout import WeightDropoutLSTM

    thinned, stock = WeightDropoutLSTM(8, 0.5, return_sequences=True), keras.layers.LSTM(8, return_sequences=True)
    for layer in (thinned, stock):
        layer.build((None, None, 3))
    stock.set_weights([np.random.default_rng(0).normal(size=weights.shape) for weights in stock.get_weights()])
    for ours, theirs in zip(thinned.trainable_variables, stock.trainable_variables, strict=True):
        ours.assign(theirs)
    return thinned, stock


ROWS = np.random.default_rng(1).normal(size=(2, 6, 3)).astype(np.float32)


def test_a_reader_has_all_its_weights(layers):
    thinned, stock = layers
    np.testing.assert_array_equal(thinned(ROWS), stock(ROWS))


def test_each_step_of_learning_leaves_out_others(layers):
    thinned, stock = layers
    one, other = np.array(thinned(ROWS, training=True)), np.array(thinned(ROWS, training=True))
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(one[:, 0], np.array(stock(ROWS))[:, 0], atol=1e-6)  # nothing recurs in the first step
    assert thinned.cell.recurrent_kernel is thinned.trainable_variables[1]


@pytest.mark.parametrize("job", [lstm_aiw, lstm_words])
@pytest.mark.parametrize("batch", [None, 4], ids=["reading", "learning"])
def test_a_gpu_runs_it_with_cudnn(job, batch, monkeypatch):
    """With a GPU, Keras makes the network as built of cuDNN's operations, backwards as well; not to be run here."""
    import tensorflow as tf

    monkeypatch.setattr(sys.modules["keras.src.backend.tensorflow.rnn"], "_is_gpu_available", lambda: True)
    params = job.Parameters(layers=2, units=8, embedding=8, weight_dropout=0.2)
    model = job.build(params, 20, batch)

    @tf.function
    def learn(rows):
        weights = [variable.value for variable in model.trainable_variables]
        return tf.gradients(tf.reduce_sum(model(rows, training=True)), weights)

    graph = learn.get_concrete_function(tf.TensorSpec((4, params.timesteps), tf.int32)).graph
    made = [operation.type for operation in graph.get_operations()]
    assert made.count("CudnnRNNV3") == made.count("CudnnRNNBackpropV3") == params.layers
    assert "While" not in made
