"""What a segmentation is trained to make small: cross-entropy, Dice, or both; pixels marked as ignored don't count."""

IGNORED = 255  # stands in a mask for "not learnt, not scored"; classes are 0, 1, 2, ...


def of(kind, classes):
    """The Keras loss: (truth, logits) -> a number. truth: (rows, height, width) of class numbers or IGNORED.

    kind: "cross-entropy", "dice" or "both". Dice sees a small class as well as a large one, cross-entropy learns more
    steadily.
    """

    def loss(truth, logits):
        from keras import ops

        truth = ops.cast(truth, "int32")
        counted = ops.cast(truth != IGNORED, "float32")
        hot = ops.one_hot(ops.where(truth == IGNORED, 0, truth), classes) * counted[..., None]
        log_shares = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        entropy = -ops.sum(hot * log_shares) / ops.maximum(ops.sum(counted), 1.0)
        if kind == "cross-entropy":
            return entropy
        dice = _dice_loss(hot, ops.exp(log_shares) * counted[..., None])
        return dice if kind == "dice" else entropy + dice

    return loss


def _dice_loss(hot, shares):
    """1 minus the mean Dice coefficient of the classes that the batch has; hot, shares: (rows, height, width, classes).

    Milletari, Navab and Ahmadi, arXiv:1606.04797.
    """
    from keras import ops

    there = ops.sum(hot, axis=(0, 1, 2))
    overlap = 2 * ops.sum(hot * shares, axis=(0, 1, 2))
    coefficients = overlap / ops.maximum(there + ops.sum(shares, axis=(0, 1, 2)), 1.0)
    present = ops.cast(there > 0, "float32")
    return 1 - ops.sum(coefficients * present) / ops.maximum(ops.sum(present), 1.0)
