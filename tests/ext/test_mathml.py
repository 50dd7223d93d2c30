"""Formulas for readers that run no script: what TeX says is what MathML shows, spaced as TeX spaces it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "mathml.py"
spec = importlib.util.spec_from_file_location("mathml", PATH)
assert spec and spec.loader
mathml = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mathml)


def parsed(tex: str, display: bool = False) -> Element:
    """Return the formula's element, without the namespace in its names."""
    math = ElementTree.fromstring(mathml.convert(tex, display))
    for element in math.iter():
        element.tag = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
    return math


def read(tex: str, display: bool = False) -> str:
    """Return the formula's characters, with a space where there is one."""
    parts = (" " if e.tag == "mspace" else e.text or "" for e in parsed(tex, display).iter())
    return "".join(parts)


def operator(tex: str, text: str) -> Element:
    return next(e for e in parsed(tex).iter("mo") if e.text == text)


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"\log p(x \mid z)", "log p(x∣z)"),
        (r"p \log q", "p log q"),
        (r"-\log Z", "− log Z"),
        (r"\operatorname{KL}(q)", "KL(q)"),
        (r"\max_G \min_D V", "maxG minD V"),
        (r"\mathcal{L} + \mathbb{E} + \mathbf{1} + \mathsf{T}", "ℒ+𝔼+𝟏+𝖳"),
        (r"1{,}797", "1,797"),
        (r"\lVert x \rVert", "‖x‖"),
        (r"\bigl\lvert x \bigr\rvert", "|x|"),
        (r"\bigl\{ x \bigr\}", "{x}"),
        (r"z \sim p", "z∼p"),
        (r"m := 1", "m:=1"),
        (r"x < 1", "x<1"),
        (r"\text{mean image} + \#", "mean\xa0image+#"),
        (r"a \ge \dots \ge b", "a≥⋯≥b"),
    ],
)
def test_what_is_shown(tex, shown):
    assert read(tex) == shown


def test_an_operator_has_no_space_in_a_subscript_and_keeps_it_outside():
    outside, inside = (e for e in parsed("k = x_{i = 1}").iter("mo") if e.text == "=")
    assert outside.get("lspace") is None
    assert (inside.get("lspace"), inside.get("rspace")) == ("0", "0")


def test_a_formula_that_goes_on_in_the_text_ends_without_space():
    assert operator(r"\beta_1 =", "=").get("rspace") == "0"
    assert operator(r"\beta_1 =", "=").get("lspace") is None
    assert operator(r"\le 3", "≤").get("lspace") == "0"
    assert operator(r"\le 3", "≤").get("rspace") is None


@pytest.mark.parametrize("tex", ["-x", "(-x)", "a = -x", "a, -x", r"p(\cdot)"])
def test_a_sign_is_no_subtraction(tex):
    sign = operator(tex, "·" if "cdot" in tex else "−")
    assert (sign.get("lspace"), sign.get("rspace")) == ("0", "0")


@pytest.mark.parametrize("tex", ["a - x", "f(a) - x", r"\lVert a \rVert - x", "x^2 - x"])
def test_a_subtraction_is_no_sign(tex):
    assert operator(tex, "−").get("form") == "infix"
    assert operator(tex, "−").get("lspace") is None


def test_bars_know_their_side():
    left, right = (e for e in parsed(r"\lVert x \rVert").iter("mo") if e.text == "‖")
    assert (left.get("form"), right.get("form")) == ("prefix", "postfix")


def test_limits_stand_below_and_an_index_beside():
    assert parsed(r"\max_c x", display=True).find(".//munder") is not None
    assert parsed(r"\sum_i x_i", display=True).find(".//munder") is not None
    assert parsed(r"\log_c x", display=True).find(".//munder") is None


def test_lines_are_aligned_at_their_ampersands():
    table = parsed(r"\begin{aligned} a &= b \\ &= c + d \end{aligned}", True).find(".//mtable")
    assert table is not None
    sides = [[cell.get("columnalign") for cell in row] for row in table]
    assert sides == [["right", "left"], ["right", "left"]]
    assert all(
        f"text-align: {cell.get('columnalign')}" in cell.get("style", "")
        for row in table
        for cell in row
    )


def test_lines_without_ampersands_are_centred():
    table = parsed(r"\begin{gathered} a = b \\ c \end{gathered}", True).find(".//mtable")
    assert table is not None
    assert [[cell.get("columnalign") for cell in row] for row in table] == [["center"], ["center"]]


def test_each_matrix_has_parentheses_of_its_own_height():
    math = parsed(r"A = \begin{pmatrix} a \\ b \end{pmatrix} \begin{pmatrix} c \end{pmatrix}", True)
    rows = [row for row in math.iter("mrow") if any(child.tag == "mtable" for child in row)]
    assert [[child.tag for child in row] for row in rows] == [["mo", "mtable", "mo"]] * 2


def test_a_hat_is_as_wide_as_a_letter_and_a_wide_hat_wider():
    assert operator(r"\hat x", "ˆ") is not None
    assert operator(r"\widehat{xy}", "\u0302") is not None


def test_a_prime_stands_beside_its_letter():
    assert parsed("x'").find(".//msup") is None
    assert parsed("x'_i").find(".//msub/mrow/mo") is not None


def test_the_tex_is_kept_for_readers_without_mathml():
    assert parsed("a <\n b").get("alttext") == "a < b"


@pytest.mark.parametrize("tex", [r"\unheard x", r"a \\ b", "a & b", r"\left( a"])
def test_what_cannot_be_set_is_refused_by_name(tex):
    with pytest.raises(ValueError, match="in ") as caught:
        mathml.convert(tex)
    assert repr(tex) in str(caught.value)
