"""What a strict reader of a finished pack would see first: pages, references, undiscussed figures, unknown words."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from chapters_lib.errors import ChaptersError
from chapters_lib.submission.sources import SOURCES

WHOLE = ".notebook"  # how the name ends of a PDF that is no report: a notebook with all its cells
KINDS = ("Figure", "Table", "Equation")
CAPTION = re.compile(r"^(Figure|Table) (\d+)\.(?= )", re.MULTILINE)
TAG = re.compile(r"\((\d+)\)\s*$", re.MULTILINE)
REFERENCE = re.compile(
    r"\b(Figure|Table|Eq|Equation)s?\.?\s\(?(\d+)\b\)?(?:(?:,|\sand|–)\s\(?(\d+)\b\)?)?"
    r"(?!\s(?:of|in)\s)"  # of a paper
)
WORKS = re.compile(r"^References$.*", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"(?<![\w.-])[A-Za-z]{4,}(?![\w-])")


def check(files: Iterable[Path]) -> list[str]:
    """Return a line for each finding in the reports among a pack's files, archives included.

    Raises
    ------
    ChaptersError
        if there is no report among them.
    """
    reports = list(_reports(files))
    if not reports:
        raise ChaptersError("there is no report to check: a blank pack has none")
    return [line for name, data in reports for line in _findings(name, data)]


def _reports(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        if path.suffix == ".pdf" and not path.stem.endswith(WHOLE):
            yield path.name, path.read_bytes()
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(".pdf"):
                        yield f"{path.name}: {name}", archive.read(name)


def _findings(name: str, data: bytes) -> list[str]:
    from pypdf import PdfReader

    pages = [page.extract_text() for page in PdfReader(BytesIO(data)).pages]
    missing, undiscussed = references("\n".join(pages))
    strange = unknown_words("\n".join(pages))
    return [
        f"{name}: {len(pages)} page{'s' * (len(pages) != 1)}",
        f"  referred to and not there: {', '.join(missing) or 'none'}",
        f"  shown and not discussed: {', '.join(undiscussed) or 'none'}",
        f"  unknown words: {', '.join(strange) or 'none'}",
    ]


def references(text: str) -> tuple[list[str], list[str]]:
    """Return what a report refers to and has not, and which of its figures and tables it never refers to."""
    there = {(kind, int(n)) for kind, n in CAPTION.findall(text)}
    equations = {("Equation", int(n)) for n in TAG.findall(text)}
    referred: set[tuple[str, int]] = set()
    for kind, *numbers in REFERENCE.findall(CAPTION.sub("", text)):
        kind = "Equation" if kind.startswith("Eq") else kind
        referred |= {(kind, int(n)) for n in numbers if n}
    return _said(referred - there - equations), _said(there - referred)


def _said(found: Iterable[tuple[str, int]]) -> list[str]:
    ordered = sorted(found, key=lambda item: (KINDS.index(item[0]), item[1]))
    return [f"{kind} {number}" for kind, number in ordered]


def unknown_words(text: str) -> list[str]:
    """Return the words that neither the dictionary nor the project's list knows."""
    from spellchecker import SpellChecker

    checker, listed = SpellChecker(distance=1), SOURCES.parent / "tests" / "words.txt"
    if listed.exists():
        checker.word_frequency.load_words(listed.read_text(encoding="utf-8").lower().split())
    joined = re.sub(r"-\n(?=[a-z])", "", WORKS.sub("", text))  # a word that a line's end divides
    words = {word.lower() for word in WORD.findall(joined) if word[1:].islower()}
    return sorted(checker.unknown(words))
