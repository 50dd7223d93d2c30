"""Packs: names, contents, code that runs alone in time, reports that can be read."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from pypdf import PdfReader

from chapters_lib import assignments, submission
from chapters_lib.submission.checking import WHOLE
from chapters_lib.submission.notebook import script

from .conftest import ROOT, lacking

pytestmark = pytest.mark.slow
PAGES = assignments.chapters(ROOT / "_toc.yml")
READY = [sheet for sheet in assignments.SHEETS if not assignments.unanswered(sheet, PAGES)]
SECONDS = 300  # of one core
EMPTY = ("hw7", "hw5")  # tried in an environment of their own where CHAPTERS_EMPTY_VENV is set
HIDE = "import sys, runpy; sys.modules['chapters_lib'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
PAGES_AT_MOST = {"a4-fashion": 15, "a4-mnist": 12, "hw7": 6, "a4a": 10, "hw5": 14}
WHO = {"hw7": ["id-1", "id_2"]}
FILES = {
    **{
        name: [f"{name}.id-1.{end}" for end in ("ipynb", "notebook.pdf", "pdf", "record.zip")]
        for name in ("a4-fashion", "a4-mnist")
    },
    "hw7": ["homework7.id-1.id_2.zip"],
    "a4a": ["id-1_4a.zip"],
    "hw5": ["hw5.id-1.zip"],
}
INSIDE = {
    "a4-fashion.id-1.record.zip": set(),
    "a4-mnist.id-1.record.zip": set(),
    "homework7.id-1.id_2.zip": {"homework7.id-1.id_2.py", "homework7.id-1.id_2.pdf"},
    "id-1_4a.zip": {"id-1_4a.ipynb", "id-1_4a.pdf"},
    "hw5.id-1.zip": {
        "report.pdf",
        "hw5-1-dcgan.ipynb",
        "hw5-2-rbm.ipynb",
        "hw5-3-vae.ipynb",
    },
}


@pytest.fixture(scope="module", params=[pytest.param(sheet, id=sheet.name) for sheet in READY])
def pack(request, tmp_path_factory):
    """Return a sheet and the folder with all files of its pack, archives unpacked."""
    for tool in ("xelatex", "latexmk"):
        if not shutil.which(tool):
            lacking(f"{tool} is not installed: no report")
    sheet, folder = request.param, tmp_path_factory.mktemp(request.param.name)
    names = WHO.get(sheet.name, ["id-1"])
    written = submission.submit(sheet.name, names, target=folder)
    assert [path.name for path in written] == FILES[sheet.name]
    assert sorted(path.name for path in folder.iterdir()) == FILES[sheet.name], (
        "nothing else lies there"
    )
    for path in written:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                inside = set(archive.namelist())
                assert archive.testzip() is None
                record = {name for name in inside if name.startswith("record/")}
                assert inside - record == INSIDE[path.name]
                assert record
                archive.extractall(folder)
    return sheet, folder


def printed(folder: Path) -> Path:
    """Return the one report of a pack."""
    (path,) = (path for path in folder.rglob("*.pdf") if not path.stem.endswith(WHOLE))
    return path


def code(folder: Path) -> dict[str, str]:
    """Return the Python code of a pack, by file."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    for path in folder.rglob("*.ipynb"):
        found[path.name] = script(nbformat.read(path, as_version=4))
    return found


def test_the_questions_come_in_the_sheets_order(pack):
    sheet, folder = pack
    text = "\n".join(part for _, part in sorted(code(folder).items()))
    places = [text.index(f"## {q.name} ({q.points:g} point") for q in sheet.questions]
    assert places == sorted(places)
    for question in sheet.questions:
        assert question.asked in text.replace("\N{NO-BREAK SPACE}%", " %")
    assert "misconduct" in text and "pip install" in text


def test_notebooks_are_executed_and_show_what_was_recorded(pack):
    _, folder = pack
    for path in folder.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in cells) and any(cell.outputs for cell in cells)
        assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
        shown = [cell for cell in cells if "shown" in cell.metadata.get("tags", [])]
        assert shown and all(cell.outputs for cell in shown)
        assert not re.search(r" at 0x[0-9a-f]+", str([cell.outputs for cell in cells]))


