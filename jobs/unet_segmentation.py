"""Learn what each pixel of a picture shows, from pictures and their masks: a U-Net.

    python -m jobs.unet_segmentation --out runs/here                  # land and water seen from space: five minutes
    python -m jobs.unet_segmentation --out runs/mine --data photos    # photos/images/1.jpg, photos/masks/1.png, ...
    python -m jobs.unet_segmentation --out runs/pets --example pets --width 32 --depth 4              # wants a GPU
    bin/segment.sh picture.jpg                                        # what it has learnt, on any picture

Pairs are found by their names (jobs/pictures/image_pairs.py), the meaning of masks by what is in them
(jobs/pictures/mask_encoding.py). Some pictures are held out by group, so that no patient, film or picture is both
learnt and tested on. Everything that is wrong with the files is told at once, before anything is learnt.

Ronneberger, Fischer and Brox, arXiv:1505.04597.
"""

import dataclasses
from dataclasses import dataclass

from jobs import downloads, parameters, precision, training
from jobs.parameters import option
from jobs.pictures import segmentation_loss, segmentation_results, segmentation_set, unet

# What `epochs` of 0 means: ten passes, but no fewer steps than a small set needs, nor more than a processor likes.
PASSES, LEAST_STEPS, MOST_STEPS = 10, 1100, 3000


@dataclass(frozen=True)
class Parameters:
    """What `--set name=value` and the flags may change."""

    data: str = option("", "your own: a folder, a .zip or .tar of one, https://, s3://; empty: the example", file=True)
    example: str = option("satellite", "what is learnt if data is empty", choices=("satellite", "pets"))
    classes: int = option(0, "numbered from 0; 0: as many as the masks have", at_least=0, at_most=254)
    foreground: bool = option(False, "all that isn't 0 in a mask is one class, as where masks number single objects")
    ignored: int = option(-1, "the mask value that is not scored; -1: 255, if others are 0, 1, 2, ...", at_least=-1)
    skip_bad: bool = option(False, "leave out pairs that can't be used, instead of refusing them all")
    group: str = option("auto", "pictures held out together", choices=("auto", "folder", "prefix", "image"))
    held_out: float = option(0.2, "share of the pictures that are only tested on", above=0, at_most=0.8)
    scale: float = option(0.0, "pictures are shrunk to this; 0: as far as masks survive it", at_least=0, at_most=1)
    size: int = option(128, "side of the squares to learn from, in pixels", at_least=16, at_most=2048)
    augment: str = option("all", "upright: zoomed and mirrored, all: turned, too", choices=("none", "upright", "all"))
    light: float = option(0.05, "how much brightness and contrast are changed while learning", at_least=0, at_most=1)
    width: int = option(8, "filters at full size, twice as many each time it is halved", at_least=1, at_most=256)
    depth: int = option(4, "how often the size is halved", at_least=1, at_most=6)
    dropout: float = option(0.0, "share of what is left out at the bottom while learning", at_least=0, at_most=0.9)
    loss: str = option("both", "what is made small", choices=("both", "cross-entropy", "dice"))
    epochs: int = option(0, "passes over the pictures; 0: ten, or what makes 1,100 to 3,000 steps", at_least=0)
    batch: int = option(8, "squares in a step", at_least=1)
    learning_rate: float = option(0.003, "Adam's at its highest: a tenth of the way up to it, then down to 0", above=0)
    precision: str = option(
        "auto", "auto: half where a GPU is made for it", choices=("auto", "float32", "mixed_float16")
    )
    seed: int = option(0, "same seed, same machine: same weights", at_least=0)


def check(params):
    """Refuse files of this machine that can't be learnt from: all that train would refuse. Raises BadInput.

    A remote run calls this on your machine before anything is rented.
    """
    if params.data and not downloads.is_address(params.data):
        segmentation_set.read(params)


def train(params, out):
    """Train as the parameters say and leave in the folder `out`: weights, model.json, metrics, plots."""
    found = segmentation_set.read(params)
    batches = segmentation_set.cuts(found, params)
    params = dataclasses.replace(params, epochs=params.epochs or _epochs(batches.steps))
    print(segmentation_set.sentence(found), flush=True)

    unet.use_onednn()
    training.make_repeatable(params.seed)
    precision.use(params.precision)
    classes = found.encoding.classes
    model = unet.build(found.preparation.channels, classes, params.width, params.depth, params.dropout)
    training.compile_adam(model, params, batches.steps, segmentation_loss.of(params.loss, classes))
    finish_epoch = segmentation_results.epoch_end(out, "unet_segmentation", params, model, found)
    history = training.fit(model, batches, params, out, finish_epoch)
    segmentation_results.finish(out, "unet_segmentation", params, model, found, history)


def _epochs(steps):
    """How many epochs of so many steps a training has by default."""
    return max(1, round(max(LEAST_STEPS, min(PASSES * steps, MOST_STEPS)) / steps))


if __name__ == "__main__":
    parameters.main(Parameters, train, __doc__)
