"""Images small enough to be written down, as the drawings' examples: 1 is ink, 0 is paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DRAWN = {
    "three": """
        ..####..
        .#....#.
        ......#.
        ...###..
        ......#.
        ......#.
        .#....#.
        ..####..
    """,
    "seven": """
        .######.
        ......#.
        .....#..
        ....#...
        ...##...
        ...#....
        ...#....
        ...#....
    """,
    "shirt": """
        ..#..#..
        .######.
        ########
        #.####.#
        ..####..
        ..####..
        ..####..
        ..####..
    """,
    "boot": """
        ..###...
        ..###...
        ..###...
        ..####..
        ..#####.
        ..######
        ..######
        ..#..###
    """,
}


def blurred(pixels: NDArray[np.float64], share: float = 0.5) -> NDArray[np.float64]:
    """Mix each pixel with the mean of the square of nine around it."""
    padded = np.pad(pixels, 1)
    around = sum(
        padded[row : row + pixels.shape[0], column : column + pixels.shape[1]]
        for row in range(3)
        for column in range(3)
    )
    return (1 - share) * pixels + share * np.asarray(around) / 9


def read(drawing: str) -> NDArray[np.float64]:
    """Return the pixels of a drawing with a margin of one."""
    rows = [[float(mark == "#") for mark in line] for line in drawing.split()]
    return np.pad(np.array(rows), 1)


SHARP = {name: read(drawing) for name, drawing in DRAWN.items()}
GLYPHS = {
    **SHARP,
    **{f"{name} again": blurred(pixels) for name, pixels in SHARP.items()},
    "between": blurred((SHARP["shirt"] + SHARP["boot"]) / 2, 0.6),
    "drawn": blurred(SHARP["three"], 0.25) + 0.12 * np.eye(10)[::-1],
}
