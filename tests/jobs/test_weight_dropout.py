"""Recurrent weights are left out while learning only, and what is learnt fits the stock layer and cuDNN."""

import numpy as np
import pytest

from jobs import lstm_aiw, lstm_words


@pytest.fixture(scope="module")
def layers():
    """A thinned layer and a stock one with the same weights."""
    import keras

    from jobs.weight_dropout import WeightDropoutLSTM

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
def test_a_gpu_may_use_cudnn(job):
    """Keras' conditions for cuDNN's LSTM; a network that meets them is several times as fast on a GPU."""
    import keras

    for batch in (None, 4):
        model = job.build(job.Parameters(layers=2, units=8, embedding=8), 20, batch)
        found = [layer for layer in model.layers if isinstance(layer, keras.layers.LSTM)]
        assert len(found) == 2
        for layer in found:
            assert (layer.activation.__name__, layer.recurrent_activation.__name__) == ("tanh", "sigmoid")
            assert layer.use_bias and not layer.unroll and not layer.recurrent_dropout
            assert layer.use_cudnn == "auto"
