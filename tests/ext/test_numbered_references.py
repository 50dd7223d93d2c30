"""Numbered references: a page that many refer to is read once."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

from sphinx.domains.std import StandardDomain

from tests.book.conftest import ROOT


def test_a_page_is_read_once_for_all_references_to_it(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    extension = importlib.import_module("numbered_references")
    read = []

    def resolve(self, env, page):
        return env.get_doctree(page), env.other

    monkeypatch.setattr(StandardDomain, "_resolve_numref_xref", resolve)
    env = SimpleNamespace(app=SimpleNamespace(), other=1)
    env.get_doctree = lambda page: read.append(page) or page.upper()
    domain = object.__new__(extension.NumberedReferences)
    found = [domain._resolve_numref_xref(env, page) for page in "abab"]
    assert found == [("A", 1), ("B", 1)] * 2
    assert read == ["a", "b"]
