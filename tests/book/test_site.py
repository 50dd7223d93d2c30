"""The site as readers meet it: how much comes before a page reads, on a phone, by keyboard, in the dark."""

from __future__ import annotations

import re
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
# What has the focus: whether it is seen, where it stands among all, and whether it is the last in the page's text.
FOCUSED = """
(() => {
  const box = document.activeElement;
  if (!box || box === document.body) return null;
  const { width, height, top, bottom } = box.getBoundingClientRect();
  window.order ??= new Map([...document.querySelectorAll("*")].map((node, i) => [node, i]));
  const links = [...document.querySelectorAll(".bd-article a[href], .prev-next-footer a[href]")];
  const name = box.getAttribute("aria-label") || box.title || box.textContent.trim() || box.querySelector("img")?.alt;
  return { name: name || "", seen: width > 0 && height > 0 && bottom > 0 && top < innerHeight,
    number: window.order.get(box) ?? -1,
    inside: Boolean(box.closest(".bd-article")), last: box === links.at(-1) };
})()
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


@pytest.fixture(autouse=True)
def focused(window) -> None:
    """Let the page believe that its window is the one in front."""
    window.call("Emulation.setFocusEmulationEnabled", enabled=True)


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


def press(window, key: str, code: int) -> None:
    """Press a key and let it go."""
    for kind in ("rawKeyDown", "keyUp"):
        window.call(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
        )
    if key == "Enter":
        window.call("Input.dispatchKeyEvent", type="char", text="\r")


def test_a_chapter_is_walked_through_by_keyboard(site, window):
    """Every stop is seen, has a name, and the walk reaches the page's end without turning back."""
    window.resize(1400)
    window.open(f"{site.resolve().as_uri()}/{CHAPTERS[0]}.html", settle=0.5)
    stops = len(window.evaluate(TABBED))
    places = []
    for _ in range(stops + 5):
        press(window, "Tab", 9)
        places.append(window.evaluate(FOCUSED))
        if places[-1] is None or places[-1]["last"]:
            break
    walked = [
        place for place in places[1:] if place
    ]  # the first leads past the header, and glides in
    assert len(walked) > 0.7 * stops  # the rest is in dialogues that are closed
    assert [place["name"] for place in walked if not place["seen"] or not place["name"]] == []
    inside = [place["number"] for place in walked if place["inside"]]
    assert inside == sorted(inside)
    assert any(place["last"] for place in walked)


def test_a_fold_opens_by_keyboard_and_a_preview_shows_by_focus(site, window):
    window.resize(1400)
    window.open(f"{site.resolve().as_uri()}/{CHAPTERS[0]}.html", settle=0.5)
    window.evaluate("document.querySelector('.solution button.toggle-button').focus()")
    press(window, "Enter", 13)
    time.sleep(0.3)
    assert window.evaluate("document.querySelector('.solution').matches(':not(.toggle-hidden)')")
    window.evaluate(
        "document.querySelector('.bd-article a.reference.internal[href^=\"#fig-\"]').focus()"
    )
    time.sleep(0.5)
    assert window.evaluate("document.querySelector('.preview img') !== null")
    press(window, "Escape", 27)
    assert window.evaluate("document.querySelector('.preview')") is None


@pytest.mark.parametrize("scheme", ["file", "http"])
@pytest.mark.parametrize(
    ("page", "link", "holds"),
    [
        ("book/gan", "references.html#", "i, em, p"),
        ("book/assignments", "autoencoder.html#fig-ae-loss", "img"),
        ("book/assignments", "autoencoder.html#tab-ae-results", "td"),
        ("book/gan", "naive-generation.html#equation-eq-naive-pushforward", "math"),
        ("book/assignments", "autoencoder.html#sec-ae-answer", "h2, h3"),
    ],
)
def test_what_another_page_says_is_shown_beside_a_link(
    site, served, window, scheme, page, link, holds
):
    base = served if scheme == "http" else site.resolve().as_uri()
    window.resize(1400)
    window.open(f"{base}/{page}.html", settle=0.3)
    window.evaluate(f"document.querySelector('.bd-article a[href^=\"{link}\"]').focus()")
    deadline = time.monotonic() + 10
    while not window.evaluate(f"document.querySelector('.preview :is({holds})') !== null"):
        assert time.monotonic() < deadline, f"no preview of {link}"
        time.sleep(0.1)
    assert window.evaluate(
        "[...document.querySelectorAll('.preview img')].every((i) => i.complete && i.naturalWidth > 0)"
    )


