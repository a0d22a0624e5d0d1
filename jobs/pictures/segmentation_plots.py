"""What people look at: how the training went, what the held-out pictures became, which class was taken for which."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs import atomic
from jobs.pictures import class_colours, images
from jobs.pictures.segmentation_loss import IGNORED

SHOWN = 5  # pictures
WIDEST = 360  # pixels of a picture that is shown
INK, FAINT, WRONG = "#333333", "#bbbbbb", (170, 0, 85)
MOST_IN_WORDS = 12  # classes whose shares are written into the confusion matrix


@dataclass(frozen=True)
class Example:
    """One held-out picture as it is shown: arrays (height, width) and (height, width, 3) of uint8."""

    name: str
    photograph: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    score: str


def example(name, picture, truth, predicted, score):
    """An Example, made small enough to be kept and shown."""
    shrink = max(1, max(truth.shape) / WIDEST)
    size = round(truth.shape[1] / shrink), round(truth.shape[0] / shrink)
    small = (images.picked(each, *size) for each in (truth, predicted))
    return Example(name, images.resized(seen(picture), *size), *small, score)


def seen(picture):
    """A picture of any type as it can be shown, (height, width, 3) of uint8: its own range, from dark to bright."""
    grey = images.brightness(picture)
    if picture.dtype != np.uint8 or picture.shape[-1] != 3:
        low, high = np.percentile(grey, (0.5, 99.5))
        grey = np.clip((grey - low) / max(high - low, 1e-6), 0, 1)
    if grey.shape[-1] != 3:
        grey = np.repeat(grey[..., :1], 3, axis=-1)
    return np.uint8(np.rint(grey * 255))


def curves(out, history, baselines):
    """Loss and mean IoU over the epochs, into plots/curves.png. baselines: {name: mean IoU} to compare with."""
    pyplot = _pyplot()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), sharex=True, layout="constrained")
    epochs = [row["epoch"] for row in history]
    names = [name for name in history[0] if name.endswith("loss")]
    for name, colour in zip(names, ("#0072b2", "#d55e00"), strict=False):
        what = "cross-entropy" if _label(name) != "learnt" else "what is made small"
        left.plot(epochs, [row[name] for row in history], ".-", color=colour, label=f"{_label(name)}: {what}")
    left.set(title="Loss", xlabel="epoch")
    _scale(left, [row[name] for row in history for name in names])
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(frameon=False)
    measured = next(name for name in history[0] if name.endswith("mean_iou"))
    right.plot(epochs, [row[measured] for row in history], ".-", color="#d55e00", label=_label(measured))
    for (name, value), style in zip(baselines.items(), ("--", ":"), strict=False):
        right.axhline(value, color=INK, linestyle=style, linewidth=1, label=f"{name}: {value:.2f}")
    right.set(title="Mean IoU", xlabel="epoch", ylim=(0, 1))
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(frameon=False, loc="lower right")
    _save(figure, out / "plots" / "curves.png")


def grid(out, examples, names):
    """Image, truth, prediction and error of some held-out pictures, into plots/held-out.png."""
    pyplot = _pyplot()
    heights = [float(np.clip(shown.truth.shape[0] / shown.truth.shape[1], 0.5, 1.4)) for shown in examples]
    size, ratios = (9, 2.2 * sum(heights) + 0.9), {"height_ratios": heights}
    figure, axes = pyplot.subplots(
        len(examples), 4, figsize=size, squeeze=False, layout="constrained", gridspec_kw=ratios
    )
    for column, title in enumerate(("image", "truth", "prediction", "error")):
        axes[0, column].set_title(title, fontsize=11)
    for row, shown in zip(axes, examples, strict=True):
        painted = [class_colours.painted(mask, names) for mask in (shown.truth, shown.predicted)]
        for axis, picture in zip(row, (shown.photograph, *painted, _error(shown)), strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(f"{Path(shown.name).name[-24:]}\n{shown.score}", fontsize=8, color=INK)
    _legend(figure, names, any((shown.truth == IGNORED).any() for shown in examples))
    _save(figure, out / "plots" / "held-out.png")


def confusion(out, matrix, names):
    """Which share of each class was taken for which, into plots/confusion.png. matrix: rows are the truth."""
    pyplot = _pyplot()
    shares = matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    side = max(3.6, 0.55 * len(names) + 1.6)
    figure, axes = pyplot.subplots(figsize=(side + 0.8, side), layout="constrained")
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > 4 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="prediction", ylabel="truth")
    axes.spines[:].set_visible(False)
    for (row, column), share in np.ndenumerate(shares if len(names) <= MOST_IN_WORDS else np.empty((0, 0))):
        axes.text(column, row, f"{share:.1%}", ha="center", va="center", color="white" if share > 0.5 else INK)
    if len(names) > MOST_IN_WORDS:
        figure.colorbar(shown, ax=axes, shrink=0.8, label="share of the truth", format="{x:.0%}")
    _save(figure, out / "plots" / "confusion.png")


def _scale(axis, losses):
    """Give the losses' axis logarithms: the first epoch's loss may be a hundred times the last one's."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(NullLocator())
    if not np.isfinite(losses).any():
        axis.text(0.5, 0.5, "not a number", transform=axis.transAxes, ha="center", color=INK)
        axis.set_yticks([])


def _error(shown):
    """The picture, pale, with what is wrong in a strong colour, and what isn't scored in white."""
    pale = np.uint8(shown.photograph.mean(-1, keepdims=True).repeat(3, -1) * 0.35 + 155)
    pale[shown.truth == IGNORED] = 255
    pale[(shown.truth != shown.predicted) & (shown.truth != IGNORED)] = WRONG
    return pale


def _legend(figure, names, some_ignored):
    from matplotlib.patches import Patch

    both = zip(class_colours.colours(names), names, strict=True)
    patches = [Patch(color=colour / 255, label=name) for colour, name in both]
    patches.append(Patch(color=np.array(WRONG) / 255, label="wrong"))
    patches += [Patch(facecolor="white", edgecolor=FAINT, label="not scored")] if some_ignored else []
    figure.legend(handles=patches, loc="outside lower center", ncols=min(8, len(patches)), frameon=False, fontsize=9)


def _label(name):
    name = name.removesuffix("_mean_iou").removesuffix("loss").rstrip("_").replace("_", " ")
    return name or "learnt"


def _pyplot():
    import matplotlib

    matplotlib.use("Agg")  # no display
    from matplotlib import pyplot

    for setting, value in {"axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT}.items():
        matplotlib.rcParams[setting] = value
    return pyplot


def _save(figure, path):
    from matplotlib import pyplot

    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
