"""What a page offers beside itself: its part of the printed book as a PDF of its own, and its notebook on Colab."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from pypdf import PdfReader, PdfWriter

BRANCH = "gh-pages"  # to which the built site is published, notebooks included


def plain(title: str) -> str:
    """Return a title as letters and digits, since quotes and dashes differ between site and print."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKD", title)).strip().lower()


def ranges(book: Path, titles: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Return for each page of the site which pages of the printed book are its own: first, and one beyond the last.

    `titles`: of the pages, by their names. One that the book's bookmarks do not have at the height
    of chapters is left out.
    """
    reader = PdfReader(book)
    starts: list[tuple[int, str]] = []
    nested = False
    names = {plain(title): name for name, title in titles.items()}
    for entry in reader.outline:
        if not isinstance(entry, list):
            nested = plain(entry.title) not in names  # a part: its chapters are one step down
        elements = [entry] if not isinstance(entry, list) else entry if nested else []
        starts += [
            (reader.get_destination_page_number(e), plain(e.title))
            for e in elements
            if not isinstance(e, list)
        ]
    ends = [page for page, _ in starts[1:]] + [len(reader.pages)]
    return {
        names[title]: (start, end)
        for (start, title), end in zip(starts, ends, strict=True)
        if title in names and end > start
    }


def split(
    book: Path, pages: dict[str, tuple[int, int]], titles: dict[str, str], folder: Path
) -> None:
    """Write the pages' PDFs below `folder`, ``NAME.pdf`` each, if they are older than the book's."""
    stale = {
        name: span
        for name, span in pages.items()
        if not (path := folder / f"{name}.pdf").exists()
        or path.stat().st_mtime < book.stat().st_mtime
    }
    reader = PdfReader(book) if stale else None
    for name, span in stale.items():
        writer = PdfWriter()
        writer.append(reader, pages=span, import_outline=False)
        writer.add_metadata({"/Title": titles[name]})
        path = folder / f"{name}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        writer.write(path)


def colab(repository: str, notebook: str) -> str:
    """Return the address at which Colab opens a notebook of the published site; empty without a GitHub repository."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository or "")
    base = "https://colab.research.google.com/github"
    return f"{base}/{found[1]}/blob/{BRANCH}/_sources/{notebook}" if found else ""
