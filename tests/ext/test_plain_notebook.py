"""The book's tables as plain Markdown: what downloads and packs show."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def packed(sources: Path, kind: str) -> str:
    """Make an archive of a folder, or a repository's address."""
    if kind == "archive":
        return shutil.make_archive(
            str(sources.parent / "book"), "gztar", sources.parent, sources.name
        )
    git = ["git", "-C", str(sources), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], check=True)
    return sources.as_uri()


@pytest.mark.parametrize("kind", ["archive", "repository"])
def test_a_notebook_far_from_the_sources_takes_them(kind, tmp_path, monkeypatch, capsys):
    """Every package is there already, so that nothing is installed."""
    sources = tmp_path / "made" / "book-1"
    (sources / "src" / "chapters_lib").mkdir(parents=True)
    (sources / "src" / "chapters_lib" / "__init__.py").touch()
    pins = (PATH.parents[2] / "requirements.txt").read_text(encoding="utf-8")
    (sources / "requirements.txt").write_text(pins, encoding="utf-8")
    source = packed(sources, kind)
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "far")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    told, cell = plain_notebook.preface("Data", "book/data", source)
    assert told.cell_type == "markdown" and cell.cell_type == "code"
    exec(cell.source, {})
    book = tmp_path / "far" / "learning-to-generate"
    assert sys.path[0] == str(book / "src") and (book / "requirements.txt").exists()
    assert str(book) in capsys.readouterr().out
    exec(cell.source, {})  # again: it is there


def test_a_notebook_without_sources_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, cell = plain_notebook.preface("Data", "book/data")
    with pytest.raises(SystemExit, match="SOURCE"):
        exec(cell.source, {})
