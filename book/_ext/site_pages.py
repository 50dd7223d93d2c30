"""Written pages, made light and accessible: what the theme and its extensions add and this site does not need goes.

Works on the text of a page, so that a page can be tidied twice and comes out the same.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import imagesize

UNUSED = (
    "fontawesome.js",
    "searchtools.js",
    "language_data.js",
    "searchindex.js",
    "design-tabs.js",
)
# Scripts that only some pages need, and what in a page tells that it does.
NEEDED = {
    "clipboard.min.js": '<div class="highlight',
    "copybutton.js": '<div class="highlight',
    "togglebutton.js": r'class="[^"]*\b(?:toggle|dropdown admonition)\b',
}
SCRIPT = re.compile(r'[ \t]*<script\b[^>]*\bsrc="(?P<src>[^"]+)"[^>]*></script>\n?')
STYLE = re.compile(r'[ \t]*<link\b[^>]*\brel="stylesheet"[^>]*>\n?')
OWN = re.compile(
    r"[ \t]*<style data-own>.*?</style>\n(?:[^\n]*rel=\"stylesheet\"[^\n]*\n){2}", re.DOTALL
)
PLACE = "<style data-own></style>"
MODE = re.compile(r'localStorage\.getItem\("(mode|theme)"\) \|\| "(?:light|auto|)"')
PRELOADED = re.compile(
    r'[ \t]*<link rel="preload" as="script"[^>]*>\n?'
    r"|[ \t]*<!-- (?:So that users can add custom icons|Pre-loaded scripts|Scripts loaded)[^>]*-->\n?"
)
LAST = ("search.js", "site.js")  # which wait for what the others make of a page
LOADER = (
    'addEventListener("DOMContentLoaded",()=>requestAnimationFrame(()=>setTimeout(()=>SOURCES.forEach((src)=>{'
    'const tag=document.createElement("script");tag.src=src;tag.async=false;document.head.append(tag)}))))'
)
SETTINGS = re.compile(r"[ \t]*<script>DOCUMENTATION_OPTIONS\.\w+ = [^<]*</script>\n?")
IMAGE = re.compile(r"<img\b[^>]*>")
DARK = 'matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"'
PAPER = re.compile(rb'<svg[^>]*?\bheight="([\d.]+)pt"[^>]*?\bwidth="([\d.]+)pt"', re.DOTALL)
PX = 96 / 72
DOWNLOAD = re.compile(r'(<a href="[^":]+\.(?:ipynb|md|pdf|epub)") target="_blank"(\s+class="btn)')
NAMES = (
    (
        'title="Toggle primary sidebar"',
        'title="Contents of the book" aria-label="Contents of the book"',
    ),
    (
        'title="Toggle secondary sidebar"',
        'title="Contents of this page" aria-label="Contents of this page"',
    ),
    (
        'title="Search" aria-label="Search" data-bs-placement="bottom" data-bs-toggle="tooltip">\n <i',
        'title="Search">\n <i',
    ),
    (
        'class="bd-sidebar-primary bd-sidebar">',
        'class="bd-sidebar-primary bd-sidebar" role="region" aria-label="The book">',
    ),
    (' role="doc-biblioentry"', ' role="listitem"'),
    (
        'aria-label="Color mode" data-bs-title="Color mode"',
        'aria-label="Light or dark" data-bs-title="Light or dark"',
    ),
)
BLANK = re.compile(r"\n(?:[ \t]*\n){2,}(?=[ \t]*<(?!span))")  # never inside code
CAPTION = re.compile(r'(<caption>)(?!<span class="caption-box">)(.*?)(</caption>)', re.DOTALL)


def tidy(page: str, folder: Path, style: str) -> str:
    """Return a page with room for style rules of its own and one sheet, deferred scripts, lazy images of known size.

    Its controls have names.

    `folder`: in which the page lies; its images are measured from there.
    `style`: address of the site's style sheet, from there.
    """
    page = scripts(page)
    page = styles(page, style)
    page = modes(page)
    page = IMAGE.sub(lambda match: image(match[0], folder), page)
    return accessible(page)


def scripts(page: str) -> str:
    """Leave out the scripts that a page does not need, and let the others come after its first paint."""
    found = {}
    for match in SCRIPT.finditer(page):
        name = match["src"].partition("?")[0].rpartition("/")[2]
        if name not in UNUSED and (name not in NEEDED or re.search(NEEDED[name], page)):
            found[name] = match["src"]
    page = SETTINGS.sub("", SCRIPT.sub("", PRELOADED.sub("", page)))
    if not found:
        return page  # tidied before
    order = [found[name] for name in sorted(found, key=LAST.__contains__)]
    loader = f"<script>{LOADER.replace('SOURCES', json.dumps(order))}</script>"
    return page.replace("</body>", f"{loader}\n  </body>", 1)


def styles(page: str, style: str) -> str:
    """Make room for the page's own rules, and let one style sheet come after its first paint in the place of all."""
    page = OWN.sub(lambda match: f'    <link rel="stylesheet" href="{style}" />\n', page)
    found = STYLE.findall(page)
    if not found:
        return page
    own = (
        f"    {PLACE}\n"
        f'    <link rel="stylesheet" href="{style}" media="print" onload="this.media=\'all\'" />\n'
        f'    <noscript><link rel="stylesheet" href="{style}" /></noscript>\n'
    )
    page = page.replace(found[0], own, 1)
    for link in found[1:]:
        page = page.replace(link, "", 1)
    return page


