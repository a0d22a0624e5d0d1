"""Imported before all else: while Python imports the rest, a Ctrl-C ends the command without a traceback.

Nothing has been made by then. remote/signals.py takes over when a task begins.
"""

import os
import signal

for _name in ("SIGINT", "SIGTERM", "SIGHUP"):
    if signal.getsignal(getattr(signal, _name)) != signal.SIG_IGN:
        signal.signal(getattr(signal, _name), lambda *_: os._exit(130))
