"""Packs: names that will not do, chapters that are missing, and nothing half-written."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from chapters_lib import assignments, submission
from chapters_lib.assignments import Question, Sheet
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.submission import report
from chapters_lib.submission.notebook import (
    _switches_first,
    build,
    cited,
    fill,
    references,
    script,
)

SHEET = Sheet(
    "toy",
    "A toy sheet",
    3,
    (Question("1", 3, "Add two numbers.", "toy", ("sec-toy",), ("fig-toy",)),),
)
SOURCE = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

```{code-cell} python
---
tags: [given]
---
SMOKE = True
```

{question}`1`

One and one are {number}`vae-fc-mnist test_negative_elbo .1f`, as in Kingma and Welling (2014).

+++ {"tags": ["code"]}

### The code

```{code-cell} python
from chapters_lib.models.layers import mlp
```

```{code-cell} python
print(len(mlp([2, 3, 4])))
```
"""


def test_a_pack_is_executed_with_the_data_that_the_project_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("CHAPTERS_DATA", tmp_path.name)  # the notebook runs in another folder
    cell = new_code_cell("import os\nprint(os.environ['CHAPTERS_DATA'])")
    (cell,) = submission.execute(new_notebook(cells=[cell])).cells
    assert cell.outputs[0].text.strip() == str(tmp_path.resolve())


def test_a_pack_holds_question_answer_and_code_that_runs_alone():
    notebook = build(SHEET, SOURCE, ("me",), blank=False)
    nbformat.validate(notebook)
    run = runs.load("vae-fc-mnist")
    carried = {f"record/{run.name}/{p.name}": p.read_bytes() for p in run.folder.iterdir()}
    notebook = fill(submission.execute(notebook, carried))
    text = "\n".join(cell.source for cell in notebook.cells)
    order = [
        text.index(part)
        for part in (
            "# A toy sheet",
            "**me**",
            "misconduct",
            "## 1 (3 points)",
            "*The task, in our words:* Add two numbers.",
            f"One and one are {run['test_negative_elbo']:.1f}, as",
            "def mlp(",
            "the numbers of the text",
            "## References",
        )
    ]
    assert order == sorted(order)
    assert "pip install " in text and "torch==" in text and "import chapters_lib" not in text
    printed = [cell.outputs[0].text for cell in notebook.cells if cell.get("outputs")]
    assert printed[0] == "3\n" and f'"{run["test_negative_elbo"]:.1f}"' in printed[1]
    code = script(notebook)
    assert code.startswith("from __future__ import annotations\n") and code.count("__future__") == 1
    compile(code, "script", "exec")
    assert "# *The task, in our words:* Add two numbers." in code


def test_what_is_cited_is_listed_once():
    works = cited("as in Kingma and Welling (2014), and [Goodfellow et al., 2014]; Ioffe (1999)")
    assert cited("as in Kingma and Welling 2014") and not cited("Kingma and Welling, and 2014")
    assert len(works) == 2 and all("2014" in work for work in works)
    notebooks = [
        new_notebook(cells=[new_markdown_cell("# T"), new_markdown_cell(references(works[:n]))])
        for n in (1, 2)
    ]
    last = submission._joined(notebooks).cells[-1].source
    assert last == references(sorted(works))


def test_what_only_a_docstring_cut_off_cites_is_no_reference():
    shown = "---\ntags: [printed]\n---\nfrom chapters_lib.objectives.elbo import negative_elbo"
    cells = "".join(
        f"\n```{{code-cell}} python\n{cell}\n```\n" for cell in (shown, "negative_elbo")
    )
    *_, listed = (c.source for c in build(SHEET, SOURCE + cells, ("me",), blank=False).cells)
    assert "Kingma and Max Welling" in listed and "Higgins" not in listed


def test_a_report_keeps_a_caption_with_its_table_and_fills_empty_cells():
    caption = "**Table 1.** A long\ncaption."
    source = f"Before.\n\n{caption}\n\n| | b |\n| --- | --- |\n| 1 |  |\n\nAfter."
    text = report.TABLE.sub(report._table, source)
    assert "{table} **Table 1.** A long caption.\n" in text
    assert "\n| \N{NO-BREAK SPACE} | b |\n| --- | --- |\n| 1 | – |\n````" in text
    assert re.search(r"\\Needspace\{7\\baselineskip\}", text)
    assert text.startswith("Before.") and text.endswith("After.")


