"""A shown definition keeps the first line of its docstrings, and all of its code."""

from __future__ import annotations

import ast
import importlib

import pytest

from tests.book.conftest import ROOT

SOURCE = '''class A:
    """What it is.

    More of it.
    """

    def f(self):
        """One line."""
        return """a
string"""

    def g(self):
        """Return.

        Raises
        ------
        ValueError
        """
        return 1
'''


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module("shown_code")


def test_docstrings_are_folded_and_code_is_kept(shown) -> None:
    text = shown.folded(SOURCE)
    assert "More of it" not in text and "Raises" not in text
    assert '"""What it is."""' in text and '"""One line."""' in text and "a\nstring" in text
    before, after = (
        [ast.unparse(n) for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Return)]
        for t in (SOURCE, text)
    )
    assert before == after


def test_what_does_not_parse_is_left(shown) -> None:
    assert shown.folded("def f(:") == "def f(:"