def styled(page: str, rules: str) -> str:
    """Return a page with its own rules in the room that `styles` made."""
    return page.replace(PLACE, PLACE.replace("><", f">{rules}<"), 1)


def modes(page: str) -> str:
    """Follow the system's light or dark, from the first paint on, unless the reader chose otherwise."""

    def choose(match: re.Match) -> str:
        return f'localStorage.getItem("{match[1]}") || ' + (
            '"auto"' if match[1] == "mode" else f"({DARK})"
        )

    page = MODE.sub(choose, page)
    return page.replace('<body data-default-mode="light">', '<body data-default-mode="auto">')


def image(tag: str, folder: Path) -> str:
    """Return the tag with the image's size, so that nothing moves when it comes, which it does when it is near."""
    source = re.search(r'src="([^"]+)"', tag)
    if source is None or "loading=" in tag or source[1].startswith(("data:", "http")):
        return tag
    size = measure(folder / source[1])
    more = ' loading="lazy" decoding="async"' if "_images/" in source[1] else ""
    if size and "width=" not in tag:
        more += f' width="{size[0]}" height="{size[1]}"'
    if lines(folder / source[1]):
        more += ' class="lines"'
    return f"<img{more}{tag[4:]}"


@cache
def lines(path: Path) -> bool:
    """Tell whether a drawing holds no picture, so that it can be shown in other colours."""
    return (
        path.suffix == ".svg"
        and "_images" in path.parts
        and path.is_file()
        and b"<image" not in path.read_bytes()
    )


@cache
def measure(path: Path) -> tuple[int, int] | None:
    """Return an image's width and height in CSS pixels, or None where it has none."""
    if not path.is_file():
        return None
    if path.suffix == ".svg":
        with path.open("rb") as file:
            found = PAPER.search(file.read(4096))
        if found:
            return round(float(found[2]) * PX), round(float(found[1]) * PX)
    width, height = imagesize.get(path)
    return (round(width), round(height)) if width > 0 and height > 0 else None


def accessible(page: str) -> str:
    """Say what controls do, and mend what a screen reader stumbles over."""
    for old, new in NAMES:
        page = page.replace(old, new)
    page = re.sub(r'(<summary) aria-label="Toggle hidden content"', r"\1", page)
    page = re.sub(r'<th class="head([^"]*)"></th>', r'<td class="head\1"></td>', page)
    page = DOWNLOAD.sub(r"\1 download\2", page)
    page = CAPTION.sub(r'\1<span class="caption-box">\2</span>\3', page)
    return BLANK.sub("\n", page)
