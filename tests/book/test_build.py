"""The build itself, on a tiny book: what is wrong in it fails every time, and what changed is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, STRICT, jupyter_book

HEADER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

"""
PAGE = (
    HEADER
    + """# A page

```{code-cell} python
from pathlib import Path
print(Path("../src/value.txt").read_text())
```
"""
)
TOC = """format: jb-book
root: book/index
parts:
  - caption: One
    numbered: true
    chapters:
      - file: book/page
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a book of one page, with this book's settings and extension."""
    (tmp_path / "book").mkdir()
    for name in ("_static", "_ext"):
        shutil.copytree(
            ROOT / "book" / name,
            tmp_path / "book" / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    (tmp_path / "book" / "index.md").write_text("# A book\n\nIt is small.\n", encoding="utf-8")
    (tmp_path / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "value.txt").write_text("first value", encoding="utf-8")
    return tmp_path


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
