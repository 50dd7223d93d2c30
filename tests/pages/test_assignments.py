"""The page of the assignments: a row for each answered question, and words for the others."""

import pytest

from chapters_lib import assignments
from chapters_lib.pages import assignments as page


@pytest.mark.parametrize("sheet", assignments.SHEETS, ids=lambda sheet: sheet.name)
def test_a_sheet_has_a_row_for_each_question(sheet):
    text = page.sheet(sheet.name).data
    assert f":name: tab-assignments-{sheet.name}\n" in text
    assert text.count("\n* - ") == 1 + len(sheet.questions)
    assert all(f"{{ref}}`{question.answers[0]}`" in text for question in sheet.questions)


def test_what_has_no_chapter_is_named_below(monkeypatch):
    monkeypatch.setattr(page.assignments, "chapters", lambda contents: ("vae",))
    text = page.sheet("hw7").data
    assert text.count("\n* - ") == 2
    assert text.endswith("most of the ten digits.") and "40 points: **GAN** (40): train a" in text
    monkeypatch.setattr(page.assignments, "chapters", lambda contents: ())
    assert page.sheet("hw7").data.strip().startswith("*Not answered yet*")
