"""The chapters as they were last built: sections, figures and tables by their labels.

The build writes every page as an executed notebook in plain Markdown, with all numbers in place;
a label has become an anchor, ``<a id="sec-vae-answer-two"></a>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chapters_lib.errors import ChaptersError
from chapters_lib.submission.sources import SOURCES

ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$')
HEADING = re.compile(r"^(#{1,6}) ")
CALLED = re.compile(r"^from chapters_lib\.pages import (\w+) as \w+$", re.MULTILINE)
EQUATION = re.compile(
    r"^\$\$\n((?:(?!\$\$).)*?) ?\\tag\{([\d.]+)\}\n\$\$$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Shown:
    """A figure or a table of a chapter: its caption in Markdown, and the picture or the rows."""

    label: str
    caption: str
    alt: str = ""
    svg: str = ""
    pdf: str = ""  # in base64
    rows: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading without its anchor."""

    level: int
    text: str


def with_modules(page: Path) -> str:
    """Return the source of a page, and of the modules that its cells import to call them."""
    text = page.read_text(encoding="utf-8")
    names = dict.fromkeys(CALLED.findall(text))
    paths = [SOURCES / "chapters_lib" / "pages" / f"{name}.py" for name in names]
    return "\n".join([text, *(path.read_text(encoding="utf-8") for path in paths)])


Block = str | Shown | Heading  # a string is one line of Markdown, an anchor among them


class Book:
    """The executed pages in a folder.

    Parameters
    ----------
    folder
        of the notebooks that the build writes (``_build/html/_sources/book``).
    pages
        folder of the pages' sources: one that is younger than its notebook is an error.
    """

    def __init__(self, folder: Path, pages: Path):
        self.folder, self.pages = folder, pages
        self._blocks: dict[str, list[Block]] = {}

    def blocks(self, page: str) -> list[Block]:
        """Return a page as lines, headings, figures and tables; code and what it prints is left out."""
        if page not in self._blocks:
            self._blocks[page] = list(_blocks(self._cells(page)))
        return self._blocks[page]

    def _cells(self, page: str) -> list[Any]:
        import nbformat

        path, source = self.folder / f"{page}.ipynb", self.pages / f"{page}.md"
        if not path.exists():
            raise ChaptersError(
                f"the chapter {page} is not built ({path} is missing): run `make book`"
            )
        if source.exists() and source.stat().st_mtime > path.stat().st_mtime:
            raise ChaptersError(
                f"the chapter {page} was changed after it was built: run `make book`"
            )
        return list(nbformat.read(path, as_version=4).cells)

    @cached_property
    def _homes(self) -> dict[str, str]:
        """The page of each label, from the sources."""
        known = re.compile(
            r"^\(([\w-]+)\)=\s*$|^\s*:?name: ([\w-]+)\s*$|[\"']f?(tab-[\w-]+)", re.MULTILINE
        )
        return {
            label: path.stem
            for path in sorted(self.pages.glob("*.md"))
            for match in known.findall(with_modules(path))
            for label in match
            if label
        }

    @cached_property
    def equations(self) -> dict[str, str]:
        """All numbered equations of the book, by their numbers, in Markdown."""
        texts = (
            "\n".join(block for block in self.blocks(path.stem) if isinstance(block, str))
            for path in sorted(self.folder.glob("*.ipynb"))
        )
        return {match[2]: match[0] for text in texts for match in EQUATION.finditer(text)}

    def home(self, label: str) -> str:
        """Return the page that defines a label."""
        homes = self._homes
        for length in range(
            len(label), 3, -1
        ):  # a computed name begins with what stands in the source
            if page := homes.get(label[:length]):
                return page
        raise ChaptersError(f"no chapter has the label {label!r}")

    def section(self, label: str) -> list[Block]:
        """Return what stands below the heading with that label, up to the next heading of its height."""
        blocks = self.blocks(self.home(label))
        start = next((i for i, b in enumerate(blocks) if b == f'<a id="{label}"></a>'), None)
        if start is None:
            raise ChaptersError(
                f"the built chapter {self.home(label)} has no {label!r}: run `make book`"
            )
        top = next(i for i in range(start, len(blocks)) if isinstance(blocks[i], Heading))
        level = blocks[top].level  # type: ignore[union-attr]
        found: list[Block] = []
        for block in blocks[top + 1 :]:
            if isinstance(block, Heading) and block.level <= level:
                break
            found.append(block)
        found = _without_predictions(found)
        while (
            found
            and isinstance(found[-1], str)
            and (not found[-1].strip() or ANCHOR.match(found[-1]))
        ):
            found.pop()
        return found

    def shown(self, label: str) -> Shown:
        """Return the figure or table with that label."""
        for block in self.blocks(self.home(label)):
            if isinstance(block, Shown) and block.label == label:
                return block
        raise ChaptersError(
            f"the built chapter {self.home(label)} does not show {label!r}: run `make book`"
        )


def _without_predictions(blocks: list[Block]) -> list[Block]:
    """Leave out what an answer says of the predictions that the chapter had its reader make."""
    kept: list[Block] = []
    inside = ""  # of a part to leave out: what ends it
    for block in blocks:
        if isinstance(block, Heading):
            inside = "heading" if block.text == "The predictions" else ""
        elif isinstance(block, str) and not inside and block.startswith("*Predictions.*"):
            inside = "line"
        if not inside:
            kept.append(block)
        elif inside == "line" and block == "":
            inside = ""
    return kept


def _blocks(cells: list[Any]) -> Iterator[Block]:
    picture: dict[str, Any] = {}
    for cell in cells:
        if cell.cell_type == "code":
            picture = {}
            for output in cell.outputs:
                data = output.get("data", {})
                if "text/markdown" in data:
                    yield from _lines(data["text/markdown"], {})
                elif "image/svg+xml" in data:
                    picture = {"alt": cell.metadata.get("alt", ""), **data}
        else:
            yield from _lines(cell.source, picture)
            yield ""


def _lines(text: str, picture: dict[str, Any]) -> Iterator[Block]:
    """Split Markdown; an anchor before a caption begins a figure (of the cell above) or a table."""
    lines, position, fenced = text.split("\n"), 0, False
    while position < len(lines):
        line = lines[position]
        fenced ^= line.startswith("```")
        match, heading = ANCHOR.match(line), HEADING.match(line)
        below = lines[position + 2] if position + 2 < len(lines) else ""
        if match and below.startswith(("*Figure", "*Table")):
            end = position + 2
            while end < len(lines) and lines[end].strip():
                end += 1
            caption = "\n".join(lines[position + 2 : end])
            if below.startswith("*Table"):
                start, end = end + 1, end + 1
                while end < len(lines) and lines[end].startswith("|"):
                    end += 1
                yield Shown(match[1], caption, rows="\n".join(lines[start:end]))
            else:
                caption = "\n".join(lines[position + 2 :])  # it may have more than one paragraph
                end = len(lines)
                yield Shown(
                    match[1], caption, picture.get("alt", ""), picture.get("image/svg+xml", ""),
                    picture.get("application/pdf", ""),
                )  # fmt: skip
            position = end
            continue
        yield Heading(len(heading[1]), line[len(heading[0]) :]) if heading and not fenced else line
        position += 1
