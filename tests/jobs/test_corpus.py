"""Any text that can be read becomes numbers and back; what can't be read is told in one line."""

import numpy as np
import pytest

from jobs import lstm_aiw, lstm_words
from jobs.parameters import BadInput
from jobs.text import corpus, streams, text_files


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return text_files.Text((path,))


UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("content", ["Zoë 😀\r\nfin", "Щука и рак. " * 900])
def test_unicode_is_detected_with_and_without_a_mark(tmp_path, encoding, content):
    text = write(tmp_path / "t", content.encode(encoding))
    assert "".join(text) == content.replace("\r", "")
    assert "".join(text_files.Text(text.paths, encoding)) == content.replace("\r", "")


def test_a_mark_is_no_character_whatever_the_encoding_is_called(tmp_path):
    text = write(tmp_path / "t", "\ufeffZoë".encode())
    assert "".join(text_files.Text(text.paths, "utf-8")) == "Zoë"


def test_another_encoding_must_be_named(tmp_path):
    text = write(tmp_path / "t", "Zoë – 5 €".encode("cp1252"))
    with pytest.raises(BadInput, match="no text in the encoding utf-8 .byte 0xeb.*cp1252"):
        list(text)
    assert "".join(text_files.Text(text.paths, "cp1252")) == "Zoë – 5 €"
    with pytest.raises(BadInput, match="no text in the encoding utf-16 .*BOM"):
        list(text_files.Text(text.paths, "utf-16"))
    for unknown in ("klingon", "base64"):
        with pytest.raises(BadInput, match="known to Python"):
            list(text_files.Text(text.paths, unknown))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, bytes(8000), bytes(range(128)) * 50])
@pytest.mark.parametrize("encoding", ["", "latin-1"])
def test_what_is_no_text_is_refused(tmp_path, content, encoding):
    path = write(tmp_path / "t", content).paths
    if content[1:2] == b"\1":  # ASCII with a zero here and there, as logs have it
        assert len("".join(text_files.Text(path, encoding))) == len(content) - content.count(b"\x1a")
        return
    with pytest.raises(BadInput, match="t is no text"):
        list(text_files.Text(path, encoding))


def test_a_folder_is_its_text_files_in_order(tmp_path, capsys):
    for name in ("b.txt", "a.TXT", "c.png", "sub/a.md", ".DS_Store", "._b.txt", ".git/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [path.name for path in text_files.find(tmp_path)] == ["a.TXT", "b.txt", "a.md"]
    assert capsys.readouterr().err.endswith("passed over as no .txt or .md: 1 file, c.png.\n")


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match="found nothing at"):
        text_files.find(tmp_path / "none.txt")
    with pytest.raises(BadInput, match="found none"):
        text_files.find(tmp_path)
    (tmp_path / "a.pdf").touch()
    with pytest.raises(BadInput, match="found 1 file, a.pdf"):
        text_files.find(tmp_path)
    with pytest.raises(BadInput, match="Cannot read.*directory"):
        list(text_files.Text((tmp_path,), "utf-8"))


def test_what_can_not_be_learnt_from_is_refused_before_it_is_learnt(tmp_path):
    texts = {"a.txt": b"words " * 500, "b.txt": "Zoë".encode("latin-1"), "c.txt": bytes(99), "d.txt": b""}
    for name, content in texts.items():
        (tmp_path / name).write_bytes(content)
    for job in (lstm_aiw, lstm_words):
        with pytest.raises(BadInput, match="Of 4 files these can't be read: 2 files, b.txt, c.txt. .*b.txt is no text"):
            job.check(job.Parameters(text=str(tmp_path)))
        job.check(job.Parameters(text=str(tmp_path / "a.txt"), batch=4))
        with pytest.raises(BadInput, match="too short: expected at least"):
            job.check(job.Parameters(text=str(tmp_path / "a.txt"), batch=400))
        with pytest.raises(BadInput, match="too short: expected thousands"):
            job.check(job.Parameters(text=str(tmp_path / "d.txt")))


@pytest.mark.parametrize("job", [lstm_aiw, lstm_words])
@pytest.mark.parametrize("batch", [23, 24, 48, 49, 50])
def test_what_is_refused_before_is_what_would_be_refused_when_learning(tmp_path, job, batch):
    (tmp_path / "a.txt").write_text("a b " * 500)
    (tmp_path / "b.txt").write_text("c")
    learnt = 1601 if job is lstm_aiw else 802
    params = job.Parameters(text=str(tmp_path), batch=batch, timesteps=32)
    told = []
    for question in (job.check, lambda params: streams.course(job.data(params)[1], params)):
        try:
            question(params)
        except BadInput as wrong:
            told.append(str(wrong))
    assert len(told) == (2 if batch * 32 + 32 > learnt else 0) and len(set(told)) < 2


def test_rare_characters_share_one_number(tmp_path):
    text = write(tmp_path / "t", "aabbé")
    characters = corpus.vocabulary(text, at_least=2)
    assert characters == ["a", "b", corpus.UNKNOWN]
    assert corpus.encode(text, characters).tolist() == [0, 0, 1, 1, 2]
    assert corpus.vocabulary(text, at_least=1) == ["a", "b", "é"]


def test_pieces_do_not_show(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "PIECE_CHARACTERS", 7)
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
