"""What a pack does not use is not written out, and what it uses stays."""

from __future__ import annotations

from chapters_lib.submission.pruning import mentioned, pruned

LIBRARY = '''LIMIT = 3


# of no use here
UNUSED = 4


class Shape(nn.Module):
    """Say what a shape is.

    The book says more.
    """

    def forward(self, x):
        """Return it."""
        return self.doubled(x)

    def doubled(self, x):
        """Return twice a number.

        Parameters
        ----------
        x
            the number.
        """
        return LIMIT * x

    def tripled(self, x):
        """Return three times a number."""
        return helper(x)


class ShapeConfig:
    """Numbers."""

    width: int = 2
    depth: int = 3


def helper(x):
    """Return what only an unused method needs."""
    return UNUSED * x


print(Shape()(ShapeConfig().width))'''


def test_what_nothing_mentions_is_left_out_and_what_only_it_needed():
    (cell,) = pruned([LIBRARY], {"LIMIT", "UNUSED", "Shape", "ShapeConfig", "helper"})
    assert "forward" in cell and "doubled" in cell and "LIMIT = 3" in cell and "width" in cell
    for gone in ("tripled", "helper", "UNUSED", "of no use", "depth", "The book", "Parameters"):
        assert gone not in cell
    compile(cell, "cell", "exec")
    assert "\n\n\n\n" not in cell


def test_a_method_that_only_itself_or_a_keyword_names_is_left_out():
    deep = "def deep(self):\n        return self.deep().high"
    high, wide = "def high(self):\n        return 1", "def wide(self):\n        return 2"
    body = "".join(f"\n\n    {method}" for method in (deep, high, wide))
    (cell,) = pruned([f"class A:\n    size = 1{body}\n\n\nA().high(deep=1, wide=2)"], {"A"})
    assert "def high" in cell and "def deep" not in cell and "def wide" not in cell


def test_what_cells_define_themselves_stays():
    (cell,) = pruned([LIBRARY], {"Shape"})
    assert "helper" in cell and "depth" in cell and "tripled" not in cell


def test_another_cell_s_mention_counts():
    first, _ = pruned([LIBRARY, "Shape().tripled(1)"], {"Shape", "helper", "UNUSED"})
    assert "tripled" in first and "def helper" in first and "UNUSED = 4" in first


def test_mentions_are_names_attributes_keywords_and_whole_strings():
    assert mentioned(["a = b.c(d=1)\ne['f g']"]) == {"b", "c", "d", "e", "f g"}
