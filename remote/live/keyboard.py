"""Single keys from a terminal, without waiting for Enter."""

import contextlib
import os
import select
import sys
import termios
import tty

SEQUENCES = {  # what terminals send, some after "[", some after "O"
    b"A": "up",
    b"B": "down",
    b"H": "home",
    b"F": "end",
    b"5~": "page up",
    b"6~": "page down",
}
PLAIN = {b"\r": "enter", b"\n": "enter", b"\x1b": "escape", b"\x7f": "escape"}
REST_S = 0.05  # within which the rest of a key's sequence arrives


@contextlib.contextmanager
def listening():
    """In the block, keys arrive one by one and unseen; yields a function key(wait_s) -> its name, "" for none."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield lambda wait_s: name(_read(wait_s))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def name(sequence):
    """ "up", "enter", "q", ...; "" for what nobody knows."""
    if sequence in PLAIN:
        return PLAIN[sequence]
    if sequence[:2] in (b"\x1b[", b"\x1bO"):
        return SEQUENCES.get(sequence[2:], "")
    text = sequence[:1].decode("ascii", "ignore")
    return text if text.isprintable() else ""


def _read(wait_s):
    """The bytes of one key; b"" when none was pressed. Raises EOFError when the terminal has gone."""
    if not select.select([sys.stdin], [], [], wait_s)[0]:
        return b""
    first = os.read(sys.stdin.fileno(), 1)
    if not first:
        raise EOFError("the terminal has gone")
    if first != b"\x1b" or not select.select([sys.stdin], [], [], REST_S)[0]:
        return first
    sequence = first + os.read(sys.stdin.fileno(), 2)
    while sequence[-1:].isdigit() and select.select([sys.stdin], [], [], REST_S)[0]:
        sequence += os.read(sys.stdin.fileno(), 1)
    return sequence
