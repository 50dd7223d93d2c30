"""The page on the comparison of VAE, VAE with a RealNVP prior, and GAN: what its cells call."""
# ruff: noqa: F401

from __future__ import annotations

from chapters_lib import figures
from chapters_lib.pages.comparison import answer, measured
from chapters_lib.pages.comparison.digits import (
    digits_circle,
    digits_lines,
    digits_pitfalls,
    prices,
    two_heaps,
)
from chapters_lib.pages.comparison.pictures import (
    beside_real,
    between,
    curves,
    density,
    distances,
    lines,
    neighbours,
    specks,
    timelines,
)
from chapters_lib.pages.comparison.records import dataset
from chapters_lib.pages.comparison.tables import (
    table_board,
    table_likelihood,
    table_lines,
    table_nearest,
    table_specks,
    table_weights,
)


def numbers() -> None:
    """Set the book's look; glue what the text says of the records, and check it."""
    figures.use_style()
    measured.numbers()
    answer.numbers()
