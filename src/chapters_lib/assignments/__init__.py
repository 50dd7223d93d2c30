"""Five assignment sheets: each question, its points, and what in the book answers it.

One table for the page that maps questions to answers, for the packs made of them, and for the
tests. A question whose chapter is not in the book yet stands here without labels, and is open;
once the chapter is in the table of contents, a row without labels fails the tests.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from chapters_lib.assignments.questions import Number, Question, Sheet
from chapters_lib.assignments.table import SHEETS
from chapters_lib.errors import ChaptersError

__all__ = ["SHEETS", "Number", "Question", "Sheet", "chapters", "find", "labels", "unanswered"]


def find(name: str) -> Sheet:
    """Return the sheet called `name`. Raises `ChaptersError` if there is none; the nearest names are given."""
    sheets = {sheet.name: sheet for sheet in SHEETS}
    if name not in sheets:
        near = difflib.get_close_matches(name, sheets, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sheets)}"
        raise ChaptersError(f"unknown sheet {name!r}: {hint}")
    return sheets[name]


def chapters(contents: Path) -> tuple[str, ...]:
    """Return the names of the pages that a table of contents (``_toc.yml``) lists, in order."""
    return tuple(
        re.findall(
            r"^\s*- file: book/([\w-]+)\s*$", contents.read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def unanswered(sheet: Sheet, pages: tuple[str, ...]) -> list[Question]:
    """Return the questions whose chapter is not among the pages of the book."""
    return [question for question in sheet.questions if question.chapter not in pages]


def labels(question: Question) -> tuple[str, ...]:
    """Return every label that a question's row points to."""
    return question.answers + question.shown
