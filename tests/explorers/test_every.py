"""Every explorer of the book, as its page holds it: by mouse, finger and keys, its speed, and who can use it."""

from __future__ import annotations

import html
import re
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from chapters_lib import explorers
from chapters_lib.explorers import live
from tests.book.browser import Browser
from tests.book.test_site import AUDIT, AXE

from .opened import STATIC, UNNAMED, Shown

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explorers")]
BOOK = STATIC.parent
BLOCK = re.compile(r'<div class="play" ([^>]*)>(.*?)</div>', re.S)
FOUND = [
    (page.stem, re.search(r'data-play="([\w-]+)"', block[1])[1], *block.groups())
    for page in sorted(BOOK.glob("*.md"))
    for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
]
EVERY = pytest.mark.parametrize(
    ("kind", "attributes"),
    [pytest.param(kind, attributes, id=f"{page}-{kind}") for page, kind, attributes, _ in FOUND],
)
FRAME = 250  # milliseconds: a busy machine's; a quiet one has less than 33
# What a reader sees: pictures, and the words that are not read aloud.
SEEN = """$$("canvas").map((node) => node.toDataURL()).join() +
$$("output, .pl-readout, dd").map((node) => node.textContent).join()"""
LOADS = "$$('.pl-load').length === 0 && $('').ariaBusy === null"
# What runs on is read aloud once it rests.
PAUSED = "$$('.pl-run').filter((node) => node.textContent === 'Pause').forEach((node) => node.click()); 0"
SPOKEN = "$('.pl-spoken').textContent.length > 0"
# The median time from frame to frame while something moves: the point of a plane, a slider, or a training.
FRAMES = """
new Promise((over) => {
  const plane = $(".pl-plane[tabindex='0']"), run = $(".pl-run"), input = $("input[type=range]"), times = [];
  const moves = (i) => {
    if (plane) {
      const { x, y, width, height } = plane.getBoundingClientRect();
      const [right, down] = [Math.cos(i / 5), Math.sin(i / 5)].map((v) => 0.5 + 0.3 * v);
      const at = { clientX: x + width * right, clientY: y + height * down, pointerId: 1, pointerType: "mouse" };
      plane.setPointerCapture = () => {};
      plane.hasPointerCapture = () => true;
      plane.dispatchEvent(new PointerEvent(i ? "pointermove" : "pointerdown", at));
    } else if (!run || run.textContent === "Draw 5 times two sets") {
      input.value = Number(input.min) + (Number(input.max) - Number(input.min)) * (i % 10) / 9;
      input.dispatchEvent(new Event("input"));
    }
  };
  if (!plane && run?.textContent !== "Draw 5 times two sets") run?.click();
  let last = performance.now();
  (function frame(i) {
    moves(i);
    requestAnimationFrame((now) => { times.push(now - last); last = now; i < 40 ? frame(i + 1) : over(times); });
  })(0);
})
"""


# Over 20 s the first time: every decoder is packed.
@pytest.fixture(scope="module")
def exported(request: pytest.FixtureRequest) -> Path:
    """Return a folder with what the explorers load; from test to test only what changed is written anew."""
    folder = request.config.cache.mkdir("explorers")
    with FileLock(folder / ".lock"):
        explorers.write(explorers.RUNS, folder)
        live.write(folder)
    return folder


@pytest.fixture
def page(shown: Shown, exported: Path) -> Shown:
    """A page that finds all exports."""
    for path in exported.glob("*.js"):
        (shown.explorers / path.name).symlink_to(path)
    return shown


def open_whole(page: Shown, attributes: str, width: int = 900) -> Browser:
    """Open an explorer and press all buttons that load more of it."""
    report = page.open(html.unescape(attributes), width)
    assert (report.errors, report.failed) == ([], [])
    page.window.evaluate("$$('.pl-load').forEach((node) => node.click()); 0")
    page.window.until(LOADS, 60)
    page.window.settle()
    return page.window


def changes(window: Browser, act: Callable[[], None], what: str) -> None:
    """What is seen has to change by what is done."""
    window.evaluate(f"window.before = {SEEN}; 0")
    act()
    window.until(f"({SEEN}) !== before", 10)
    assert window.evaluate("wrong") == [], what


