"""The assignment sheets as tables: each question, its points, and what in the book answers it."""

from __future__ import annotations

from pathlib import Path

from IPython.display import Markdown

from chapters_lib import assignments
from chapters_lib.assignments import Question
from chapters_lib.findings import colour
from chapters_lib.pages import run, table

CONTENTS = Path(__file__).resolve().parents[3] / "_toc.yml"


def sheet(name: str, *, asked: bool = True) -> Markdown:
    """Return a sheet's questions with their points and answers; below them what is not answered yet.

    Without `asked` the column of what is asked is left out, where another sheet's says the same.
    """
    found = assignments.find(name)
    missing = assignments.unanswered(found, assignments.chapters(CONTENTS))
    rows = [["Question", "What is asked", "Read, and look at", "Run and number"]]
    rows += [_row(question) for question in found.questions if question not in missing]
    widths = "13 25 31 31"
    if not asked:
        rows, widths = [[*row[:1], *row[2:]] for row in rows], "17 48 35"
    text = ""
    if len(rows) > 1:
        caption = f"{found.title}: questions with their points, and their answers."
        text = table(caption, f"tab-assignments-{name}", widths, rows, "longtable").data
    return Markdown(f"{text}\n\n{_open(missing)}" if missing else text)


def _row(question: Question) -> list[str]:
    name = f"**{question.name}** ({question.points:g}{' on top' if question.bonus else ''})"
    answers, shown = _links(question.answers), _links(question.shown)
    where = f"{{doc}}`{question.chapter}`: {answers}; {shown}"
    return [name, question.asked, where, _measured(question)]


def _links(labels: tuple[str, ...]) -> str:
    """Return links to sections, by their titles, and to figures and tables, by their numbers."""
    roles = ["ref" if label.startswith("sec-") else "numref" for label in labels]
    return ", ".join(f"{{{role}}}`{label}`" for role, label in zip(roles, labels, strict=True))


def _measured(question: Question) -> str:
    """Return the runs behind an answer, and the one number to look at."""
    number = question.number
    if number is None:
        return "a derivation"
    names = ", ".join(f"`{colour.shown(name)}`" for name in question.runs)
    return f"{names}; {number.words}: **{run(colour.shown(number.run))[number.key]:{number.form}}**"


def _open(missing: list[Question]) -> str:
    points = sum(question.points for question in missing)
    asked = (
        f"**{q.name}** ({q.points:g}): {q.asked[0].lower()}{q.asked[1:].rstrip('.')}"
        for q in missing
    )
    return f"*Not answered yet*, for want of a chapter, {points:g} points: {'; '.join(asked)}."
