"""Fuzzing: what the user, AWS, or an instance may say, whatever it is, is used as it was meant or refused in a line."""

import string

from hypothesis import strategies as st

SEQUENCES = ("\x1b[2J", "\x1b]0;owned\x07", "\x1b]8;;http://evil\x1b\\", "\x9b31m")
CONTROLS = ("\u202e", "\u2066", "\r", "\x08", "\x00", "\n")
WORDS = ("..", "/", "../", "/etc/passwd", "~", "$(touch gotcha)", "`touch gotcha`", ";touch gotcha", "-oProxyCommand=x")


def nasty_text(max_size=60):
    """Text in which what has done harm elsewhere is likely."""
    odd = st.sampled_from(SEQUENCES + CONTROLS + WORDS)
    pieces = odd | st.text(max_size=8) | st.text(string.ascii_lowercase, max_size=8)
    return st.lists(pieces, max_size=8).map("".join).map(lambda text: text[:max_size])


def steers(text):
    """The characters of a text that would steer a terminal rather than stand on it."""
    return {char for char in text if not (char in "\n\t" or char.isprintable())}
