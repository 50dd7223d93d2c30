"""Branches that a pack's numbers never take are not written out, and what remains computes the same."""

from __future__ import annotations

import ast

import pytest

from chapters_lib.submission.folding import folded

CONFIG = """class ModelConfig:
    width: int
    depth: int = 3
    warm: int = 0
    colour: bool = False
    kind: str = "plain"


"""


def fold(*cells: str, ours: str) -> str:
    """Return folded cells as one text that Python reads."""
    text = "\n\n\n".join(folded(cells, set(ours.split())))
    ast.parse(text)
    return text


def values(text: str) -> dict[str, object]:
    """Return what a text defines."""
    names: dict[str, object] = {}
    exec("from dataclasses import dataclass, replace\n" + text, names)
    return names


def test_a_setting_that_no_cell_gives_decides_branches():
    source = (
        "@dataclass\n" + CONFIG + "def build(config: ModelConfig, steps):\n"
        "    warm = config.warm * len(steps)\n"
        "    if config.colour:\n        return 1\n"
        "    elif config.kind == 'other':\n        return 2\n"
        "    ramp = 2 / warm if warm else 1.0\n"
        "    return [config.width * min(1.0, ramp), *([3] if config.colour else [])]\n"
    )
    call = "made = build(ModelConfig(width=4), [1])"
    text = fold(source, call, ours="ModelConfig build")
    for gone in ("return 1", "return 2", "warm =", "ramp", "[3]", "*("):
        assert gone not in text
    assert "return [config.width]" in text
    assert values(text)["made"] == values(f"{source}\n{call}")["made"] == [4]


@pytest.mark.parametrize(
    "call",
    [
        "build(ModelConfig(width=4, colour=True))",
        "build(replace(ModelConfig(width=4), colour=True))",
        "build(ModelConfig(4, 3, 0, True))",
        "build(ModelConfig(**{'width': 4, 'colour': True}))",
        "build(replace(ModelConfig(width=4), **{'colour': True}))",
    ],
)
def test_a_setting_that_some_cell_may_give_decides_nothing(call):
    source = (
        "@dataclass\n"
        + CONFIG
        + "def build(config: ModelConfig):\n    return 1 if config.colour else 2\n"
    )
    text = fold(source, f"made = {call}", ours="ModelConfig build")
    assert "if config.colour" in text and values(text)["made"] == 1


SWITCHED = '''def moved(x, most, edges=None, *, quiet: bool = False):
    """Move."""
    if most and not quiet:
        x = x + most
    return x if edges is None else -x


'''


def test_an_argument_that_every_call_gives_the_same_goes():
    text = fold(SWITCHED, "a = moved(1, 0)\nb = moved(2, 0, quiet=False)", ours="moved")
    assert text == "a = 1\nb = 2" or "most" not in text
    assert values(text)["a"] == 1 and values(text)["b"] == 2


@pytest.mark.parametrize(
    "calls",
    [
        "a = moved(1, 0)\nb = moved(1, 2)",  # two values
        "a = moved(1, 0)\nb = moved(*(1, 2))",  # spread
        "f = moved\na = moved(1, 0)\nb = f(1, 2)",  # used otherwise
        "a, two = moved(1, 0), 2\nb = moved(1, two)",  # no constant
    ],
)
def test_an_argument_that_may_differ_stays(calls):
    text = fold(SWITCHED, calls, ours="moved")
    assert values(text)["a"] == 1 and values(text)["b"] == 3 and "x + most" in text


def test_what_cells_define_themselves_stays():
    cells = (SWITCHED, "a = moved(1, 0)")
    assert folded(cells, set()) == list(cells)


def test_names_that_mean_two_things_stay():
    source = (
        "def f(x):\n    try:\n        import numpy as low\n    except ImportError:\n        low = None\n"
        "    count = 0\n    for _ in x:\n        count += 1\n    shown = None\n"
        "    return low is None, count, f'{shown}'\n"
    )
    assert fold(source, "a = f([1, 2])", ours="f").startswith(source.rstrip())


def test_functions_that_do_nothing_are_not_called():
    source = (
        "@dataclass\n" + CONFIG + 'def given(config: ModelConfig, label):\n    """Return it."""\n'
        "    if not config.colour:\n        return ()\n    return (label,)\n\n\n"
        "def use(config: ModelConfig):\n"
        "    return max(7, 8, *given(config, 9)), (1, *given(config, 9))\n"
    )
    text = fold(source, "a = use(ModelConfig(width=1))", ours="ModelConfig given use")
    assert "return max(7, 8), (1,)" in text and values(text)["a"] == (8, (1,))