def test_a_notebook_in_print_has_all_its_cells(pack):
    """As the sheets of Assignment 4 ask, beside the report: the loop of all trainings too, and no raw table."""
    _, folder = pack
    for path in folder.rglob(f"*{WHOLE}.pdf"):
        text = "".join(page.extract_text() for page in PdfReader(path).pages)
        assert "def fit(" in text and "TRAIN = False" in text and "Table 2." in text
        assert "| --- |" not in text


def test_the_report_can_be_read(pack):
    sheet, folder = pack
    path = printed(folder)
    reader = PdfReader(path)
    text = "".join(page.extract_text() for page in reader.pages)
    assert "misconduct" in text and "??" not in text
    for question in sheet.questions:
        assert question.name in text
        for label in question.shown:
            assert label not in text
    assert sum(len(page.images) for page in reader.pages) or "/XObject" in str(
        reader.pages[1]["/Resources"]
    )
    assert all(page.extract_text().strip() for page in reader.pages), "an empty page"
    assert path.stat().st_size < 5e6


def test_a_report_of_its_own_refers_to_nothing_outside(pack):
    """Its figures, tables and equations are numbered from 1 and all referred to; nothing is left to be filled in."""
    sheet, folder = pack
    path = printed(folder)
    reader = PdfReader(path)
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert len(reader.pages) <= PAGES_AT_MOST[sheet.name]
    assert not re.search(
        r"\{(?:said|number)\}|\b(?:chapter|section|book)s?\b \d|\bnan\b|digits of scikit", text
    )
    for kind in ("Figure", "Table"):
        there = {int(n) for n in re.findall(rf"{kind} (\d+)\.(?= )", text)}
        referred = {int(n) for n in re.findall(rf"{kind}s? (\d+)\b", text)}
        assert there == set(range(1, max(there) + 1)) and referred <= there
    equations = {int(n) for n in re.findall(r"\((\d+)\)", text)}
    assert all(
        n in equations for n in map(int, re.findall(r"Equations? \(?(\d+)\b(?!\)? of )", text))
    )


def test_the_code_runs_alone_in_time(pack, tmp_path):
    """In an empty folder, on one core, without the library or a data set; two packs in an empty environment."""
    sheet, folder = pack
    python = [sys.executable, "-c", HIDE]
    if empty := bool(os.environ.get("CHAPTERS_EMPTY_VENV")) and sheet.name in EMPTY:
        venv.create(tmp_path / "empty", with_pip=True)
        python = [str(tmp_path / "empty" / "bin" / "python")]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CHAPTERS_DATA")}
    environment |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    for name, text in code(folder).items():
        assert not re.search(r"^\s*(?:from|import) chapters_lib", text, re.MULTILINE)
        shutil.copytree(folder / "record", tmp_path / "record", dirs_exist_ok=True)
        packages = re.search(r"^#     pip install (.+)$", text, re.MULTILINE)
        assert packages and all(package.count("==") == 1 for package in packages[1].split())
        if empty:
            pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*python, *pip, *packages[1].split()], check=True)
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        began = seconds()
        done = subprocess.run(
            [*python, str(path)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stderr == "", "nothing to warn of"
        assert seconds() - began < SECONDS


def seconds() -> float:
    """Return the processor time of finished child processes: the same on a busy machine as on an idle one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("sheet", READY, ids=lambda sheet: sheet.name)
def test_a_blank_pack_has_no_answer_in_it(sheet, tmp_path):
    (path,) = submission.submit(sheet.name, blank=True, target=tmp_path)
    assert path.name == f"{sheet.name}-blank.zip"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "x")
    text = "\n".join(code(tmp_path / "x").values())
    assert all(question.asked in text for question in sheet.questions)
    assert "raise NotImplementedError" in text
    assert not re.search(r"\*(?:Figure|Table) \d", text) and "## References" not in text


def test_every_row_of_the_map_leads_to_its_place(soups):
    for sheet in assignments.SHEETS:
        for question in sheet.questions:
            if question.chapter in PAGES:
                page = soups[f"book/{question.chapter}.html"]
                links = {
                    a["href"]
                    for a in soups["book/assignments.html"].article.find_all("a", href=True)
                }
                for label in assignments.labels(question):
                    assert page.find(id=label), f"{question.chapter} has no {label}"
                    assert f"{question.chapter}.html#{label}" in links
