"""The site as readers meet it: how much comes before a page reads, on a phone, by keyboard, in the dark."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from .test_browser import serving
from .test_pages import CHAPTERS, PAGES

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PHONE = (390, 844)
# What is cut: boxes that hide what is wider than they are, and what reaches beyond the window where nothing scrolls.
CUT = """
(() => {
  const width = document.documentElement.clientWidth, out = [];
  const scrolls = (box) => {
    for (; box && box !== document.body; box = box.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth) return true;
    }
    return false;
  };
  const boxes = "p, caption, .caption-box, .math, pre, table, figure, img, figcaption, h1, h2, h3, li";
  for (const box of document.querySelectorAll(`.bd-article :is(${boxes})`)) {
    const { left, right, width: own } = box.getBoundingClientRect(), style = getComputedStyle(box);
    if (!own || style.visibility === "hidden") continue;
    const cut = /hidden|clip/.test(style.overflowX) && box.scrollWidth > box.clientWidth + 1;
    const beyond = (right > width + 1 || left < -1) && !scrolls(box);
    const caption = box.matches(".caption-box") && own > width;
    if (cut || beyond || caption) out.push(`${box.tagName} ${box.className}: ${box.textContent.slice(0, 60)}`);
  }
  return out;
})()
"""
# Boxes that scroll and that a keyboard cannot reach.
UNREACHED = """
[...document.querySelectorAll(".bd-article *")].filter((box) => /auto|scroll/.test(getComputedStyle(box).overflowX)
  && box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0 && !box.querySelector("a[href], button, input")
  ).map((box) => `${box.tagName} ${box.className}`)
"""
TABBED = """
[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")].filter((box) => box.tabIndex >= 0
  && !box.disabled && box.getBoundingClientRect().width && getComputedStyle(box).visibility !== "hidden"
  ).map((box) => box.closest("math") ? "formula" : box.getAttribute("aria-label") || box.title || box.textContent.trim()
    || box.querySelector("img")?.alt || box.outerHTML)