def sliders(window: Browser) -> list[str]:
    """Return a selector for each slider."""
    window.evaluate("$$('input[type=range]').forEach((node, i) => { node.id = `slider-${i}`; }); 0")
    return [f"#slider-{i}" for i in range(window.evaluate("$$('input[type=range]').length"))]


@contextmanager
def media(window: Browser, **features: str) -> Iterator[None]:
    """Ask for something as a reader's settings would."""
    asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    window.call("Emulation.setEmulatedMedia", features=asked)
    try:
        yield
    finally:
        window.call("Emulation.setEmulatedMedia", features=[])


@contextmanager
def finger(window: Browser) -> Iterator[None]:
    """Have a screen that is touched."""
    window.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        yield
    finally:
        window.call("Emulation.setTouchEmulationEnabled", enabled=False)


@EVERY
def test_a_mouse_moves_it(page: Shown, kind: str, attributes: str) -> None:
    window = open_whole(page, attributes)
    if window.evaluate("$$(\".pl-plane[tabindex='0']\").length"):
        place = ".play .pl-plane[tabindex='0']"
        changes(window, lambda: window.drag(place, (-20, -20), (60, 50)), "the plane")
    for slider in sliders(window):
        window.press(slider, "Home")
        right = 0.3 * window.evaluate(f"document.querySelector('{slider}').clientWidth")
        changes(window, lambda slider=slider, right=right: window.click(slider, right), slider)
    for i in range(window.evaluate("$$('.pl-bar button').length")):
        window.evaluate(
            f"$$('.pl-bar button')[{i}].id = 'pressed'; $$('.pl-bar button')[{i}].scrollIntoView()"
        )
        window.click("#pressed")
        window.evaluate("document.querySelector('#pressed')?.removeAttribute('id'); 0")
    assert window.evaluate("wrong") == []
    window.evaluate(PAUSED)
    window.until(SPOKEN)
    assert window.evaluate(UNNAMED) == 0


@EVERY
def test_keys_move_it_and_reach_all_of_it(page: Shown, kind: str, attributes: str) -> None:
    window = open_whole(page, attributes)
    for slider in sliders(window):
        window.press(slider, "Home")
        changes(window, lambda slider=slider: window.press(slider, "ArrowRight"), slider)
        assert window.evaluate(f"document.querySelector('{slider}').ariaValueText")
    if window.evaluate("$$(\".pl-plane[tabindex='0']\").length"):
        place = ".play .pl-plane[tabindex='0']"
        window.press(place, "Home")
        changes(window, lambda: window.press(place, "ArrowRight"), "the plane")
    controls = "$$('button, input, select, [tabindex]').filter((n) => n.tabIndex >= 0 && !n.disabled && n.offsetWidth)"
    window.evaluate(f"window.reached = []; window.stops = {controls}; stops[0].focus()")
    for _ in range(window.evaluate("stops.length - 1")):
        window.press(":focus", "Tab")
        window.evaluate("reached.push(document.activeElement); 0")
        assert window.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert window.evaluate("stops.slice(1).every((node, i) => node === reached[i])")


REST = """new Promise((rest) => {
  let last = NaN, since = performance.now();
  const look = () => {
    if (scrollY !== last) [last, since] = [scrollY, performance.now()];
    if (performance.now() - since > 1500) rest();
    else requestAnimationFrame(look);
  };
  look();
})"""


@EVERY
def test_a_finger_moves_it_and_scrolls_the_page(page: Shown, kind: str, attributes: str) -> None:
    window = page.window
    with finger(window):
        open_whole(page, attributes, 390)
        assert window.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        plane = window.evaluate("$$(\".pl-plane[tabindex='0']\").length > 0")
        if plane:  # away from where the page is going to be swiped
            window.tap(".play .pl-plane[tabindex='0']", 60, 0)
        large = "$$('canvas').reduce((a, b) => (b.offsetWidth > a.offsetWidth ? b : a))"
        window.evaluate(f"{large}.id = 'large'; scrollTo(0, 0)")
        window.at("#large")
        top = window.evaluate("scrollY")
        window.swipe("#large", (-120, 60), (-120, -60))
        window.until(f"scrollY > {top}", 5)
        window.evaluate(REST)  # a tap would only stop it
        if plane:
            place = ".play .pl-plane[tabindex='0']"
            changes(window, lambda: window.tap(place, 30, 20), "a tap")
            window.at(place)
            top = window.evaluate("scrollY")
            changes(window, lambda: window.swipe(place, (30, 20), (-40, -50)), "the point")
            assert window.evaluate("scrollY") == top
        for slider in sliders(window):
            window.press(slider, "Home")
            right = 0.3 * window.evaluate(f"document.querySelector('{slider}').clientWidth")
            changes(window, lambda slider=slider, right=right: window.tap(slider, right), slider)
        assert window.evaluate("wrong") == []


