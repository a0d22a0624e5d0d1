"""The split: the same every time, no group and no picture on both sides, every class on both where that can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from jobs.parameters import BadInput
from jobs.pictures import image_split
from jobs.pictures.image_pairs import Pair


def pairs(names, part=""):
    return [Pair(name, None, None, name.rpartition("/")[0], name.rpartition("_")[0], part) for name in names]


def split(names, digests=None, pixels=None, share=0.2, by="auto"):
    digests = digests or [str(number) for number in range(len(names))]
    pixels = np.ones((len(names), 2)) if pixels is None else np.array(pixels)
    return image_split.split(pairs(names), digests, pixels, share, by)


@given(
    some.lists(some.tuples(some.integers(0, 9), some.integers(0, 30)), min_size=2, max_size=60, unique=True),
    some.sampled_from(["auto", "prefix", "image"]),
    some.floats(0.05, 0.8),
    some.integers(1, 30),
)
def test_nothing_is_on_both_sides(patients_and_slices, by, share, different):
    """Whatever the groups, the share and the pictures that are the same, if it can be split at all."""
    names = [f"patient{patient}_{number}" for patient, number in patients_and_slices]
    digests = [str(number % different) for number in range(len(names))]
    try:
        parts = split(names, digests, share=share, by=by)
    except BadInput:
        assert len(set(digests)) < len(names) or by == "prefix"
        return
    assert sorted(parts.learnt + parts.held_out) == list(range(len(names))) and parts.learnt and parts.held_out
    for tell in (digests, [name.rpartition("_")[0] for name in names] if parts.by == "prefix" else names):
        assert not {tell[one] for one in parts.learnt} & {tell[one] for one in parts.held_out}
    assert split(names, digests, share=share, by=by) == parts


def test_groups_are_found_by_name_and_by_folder():
    slices = [f"patient{patient}_slice{number}" for patient in range(8) for number in range(5)]
    assert split(slices).by == "prefix"
    assert len(split(slices).held_out) == 10  # two patients of eight are as near to 20 % as one is
    assert split([f"plate{number % 4}/{number}" for number in range(40)]).by == "folder"
    assert split([f"cat_{number}" for number in range(20)] + [f"dog_{number}" for number in range(20)]).by == "image"
    assert split([f"{number}" for number in range(40)]).by == "image"


def test_three_pictures_are_enough_and_one_group_is_not():
    assert [len(part) for part in (split(["a", "b", "c"]).learnt, split(["a", "b", "c"]).held_out)] == [2, 1]
    with pytest.raises(BadInput, match="two groups at least, got 3"):
        split(["a", "b", "c"], ["same"] * 3)


def test_a_rare_class_is_on_both_sides():
    names = [str(number) for number in range(50)]
    for rare in range(0, 50, 7):
        pixels = [[1000, 50 if number in (rare, (rare + 11) % 50) else 0] for number in range(50)]
        parts = split(names, pixels=pixels)
        assert {rare, (rare + 11) % 50} & set(parts.learnt) and {rare, (rare + 11) % 50} & set(parts.held_out)


def test_parts_named_by_folders_are_kept_and_copies_are_only_tested_on():
    named = [*pairs(["a", "b"], "learnt"), *pairs(["c"], "watched"), *pairs(["d"], "held out")]
    parts = image_split.split(named, ["1", "2", "3", "2"], np.ones((4, 2)), 0.2, "auto")
    assert (parts.learnt, parts.watched, parts.held_out) == ((0,), (2,), (3,))
    parts = image_split.split(named[:3], ["1", "2", "3"], np.ones((3, 2)), 0.2, "auto")
    assert (parts.learnt, parts.watched, parts.held_out) == ((0, 1), (2,), (2,))
    with pytest.raises(BadInput, match="tested on as well"):
        image_split.split(named[1:], ["2", "3", "2"], np.ones((3, 2)), 0.2, "auto")
