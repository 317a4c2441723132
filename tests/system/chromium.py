"""Chromium without a window, driven over its debugging pipe (Chrome DevTools Protocol)."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from harness import TIME_LIMIT

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe")


class Chromium:
    """One browser with one page, and a profile of its own; it ends with the test."""

    def __init__(self, case, *options, command=lambda *words: words):
        """`command` makes of a command the one that is run, in a namespace for instance."""
        self.case = case
        self.profile = tempfile.mkdtemp(prefix="dnsd-test-")
        case.addCleanup(shutil.rmtree, self.profile, ignore_errors=True)
        theirs, self.requests = os.pipe()
        self.answers, other = os.pipe()
        # It reads from descriptor 3 and writes to 4.
        words = command("bash", "-c", f'exec "$@" 3<&{theirs} 4>&{other}', "bash", "chromium", *OPTIONS,
                        f"--user-data-dir={self.profile}", *options)
        with open(os.path.join(self.profile, "log"), "w") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(theirs, other),
                                            env={**os.environ, "HOME": self.profile})
        os.close(theirs)
        os.close(other)
        case.addCleanup(self.close)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def close(self):
        """Once more does nothing."""
        if self.requests is None:
            return
        self.process.terminate()
        try:
            self.process.wait(TIME_LIMIT)
        finally:
            os.close(self.requests)
            os.close(self.answers)
            self.requests = None

    def log(self):
        with open(os.path.join(self.profile, "log")) as log:
            return log.read()[-3000:]

    def receive(self, wanted):
        """The first message that is wanted; events that came before it are kept."""
        ends = time.monotonic() + TIME_LIMIT
        while True:
            end = self.buffer.find(b"\0")
            if end >= 0:
                message = json.loads(self.buffer[:end])
                self.buffer = self.buffer[end + 1:]
                if wanted(message):
                    return message
                self.events.append(message)
                continue
            ready, _, _ = select.select([self.answers], [], [], max(0, ends - time.monotonic()))
            more = os.read(self.answers, 1 << 20) if ready else b""
            self.case.assertTrue(more, f"Chromium says nothing more\n{self.log()}")
            self.buffer += more

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.requests, json.dumps(request).encode() + b"\0")
        answer = self.receive(lambda message: message.get("id") == self.number)
        self.case.assertNotIn("error", answer, method)
        return answer["result"]

    def visit(self, url):
        """Goes there, through redirects; why it did not arrive, or an empty text. The page may be an error's."""
        self.events.clear()
        error = self.call("Page.navigate", url=url).get("errorText", "")
        if not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.receive(lambda message: message.get("method") == "Page.loadEventFired")
        return error

    def way(self):
        """The URLs of pages that the last visit asked for, redirects included."""
        asked = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in asked if one.get("type") == "Document"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        self.case.assertNotIn("exceptionDetails", result)
        return result["result"].get("value")

    def show_as(self, width, height, scheme, mobile=False):
        """`scheme`: "dark" or "light"."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1,
                  mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        """Of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))
