"""A real headless Chromium, driven over its DevTools protocol through a pipe: no package, no port, no driver."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "headless_shell")
PATIENCE_S = 60  # for one answer, on a busy machine


def program():
    """Path of a Chromium on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextlib.contextmanager
def browser():
    """A Browser that is gone, with its profile, after the block."""
    there, here = os.pipe(), os.pipe()  # we write into the first, and read from the second
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        words = ["bash", "-c", f'exec "$0" "$@" 3<&{there[0]} 4>&{here[1]}', program()]
        process = subprocess.Popen(
            [*words, *options, f"--user-data-dir={profile}"],
            pass_fds=(there[0], here[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there[0])
        os.close(here[1])
        try:
            yield Browser(there[1], here[0])
        finally:
            with contextlib.suppress(OSError):
                os.write(there[1], b'{"id": 0, "method": "Browser.close"}\0')  # its children end with it then
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(there[1])
            os.close(here[0])


class Browser:
    """One page at a time. events: what Chromium has told unasked since the page was opened."""

    def __init__(self, write_to, read_from):
        self.write_to, self.read_from = write_to, read_from
        self.number, self.unread, self.events, self.session = 0, b"", [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **params):
        """The result of one call of the protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write_to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, path, width=1280, dark=False, scripts=True):
        """Load a file and wait until all of it is there."""
        self.events.clear()
        media = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=media)
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self.ask("Page.navigate", url=path.absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression):
        """What a JavaScript expression is on the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def requests(self):
        """URLs that the page asked for, itself aside."""
        sent = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if one["type"] != "Document"]

    def complaints(self):
        """What the console shows: errors, warnings, refusals of the page's own policy."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [event["params"] for event in self.events if event["method"] in kinds]

    def picture(self, path):
        """The whole page as a PNG file."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _next(self):
        ends = time.monotonic() + PATIENCE_S
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_from], [], [], ends - time.monotonic())
            assert ready, "Chromium did not answer"
            block = os.read(self.read_from, 1 << 20)
            assert block, "Chromium has ended"
            self.unread += block
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)
