"""Any text that can be read becomes numbers and back; what can't be read is told in one line."""

import numpy as np
import pytest

from jobs.parameters import BadInput
from jobs.text import corpus


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return corpus.Text((path,))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_detected(tmp_path, encoding):
    assert "".join(write(tmp_path / "t", "Zoë 😀\r\nfin".encode(encoding))) == "Zoë 😀\nfin"


def test_another_encoding_must_be_named(tmp_path):
    text = write(tmp_path / "t", "Zoë".encode("latin-1"))
    with pytest.raises(BadInput, match="not text in the encoding utf-8.*name the right one"):
        list(text)
    assert "".join(corpus.Text(text.paths, "latin-1")) == "Zoë"
    with pytest.raises(BadInput, match="known to Python"):
        list(corpus.Text(text.paths, "klingon"))


def test_a_folder_is_its_text_files_in_order(tmp_path):
    for name in ("b.txt", "a.txt", "c.png", "sub/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [path.name for path in corpus.find(tmp_path)] == ["a.txt", "b.txt", "a.md"]


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match="found nothing at"):
        corpus.find(tmp_path / "none.txt")
    with pytest.raises(BadInput, match="found none"):
        corpus.find(tmp_path)
    with pytest.raises(BadInput, match="Cannot read.*directory"):
        list(corpus.Text((tmp_path,), "utf-8"))


def test_rare_characters_share_one_number(tmp_path):
    text = write(tmp_path / "t", "aabbé")
    characters = corpus.vocabulary(text, at_least=2)
    assert characters == ["a", "b", corpus.UNKNOWN]
    assert corpus.encode(text, characters).tolist() == [0, 0, 1, 1, 2]
    assert corpus.vocabulary(text, at_least=1) == ["a", "b", "é"]


def test_pieces_do_not_show(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "PIECE_CHARACTERS", 7)
    text = write(tmp_path / "t", "ein Übel, zwei Übel " * 9)
    characters = corpus.vocabulary(text, 1)
    assert "".join(characters[number] for number in corpus.encode(text, characters)) == "ein Übel, zwei Übel " * 9


def test_the_end_is_held_out_and_what_is_before_it_chooses():
    parts = corpus.split(np.arange(10), 0.2)
    assert [part.tolist() for part in (parts.learnt, parts.validation, parts.held_out)] == [
        [0, 1, 2, 3, 4, 5],
        [6, 7],
        [8, 9],
    ]
    assert parts.known.tolist() == list(range(8))


@pytest.mark.parametrize("length", [0, 1, 4])
def test_next_to_nothing_cannot_be_split(length):
    with pytest.raises(BadInput, match="too short"):
        corpus.split(np.arange(length), 0.1)
