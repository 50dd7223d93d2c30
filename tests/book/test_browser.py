"""Every built page in a real browser: from the disk and over http, wide and narrow, light and dark."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import browser
from .conftest import lacking
from .test_pages import PAGES

OPENED = [*(f"{page}.html" for page in PAGES), "index.html", "search.html", "genindex.html"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder over http, and give its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def served(site: Path):
    """Return the address of the site, served over http."""
    with serving(site) as address:
        yield address


def test_a_proxy_in_the_environment_is_not_asked_for_this_machine(tmp_path, monkeypatch):
    """It is a closed port, which would let nothing through."""
    if browser.find() is None:
        lacking("no Chromium or Chrome is installed")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "example.org")
    (tmp_path / "index.html").write_text("<p>Here.</p>", encoding="utf-8")
    with serving(tmp_path) as address, browser.Browser() as window:
        report = window.open(f"{address}/index.html")
        assert window.evaluate("document.body.innerText") == "Here."
    assert report.failed == [f"{address}/favicon.ico: 404"] * len(report.failed)


@pytest.mark.parametrize("page", OPENED)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_page_opens_without_a_complaint(site, served, window, page, scheme):
    base = served if scheme == "http" else site.resolve().as_uri()
    window.resize(1400)
    report = window.open(f"{base}/{page}")
    assert report.errors == []
    assert report.failed == []
    assert report.broken == []
    assert report.math == []
    elsewhere = [
        url
        for url in report.requests
        if not url.startswith((base + "/", "data:", "blob:", "about:"))
    ]
    assert elsewhere == []


@pytest.mark.parametrize("page", [f"{page}.html" for page in PAGES])
def test_a_page_fits_a_narrow_window(site, window, page):
    window.resize(400)
    assert window.open(f"{site.resolve().as_uri()}/{page}").wide <= 0


STICKING_OUT = """(async () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const button of document.querySelectorAll(".toggle-button-hidden")) button.click();
  const end = (node) => node.getBoundingClientRect().right;
  const text = ".bd-article span.math:not(.wide), .bd-article :is(p, li, dd) > code";
  let found = [];
  for (let i = 0; i < 50 && (i < 2 || found.length); i++) {
    await new Promise((over) => setTimeout(over, 100));
    found = [...document.querySelectorAll(text)].filter((node) => {
      const line = node.closest("p, li, td, th, dd, figcaption, h1, h2, h3, h4") || node.parentNode;
      return Math.max(end(node), ...[...node.querySelectorAll("*")].map(end)) > end(line) + 7;
    });
  }
  return found.map((node) => node.textContent);
})()"""


@pytest.mark.parametrize("page", [f"{page}.html" for page in PAGES])
def test_formulas_and_names_stay_in_their_line_on_a_phone(site, window, page):
    """In the boxes that a reader opens, too."""
    window.resize(390)
    window.open(f"{site.resolve().as_uri()}/{page}")
    assert window.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize(
    ("drawn", "style", "value"),
    [
        ("img:not(.lines)", "backgroundColor", "rgb(255, 255, 255)"),  # pictures keep their paper
        ("img.lines", "filter", "invert(1) hue-rotate(180deg)"),
    ],
)
def test_figures_stay_legible_in_the_dark(site, soups, window, drawn, style, value):
    page = next(page for page, soup in soups.items() if soup.article.select(f"figure {drawn}"))
    window.resize(1400)
    window.open(f"{site.resolve().as_uri()}/{page}")
    window.evaluate("document.documentElement.dataset.theme = 'dark'")
    script = f"getComputedStyle(document.querySelector('.bd-article figure {drawn}')).{style}"
    assert window.evaluate(script) == value


def test_the_search_finds_a_word_from_the_disk(site, window):
    window.open(f"{site.resolve().as_uri()}/search.html?q=notation", settle=1.0)
    assert window.evaluate("document.querySelectorAll('#search-results li').length") > 0
