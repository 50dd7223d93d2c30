"""Arrays in, matplotlib Figure out: one look for every figure of the book; knows no model.

Each function draws into `ax` if one is given (see `panels`), else into a figure of its own, and returns the figure. In
a notebook the cell shows it once: end the line with a semicolon.
"""

from chapters_lib.figures.curves import (
    bars,
    dots,
    functions,
    learning_curves,
    lines,
    points,
    ranges,
    reference_lines,
)
from chapters_lib.figures.images import image_grid, image_rows, tile
from chapters_lib.figures.networks import network
from chapters_lib.figures.planes import (
    box_outline,
    cell_grid,
    central_extent,
    class_legend,
    code_map,
    code_plane,
    decoded_plane,
    density_plane,
    normal_circles,
    plane_codes,
)
from chapters_lib.figures.style import (
    CLASS_COLOURS,
    INK,
    MUTED,
    SERIES_COLOURS,
    WIDTH,
    panels,
    use_style,
)

__all__ = [
    "CLASS_COLOURS",
    "INK",
    "MUTED",
    "SERIES_COLOURS",
    "WIDTH",
    "bars",
    "box_outline",
    "cell_grid",
    "central_extent",
    "class_legend",
    "code_map",
    "code_plane",
    "decoded_plane",
    "density_plane",
    "dots",
    "functions",
    "image_grid",
    "image_rows",
    "learning_curves",
    "lines",
    "network",
    "normal_circles",
    "panels",
    "plane_codes",
    "points",
    "ranges",
    "reference_lines",
    "tile",
    "use_style",
]