def test_the_first_page_shows_a_still_picture_until_it_is_pressed(site, window):
    window.resize(1280, 800)
    report = window.open(f"{site.resolve().as_uri()}/{PAGES[0]}.html", settle=0.5)
    assert not [url for url in report.requests if "/explorers/" in url or "plane.js" in url]
    bottom = "document.querySelector('.pl-poster').getBoundingClientRect().bottom"
    assert window.evaluate(bottom) <= 800
    window.evaluate("document.querySelector('.pl-poster').click()")
    deadline = time.monotonic() + 20
    while not window.evaluate("document.activeElement.matches('.play canvas')"):
        assert time.monotonic() < deadline, "the explorer did not start"
        time.sleep(0.1)
    told = "document.querySelector('.pl-readout').textContent"
    before = window.evaluate(told)
    press(window, "ArrowRight", 39)
    time.sleep(0.3)
    assert window.evaluate(told) != before


def test_the_filter_and_a_table_s_head_stay_in_sight(site, window):
    window.resize(1280, 800)
    window.open(f"{site.resolve().as_uri()}/book/reproducibility.html", settle=0.3)
    longest = window.evaluate("""
      (() => {
        const runs = [...document.querySelectorAll(".records details")];
        const rows = (run) => run.querySelectorAll("tr").length;
        const run = runs.reduce((a, b) => (rows(a) > rows(b) ? a : b));
        run.open = true;
        run.querySelector("tbody tr:last-child").scrollIntoView({ block: "end" });
        return rows(run);
      })()
    """)
    assert longest > 60
    time.sleep(0.3)
    head = "document.querySelector('.records details[open] th').getBoundingClientRect()"
    tools = "document.querySelector('.records-tools').getBoundingClientRect()"
    assert 0 <= window.evaluate(f"{tools}.top") < window.evaluate(f"{head}.top") < 200
    assert abs(window.evaluate(f"{head}.top - {tools}.bottom")) <= 2


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
    letters = [mi for soup in soups.values() for mi in soup.select("math mi:not([mathvariant])")]
    used |= {"ℎ" for mi in letters if mi.get_text() == "h"}  # what browsers show for it
    missing = {c for c in used if ord(c) not in known and not c.isspace()}
    assert {f"{c} {unicodedata.name(c, '')}" for c in missing} == set()


def test_captions_of_lines_name_no_tone(soups):
    """In the dark such a figure is turned: its black is white there."""
    tone = re.compile(r"\b(?:black|white|dark|light|pale)(?:er)?\b", re.IGNORECASE)
    for page, soup in soups.items():
        for caption in soup.article.select("figure:has(img.lines) figcaption"):
            assert not tone.search(caption.get_text()), f"{page}: {caption.get_text()[:80]}"


def test_titles_of_solutions_are_set_as_text_is(soups):
    for page, soup in soups.items():
        for link in soup.article.select(".solution .admonition-title a"):
            assert link.get_text() == link.get_text().strip().replace("'", "’"), page


def test_images_keep_their_place_and_wait_until_they_are_near(soups: dict[str, BeautifulSoup]):
    for page, soup in soups.items():
        for image in soup.article.select("figure img"):
            assert image.get("width") and image.get("height"), f"{page}: {image['src']}"
            assert image.get("loading") == "lazy", f"{page}: {image['src']}"
