"""A set of pictures and masks, ready to be learnt: surveyed, split, with all that a reader of its masks must know."""

from dataclasses import dataclass

from jobs.parameters import BadInput
from jobs.pictures import image_batches, image_sources, image_split, image_survey, masks, preparation
from jobs.pictures.image_survey import Survey
from jobs.pictures.preparation import Preparation

BINARY = ("background", "foreground")
TOLD = 12  # classes of which the share is told


@dataclass(frozen=True)
class Set:
    """Looks (jobs.pictures.image_survey.Look) are those of the survey, by what they are for."""

    survey: Survey
    parts: image_split.Parts
    preparation: Preparation
    names: tuple  # of the classes

    @property
    def encoding(self):
        """What the codes of the masks mean."""
        return self.survey.encoding

    def looks(self, part):
        """Of "learnt", "watched" or "held_out"."""
        return [self.survey.looks[position] for position in getattr(self.parts, part)]

    def class_pixels(self, part):
        """How many pixels of each class that part has: (classes,)."""
        return self.survey.class_pixels[list(getattr(self.parts, part))].sum(0)


def read(params):
    """The Set that the parameters of a segmentation describe. Raises BadInput: everything that is wrong, in a line."""
    folder = image_sources.folder(params.data, params.example)
    survey = image_survey.take(folder, params.classes, params.ignored, params.foreground, params.skip_bad)
    pairs, digests = [look.pair for look in survey.looks], [look.digest for look in survey.looks]
    parts = image_split.split(pairs, digests, survey.class_pixels, params.held_out, params.group)
    learnt = [survey.looks[position] for position in parts.learnt]
    multiple = 2**params.depth
    size = multiple * -(-params.size // multiple)
    prepared = preparation.of(learnt, survey.encoding, params.scale, size, multiple)
    return Set(survey, parts, prepared, _names(folder, survey.encoding))


def cuts(found, params):
    """The batches to learn from: jobs.pictures.image_batches.Cuts."""
    looks = found.looks("learnt")
    files = tuple((look.pair.image, look.pair.mask) for look in looks)
    sizes = tuple(preparation.shrunk(look.width, look.height, found.preparation.scale) for look in looks)
    how = params.augment, params.light, params.seed
    source = image_batches.Source(files, sizes, found.encoding, found.preparation, *how)
    return image_batches.Cuts(source, params.batch)


def sentence(found):
    """What there is to learn, in words."""
    parts, prepared = found.parts, found.preparation
    learnt, tested = len(parts.learnt), len(parts.held_out)
    watched = f", {len(parts.watched)} watched" if parts.watched != parts.held_out else ""
    shares = found.class_pixels("learnt") / max(1, found.class_pixels("learnt").sum())
    commonest = shares.argsort()[::-1][:TOLD] if len(shares) > TOLD else range(len(shares))
    classes = ", ".join(f"{found.names[one]} {shares[one]:.1%}" for one in commonest)
    classes += f" and {len(shares) - TOLD} others" if len(shares) > TOLD else ""
    shrunk = f"shrunk to {prepared.scale:.0%}, " if prepared.scale != 1 else ""
    merged = " (the masks number single objects, which are one class)" if found.encoding.objects else ""
    kind = {1: "grey", 3: "colour"}.get(prepared.channels, f"{prepared.channels} channels")
    return (
        f"Learning {learnt} pictures{watched}, {tested} held out (split by {parts.by}); {kind}, {shrunk}in squares of "
        f"{prepared.tile} pixels.\nClasses: {classes}{merged}."
    )


def _names(folder, encoding):
    """The lines of classes.txt in the folder, else what the masks tell. Raises BadInput for another number of lines."""
    listed = folder / "classes.txt"
    if listed.is_file():
        names = tuple(line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip())
        if len(names) != encoding.classes:
            raise BadInput(f"Expected {encoding.classes} names in {listed}, a line each, got {len(names)}.")
        return names
    if encoding.classes == 2 and encoding.codes[0] == 0:
        return BINARY
    return tuple(masks.shown([code], encoding.kind) for code in encoding.codes)
