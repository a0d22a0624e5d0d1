"""What an instance calls its results cannot leave the run's folder, nor fool a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote import manifest, transfer
from remote.errors import Unverified

DIGEST = "0" * 64


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../up",
        "out/../../up",
        "out/./x",
        "out/\n",
        "a\x1b[2Jb",
        "",
        "..",
        ".",
        "out//../x",
        "\u202ereversed",
    ],
)
def test_a_path_that_leaves_the_folder_or_hides_is_refused(path):
    with pytest.raises(Unverified):
        manifest.parse(f"{DIGEST} 1 {path}".encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_to_a_confined_path_or_refused(line):
    try:
        entry = manifest.parse(line)
    except Unverified:
        return
    assert not entry.path.startswith("/") and ".." not in entry.path.split("/") and entry.path.isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), min_size=1, max_size=50))
def test_a_plain_name_survives_whatever_its_letters(name):
    if {"", ".", ".."} & set(name.split("/")):
        return
    assert manifest.parse(f"{DIGEST} 7 out/{name}".encode()) == manifest.Entry(f"out/{name}", 7, DIGEST)


def test_a_link_that_leads_out_of_the_run_folder_is_not_followed(tmp_path):
    inside, outside = tmp_path / "run", tmp_path / "elsewhere"
    inside.mkdir(), outside.mkdir()
    (inside / "out").symlink_to(outside)
    with pytest.raises(Unverified, match="link"):
        transfer.confine(inside, "out/model.weights.h5")
