"""What an instance sends in place of follow.sh: it ends in an exit code or a failure, and only log bytes are kept."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote import follow
from remote.errors import Failure
from tests.hostile.conftest import nasty_text
from tests.hostile.test_terminal import terminal

NUMBERS = st.sampled_from(["-5", "0", "7", "1e3", "٣", "1" * 5000, "0x10", "", "99999999999999999999"]) | nasty_text(8)
DEEP = "[" * 5000
HEADERS = st.one_of(
    st.tuples(st.sampled_from(["log", "exit", "taken", "lost", "beat", "gpu", "stall"]), NUMBERS),
    st.tuples(st.just("progress"), st.just(DEEP) | nasty_text() | st.just('{"epoch": "\\u001b[2J", "step": 1}')),
    st.tuples(nasty_text(), nasty_text()),
).map(lambda words: " ".join(words).encode("utf-8", "surrogateescape") + b"\n")
LOGS = st.binary(max_size=40).map(lambda block: b"log %d\n%s" % (len(block), block))


@given(st.lists(LOGS | HEADERS | st.binary(max_size=40), max_size=8).map(b"".join))
def test_any_stream_ends_in_a_code_or_a_failure(stream):
    kept = io.BytesIO()
    with terminal(), contextlib.suppress(Failure, EOFError):
        assert follow._read_frames(io.BytesIO(stream), kept, follow.Screen()) in range(follow.TAKEN, 1000)
    assert all(bytes([byte]) in stream for byte in set(kept.getvalue())) and len(kept.getvalue()) <= len(stream)


@given(st.lists(st.binary(max_size=60), max_size=5), st.integers(0, 255))
def test_an_honest_stream_is_kept_to_the_byte(blocks, code):
    stream = b"".join(b"log %d\n%s" % (len(block), block) for block in blocks) + b"beat\nexit %d\n" % code
    kept = io.BytesIO()
    with terminal():
        assert follow._read_frames(io.BytesIO(stream), kept, follow.Screen()) == code
    assert kept.getvalue() == b"".join(blocks)


@given(nasty_text(10) | st.integers().map(str))
def test_an_exit_code_is_a_small_number_or_none(text):
    assert follow.exit_code(text) == follow.LOST or 0 <= follow.exit_code(text) < 1000


def test_a_header_without_an_end_is_refused():
    with pytest.raises(Failure, match="Unexpected answer"):
        follow._read_frames(io.BytesIO(b"x" * 100_000), io.BytesIO(), lambda *_: None)
