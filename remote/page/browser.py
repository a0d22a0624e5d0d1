"""Shows a page to whoever sits at this machine."""

import os
import sys
import webbrowser


def show(path):
    """Open a file in the browser, if there is somebody to see it; returns whether it was."""
    return _somebody_is_here() and webbrowser.open(path.absolute().as_uri())


def _somebody_is_here():
    """Not cron, no pipe, and no shell over SSH, where a browser would open in the terminal or on the wrong machine."""
    if not sys.stderr.isatty():
        return False
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    return sys.platform == "darwin" and not os.environ.get("SSH_CONNECTION")
