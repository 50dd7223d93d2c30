"""The built book, made once a session where it is not there or out of date."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock

from tests.conftest import lacking

from . import browser

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
STRICT = ("-W", "-n", "--keep-going")


def jupyter_book(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the book in `folder`."""
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(folder), *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker have the tests of the book: another would only wait for it to be built."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("book"))


def _once(name: str, *options: str) -> None:
    """Build once a test session, also when several workers share it."""
    BUILD.mkdir(exist_ok=True)
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    done = BUILD / f".tested-{name}"
    with FileLock(BUILD / ".tested.lock"):
        if done.exists() and done.read_text(encoding="utf-8") == session:
            return
        result = jupyter_book(ROOT, *STRICT, *options)
        assert result.returncode == 0, (
            f"the book does not build:\n{result.stderr[-4000:]}\n{result.stdout[-2000:]}"
        )
        done.write_text(session, encoding="utf-8")


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the web site, built strictly."""
    _once("html")
    return BUILD / "html"


@pytest.fixture(scope="session")
def latex() -> Path:
    """Return the folder in which LaTeX set the book; the PDF is there too."""
    for tool in ("xelatex", "latexmk", "xindy"):
        if not shutil.which(tool):
            lacking(f"{tool} is not installed: no PDF")
    _once("pdf", "--builder", "pdflatex")
    return BUILD / "latex"


@pytest.fixture(scope="session")
def epub() -> Path:
    """Return the book for e-readers as `make epub` left it; it is not built for the tests."""
    path = BUILD / "learning-to-generate.epub"
    if not path.exists():
        lacking(f"{path.relative_to(ROOT)} is not there: make epub writes it")
    return path


@pytest.fixture(scope="session")
def soups(site: Path) -> dict[str, BeautifulSoup]:
    """Return every page of the book, parsed, by its path in the site."""
    pages = sorted((site / "book").glob("*.html"))
    return {
        str(page.relative_to(site)): BeautifulSoup(page.read_text(encoding="utf8"), "html.parser")
        for page in pages
    }


@pytest.fixture(scope="session")
def window():
    """Return a window of a headless browser."""
    if browser.find() is None:
        lacking("no Chromium or Chrome is installed")
    with browser.Browser() as window:
        yield window
