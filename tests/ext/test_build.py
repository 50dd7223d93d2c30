"""The build itself, on a tiny book: what is wrong in it fails every time, and what changed is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.book.conftest import STRICT, jupyter_book

from .conftest import PAGE

pytestmark = pytest.mark.slow
EXPLORERS = """from pathlib import Path
RUNS = ("ae-digits",)
def write(names, folder):
    Path(folder).mkdir(parents=True)
    (Path(folder) / "index.js").write_text(*names)
"""


def html(book: Path) -> str:
    return (book / "_build" / "html" / "book" / "page.html").read_text(encoding="utf-8")


def test_what_changed_runs_the_pages_again(tiny, monkeypatch):
    """The library, the seeds of the pages, and another folder of runs.

    Its path is meant from where the build was started, which is not where notebooks run.
    """
    of_runs = 'print(Path(e["CHAPTERS_RUNS"], "record").read_text(), e.get("CHAPTERS_PAGE_SEED"))'
    cell = f"from os import environ as e\n{of_runs}"
    monkeypatch.delenv("CHAPTERS_PAGE_SEED", raising=False)
    page = PAGE.replace("print(", f"{cell}\nprint(")
    (tiny / "book" / "page.md").write_text(page, encoding="utf-8")
    for folder in ("first", "second"):
        (tiny / folder).mkdir()
        (tiny / folder / "record").write_text(f"of the {folder}", encoding="utf-8")
    for change, seen in (
        (lambda: monkeypatch.setenv("CHAPTERS_RUNS", "first"), "first value"),
        (lambda: None, "of the first None"),
        (lambda: (tiny / "src" / "value.txt").write_text("another", encoding="utf-8"), "another"),
        (lambda: monkeypatch.setenv("CHAPTERS_PAGE_SEED", "3"), "of the first 3"),
        (lambda: monkeypatch.setenv("CHAPTERS_RUNS", "second"), "of the second 3"),
    ):
        before = html(tiny) if (tiny / "_build").exists() else ""
        change()
        done = jupyter_book(tiny, *STRICT)
        assert done.returncode == 0 and seen in html(tiny)
        assert ("running" in done.stdout) == (seen not in before), "else nothing should run"


def test_a_build_elsewhere_leaves_the_sources_as_they_are(tiny, tmp_path_factory, monkeypatch):
    library = tiny / "src" / "chapters_lib" / "explorers"
    library.mkdir(parents=True)
    (library.parent / "__init__.py").touch()
    (library / "__init__.py").write_text(EXPLORERS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tiny / "src"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    before, out = sorted(tiny.rglob("*")), tmp_path_factory.mktemp("out")
    assert jupyter_book(tiny, *STRICT, "--path-output", str(out)).returncode == 0
    static = out / "_build" / "html" / "_static"
    assert (static / "explorers" / "index.js").read_text(encoding="utf-8") == "ae-digits"
    assert sorted(tiny.rglob("*")) == before


def add(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_a_style_sheet_or_script_that_changed_alone_reaches_the_site(tiny):
    assert jupyter_book(tiny, *STRICT).returncode == 0
    for name, line in (("book.css", "h1 { color: #abcdef; }"), ("site.js", "// changed")):
        add(tiny / "book" / "_static" / name, line)
    for copied in (True, False):
        done = jupyter_book(tiny, *STRICT)
        assert done.returncode == 0 and "running" not in done.stdout
        assert ("copying static files" in done.stdout) == copied, "else nothing is out of date"
    built = tiny / "_build" / "html" / "_static"
    assert "// changed" in (built / "site.js").read_text(encoding="utf-8")
    assert "#abcdef" in html(tiny) + (built / "site.css").read_text(encoding="utf-8")


def test_a_failing_cell_fails_every_build_and_says_where(tiny):
    (tiny / "book" / "page.md").write_text(
        PAGE + '\n```{code-cell} python\nassert 2 < 1, "the text says it is lower"\n```\n',
        encoding="utf-8",
    )
    for options in (STRICT, ()):
        result = jupyter_book(tiny, *options)
        assert result.returncode != 0
        assert "book/page" in result.stderr
        assert "the text says it is lower" in result.stderr


def test_a_warning_fails_every_strict_build_also_after_a_plain_one(tiny):
    (tiny / "book" / "page.md").write_text(
        PAGE + "\nSee {numref}`fig-nowhere`.\n", encoding="utf-8"
    )
    assert jupyter_book(tiny).returncode == 0
    for _ in range(2):
        result = jupyter_book(tiny, *STRICT)
        assert result.returncode != 0
        assert "page.md" in result.stderr and "fig-nowhere" in result.stderr
    (tiny / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    assert jupyter_book(tiny, *STRICT).returncode == 0