@EVERY
def test_frames_follow_each_other_quickly(
    page: Shown, kind: str, attributes: str, request: pytest.FixtureRequest
) -> None:
    window = open_whole(page, attributes)
    window.at(".play .pl-plane, .play input")
    median = statistics.median(window.evaluate(FRAMES))
    request.node.user_properties.append(("median_frame_ms", round(median, 1)))
    assert median <= FRAME


@EVERY
@pytest.mark.parametrize("width", [900, 390])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_has_no_serious_fault_for_those_who_cannot_see_it(
    page: Shown, kind: str, attributes: str, mode: str, width: int
) -> None:
    window = open_whole(page, attributes, width)
    window.evaluate(f"document.documentElement.dataset.theme = {mode!r}")
    if mode == "dark":
        window.evaluate("document.body.style.background = '#14181e'")
    window.settle()
    window.evaluate(AXE.read_text(encoding="utf-8") + ";1")
    assert window.evaluate(AUDIT) == []


@EVERY
def test_who_asks_for_less_motion_gets_less(page: Shown, kind: str, attributes: str) -> None:
    """What runs by itself is drawn twice a second at most; a walk is at its end at once."""
    with media(page.window, prefers_reduced_motion="reduce"):
        window = open_whole(page, attributes)
        assert window.evaluate("play.calm()")
        names = window.evaluate("$$('.pl-bar button').map((node) => node.textContent)")
        for name in {"Walk", "Run", "Train"} & set(names):
            i = names.index(name)
            window.evaluate(
                f"window.pictures = new Set(); $$('.pl-bar button')[{i}].click();"
                "(function look() { pictures.add($('canvas').toDataURL()); requestAnimationFrame(look); })(); 0"
            )
            window.evaluate("new Promise((over) => setTimeout(over, 1500))")
            assert window.evaluate("pictures.size") <= 5
            assert name != "Walk" or window.evaluate("$('input[type=range]').value") == "1"


@pytest.mark.parametrize(
    ("stem", "attributes", "inside"),
    [pytest.param(page, a, inside, id=f"{page}-{kind}") for page, kind, a, inside in FOUND],
)
def test_without_a_script_there_is_a_still_figure(
    page: Shown, stem: str, attributes: str, inside: str
) -> None:
    """The page has a figure before the explorer, and in its place words that refer to it."""
    text = (BOOK / f"{stem}.md").read_text(encoding="utf-8")
    before = text[: text.index(attributes)]
    poster = "pl-poster" in inside  # a still picture of its own
    assert poster or re.search(r"^ +(figure:|name: fig-)|\{glue:figure\}", before, re.M)
    said = re.search(r"<noscript>(.*?)</noscript>", inside, re.S)
    assert said and "JavaScript" in said[1] and (poster or "above" in said[1])
    window = page.window
    window.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        block = f'<div class="play" {attributes}>{inside}</div>'
        path = page.folder / "still.html"
        path.write_text(f"<!doctype html><html lang='en'><title>x</title>{block}", encoding="utf-8")
        window.call("Page.navigate", url=path.as_uri())
        window.until("document.readyState === 'complete' && !!document.querySelector('.play')")
        assert said[1].strip() in window.evaluate("document.querySelector('.play').innerText")
    finally:
        window.call("Emulation.setScriptExecutionDisabled", value=False)
        window.call("Page.navigate", url="about:blank")


def test_a_page_loads_at_most_a_megabyte_unasked(page: Shown) -> None:
    for stem in sorted({stem for stem, *_ in FOUND}):
        loaded = set()
        for _, _, attributes, _ in (found for found in FOUND if found[0] == stem):
            report = page.open(html.unescape(attributes))
            assert report.errors == []
            loaded |= set(
                page.window.evaluate(
                    "[...document.scripts].map((node) => node.src).filter((s) => s.includes('/explorers/'))"
                )
            )
        sizes = [(page.explorers / Path(url).name).stat().st_size for url in loaded]
        assert sum(sizes) <= 1_000_000, stem
