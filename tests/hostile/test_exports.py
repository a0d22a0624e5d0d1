"""Slack exports from anywhere: bombs, paths that lead out, wrong types: read in memory or refused in one line."""

import contextlib
import json
import zipfile

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.parameters import BadInput
from jobs.text import slack_archive
from jobs.text.slack_export import Selection, conversations
from tests.hostile.conftest import nasty_text

USERS = [{"id": "U1", "name": "alice"}]
SAID = [{"type": "message", "user": "U1", "text": "hello", "ts": "1704103200.0001"}]
FILES = {"users.json": USERS, "channels.json": [{"id": "C1", "name": "general"}], "general/2024-01-01.json": SAID}
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | nasty_text(), st.lists, max_leaves=6)
KEYS = ["id", "name", "type", "user", "text", "ts", "members", "files", "profile", "user_profile", "blocks", "elements"]
ROWS = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES))


def export(folder, files):
    """A zip of these files: bytes, or what is written as JSON."""
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


def test_names_that_lead_out_are_names_and_nothing_is_unpacked(tmp_path):
    evil = {
        "../../gotcha": b"gotcha",
        "/tmp/gotcha": b"gotcha",
        "general/../../gotcha.json": SAID,
        "general/x\\..": b"",
    }
    assert conversations(export(tmp_path, FILES | evil), Selection(until="2024-12-31"))[0].startswith(
        "#general\nalice: "
    )
    assert [path.name for path in tmp_path.iterdir()] == ["export.zip"]
    assert not list(tmp_path.parent.glob("gotcha*"))


def test_a_bomb_is_refused_before_it_unfolds(tmp_path, monkeypatch):
    monkeypatch.setattr(slack_archive, "FILE_LIMIT", 1 << 24)  # that of the product takes a while to pack
    path = export(tmp_path, FILES | {"general/2024-01-02.json": bytes(slack_archive.FILE_LIMIT + 1)})
    assert path.stat().st_size < 1 << 16
    with pytest.raises(BadInput, match="general/2024-01-02.json in the Slack export unpacks to 16,777,217 bytes"):
        conversations(path, Selection())


NO_LISTS = [b"7", b'{"id": 1}', b"[[]]", b'["a"]']


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, *NO_LISTS])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_told_in_one_line(tmp_path, name, content):
    path = export(tmp_path, FILES | {name: content})
    if content in NO_LISTS and name.startswith("general/"):  # whole, only nothing that anybody said
        assert conversations(path, Selection()) == []
        return
    with pytest.raises(BadInput, match=f"{name} in the Slack export is damaged") as told:
        conversations(path, Selection())
    assert "\n" not in str(told.value)


@hypothesis.settings(max_examples=50)
@given(st.sampled_from(sorted(FILES)), ROWS | VALUES)
def test_whatever_stands_in_a_file_it_is_read_or_told(folder, name, rows):
    with contextlib.suppress(BadInput):
        assert isinstance(conversations(export(folder, FILES | {name: rows}), Selection()), list)


@given(st.integers(0, 700), st.integers(0, 255))
def test_whatever_byte_of_the_zip_is_changed_it_is_read_or_told(folder, position, byte):
    path = export(folder, FILES)
    spoilt = bytearray(path.read_bytes())
    spoilt[position % len(spoilt)] = byte
    path.write_bytes(spoilt)
    with contextlib.suppress(BadInput):
        assert isinstance(conversations(path, Selection()), list)
