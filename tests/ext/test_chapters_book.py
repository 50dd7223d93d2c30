"""What the build says where something changed beneath it."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import chapters_book


def test_a_page_edited_during_the_build_is_named(tmp_path: Path) -> None:
    """Its new cells were not executed: no traceback of the cache, but what to do."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    with pytest.raises(ExtensionError, match=r"book/gan\.md changed .* run the same command again"):
        chapters_book.executed(get_cache(str(tmp_path)), notebook, "book/gan")
