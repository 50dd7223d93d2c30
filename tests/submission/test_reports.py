"""Reports of their own: whatever they refer to stands in them, and nothing in them is of another text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from chapters_lib import assignments
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.submission import NOTEBOOKS, carried_runs, source
from chapters_lib.submission.carried import recorded
from chapters_lib.submission.notebook import CARRIED, NUMBER, fill

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)


def whole(sheet: str) -> str:
    """Return all sources of a sheet's report."""
    pages = assignments.chapters(ROOT / "_toc.yml")
    return "\n".join(source(assignments.find(sheet), name, pages) for name in NOTEBOOKS[sheet])


@pytest.mark.parametrize("sheet", CARRIED)
@pytest.mark.parametrize("kind", ["Figure", "Table"])
def test_figures_and_tables_are_numbered_in_order_and_all_are_referred_to(sheet, kind):
    text = CELL.sub("", whole(sheet))
    captions = [int(n) for n in re.findall(rf"^\*\*{kind} (\d+)\.\*\*", text, re.MULTILINE)]
    assert captions == list(range(1, len(captions) + 1))
    plain = re.sub(rf"^\*\*{kind} \d+\.\*\*", "", text, flags=re.MULTILINE)
    assert {int(n) for n in re.findall(rf"\b{kind} (\d+)\b", plain)} == set(captions)


@pytest.mark.parametrize("sheet", CARRIED)
def test_equations_that_are_referred_to_are_there(sheet):
    text = whole(sheet)
    tags = re.findall(r"\\tag\{(\d+)\}", text)
    assert tags == [str(n + 1) for n in range(len(tags))]
    assert set(re.findall(r"Eqs?\. \((\d+)\)", text)) <= set(tags)


@pytest.mark.parametrize("sheet", CARRIED)
def test_a_report_is_of_no_book_and_of_no_digits(sheet):
    text = CELL.sub("", whole(sheet))
    assert not re.search(r"\b(?:book|chapter|section)s?\b", text)
    assert "QUICK" not in whole(sheet)


@pytest.mark.parametrize("sheet", CARRIED)
def test_every_number_of_a_report_is_in_a_record(sheet, tmp_path, monkeypatch):
    (tmp_path / "record").symlink_to(runs.root())
    monkeypatch.chdir(tmp_path)
    found = list(NUMBER.finditer(whole(sheet)))
    assert found
    for match in found:
        assert match[1] in carried_runs(sheet), f"{match[1]} is not carried"
        assert re.search(r"\d", recorded(*match.groups())) or match[3] == "s"


def test_how_many_trainings_there_were_is_read_from_the_record(tmp_path, monkeypatch):
    for path in sorted((ROOT / "book" / "packs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:two|three|four|five) (?:trainings|seeds)\b", text), path.name
    record = tmp_path / "record" / "vae"
    record.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for seeds, said in (([0], "one training"), ([0, 1, 2], "three trainings")):
        found = json.dumps({"metrics": {}, "provenance": {"seeds": seeds}})
        (record / "run.json").write_text(found, encoding="utf-8")
        assert recorded("vae", "by:trainings", "s") == said


def test_what_a_cell_says_is_put_into_the_text():
    said = new_code_cell("…", metadata={"tags": ["said"]})
    said.outputs = [new_output("stream", name="stdout", text='{"gain": -1.25, "worst": "a-b"}')]
    text = new_markdown_cell("By {said}`gain .1f` of {said}`worst`.")
    assert fill(new_notebook(cells=[text, said])).cells[0].source == "By −1.2 of a-b."
    with pytest.raises(ChaptersError, match="which no cell prints"):
        fill(new_notebook(cells=[new_markdown_cell("{said}`loss .2f`")]))
