"""Drawings made light: they look the same, and what no page shows goes."""

from __future__ import annotations

import base64
import re
import sys
from io import BytesIO
from pathlib import Path

import cairosvg
import numpy as np
import pytest
from PIL import Image

from chapters_lib import figures

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import site_images


@pytest.fixture
def drawing() -> bytes:
    """A figure with lines, letters, a grey picture and points of several colours."""
    chance = np.random.default_rng(0)
    figure, axes = figures.panels(3)
    axes[0].plot(chance.normal(size=50), label="a curve")
    axes[1].imshow(chance.random((20, 20)), cmap="gray")
    labels = chance.integers(10, size=400)
    figures.code_plane(chance.normal(size=(400, 2)), labels, "abcdefghij", ax=axes[2], legend=False)
    file = BytesIO()
    figure.savefig(file, format="svg", dpi=110)
    return file.getvalue()


def seen(svg: bytes) -> np.ndarray:
    image = Image.open(BytesIO(cairosvg.svg2png(bytestring=svg, background_color="white")))
    return np.asarray(image.convert("RGB"), dtype=float)


def pictures(svg: bytes) -> list[Image.Image]:
    found = re.findall(rb"base64,([^\"]+)", svg)
    return [Image.open(BytesIO(base64.b64decode(data))) for data in found]


def test_a_lighter_drawing_looks_the_same(drawing):
    light = site_images.lighter(drawing)
    assert len(light) < 0.6 * len(drawing)
    assert light.startswith(b"<svg") and b"metadata" not in light
    assert np.abs(seen(light) - seen(drawing)).mean() < 0.5
    assert [picture.mode for picture in pictures(light)] == ["L", "P"]
    (grey, points), (was_grey, was_points) = pictures(light), pictures(drawing)
    assert np.array_equal(np.asarray(grey), np.asarray(was_grey.convert("RGBA"))[..., 0])
    assert points.size == was_points.size


def test_a_picture_has_at_most_two_pixels_to_one_that_is_shown():
    data = BytesIO()
    Image.new("RGB", (900, 300), "red").save(data, "PNG")
    text = base64.b64encode(data.getvalue()).decode()
    tag = f'<image width="72" height="24" xlink:href="data:image/png;base64,{text}"/>'
    (small,) = pictures(site_images.picture(tag.encode(), text.encode()))
    assert small.size == (192, 64)


def test_only_images_that_a_page_shows_stay_and_none_is_made_light_twice(drawing, tmp_path):
    folder, kept = tmp_path / "_images", tmp_path / "kept"
    folder.mkdir()
    for name in ("a.svg", "b.svg"):
        (folder / name).write_bytes(drawing)
    pages = ['<img src="../_images/a.svg">']
    site_images.finish(folder, pages, kept)
    assert [file.name for file in folder.iterdir()] == ["a.svg"]
    light = (folder / "a.svg").read_bytes()
    (folder / "a.svg").write_bytes(drawing)  # as a build copies it again
    (next(kept.glob("*/a.svg"))).write_bytes(light + b" ")
    site_images.finish(folder, pages, kept)
    assert (folder / "a.svg").read_bytes() == light + b" "
    site_images.finish(folder, [], kept)
    assert not list(folder.iterdir()) and not list(kept.glob("*/*.svg"))
