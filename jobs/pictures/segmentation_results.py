"""What a segmentation leaves for others: weights, model.json with all that bin/segment.sh needs, scores, pictures."""

import dataclasses

import numpy as np

from jobs import results
from jobs.pictures import otsu, segmentation_metrics, segmentation_plots
from jobs.pictures.segmentation_metrics import evaluate, scores

WATCHED = 64  # pictures that are tested on after each epoch
LOSS_UNITS = {
    "both": "nats per pixel; learning adds 1 - Dice",
    "cross-entropy": "nats per pixel",
    "dice": "1 - Dice learnt; else nats per pixel",
}


def epoch_end(out, job, params, model, found):
    """The function that training.fit calls after each epoch: scores on what is watched, weights, model.json.

    found: a jobs.pictures.segmentation_set.Set.
    """
    part = "held_out" if found.parts.watched == found.parts.held_out else "validation"
    looks = _some(found.looks("watched"), WATCHED)

    def finish(_epoch, row):
        matrix, nats = evaluate(model.predict_on_batch, looks, found.encoding, found.preparation)
        row |= {f"{part}_loss": nats, f"{part}_mean_iou": scores(matrix)["mean_iou"]}
        results.write(out, job, params, model, metrics=row, **facts(params, found))

    return finish


def finish(out, job, params, model, found, history):  # noqa: PLR0913
    """Test on all that was held out: print the scores beside what needs no learning, write model.json and the plots."""
    looks = found.looks("held_out")
    shown = {look.pair.name for look in _some(looks, segmentation_plots.SHOWN)}
    examples = []

    def keep(look, picture, truth, predicted):
        if look.pair.name in shown:
            score = scores(segmentation_metrics.confusion(truth, predicted, len(found.names)))["mean_iou"]
            told = f"mean IoU {_short(score)}"
            examples.append(segmentation_plots.example(look.pair.name, picture, truth, predicted, told))

    matrix, nats = evaluate(model.predict_on_batch, looks, found.encoding, found.preparation, keep)
    reached = {"held_out_loss": nats} | _told("held_out_", scores(matrix))
    compared = baselines(found)
    print_scores(found.names, scores(matrix), compared)
    table = {"confusion": matrix.tolist(), "baselines": compared}
    results.write(out, job, params, model, metrics=history[-1] | reached, **facts(params, found), **table)
    segmentation_plots.curves(out, history, compared)
    segmentation_plots.grid(out, examples, found.names)
    segmentation_plots.confusion(out, matrix, found.names)


def facts(params, found):
    """What a reader of the weights and of the metrics needs besides the parameters."""
    kept = {"encoding": dataclasses.asdict(found.encoding), "preparation": dataclasses.asdict(found.preparation)}
    parts = {name: len(getattr(found.parts, name)) for name in ("learnt", "watched", "held_out")}
    names = [look.pair.name for look in found.looks("held_out")]
    units = {"loss": LOSS_UNITS[params.loss]}
    return {
        "classes": list(found.names),
        "units": units,
        **kept,
        "parts": parts | {"by": found.parts.by},
        "held_out_pictures": names,
    }


def baselines(found):
    """{name: mean IoU} of what needs no learning, on the held-out pictures."""
    pixels = np.stack([found.class_pixels("learnt"), found.class_pixels("held_out")])
    compared = {"commonest class": scores(otsu.commonest(pixels))["mean_iou"]}
    if len(found.names) == 2:
        matrix = otsu.matrix(found.looks("learnt"), found.looks("held_out"), found.encoding)
        compared = {"Otsu's threshold": scores(matrix)["mean_iou"]} | compared
    return compared


def print_scores(names, reached, compared):
    """Print a line for each class, and one for all beside what needs no learning."""
    width = max(map(len, names))
    for name, iou, dice in zip(names, reached["iou"], reached["dice"], strict=True):
        print(f"  {name:{width}}  IoU {_short(iou)}  Dice {_short(dice)}", flush=True)
    others = ", ".join(f"{name} {_short(value)}" for name, value in compared.items())
    print(
        f"Held out: mean IoU {_short(reached['mean_iou'])} (without learning: {others}); "
        f"pixel accuracy {_short(reached['pixel_accuracy'])}.",
        flush=True,
    )


def _some(looks, most):
    """At most so many of them, evenly."""
    positions = np.unique(np.linspace(0, len(looks) - 1, min(most, len(looks))).round().astype(int))
    return [looks[position] for position in positions]


def _told(prefix, reached):
    return {f"{prefix}{name}": value for name, value in reached.items()}


def _short(value):
    return "-" if value is None else f"{value:.3f}"
