"""The assignment map: every question has a target that exists, a recorded run, and its points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chapters_lib import assignments
from chapters_lib.assignments import SHEETS, Question, Sheet
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings.colour import colour_set
from chapters_lib.recording import runs
from chapters_lib.submission import source

ROOT = Path(__file__).resolve().parents[1]
PAGES = assignments.chapters(ROOT / "_toc.yml")
LABEL = re.compile(
    r"^\(([\w-]+)\)=\s*$|^\s*:?(?:name|label): ([\w-]+)\s*$|\"((?:tab|fig)-[\w-]+)\"|f\"(tab-[\w-]+)\{",
    re.MULTILINE,
)
CALLED = re.compile(r"^from chapters_lib\.pages import (\w+) as \w+$", re.MULTILINE)
# Named here so that nobody forgets them: chapters that a sheet asks for and the book has not yet.
OPEN: set[str] = set()


def with_modules(page: Path) -> str:
    """Return the source of a page, and of the modules that its cells import to call them."""
    text = page.read_text(encoding="utf-8")
    paths = [
        ROOT / "src" / "chapters_lib" / "pages" / f"{name}.py"
        for name in dict.fromkeys(CALLED.findall(text))
    ]
    return "\n".join([text, *(path.read_text(encoding="utf-8") for path in paths)])


ROWS = [
    pytest.param(question, id=f"{sheet.name}: {question.name}")
    for sheet in SHEETS
    for question in sheet.questions
]


def defined(text: str) -> set[str]:
    """Return the labels that a page's source defines; of computed names, what they begin with."""
    return {name for match in LABEL.findall(text) for name in match if name}


def missing_targets(question: Question, text: str) -> list[str]:
    """Return the labels of a row that its page does not define."""
    known = defined(text)
    begun = tuple(name for name in known if name.endswith("-") and name.startswith("tab-"))
    return [
        label
        for label in assignments.labels(question)
        if label not in known and not label.startswith(begun or ("\0",))
    ]


@pytest.mark.parametrize("question", ROWS)
def test_a_row_is_whole_once_its_chapter_is_in_the_book(question):
    if question.chapter not in PAGES:
        assert question.chapter in OPEN, "no such chapter is planned"
        return
    assert question.answers and question.shown, "a row without a target"
    assert question.asked.endswith((".", "?"))
    assert missing_targets(question, with_modules(ROOT / "book" / f"{question.chapter}.md")) == []
    if question.runs:
        assert question.number and question.number.run in question.runs
        assert set(question.runs) <= set(EXPERIMENTS)
        for name in question.runs:
            runs.load(name)
        found = runs.load(question.number.run)[question.number.key]
        assert f"{found:{question.number.form}}"


def test_a_label_that_vanishes_is_noticed():
    question = assignments.find("hw7").questions[1]
    text = with_modules(ROOT / "book" / "gan.md")
    assert missing_targets(
        question, text.replace("name: fig-gan-samples", "name: fig-gan-others")
    ) == ["fig-gan-samples"]
    assert missing_targets(question, text.replace("(sec-gan-pair)=", "")) == ["sec-gan-pair"]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_the_points_add_up(sheet):
    assert sum(q.points for q in sheet.questions if not q.bonus) == sheet.total
    assert all(q.points > 0 for q in sheet.questions)
    assert len({q.name for q in sheet.questions}) == len(sheet.questions)


def test_the_bonus_is_ten_points_of_one_sheet():
    bonus = {sheet.name: sum(q.points for q in sheet.questions if q.bonus) for sheet in SHEETS}
    assert {name: points for name, points in bonus.items() if points} == {"a4-fashion": 10}


def test_what_is_open_is_known():
    """A chapter that has come into the book is struck from OPEN, and then its rows must be whole."""
    still = {q.chapter for sheet in SHEETS for q in assignments.unanswered(sheet, PAGES)}
    assert still == OPEN, (
        "strike from OPEN what the table of contents now lists, and fill in its rows"
    )


def test_the_page_shows_every_sheet():
    text = (ROOT / "book" / "assignments.md").read_text(encoding="utf-8")
    shown = re.findall(r'^page\.sheet\("([\w-]+)"(?:, asked=False)?\)$', text, re.MULTILINE)
    assert shown == [sheet.name for sheet in SHEETS]
    assert "assignments" in PAGES
    for sheet in SHEETS:
        assert f"`{sheet.name}`" in text


def test_an_unknown_sheet_is_one_line_with_the_nearest_name():
    with pytest.raises(ChaptersError, match="did you mean a4-fashion"):
        assignments.find("a4-fasion")
    with pytest.raises(ChaptersError, match="there are a4-fashion, a4-mnist, hw7, a4a, hw5"):
        assignments.find("zzz")


def test_unanswered_names_the_questions_without_a_chapter():
    question = Question("1", 1, "?", "nowhere")
    sheet = Sheet("s", "S", 1, (question,))
    assert assignments.unanswered(sheet, ("vae",)) == [question]
    assert assignments.unanswered(sheet, ("nowhere",)) == []


def test_the_pack_of_4a_trains_as_was_recorded():
    """Each training takes its whole configuration from its record."""
    text = source(assignments.find("a4a"), "a4a", PAGES)
    for model, kind in {
        "vae-gaussian": "PriorConfig",
        "vae-realnvp": "PriorConfig",
        "gan": "GanConfig",
    }.items():
        for dataset in ("mnist", colour_set().name):
            assert f'runs.load("{model}-{dataset}").config_as({kind})' in text
