"""A page that holds one explorer and nothing else, opened from the disk; and its scripts under node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from chapters_lib.explorers import ENCODING
from tests.book import browser
from tests.conftest import lacking

STATIC = Path(__file__).parents[2] / "book" / "_static"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>One explorer</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<body style="margin: 0.5rem auto; max-width: 48rem; font-family: sans-serif">
<script src="_static/play/core.js" defer></script>
<main><div class="play" {attributes}></div></main><div style="height: 100rem"></div></html>"""
READY = "document.querySelector('.play[data-started]:not([aria-busy])')?.hasChildNodes()"
HANDS = """window.$ = (q) => document.querySelector(".play " + q);
window.$$ = (q) => [...document.querySelectorAll(".play " + q)];
window.wrong = []; onerror = (message) => { wrong.push(message); }; 0"""
UNNAMED = """$$('button, input, select, :not(button) > canvas')
.filter((n) => !(n.ariaLabel || n.innerText || n.labels?.length)).length"""


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


def window() -> browser.Browser:
    """Return a browser to be entered, or skip the test."""
    if browser.find() is None:
        lacking("no Chromium is installed: the page cannot be opened here")
    return browser.Browser()


class Shown:
    """A folder with the page in it. Exports belong in `explorers`, the folder that it loads from."""

    def __init__(self, window: browser.Browser, folder: Path):
        self.window, self.folder = window, folder
        self.explorers = folder / "_static" / "explorers"
        self.explorers.mkdir(parents=True, exist_ok=True)
        shutil.copytree(STATIC / "play", folder / "_static" / "play")

    def holds(self, texts: Mapping[str, str], **entry: str) -> None:
        """Put exported texts where the page looks for them."""
        index = [{"name": name, **entry, "bytes": 2 * len(text)} for name, text in texts.items()]
        files = {"index": f"play.index = {json.dumps(index)};", **texts}
        for name, text in files.items():
            (self.explorers / f"{name}.js").write_text(text, encoding=ENCODING)

    def open(self, attributes: str, width: int = 900) -> browser.Report:
        """Open the page with one explorer of these attributes, and wait until it is ready."""
        page = self.folder / "page.html"
        page.write_text(PAGE.format(attributes=attributes), encoding="utf-8")
        self.window.resize(width)
        report = self.window.open(page.as_uri())
        self.window.until(READY)
        self.window.evaluate(HANDS)  # $ and $$ look inside the explorer
        self.window.settle()
        return report

    def drawn(self, name: str, codes: Tensor) -> np.ndarray:
        """Return the grey values that a canvas of the page has at each code, shape (N, H·W)."""
        script = f"""(async () => {{ const model = await play.model({name!r}), node = document.createElement("canvas");
            return {codes.tolist()}.map((z) => {{
              play.paint(node, play.decode(model, z), model.shape);
              const {{ data }} = node.getContext("2d").getImageData(0, 0, node.width, node.height);
              return Array.from(data).filter((_, i) => i % 4 === 0); }}); }})()"""
        return np.array(self.window.evaluate(script))


@contextmanager
def opened(
    kind: str, folder: Path, *, width: int = 800, attributes: str = ""
) -> Iterator[browser.Browser]:
    """Open a page with one explorer; at its end nothing may have been wrong, nor wider than the window."""
    with window() as page:
        report = Shown(page, folder).open(f'data-play="{kind}" {attributes}', width)
        yield page
        assert page.evaluate("wrong") == []
        assert (report.errors, report.failed) == ([], [])
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(UNNAMED) == 0
