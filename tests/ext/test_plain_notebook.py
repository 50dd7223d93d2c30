"""The book's tables as plain Markdown: what downloads and packs show."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "plain_notebook.py"
spec = importlib.util.spec_from_file_location("plain_notebook", PATH)
assert spec and spec.loader
plain_notebook = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plain_notebook)


def test_a_table_whose_first_heading_is_empty_keeps_its_headings(monkeypatch):
    page = plain_notebook._Page.__new__(plain_notebook._Page)
    monkeypatch.setattr(page, "number", lambda kind, label: "1.2", raising=False)
    rows = "* -\n  - Train\n  - Test\n* - error\n  - 0.1\n  -\n"
    assert page.table("Errors", {"name": "tab-x"}, rows).split("\n") == [
        '<a id="tab-x"></a>',
        "",
        "*Table 1.2: Errors*",
        "",
        "|  | Train | Test |",
        "| --- | --- | --- |",
        "| error | 0.1 |  |",
    ]


def test_a_question_keeps_its_words_and_folds_its_answer():
    page = plain_notebook._Page.__new__(plain_notebook._Page)
    text = page.text(":::{quiz} Is $2 + 2$ four?\nYes, by *counting*.\n:::\n")
    assert "<summary>Is $2 + 2$ four?</summary>" in text
    assert "Yes, by *counting*." in text and ":::" not in text
