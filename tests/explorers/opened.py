"""A page that holds one explorer and nothing else, opened from the disk; and its scripts under node."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.book import browser

STATIC = Path(__file__).parents[2] / "book" / "_static"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>One explorer</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<script src="_static/play/core.js" defer></script>
<main><div class="play" data-play="{kind}" {attributes}></div></main></html>"""
READY = "!!document.querySelector('.play[data-started]:not([aria-busy]) *')"


def in_node(program: str, given: Mapping[str, Any], folder: Path) -> Any:
    """Return what a program prints as JSON; `given` is its variable of that name, STATIC the site's folder."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's script cannot be run here")
    (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
    path = json.dumps(str(folder / "given.json"))
    head = f'const STATIC = {json.dumps(str(STATIC))}, given = JSON.parse(require("fs").readFileSync({path}));\n'
    (folder / "program.cjs").write_text(head + program, encoding="utf-8")
    done = subprocess.run(
        [node, str(folder / "program.cjs")],
        check=True,
        timeout=120,
        capture_output=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


class Opened:
    """An open explorer: what a reader does to it, and what it says."""

    def __init__(self, window: browser.Browser):
        self.window = window

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression; $ and $$ look inside the explorer."""
        return self.window.evaluate(
            "(() => { const $ = (q) => document.querySelector('.play ' + q), "
            f"$$ = (q) => [...document.querySelectorAll('.play ' + q)]; return ({script}); }})()"
        )

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"not within {seconds} s: {condition}"
            time.sleep(0.05)

    def centre(self, selector: str) -> tuple[float, float]:
        """Scroll to a node and return the middle of it."""
        self.evaluate(f"$({json.dumps(selector)}).scrollIntoView({{ block: 'center' }})")
        box = self.evaluate(f"$({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Send one event of the mouse."""
        self.window.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=int(kind != "mouseReleased"),
            clickCount=1,
        )

    def click(self, selector: str, right: float = 0.0, down: float = 0.0) -> None:
        """Press and let go, so many pixels off a node's middle."""
        x, y = self.centre(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x + right, y + down)

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place to another, both in pixels off a node's middle."""
        x, y = self.centre(selector)
        self.mouse("mousePressed", x + start[0], y + start[1])
        for part in (0.25, 0.5, 0.75, 1.0):
            at = [a + part * (b - a) for a, b in zip(start, end, strict=True)]
            self.mouse("mouseMoved", x + at[0], y + at[1])
        self.mouse("mouseReleased", x + end[0], y + end[1])

    def press(self, selector: str, *keys: str) -> None:
        """Focus a node and press keys, as the browser would pass them on."""
        self.evaluate(f"$({json.dumps(selector)}).focus()")
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36}
        codes |= {"Enter": 13, " ": 32, "End": 35}
        for key in keys:
            rest = {"text": "\r" if key == "Enter" else key} if key in ("Enter", " ") else {}
            for kind in ("keyDown", "keyUp"):
                self.window.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    code=key,
                    windowsVirtualKeyCode=codes[key],
                    **(rest if kind == "keyDown" else {}),
                )


@contextmanager
def opened(kind: str, folder: Path, *, width: int = 800, attributes: str = "") -> Iterator[Opened]:
    """Open a page with one explorer; at its end nothing may have been wrong, nor wider than the window."""
    if browser.find() is None:
        pytest.skip("no Chromium is installed: the page cannot be opened here")
    shutil.copytree(STATIC / "play", folder / "_static" / "play", dirs_exist_ok=True)
    page = folder / f"{kind}.html"
    page.write_text(PAGE.format(kind=kind, attributes=attributes), encoding="utf-8")
    with browser.Browser() as window:
        window.resize(width)
        report = window.open(page.as_uri())
        here = Opened(window)
        here.until(READY)
        window.evaluate("window.wrong = []; onerror = (message) => { wrong.push(message); }; 0")
        yield here
        assert window.evaluate("wrong") == []
        assert (report.errors, report.failed) == ([], [])
        assert (
            window.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            <= 0
        )
        named = "n.ariaLabel || n.innerText || n.labels?.length"
        unnamed = (
            f"$$('button, input, select, :not(button) > canvas').filter((n) => !({named})).length"
        )
        assert here.evaluate(unnamed) == 0
