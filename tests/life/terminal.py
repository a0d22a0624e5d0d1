"""A terminal of 80 columns, such as SSH gives: a command runs in it, keys are typed, its screen is read."""

import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte


class Terminal:
    """command: words. environment: all of it. The screen is that of a VT100 and more, as pyte understands them."""

    def __init__(self, command, cwd, environment, columns=80, lines=24):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.keyboard, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)

    def type(self, keys):
        os.write(self.keyboard, keys.encode())

    @property
    def lines(self):
        """The screen, without blanks at the ends of its lines."""
        self._read(0)
        return [line.rstrip() for line in self.screen.display]

    def shows(self, *words, seconds=30):
        """The screen once all the words stand on it, as text; fails the test otherwise."""
        ends = time.monotonic() + seconds
        while not all(word in "\n".join(self.lines) for word in words):
            assert time.monotonic() < ends, f"no {words} on the screen:\n" + "\n".join(self.lines)
            self._read(0.1)
        return "\n".join(self.lines)

    def exit_code(self, seconds=30):
        """That of the command, once it has ended."""
        ends = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < ends, "still there:\n" + "\n".join(self.lines)
            self._read(0.1)
        return self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.keyboard)

    def _read(self, wait_s):
        while select.select([self.keyboard], [], [], wait_s)[0]:
            try:
                self.stream.feed(self.decoder.decode(os.read(self.keyboard, 65536)))
            except OSError:  # the other end has been closed
                return
            wait_s = 0
