"""The U-Net: down by pooling, up by transposed convolutions, each level's details handed across.

Ronneberger, Fischer and Brox, arXiv:1505.04597; with batch normalisation, and edges padded so that sizes stay.
"""

import os


def use_onednn():
    """Have TensorFlow compute convolutions with oneDNN. To be called before TensorFlow is imported.

    TensorFlow does so itself on processors with AVX-512 only; on one without, a step takes half as long for it.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def build(channels, classes, width, depth, dropout=0.0):
    """The network: (rows, height, width, channels) of standardised brightness -> (rows, height, width, classes) logits.

    width: filters at full size, twice as many at each of the `depth` times that the picture is halved. Height and width
    may be any multiples of 2 ** depth.
    """
    from keras import Input, Model, layers

    picture = flow = Input((None, None, channels))
    handed_across = []
    for level in range(depth):
        flow = _two_convolutions(flow, width << level)
        handed_across.append(flow)
        flow = layers.MaxPooling2D(2)(flow)
    flow = layers.Dropout(dropout)(_two_convolutions(flow, width << depth))
    for level in reversed(range(depth)):
        flow = layers.Conv2DTranspose(width << level, 2, strides=2)(flow)
        flow = layers.Concatenate()([handed_across[level], flow])
        flow = _two_convolutions(flow, width << level)
    return Model(picture, layers.Conv2D(classes, 1, dtype="float32")(flow))


def _two_convolutions(flow, filters):
    from keras import layers

    from jobs.pictures.batch_normalization import FusedBatchNormalization

    for _ in range(2):
        flow = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(flow)
        flow = FusedBatchNormalization(momentum=0.9)(flow)  # Keras' 0.99 takes too many steps for small sets
        flow = layers.ReLU()(flow)
    return flow
