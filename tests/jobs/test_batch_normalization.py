"""The fused layer does what Keras' own does: outputs, gradients, what it remembers."""

import numpy as np
import pytest


@pytest.mark.parametrize("kind", ["float32", "mixed_float16"])
def test_it_equals_that_of_keras(kind):
    import tensorflow as tf
    from keras import layers

    from jobs.pictures.batch_normalization import FusedBatchNormalization

    random = np.random.default_rng(0)
    batches = random.normal(3, 2, (3, 4, 16, 16, 5)).astype(np.float32)
    both = [cls(momentum=0.9, dtype=kind) for cls in (layers.BatchNormalization, FusedBatchNormalization)]
    found = [[], []]
    for layer, seen in zip(both, found, strict=True):
        for batch in batches:
            with tf.GradientTape() as tape:
                flow = tf.constant(batch)
                tape.watch(flow)
                answer = layer(flow, training=True)
                loss = tf.reduce_sum(tf.square(tf.cast(answer, tf.float32)) * tf.constant(batches[0]))
            seen += [answer, *tape.gradient(loss, [flow, layer.gamma.value, layer.beta.value])]
        seen += [layer(batches[0], training=False), *layer.weights]
    for keras, ours in zip(*found, strict=True):
        keras, ours = (np.asarray(each, np.float32) for each in (keras, ours))
        tolerance = 1e-3 if kind == "float32" else 2e-2
        np.testing.assert_allclose(ours, keras, rtol=tolerance, atol=tolerance * max(1, np.abs(keras).max()))