def test_printed_code_fills_its_lines_and_says_the_same():
    code = (
        'def f(\n    a: int,\n    b: int = 2,\n) -> int:\n    """Add.\n\n    Slowly.\n    """\n\n'
        "    c = [\n        a,  # the first\n        b,\n    ]\n    return sum(\n        c\n    )\n\n\n"
        "D = max(\n" + f"    {'x' * 60},\n    {'y' * 60},\n)\n"
    )
    assert report.briefly(code) == (
        'def f(a: int, b: int = 2) -> int:\n    """Add."""\n    c = [\n        a,  # the first\n        b,\n    ]\n'
        f"    return sum(c)\n\nD = max({'x' * 60},\n        {'y' * 60})\n"
    )
    assert report.filled("one = (\n    1,\n)\n") == "one = (\n    1,\n)\n", "a tuple stays one"


def test_a_report_of_its_own_shows_outputs_under_their_captions(tmp_path):
    cells = [
        new_markdown_cell("# T\n\n**Table 1.** Sums."),
        new_code_cell(
            "display(table)",
            metadata={"tags": ["shown"], "alt": ""},
            outputs=[new_output("display_data", data={"text/markdown": "| a |\n| --- |\n| 1 |"})],
        ),
        new_code_cell(
            "display(figure)",
            id="draw",
            metadata={"tags": ["shown"], "alt": "A square."},
            outputs=[new_output("display_data", data={"image/png": "AAAA", "text/plain": "x"})],
        ),
        new_markdown_cell("**Figure 1.** A square."),
        new_code_cell("left_out()"),
    ]
    (cell,) = report._printable(new_notebook(cells=cells), tmp_path, code=False).cells
    assert "{table} **Table 1.** Sums.\n\n| a |" in cell.source
    assert "{figure} output-draw-0.png\n:alt: A square.\n\n**Figure 1.** A square." in cell.source
    assert (tmp_path / "output-draw-0.png").exists() and "left_out" not in cell.source


OWN = """
```{code-cell} python
BEST = 7
def judged(images):
    \"\"\"Return how good images are.\"\"\"
    return images * BEST
print(judged(3))
```

```{code-cell} python
---
tags: [said]
---
def sentence():
    return "Seven is best."
print(sentence())
```
"""


def test_a_blank_pack_has_questions_and_no_answers():
    notebook = build(SHEET, SOURCE + OWN, (), blank=True)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert (
        "*The task, in our words:* Add two numbers." in text
        and "*Your answer.*" in text
        and "SMOKE = True" in text
    )
    assert "One and one" not in text and "References" not in text and "layers +=" not in text
    assert "def mlp(" in text and "raise NotImplementedError" in text and "print(len" not in text
    assert "Return how good images are." in text and "BEST" not in text and "sentence" not in text
    assert not any(cell.get("attachments") for cell in notebook.cells)


