"""Every built page in a real browser: from the disk and over http, wide and narrow, light and dark."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path

import pytest

from .test_pages import PAGES

OPENED = [*(f"{page}.html" for page in PAGES), "index.html", "search.html", "genindex.html"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def served(site: Path):
    """Return the address of the site, served over http."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


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


def test_figures_stay_legible_in_the_dark(site, soups, window):
    page = next(page for page, soup in soups.items() if soup.article.select("figure img"))
    window.resize(1400)
    window.open(f"{site.resolve().as_uri()}/{page}")
    window.evaluate("document.documentElement.dataset.theme = 'dark'")
    script = "getComputedStyle(document.querySelector('.bd-article figure img')).backgroundColor"
    assert window.evaluate(script) == "rgb(255, 255, 255)"


def test_the_search_finds_a_word_from_the_disk(site, window):
    window.open(f"{site.resolve().as_uri()}/search.html?q=notation", settle=1.0)
    assert window.evaluate("document.querySelectorAll('#search-results li').length") > 0
