# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium that shows a page, driven by the DevTools protocol over two pipes.

The browser reads requests at descriptor 3 and writes answers and events at 4, each an object of JSON that
ends with a zero byte (--remote-debugging-pipe).
"""

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile

PROGRAMS = ("chromium-headless-shell", "chromium")
# As root, as in a container, Chromium refuses to start with its sandbox; it shows only our own file.
WORDS = ["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
FREE = 10  # descriptors from here on are in nobody's way
# What does not fit: elements beyond the page's sides, and texts of drawings beyond the drawing's.
OVERFLOWS = """(() => {
	const out = [], wide = (e, box, left, right) => {
		if (box.width > 0 && (box.left < left - 1 || box.right > right + 1))
			out.push(`${e.tagName} ${e.id || e.className.baseVal || e.className} ` +
			         `${Math.round(box.left)}..${Math.round(box.right)}: ${e.textContent.slice(0, 60)}`);
	};
	document.querySelectorAll('details').forEach(d => { d.open = true; });
	document.querySelectorAll('body *').forEach(e => wide(e, e.getBoundingClientRect(), 0, WIDTH));
	document.querySelectorAll('svg.plot').forEach(s => {
		const box = s.getBoundingClientRect();
		s.querySelectorAll('text').forEach(t => wide(t, t.getBoundingClientRect(), box.left, box.right));
	});
	if (document.documentElement.scrollWidth > WIDTH)
		out.push(`the page is ${document.documentElement.scrollWidth} wide`);
	return out;
})()"""


def program():
    """The browser's path, or None."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def high(descriptor):
    """The same file at a descriptor that a child's 3 and 4 do not collide with."""
    out = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FREE)
    os.close(descriptor)
    return out


class Browser:
    """One browser with one page.  `complaints`: errors of scripts and of the console; `requests`: every
    address that it asked for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="patio-browser-")
        there, self.out = (high(d) for d in os.pipe())
        self.answers, back = (high(d) for d in os.pipe())
        log = os.path.join(self.folder, "log")
        self.pid = os.posix_spawn(
            program(), [program(), *WORDS, f"--user-data-dir={self.folder}/profile"], os.environ, file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, there, 3), (os.POSIX_SPAWN_DUP2, back, 4)])
        os.close(there)
        os.close(back)
        self.read, self.number, self.session = b"", 0, None
        self.complaints, self.requests, self.loaded = [], [], 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        os.close(self.answers)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next(self):
        """The next object that the browser writes."""
        while b"\0" not in self.read:
            more = os.read(self.answers, 1 << 16)
            if not more:
                with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                    raise OSError(f"the browser ended: {log.read()[-2000:]}")
            self.read += more
        text, _, self.read = self.read.partition(b"\0")
        return json.loads(text)

    def _heard(self, event):
        """Notes an event."""
        name, words = event["method"], event["params"]
        if name == "Page.loadEventFired":
            self.loaded += 1
        elif name == "Network.requestWillBeSent":
            self.requests.append(words["request"]["url"])
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(str(words["exceptionDetails"]))
        elif name == "Runtime.consoleAPICalled" or (name == "Log.entryAdded" and
                                                    words["entry"]["level"] in ("error", "warning")):
            self.complaints.append(str(words))

    def ask(self, method, **words):
        """One request; its result."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": words}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self._next()
            if "method" in answer:
                self._heard(answer)
            elif answer["id"] == self.number:
                if "error" in answer:
                    raise OSError(f"{method}: {answer['error']}")
                return answer["result"]

    def show(self, path, width, *, dark=False, media=""):
        """Loads a file at a width in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
                 mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        before = self.loaded
        self.ask("Page.navigate", url=f"file://{os.path.abspath(path)}")
        while self.loaded == before:
            self._heard(self._next())

    def evaluate(self, script):
        """What a script of the page's gives."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise OSError(f"{script[:60]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def overflows(self, width):
        """What is wider than the page that was shown."""
        return self.evaluate(OVERFLOWS.replace("WIDTH", str(width)))

    def screenshot(self, path):
        """All of the page, as PNG."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))
