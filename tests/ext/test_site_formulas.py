"""What stays in one line on the site: a formula and the punctuation at it, a number and its per cent."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
from site_formulas import keep


def test_punctuation_stays_at_its_formula() -> None:
    math = nodes.math("", "x")
    paragraph = nodes.paragraph("", "", nodes.Text("Of 5 % ("), math, nodes.Text("), 3 ± 1."))
    paragraph += [nodes.literal("", "a %"), nodes.math("", "y"), nodes.Text(" is")]
    keep(SimpleNamespace(builder=SimpleNamespace(name="html")), paragraph, "page")
    kept = paragraph[1]
    assert [child.astext() for child in kept] == ["(", "x", "),"] and kept["classes"] == ["kept"]
    assert paragraph.astext() == "Of 5\u00a0% (x), 3 ±\u00a01.a %y is"
    assert isinstance(paragraph[4], nodes.math)  # nothing stands at it


def test_print_is_left_alone() -> None:
    paragraph = nodes.paragraph("", "", nodes.math("", "x"), nodes.Text(", 5 %"))
    keep(SimpleNamespace(builder=SimpleNamespace(name="latex")), paragraph, "page")
    assert len(paragraph) == 2 and paragraph.astext() == "x, 5 %"