"""
AUDIT = """
axe.run(document, { preload: false }).then((result) => result.violations
  .filter((rule) => ["serious", "critical"].includes(rule.impact))
  .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 120)).join("; ")}`))
"""
SLOW = {"latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 100_000}  # 1.6 Mbit/s
FAST = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  if (!entry.hadRecentInput) window.shifts += entry.value;
})).observe({ type: "layout-shift", buffered: true });
"""
LOADED = """
(() => {
  const entries = [performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")];
  return { bytes: entries.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 1e6 };
})()
"""


@pytest.fixture(scope="module")
def served(site: Path):
    with serving(site) as address:
        yield address


def light(window, mode: str) -> None:
    window.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": mode}]
    )


def wait(window, seconds: float = 30) -> None:
    """Wait until the page's own scripts have run."""
    deadline = time.monotonic() + seconds
    while not window.evaluate("document.documentElement?.dataset.ready || ''"):
        assert time.monotonic() < deadline, "the page's scripts did not run"
        time.sleep(0.1)


@pytest.mark.parametrize(("page", "most"), [*((c, 900_000) for c in CHAPTERS), (PAGES[0], 500_000)])
def test_a_page_is_light_before_its_figures_come_near(served, window, page, most):
    window.resize(*PHONE)
    window.call("Network.setCacheDisabled", cacheDisabled=True)
    window.call("Page.navigate", url="about:blank")
    window.evaluate("1")
    window.call("Page.navigate", url=f"{served}/{page}.html")
    wait(window)
    time.sleep(0.5)
    loaded = window.evaluate(LOADED)
    window.call("Network.setCacheDisabled", cacheDisabled=False)
    assert loaded["bytes"] <= most


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_painted_soon_on_a_slow_line_and_nothing_moves(served, window, page):
    window.resize(*PHONE)
    window.call("Network.setCacheDisabled", cacheDisabled=True)
    watch = window.call("Page.addScriptToEvaluateOnNewDocument", source=SHIFTS)["identifier"]
    paints = []
    for _ in range(3):  # a busy machine paints late
        window.call("Page.navigate", url="about:blank")
        window.evaluate("1")
        window.call("Network.emulateNetworkConditions", offline=False, **SLOW)
        window.call("Page.navigate", url=f"{served}/{page}.html")
        wait(window, 60)
        time.sleep(1)
        found = window.evaluate(LOADED)
        paints.append(found["paint"])
        window.call("Network.emulateNetworkConditions", offline=False, **FAST)
        if paints[-1] <= 1500:
            break
    shifts = window.evaluate("window.shifts")
    window.call("Page.removeScriptToEvaluateOnNewDocument", identifier=watch)
    window.call("Network.setCacheDisabled", cacheDisabled=False)
    assert min(paints) <= 1500
    assert shifts <= 0.02


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_on_a_phone_and_all_that_scrolls_is_reached(site, window, page):
    window.resize(*PHONE)
    report = window.open(f"{site.resolve().as_uri()}/{page}.html", settle=0.5)
    assert report.wide <= 0
    assert window.evaluate(CUT) == []
    assert window.evaluate(UNREACHED) == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", [*PAGES, "search", "genindex"])
def test_a_page_has_no_serious_fault_for_those_who_cannot_see_it(served, window, page, mode):
    light(window, mode)
    window.resize(1400)
    where = f"{served}/{page}.html"
    window.open(where, settle=0.3)
    assert window.evaluate("document.documentElement.dataset.theme") == mode
    window.evaluate(AXE.read_text(encoding="utf-8") + ";1")
    assert window.evaluate(AUDIT) == []
    light(window, "light")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_tab_stops_have_names_and_formulas_are_none(site, window, chapter):
    window.resize(1400)
    window.open(f"{site.resolve().as_uri()}/{chapter}.html")
    stops = window.evaluate(TABBED)
    assert "formula" not in stops
    assert [stop for stop in stops if stop.startswith("<") or stop == "Toggle hidden content"] == []
    folds = [stop for stop in stops if stop.startswith("Show solution to")]
    assert len(folds) == len(set(folds)) >= 3


@pytest.mark.parametrize(
    ("query", "section"),
    [
        ("hand-in", "book/assignments.html#"),
        ("p(v|h)", "book/gb-rbm.html#"),
        ("importance sampling", "book/vae.html#a-tighter-bound-by-importance-weights"),
        ("posterior collapse", "book/vae.html#units-that-nobody-listens-to"),
        ("mode collapse", "book/gan.html#collapse"),
        ("FID", "book/evaluation.html#for-gaussians-it-is-a-formula"),
    ],
)
def test_the_search_finds_the_right_section_first(site, window, query, section):
    address = f"{site.resolve().as_uri()}/search.html?q={query.replace(' ', '+')}"
    window.open(address, settle=0.5)
    first = "document.querySelector('#search-results li')"
    link = window.evaluate(f"{first}.querySelector('a').getAttribute('href')").replace("?", "#?")
    page, _, rest = link.partition("#")
    assert f"{page}#{rest.partition('#')[2]}".startswith(section)
    assert window.evaluate(f"{first}.querySelectorAll('mark').length") > 0
    assert len(window.evaluate(f"{first}.querySelector('p').textContent")) > 20


def test_formulas_read_without_a_script(soups):
    for page, soup in soups.items():
        for place in soup.select(".bd-article .math"):
            assert place.find("math") is not None, f"{page}: {place.get_text()[:60]}"
    sources = [tag["src"] for soup in soups.values() for tag in soup.find_all("script", src=True)]
    assert not [source for source in sources if "mathjax" in source]


def test_the_font_of_formulas_has_all_their_characters(site, soups):
    """Its characters are listed beside it, as they were when it was cut."""
    listed = (site / "_static" / "fonts" / "stix-two-math.txt").read_text(encoding="utf-8")
    spans = [part.split("-") for part in listed.replace("\n", ",").split(",") if part]
    known = {n for span in spans for n in range(int(span[0], 16), int(span[-1], 16) + 1)}
    used = {c for soup in soups.values() for math in soup.find_all("math") for c in math.get_text()}
    missing = {c for c in used if ord(c) not in known and not c.isspace()}
    assert {f"{c} {unicodedata.name(c, '')}" for c in missing} == set()


def test_images_keep_their_place_and_wait_until_they_are_near(soups: dict[str, BeautifulSoup]):
    for page, soup in soups.items():
        for image in soup.article.select("figure img"):
            assert image.get("width") and image.get("height"), f"{page}: {image['src']}"
            assert image.get("loading") == "lazy", f"{page}: {image['src']}"