def test_the_blank_pack_of_4a_has_no_answer(tmp_path):
    (path,) = submission.submit("a4a", blank=True, target=tmp_path / "dist")
    with zipfile.ZipFile(path) as archive:
        notebook = nbformat.reads(archive.read("a4a-blank.ipynb").decode(), as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert text.count("*Your answer.*") == 5 and "raise NotImplementedError" in text
    assert "**Answer.**" not in text and "Table 1" not in text and "{said}" not in text


def test_a_blank_pack_of_a_report_of_its_own_has_no_answer(tmp_path):
    (path,) = submission.submit("hw7", blank=True, target=tmp_path / "dist")
    with zipfile.ZipFile(path) as archive:
        text = archive.read("homework7-blank.py").decode()
    assert (
        "*The task, in our words:* Train a variational autoencoder" in text
        and text.count("*Your answer.*") == 2
    )
    assert "raise NotImplementedError" in text and "### The code: the loss" in text
    assert "**Answer.**" not in text and "Figure 1" not in text and "{number}" not in text


def test_a_cell_that_fails_is_one_line():
    notebook = build(SHEET, SOURCE.replace("print(len", "print(1 / 0, len"), ("me",), blank=False)
    with pytest.raises(ChaptersError, match="a cell of the pack fails: ZeroDivisionError"):
        submission.execute(notebook)


WRONG = [
    "",
    ".",
    "..",
    ".a",
    "a.",
    "a..b",
    "../x",
    "a/b",
    "a\\b",
    "a b",
    "é!",
    "a\n",
    "x" * 41,
    "~",
    "$HOME",
    "-\0",
]


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_will_not_do_is_refused_and_nothing_is_written(name, tmp_path, capsys):
    target = tmp_path / "dist"
    assert main(["submit", "hw7", f"--name={name}", "--to", str(target)]) == 1
    message = capsys.readouterr().err
    assert "will not do" in message and message.count("\n") == 1
    assert not target.exists()


@pytest.mark.parametrize("name", ["abc123", "a.b", "A-b_c.9", "Zoë.Łuka", "王芳"])
def test_names_that_will_do(name):
    assert submission.check_names(assignments.find("hw7"), [name]) == (name,)


@pytest.mark.parametrize(
    ("sheet", "names", "message"),
    [
        ("hw7", [], "one to 3 names"),
        ("hw7", ["a", "b", "c", "d"], "one to 3 names"),
        ("hw7", ["a", "a"], "given twice"),
        ("a4-mnist", ["a", "b"], "one name"),
    ],
)
def test_too_few_or_too_many_names(sheet, names, message):
    with pytest.raises(ChaptersError, match=message):
        submission.check_names(assignments.find(sheet), names)


def test_the_sheets_are_listed_one_a_line(capsys):
    assert main(["submit", "--list"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "a4-fashion",
        "a4-mnist",
        "hw7",
        "a4a",
        "hw5",
        "",
    ]


def test_all_packs_are_those_whose_chapters_the_book_has(capsys, monkeypatch):
    calls = []
    open_ones = {"a4a": ["GAN"]}
    monkeypatch.setattr(submission, "unpacked", lambda sheet: open_ones.get(sheet.name, []))
    monkeypatch.setattr(
        submission,
        "submit",
        lambda name, names, *, blank, **_: calls.append((name, names, blank)) or [Path(name)],
    )
    assert main(["submit", "--all", "--name", "x"]) == 0
    made = ["a4-fashion", "a4-mnist", "hw7", "hw5"]
    assert calls == [(name, ["x"], blank) for name in made for blank in (False, True)]
    assert "a4a: not yet, the book has no chapter on GAN" in capsys.readouterr().out
    assert main(["submit", "hw7", "--all"]) == 1


def test_submit_without_a_sheet_or_with_an_unknown_one(capsys):
    assert main(["submit"]) == 1 and "--list" in capsys.readouterr().err
    assert (
        main(["submit", "hw8", "--name", "x"]) == 1
        and "did you mean hw7" in capsys.readouterr().err
    )


def test_a_sheet_whose_chapter_is_missing_is_not_faked(tmp_path, monkeypatch):
    monkeypatch.setattr(assignments, "unanswered", lambda sheet, pages: [sheet.questions[0]])
    with pytest.raises(ChaptersError, match="no chapter on VAE; nothing is written"):
        submission.submit("hw7", ["me"], target=tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_a_pack_with_a_cell_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def fails(notebook, carried):
        raise ChaptersError("a cell of the pack fails")

    monkeypatch.setattr(submission, "execute", fails)
    with pytest.raises(ChaptersError, match="a cell of the pack fails"):
        submission.submit("a4-mnist", ["me"], target=tmp_path / "dist")
    assert list((tmp_path / "dist").iterdir()) == []


def test_all_files_of_a_pack_or_none(tmp_path, monkeypatch):
    made, target = tmp_path / "made", tmp_path / "dist"
    made.mkdir()
    (target / "b").mkdir(parents=True)  # in the way of the second
    for name in "ab":
        (made / name).write_text(name, encoding="utf-8")
    with pytest.raises(IsADirectoryError):
        submission._put([made / "a", made / "b"], target)
    assert [path.name for path in target.iterdir()] == ["b"]
    (target / "a").write_text("of an earlier pack", encoding="utf-8")
    with pytest.raises(IsADirectoryError):
        submission._put([made / "a", made / "b"], target)
    assert (target / "a").read_text(encoding="utf-8") == "of an earlier pack"
    assert len(list(target.iterdir())) == 2
    (target / "b").rmdir()
    replace = Path.replace

    def interrupted(path, aim):
        replace(path, aim)
        if path.name == ".a.partial":
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        submission._put([made / "a", made / "b"], target)
    monkeypatch.undo()
    assert {path.name: path.read_text(encoding="utf-8") for path in target.iterdir()} == {
        "a": "of an earlier pack"
    }
    assert submission._put([made / "a", made / "b"], target) == [target / "a", target / "b"]
    assert {path.name: path.read_text(encoding="utf-8") for path in target.iterdir()} == {
        "a": "a",
        "b": "b",
    }


def test_an_archive_depends_on_its_contents_alone(tmp_path):
    one = submission._zip(tmp_path / "1.zip", {"b": "2", "a": b"1"})
    other = submission._zip(tmp_path / "2.zip", {"a": b"1", "b": "2"})
    assert one.read_bytes() == other.read_bytes()
    assert zipfile.ZipFile(one).namelist() == ["a", "b"]


def test_notebooks_are_written_as_such():
    assert json.loads(submission._json(new_notebook(cells=[])))["nbformat"] == 4


def test_switches_stand_above_the_code_that_is_written_out():
    source = "def f():\n    return 1\n\n\nTRAIN = False  # True trains\nSMOKE = bool(f())\n\nX = 1"
    assert _switches_first(source) == (
        "TRAIN = False  # True trains\nSMOKE = bool(f())\n\n\ndef f():\n    return 1\n\n\nX = 1"
    )
