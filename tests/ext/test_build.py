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


def test_a_changed_library_runs_the_pages_again(tiny):
    assert jupyter_book(tiny, *STRICT).returncode == 0
    assert "first value" in html(tiny)
    again = jupyter_book(tiny, *STRICT)
    assert again.returncode == 0
    assert "running" not in again.stdout, "nothing changed, so nothing should run"
    (tiny / "src" / "value.txt").write_text("second value", encoding="utf-8")
    assert jupyter_book(tiny, *STRICT).returncode == 0
    assert "second value" in html(tiny)


def test_another_folder_of_runs_runs_the_pages_again(tiny, monkeypatch):
    """Also where its path is meant from where the build was started, which is not where notebooks run."""
    page = PAGE.replace('"../src/value.txt"', '__import__("os").environ["CHAPTERS_RUNS"], "record"')
    (tiny / "book" / "page.md").write_text(page, encoding="utf-8")
    for folder in ("first", "second"):
        (tiny / folder).mkdir()
        (tiny / folder / "record").write_text(f"of the {folder}", encoding="utf-8")
        monkeypatch.setenv("CHAPTERS_RUNS", folder)
        assert jupyter_book(tiny, *STRICT).returncode == 0
        assert f"of the {folder}" in html(tiny)


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


def test_a_failing_cell_fails_every_build_and_says_where(tiny):
    (tiny / "book" / "page.md").write_text(
        PAGE + '\n```{code-cell} python\nassert 2 < 1, "the text says it is lower"\n```\n',
        encoding="utf-8",
    )
    for options in (STRICT, STRICT, ()):
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
