"""What the EPUB's builder does to the files that others write."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from docutils import nodes
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def builder(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module("epub_builder")


def test_a_page_is_left_without_ids_that_repeat(builder):
    page = '<body><section id="exercise-content"><p id="p">y</p></section></body>'
    body = ElementTree.fromstring(builder.tidy_page(page))
    assert [e.get("id") for e in body.iter() if e.get("id")] == ["p"]


def test_a_drawing_refers_to_no_other_host_and_each_path_has_a_line(builder):
    svg = (
        '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n  "http://www.w3.org/svg11.dtd">\n'
        '<svg><path id="d-3" transform="scale(2)"/><path style="fill: none" d="M 1 1"/></svg>'
    )
    tidied = builder.tidy_drawing(svg)
    assert "DOCTYPE" not in tidied
    assert [p.get("d") for p in ElementTree.fromstring(tidied)] == ["M0 0", "M 1 1"]


def test_a_formula_that_cannot_be_set_is_warned_of_and_shown_as_tex(builder, caplog, monkeypatch):
    warned = []
    monkeypatch.setattr(builder.LOGGER, "warning", lambda *said, **where: warned.append(said))
    assert (
        builder.mathml(nodes.math("", r"\unheard < x"), display=False)
        == r"<code>\unheard &lt; x</code>"
    )
    assert "unheard" in str(warned)


def test_the_cover_has_the_shape_of_a_book_also_without_a_logo(builder, tmp_path):
    config = SimpleNamespace(
        epub_title="A title", epub_description="One, two", epub_author="Somebody"
    )
    for logo in (ROOT / "book" / "_static" / "logo.svg", tmp_path / "none.svg"):
        assert Image.open(io.BytesIO(builder.cover(config, logo))).size == (1200, 1800)
