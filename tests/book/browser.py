"""A headless Chromium, driven by the DevTools protocol: opens a page, reports what went wrong in it, and has hands."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-extensions", "--disable-dev-shm-usage", "--allow-file-access-from-files", "--remote-debugging-port=0",
    "--no-proxy-server",
)  # fmt: skip
SETTLE = """
(async () => {
  const pause = (time) => new Promise((over) => setTimeout(over, time));
  const waits = () => document.querySelector(".bd-article") && !document.documentElement.dataset.ready;
  for (let i = 0; i < 100 && waits(); i++) await pause(50);
  const images = [...document.images];
  await Promise.all(images.map(i => { i.loading = "eager"; return i.decode().catch(() => {}); }));
  return {
    broken: images.filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.src),
    math: [...document.querySelectorAll("mjx-merror, [data-mjx-error], merror")].map(e => e.textContent),
    raw: [...document.querySelectorAll("span.math, div.math")].filter(e => !e.querySelector("math"))
      .map(e => e.textContent),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()
"""


CODES = {"Tab": 9, "Enter": 13, " ": 32, "End": 35, "Home": 36}
CODES |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
Place = tuple[float, float]


@dataclass
class Report:
    """What happened while a page was open."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    math: list[str] = field(default_factory=list)
    wide: int = 0  # pixels by which the page is wider than the window


def find() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    return os.environ.get("CHAPTERS_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One window of a headless browser with a fresh profile; a context manager."""

    def __enter__(self) -> Browser:
        self._profile = tempfile.mkdtemp(prefix="chapters-browser-")
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [str(find()), *FLAGS, *root, f"--user-data-dir={self._profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = Path(self._profile) / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (port.exists() and port.read_text(encoding="utf-8").strip()):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the browser did not start")
            time.sleep(0.05)
        number = port.read_text(encoding="utf-8").split()[0]
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{number}/json/list", timeout=30) as answer:
            page = next(target for target in json.load(answer) if target["type"] == "page")
        self._socket = websocket.create_connection(
            page["webSocketDebuggerUrl"],
            timeout=60,
            suppress_origin=True,
            socket=socket.create_connection(("127.0.0.1", int(number)), timeout=60),  # no proxy
        )
        self._next, self._events = 0, []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *exception) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **params) -> dict:
        """Call a method of the protocol; events that arrive meanwhile are kept."""
        self._next += 1
        self._socket.send(json.dumps({"id": self._next, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._next:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._events.append(message)

    def evaluate(self, expression: str):
        """Return the value of a JavaScript expression in the page, waiting for a promise."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window a size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def open(self, url: str, settle: float = 0.2) -> Report:
        """Open a page, wait until it has loaded, been typeset and come to rest, and report."""
        self.call("Page.navigate", url="about:blank")
        self.evaluate("1")
        self._events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + 60
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} did not load within a minute")
            self._events.append(json.loads(self._socket.recv()))
        state = self._settle()
        time.sleep(settle)
        self.evaluate("1")  # collects the events that came since
        report = Report(
            broken=state["broken"], math=state["math"] + state["raw"], wide=state["wide"]
        )
        urls = {}
        for event in self._events:
            params = event.get("params", {})
            match event["method"]:
                case "Runtime.exceptionThrown":
                    details = params["exceptionDetails"]
                    report.errors.append(
                        details.get("exception", {}).get("description") or details["text"]
                    )
                case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                    report.errors.append(
                        " ".join(str(a.get("value", a.get("description"))) for a in params["args"])
                    )
                case "Log.entryAdded" if params["entry"]["level"] == "error":
                    report.errors.append(
                        f"{params['entry']['text']} {params['entry'].get('url', '')}"
                    )
                case "Network.requestWillBeSent":
                    urls[params["requestId"]] = params["request"]["url"]
                    report.requests.append(params["request"]["url"])
                case "Network.loadingFailed" if params["errorText"] != "net::ERR_ABORTED":
                    report.failed.append(f"{urls.get(params['requestId'])}: {params['errorText']}")
                case "Network.responseReceived" if params["response"]["status"] >= 400:
                    report.failed.append(
                        f"{params['response']['url']}: {params['response']['status']}"
                    )
        return report

    def _settle(self) -> dict:
        """Run SETTLE; again if the page sent the browser on meanwhile, as the redirecting index.html does."""
        for attempt in range(10):
            try:
                return self.evaluate(SETTLE)
            except RuntimeError:
                if attempt == 9:
                    raise
                time.sleep(0.5)
        raise AssertionError("unreachable")

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"not within {seconds} s: {condition}"
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait for two frames: what was asked for is then drawn."""
        self.evaluate(
            "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(() => f(1))))"
        )

    def text(self, selector: str) -> str:
        """Return the text of a node."""
        return self.evaluate(f"document.querySelector({selector!r}).textContent")

    def pixels(self, selector: str) -> list[int]:
        """Return the grey values of a canvas, row by row."""
        return self.evaluate(f"""(() => {{ const canvas = document.querySelector({selector!r});
            const {{ data }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return Array.from(data).filter((_, i) => i % 4 === 0); }})()""")

    def at(self, selector: str, right: float = 0.0, down: float = 0.0) -> Place:
        """Scroll to a node and return a place of the window, so many pixels off the node's middle."""
        x, y = self.evaluate(f"""(() => {{ const node = document.querySelector({selector!r});
            node.scrollIntoView({{ block: "center", behavior: "instant" }});
            const {{ x, y, width, height }} = node.getBoundingClientRect();
            return [x + width / 2, y + height / 2]; }})()""")
        return x + right, y + down

    def click(self, selector: str, right: float = 0.0, down: float = 0.0) -> None:
        """Press the mouse and let go, so many pixels off a node's middle."""
        place = self.at(selector, right, down)
        self._mouse("Pressed", place)
        self._mouse("Released", place)
        self.settle()

    def drag(self, selector: str, start: Place, end: Place) -> None:
        """Drag by the mouse in four steps, from place to place, in pixels off a node's middle."""
        self._along(selector, start, end, self._mouse, ("Pressed", "Moved", "Released"))

    def swipe(self, selector: str, start: Place, end: Place) -> None:
        """Draw a finger over the page in four steps, from place to place, in pixels off a node's middle."""
        self._along(selector, start, end, self._touch, ("Start", "Move", "End"))

    def tap(self, selector: str, right: float = 0.0, down: float = 0.0) -> None:
        """Put a finger down and lift it, so many pixels off a node's middle."""
        place = self.at(selector, right, down)
        self._touch("Start", place)
        self._touch("End", place)
        self.settle()

    def press(self, selector: str, *keys: str) -> None:
        """Focus a node and press keys, as the browser would pass them on."""
        self.evaluate(f"document.querySelector({selector!r}).focus()")
        for key in keys:
            text = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
            event = {"key": key, "code": key, "windowsVirtualKeyCode": CODES[key]}
            self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)
        self.settle()

    def _along(self, selector: str, start: Place, end: Place, send, kinds: tuple[str, ...]) -> None:
        x, y = self.at(selector)
        for i, kind in enumerate((kinds[0], *4 * [kinds[1]], kinds[2])):
            part = min(i, 4) / 4
            right, down = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            send(kind, (x + right, y + down))
        self.settle()

    def _mouse(self, kind: str, place: Place) -> None:
        self.call(
            "Input.dispatchMouseEvent",
            **dict(type=f"mouse{kind}", x=place[0], y=place[1], clickCount=1),
            **dict(button="left", buttons=int(kind != "Released")),
        )

    def _touch(self, kind: str, place: Place) -> None:
        points = [] if kind == "End" else [{"x": place[0], "y": place[1]}]
        self.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=points)

    def screenshot(self, path: Path, *, full: bool = False) -> None:
        """Write what the window shows, or the whole page, as PNG."""
        import base64

        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        Path(path).write_bytes(base64.b64decode(data))
