"""A page with one explorer, opened from disk in a headless browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from chapters_lib.explorers import ENCODING

from ..book.browser import Browser, Report, find

STATIC = Path(__file__).parents[2] / "book" / "_static" / "play"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>An explorer</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<body style="margin: 0.5rem auto; max-width: 48rem; font-family: sans-serif">
<script src="_static/play/core.js" defer></script><div class="play" {attributes}></div>
<div style="height: 100rem"></div>
</html>"""


class Shown:
    """The page, and hands for it. Exports belong in `explorers`, the folder that it loads from."""

    def __init__(self, window: Browser, folder: Path):
        self.window, self.folder = window, folder
        self.explorers = folder / "_static" / "explorers"
        shutil.copytree(STATIC, folder / "_static" / "play")
        self.explorers.mkdir()

    def holds(self, texts: dict[str, str], **entry: str) -> None:
        """Put exported texts where the page looks for them."""
        index = [{"name": name, **entry, "bytes": 2 * len(text)} for name, text in texts.items()]
        files = {"index": f"play.index = {json.dumps(index)};", **texts}
        for name, text in files.items():
            (self.explorers / f"{name}.js").write_text(text, encoding=ENCODING)

    def drawn(self, name: str, codes: Tensor) -> np.ndarray:
        """Return the grey values that a canvas of the page has at each code, shape (N, H·W)."""
        script = f"""(async () => {{ const model = await play.model({name!r}), node = document.createElement("canvas");
            return JSON.stringify({codes.tolist()}.map((z) => {{
              play.paint(node, play.decode(model, z), model.shape);
              const {{ data }} = node.getContext("2d").getImageData(0, 0, node.width, node.height);
              return Array.from(data).filter((_, i) => i % 4 === 0); }})); }})()"""
        return np.array(json.loads(self.evaluate(script)))

    def open(self, attributes: str, width: int = 900) -> Report:
        """Open the page with one block of these attributes, and wait until it is ready."""
        text = PAGE.format(attributes=attributes)
        (self.folder / "page.html").write_text(text, encoding="utf-8")
        self.window.resize(width)
        report = self.window.open((self.folder / "page.html").as_uri())
        ready = """new Promise((resolve) => { const root = document.querySelector(".play");
            (function look() { root.dataset.started && !root.ariaBusy ? resolve(1) : setTimeout(look, 20); })(); })"""
        self.evaluate(ready)
        self.settle()
        return report

    def evaluate(self, expression: str):
        """Return the value of an expression in the page."""
        return self.window.evaluate(expression)

    def settle(self) -> None:
        """Wait for two frames: what was asked for is then drawn."""
        self.evaluate(
            "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(() => f(1))))"
        )

    def pixels(self, query: str) -> list[int]:
        """Return the grey values of a canvas, row by row."""
        return json.loads(
            self.evaluate(f"""(() => {{ const canvas = document.querySelector({query!r});
            const {{ data }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return JSON.stringify(Array.from(data).filter((_, i) => i % 4 === 0)); }})()""")
        )

    def text(self, query: str) -> str:
        """Return the text of a node."""
        return self.evaluate(f"document.querySelector({query!r}).textContent")

    def at(self, query: str, right: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """Return a place of the window: so far from the left and the top of a node, in parts of its size."""
        rect = self.evaluate(f"""(() => {{ const node = document.querySelector({query!r});
            node.scrollIntoView({{ block: "center", behavior: "instant" }});
            const {{ x, y, width, height }} = node.getBoundingClientRect(); return [x, y, width, height]; }})()""")
        return rect[0] + right * rect[2], rect[1] + down * rect[3]

    def mouse(self, kind: str, place: tuple[float, float]) -> None:
        """Press, move or release the mouse."""
        self.window.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=place[0], y=place[1],
            button="left", buttons=0 if kind == "Released" else 1, clickCount=1)  # fmt: skip

    def click(self, query: str, right: float = 0.5, down: float = 0.5) -> None:
        """Press and release the mouse on a node."""
        place = self.at(query, right, down)
        self.mouse("Pressed", place)
        self.mouse("Released", place)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag by the mouse, in four steps."""
        self.mouse("Pressed", start)
        for i in range(1, 5):
            self.mouse("Moved", tuple(a + (b - a) * i / 4 for a, b in zip(start, end, strict=True)))
        self.mouse("Released", end)
        self.settle()

    def swipe(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a finger over the page, in four steps."""
        self.touch("Start", start)
        for i in range(1, 5):
            self.touch("Move", tuple(a + (b - a) * i / 4 for a, b in zip(start, end, strict=True)))
        self.touch("End")
        self.settle()

    def touch(self, kind: str, place: tuple[float, ...] | None = None) -> None:
        """Put down, move or lift a finger."""
        points = [{"x": place[0], "y": place[1]}] if place else []
        self.window.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=points)

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.window.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)
        self.settle()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if find() is None:
        pytest.skip("no Chromium is installed: the page cannot be opened here")
    with Browser() as window:
        yield window


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Shown:
    return Shown(browser, tmp_path / "site")
