"""How well masks were predicted: everything follows from how often each class was taken for each other one."""

import numpy as np

from jobs.pictures import images, preparation, tiles
from jobs.pictures.segmentation_loss import IGNORED


def confusion(truth, predicted, classes):
    """(classes, classes) of pixel counts: rows are the truth, columns the prediction; ignored pixels are left out."""
    counted = truth != IGNORED
    pairs = truth[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def scores(matrix):
    """{"mean_iou", "pixel_accuracy", "iou", "dice"}; the last two for each class, None for one that doesn't occur.

    The means are over the classes that do. No pixel at all: everything is None.
    """
    right, truth, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    either = truth + predicted - right
    occur = either > 0
    iou = [float(right[one] / either[one]) if occur[one] else None for one in range(len(matrix))]
    dice = [float(2 * right[one] / (truth[one] + predicted[one])) if occur[one] else None for one in range(len(matrix))]
    known = [value for value in iou if value is not None]
    return {
        "mean_iou": float(np.mean(known)) if known else None,
        "mean_dice": float(np.mean([value for value in dice if value is not None])) if known else None,
        "pixel_accuracy": float(right.sum() / matrix.sum()) if matrix.sum() else None,
        "iou": iou,
        "dice": dice,
    }


def evaluate(predict, looks, encoding, prepared, seen=None):
    """(confusion matrix, mean negative log likelihood in nats) over pictures, at their own size.

    predict: as in tiles.shares. looks: image_survey.Look. seen: called with (look, picture as it was prepared,
    truth, predicted) for each.
    """
    matrix, nats, pixels = np.zeros((encoding.classes,) * 2, np.int64), 0.0, 0
    for look in looks:
        picture = preparation.pixels(look.pair.image, prepared)
        truth = preparation.whole_mask(look.pair.mask, encoding)
        shares = whole_shares(predict, picture, prepared, encoding.classes, truth.shape)
        predicted = shares.argmax(-1).astype(np.uint8)
        matrix += confusion(truth, predicted, encoding.classes)
        counted = truth != IGNORED
        right = np.take_along_axis(shares, np.where(counted, truth, 0)[..., None], -1)[..., 0][counted]
        nats, pixels = nats - np.log(np.maximum(right, 1e-7)).sum(dtype=np.float64), pixels + right.size
        if seen:
            seen(look, picture, truth, predicted)
    return matrix, nats / max(1, pixels)


def whole_shares(predict, picture, prepared, classes, shape):
    """The probabilities of a prepared picture's pixels, enlarged to (height, width) = shape of the picture itself."""
    tile = prepared.tile if max(picture.shape[:2]) <= prepared.tile else 2 * prepared.tile  # more to see, fewer seams
    found = tiles.shares(predict, preparation.standardised(picture, prepared), tile, classes)
    return images.resized(found, shape[1], shape[0])
