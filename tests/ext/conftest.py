"""A tiny book, with this book's settings and extension."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.book.conftest import ROOT

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


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a book of one page, with this book's settings and extension."""
    (tmp_path / "book").mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("_static", "_ext"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name, ignore=ignore)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    (tmp_path / "book" / "index.md").write_text("# A book\n\nIt is small.\n", encoding="utf-8")
    (tmp_path / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "value.txt").write_text("first value", encoding="utf-8")
    return tmp_path
