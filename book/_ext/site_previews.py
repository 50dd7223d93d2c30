"""What links from one page to another lead to, for the previews: a script a page, which a page from the disk can load.

``_static/site.js`` shows it beside the link.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = "previews"
LINK = re.compile(r'<a\b[^>]*\bclass="reference internal[^"]*"[^>]*\bhref="([\w-]+\.html)#([^"]+)"')
# What is shown whole. Of a section it is the heading and the paragraph below.
SHOWN = re.compile(
    r"^<(?:figure|table|dt)\b|\bclass=\"[^\"]*\b(?:math|admonition|proof|citation)\b"
)
PARAGRAPH = re.compile(r"<p>.*?</p>", re.DOTALL)
HEADING = re.compile(r"\s*(?:<span\b[^>]*></span>\s*)*(<h[1-6]\b.*?</h[1-6]>)", re.DOTALL)


def write(static: Path, pages: Mapping[str, str]) -> None:
    """Write a script for every page that others lead into. `pages`: of one folder, as HTML by their files' names."""
    wanted: dict[str, set[str]] = {}
    for name, page in pages.items():
        for target, label in LINK.findall(page):
            if target != name and target in pages:
                wanted.setdefault(target, set()).add(label)
    folder = static / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.js"):
        old.unlink()
    for target, labels in sorted(wanted.items()):
        parts = {label: part(pages[target], label) for label in sorted(labels)}
        told = json.dumps(
            {label: text for label, text in parts.items() if text}, ensure_ascii=False
        )
        script = f"(globalThis.previews ??= {{}})[{json.dumps(target)}] = {told};\n"
        (folder / f"{Path(target).stem}.js").write_text(script, encoding="utf8")


def part(page: str, label: str) -> str:
    """Return what a page has at a label; empty where a preview would show nothing."""
    found = re.search(rf'<(\w+)\b[^>]*\bid="{re.escape(label)}"[^>]*>', page)
    if found is None:
        return ""
    if SHOWN.search(found[0]):
        text = element(page, found.start(), found[1])
        if found[1] == "dt":
            start = page.find("<dd", found.end())
            text += element(page, start, "dd") if start >= 0 else ""
        return text
    after = HEADING.match(page, found.end())
    if after is None and found[1] == "span":
        after = HEADING.match(page, page.index("</span>", found.end()) + len("</span>"))
    paragraph = after and PARAGRAPH.search(page, after.end())
    return f"<div>{after[1]}{paragraph[0]}</div>" if after and paragraph else ""


def element(page: str, start: int, name: str) -> str:
    """Return the element that begins at a place, with all that is in it."""
    depth = 0
    for tag in re.compile(rf"<(/?){name}\b[^>]*>").finditer(page, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return page[start : tag.end()]
    return ""
