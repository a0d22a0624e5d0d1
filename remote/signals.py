"""Ctrl-C, SIGTERM and SIGHUP stop a command; it then winds up, and is not to be stopped in that by the same gesture."""

import signal
import time

GESTURE_S = 3  # a closed terminal sends SIGHUP twice, an impatient user several Ctrl-Cs: all that is one wish
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_deaf_until = 0.0


def listen():
    """From now on each of them is a KeyboardInterrupt, whose handlers end or keep what was made."""
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup a SIGHUP is to have no effect
            signal.signal(number, _interrupt)


def ignore():
    """All is told and done: one that comes while Python leaves must not change the exit code."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number, _frame):
    global _deaf_until
    now = time.monotonic()
    if now >= _deaf_until:
        _deaf_until = now + GESTURE_S
        raise KeyboardInterrupt
