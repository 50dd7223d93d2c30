"""House numbers in colour, rendered: 60,000 + 10,000 crops of 32x32 that stand in for SVHN where it cannot be had.

A crop shows one digit in the middle and parts of its neighbours, on a plate or a wall, in one of
many typefaces, lit from one side, blurred, noisy, slanted, often faint. Every crop follows from
the seed, its split and its index alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SEED = 0
COUNTS = {"train": 60_000, "test": 10_000}
SIDE = 32
# Files below matplotlib's own folder of typefaces: DejaVu, STIX, Computer Modern.
TYPEFACES = (
    *(f"DejaVuSans{style}.ttf" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}.ttf" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}.ttf" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}.ttf" for style in ("", "Bol", "Italic", "BolIta")),
    *(f"cm{style}10.ttf" for style in ("r", "b", "ss", "tt", "ti")),
)
_GLYPHS = (
    "0123456789I"  # many a one on a wall is a plain bar, which no typeface here has as a digit
)
LENGTHS = (0.1, 0.45, 0.33, 0.12)  # share of numbers of one, two, three and four digits
_BLOCK = 500  # crops rendered together; always the same ones, so that rounding is the same, too
_FINE = 2 * SIDE  # masks are drawn at twice the resolution
_CANVAS = 64  # pixels of a glyph's square in the atlas, which shows …
_REACH = 0.85  # … this many digit heights in each direction from the digit's centre
_DRAWS = 80  # uniform numbers that a crop may use


class _Draws:
    """The random numbers of a block of crops, each crop's from a generator of its own; used up column by column."""

    def __init__(self, split: str, start: int, count: int):
        uniform = np.empty((count, _DRAWS))
        noise = np.empty((count, 2, 3, SIDE, SIDE), dtype=np.float32)
        for row in range(count):
            draw = np.random.default_rng((SEED, list(COUNTS).index(split), start + row))
            uniform[row] = draw.random(_DRAWS)
            noise[row] = draw.standard_normal(noise.shape[1:], dtype=np.float32)
        self._columns = iter(torch.from_numpy(uniform).float().clamp(1e-6, 1 - 1e-6).unbind(1))
        self.noise = torch.from_numpy(noise)

    def uniform(self, low: float, high: float) -> Tensor:
        return low + (high - low) * next(self._columns)

    def logarithmic(self, low: float, high: float) -> Tensor:
        return self.uniform(math.log(low), math.log(high)).exp()

    def normal(self, scale: float) -> Tensor:
        return scale * math.sqrt(2) * torch.erfinv(2 * next(self._columns) - 1)

    def chance(self, share: float) -> Tensor:
        return next(self._columns) < share

    def choice(self, shares: int | tuple[float, ...]) -> Tensor:
        if isinstance(shares, int):
            return (next(self._columns) * shares).long().clamp_max(shares - 1)
        steps = torch.tensor(shares).cumsum(0)[:-1]
        return torch.bucketize(next(self._columns).contiguous(), steps)

    def colour(self, scale: float) -> Tensor:
        """Three numbers each, shape (count, 3)."""
        return torch.stack([self.normal(scale) for _ in range(3)], 1)


def typefaces() -> list[Path]:
    """Return the files of the typefaces, in the order of `TYPEFACES`."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [folder / name for name in TYPEFACES]


def _atlas() -> tuple[Tensor, Tensor]:
    """Return every glyph of every typeface as a blurred mask (faces, 11, 64, 64), and widths in digit heights.

    The blur makes a level of the mask a contour: where it is cut decides how bold a digit comes out.
    """
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    fine = 4 * _CANVAS
    masks = np.empty((len(TYPEFACES), len(_GLYPHS), _CANVAS, _CANVAS), dtype=np.float32)
    widths = np.empty((len(TYPEFACES), len(_GLYPHS)), dtype=np.float32)
    for face, path in enumerate(typefaces()):
        font = ImageFont.truetype(path, 200)
        _, top, _, bottom = font.getbbox("0")
        size = round(200 * fine / (2 * _REACH) / (bottom - top))
        font = ImageFont.truetype(path, size)
        _, top, _, bottom = font.getbbox("0")
        for index, glyph in enumerate(_GLYPHS):
            image = Image.new("L", (fine, fine))
            left, _, right, _ = font.getbbox(glyph)
            corner = (fine / 2 - (left + right) / 2, fine / 2 - (top + bottom) / 2)
            ImageDraw.Draw(image).text(corner, glyph, fill=255, font=font)
            blurred = image.filter(ImageFilter.GaussianBlur(4))
            small = blurred.resize((_CANVAS, _CANVAS), Image.Resampling.BOX)
            masks[face, index] = np.asarray(small, dtype=np.float32) / 255
            widths[face, index] = font.getlength(glyph) / (bottom - top)
    return torch.from_numpy(masks), torch.from_numpy(widths)


def _grid() -> Tensor:
    """Return the centres of the fine pixels, shape (64, 64, 2), in [-1, 1]; x first."""
    steps = (torch.arange(_FINE) + 0.5) * 2 / _FINE - 1
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([u, v], -1)


def _each(values: Tensor) -> Tensor:
    """Return one number a crop in a shape that meets (count, rows, columns)."""
    return values[:, None, None]


def _drawn(digit: Tensor, plain: Tensor) -> Tensor:
    """Return which glyph stands for each digit: the bar for a one, in the numbers that have it plain."""
    return torch.where((digit == 1) & plain, len(_GLYPHS) - 1, digit)


def _number(draws: _Draws, atlas: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return labels, and the masks of the numbers: shape (count, 1, 64, 64), in [0, 1]."""
    masks, widths = atlas
    label, face = draws.choice(10), draws.choice(len(TYPEFACES))
    length = draws.choice(LENGTHS) + 1
    place = (draws.uniform(0, 1) * length).long().clamp_max(length - 1)
    height, stretch = draws.uniform(0.66, 0.98), draws.logarithmic(0.5, 1.05)
    spacing, slant = draws.uniform(0.9, 1.25), draws.normal(0.09) + 0.03
    turn = draws.normal(math.radians(4))
    bend = [draws.normal(0.03) for _ in range(4)]
    shift = draws.normal(0.05), draws.normal(0.05)
    cut, plain = draws.uniform(0.14, 0.5), draws.chance(0.4)

    u, v = (part.expand(len(label), -1, -1) for part in _grid().unbind(-1))
    x = u + _each(bend[0]) * u * v + _each(bend[1]) * v * v - _each(shift[0])
    y = v + _each(bend[2]) * u * v + _each(bend[3]) * u * u - _each(shift[1])
    cos, sin = _each(turn.cos()), _each(turn.sin())
    x, y = cos * x + sin * y, cos * y - sin * x
    x = (x + _each(slant) * y) / _each(2 * height * stretch)  # from here in digit heights
    y = y / _each(2 * height)

    field = torch.zeros(len(label), 1, _FINE, _FINE)
    for side in (-1, 0, 1):
        digit, at = _drawn(label, plain), torch.zeros(len(label))
        for distance in (1, 2) if side else (0,):
            if side:
                following = _drawn(draws.choice(10), plain)
                at = at + side * spacing * (widths[face, digit] + widths[face, following]) / 2
                digit = following
            there = place + side * distance
            seen = ((there >= 0) & (there < length)).nonzero().squeeze(1)
            where = torch.stack([x[seen] - _each(at[seen]), y[seen]], -1) / _REACH
            glyphs = masks[face[seen], digit[seen]][:, None]
            drawn = F.grid_sample(glyphs, where, align_corners=False)
            field[seen] = torch.maximum(field[seen], drawn)
    return label, ((field - cut[:, None, None, None]) * 5 + 0.5).clamp(0, 1)


def _shade(draws: _Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Return the colours of wall, plate or paint around the digits, of the digits, and of what surrounds the plate."""
    level, contrast = draws.uniform(0.1, 0.8), draws.logarithmic(0.12, 0.7)
    sign = torch.where(draws.chance(0.5), 1.0, -1.0)
    outside = level + sign * contrast
    sign = torch.where((outside > 0.98) | (outside < 0.03), -sign, sign)
    tint = draws.colour(0.025) + torch.tensor([-0.005, 0.0, 0.015])  # the sky's share
    # plates are painted: blue most often, then brown, red, green
    paints = torch.tensor(
        [[-0.3, -0.1, 0.4], [0.12, 0.0, -0.12], [0.35, -0.15, -0.15], [-0.2, 0.15, -0.05], [0.2, 0.15, -0.25]]
    )  # fmt: skip
    paint = paints[draws.choice((0.5, 0.26, 0.1, 0.04, 0.1))] * draws.uniform(0.05, 0.65)[:, None]
    painted = torch.where(draws.chance(0.35)[:, None], paint, torch.zeros(()))
    ink = torch.where(draws.chance(0.12)[:, None], paint, torch.zeros(())) + draws.colour(0.025)
    ground = (level[:, None] + tint + painted).clamp(0, 1)
    figure = ((level + sign * contrast)[:, None] + tint / 2 + ink).clamp(0.02, 1)
    beyond = (draws.uniform(0.05, 0.9)[:, None] + draws.colour(0.06)).clamp(0, 1)
    return ground, figure, beyond


def _edges(draws: _Draws, count: int) -> Tensor:
    """Return how far each pixel lies beyond the plate's edges, shape (count, 1, 32, 32), in [0, 1]."""
    u, v = F.avg_pool2d(_grid().permute(2, 0, 1)[None], 2)[0].unbind(0)
    beyond = torch.zeros(count, SIDE, SIDE)
    for direction in range(4):
        there = draws.chance(0.16).float()
        angle = direction * math.pi / 2 + draws.normal(0.06)
        far = _each(angle.cos()) * u + _each(angle.sin()) * v - _each(draws.uniform(0.62, 1.0))
        beyond = torch.maximum(beyond, _each(there) * (far * 16 + 0.5).clamp(0, 1))
    return beyond[:, None]


def _blur(images: Tensor, sigma_x: Tensor, sigma_y: Tensor) -> Tensor:
    """Return images blurred by Gaussians of their own widths in pixels; at the border the weights inside count."""
    steps = torch.arange(SIDE, dtype=torch.float32)
    squares = (steps[:, None] - steps).square()

    def weights(sigma: Tensor) -> Tensor:
        found = (-squares / _each(2 * sigma.square())).exp()
        return (found / found.sum(2, keepdim=True))[:, None]

    return weights(sigma_y) @ images @ weights(sigma_x).transpose(2, 3)


def _block(
    split: str, start: int, count: int, atlas: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Render crops `start` to `start + count` of a split: uint8 (count, 3, 32, 32), and labels."""
    draws = _Draws(split, start, count)
    label, mask = _number(draws, atlas)
    ground, figure, beyond = (colour[:, :, None, None] for colour in _shade(draws))
    rim = F.max_pool2d(mask, 5, 1, 2) * draws.chance(0.12)[:, None, None, None]
    shadow = torch.roll(mask, (2, 2), (2, 3)) * draws.chance(0.2)[:, None, None, None]
    mask, rim, shadow = (F.avg_pool2d(part, 2) for part in (mask, rim, shadow))

    x = torch.lerp(ground.expand(-1, -1, SIDE, SIDE), beyond, _edges(draws, count))
    smooth = F.interpolate(draws.noise[:, 0, :1, :5, :5], SIDE, mode="bilinear", align_corners=True)
    x = x + draws.uniform(0, 0.04)[:, None, None, None] * smooth
    x = torch.lerp(x, beyond, rim)
    x = torch.lerp(x, 0.4 * x, shadow * draws.uniform(0.3, 1)[:, None, None, None])
    x = torch.lerp(x, figure.expand_as(x), mask)

    u, v = F.avg_pool2d(_grid().permute(2, 0, 1)[None], 2)[0].unbind(0)
    angle, light = draws.uniform(0, 2 * math.pi), draws.uniform(0, 0.3)
    x = x * (1 + _each(light) * (_each(angle.cos()) * u + _each(angle.sin()) * v))[:, None]

    grain = 0.8 * draws.noise[:, 1].mean(1, keepdim=True) * 3**0.5 + 0.6 * draws.noise[:, 1]
    width, uneven = draws.logarithmic(0.4, 2.1), draws.logarithmic(0.8, 1.25)
    x = x + (draws.uniform(0, 0.05) * width)[:, None, None, None] * grain
    x = _blur(x, width * uneven, width / uneven)
    x = x + draws.logarithmic(0.002, 0.014)[:, None, None, None] * draws.noise[:, 0]
    return x.mul(255).round().clamp(0, 255).to(torch.uint8), label


def render(split: str, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the first `count` crops of a split (all of them without it).

    Returns images: uint8, shape (count, 3, 32, 32), red first.
    Returns labels: int64, shape (count,): the digit in the middle.
    """
    count = COUNTS[split] if count is None else count
    atlas = _atlas()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the work is in small pieces, and sums must not depend on it
    try:
        blocks = [_block(split, start, _BLOCK, atlas) for start in range(0, count, _BLOCK)]
    finally:
        torch.set_num_threads(threads)
    images, labels = (torch.cat(parts)[:count] for parts in zip(*blocks, strict=True))
    return images.contiguous(), labels


def recipe() -> str:
    """Return a short name of this way of rendering: it changes with this file."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def load(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """Return a whole split from the file in `folder` that an earlier call left there, else render and keep it.

    A file that cannot be written or read costs time only: the crops are then rendered anew.
    """
    path = folder / f"house-numbers-{recipe()}-{split}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            images, labels = torch.from_numpy(kept["images"]), torch.from_numpy(kept["labels"])
        if len(images) == len(labels) == COUNTS[split]:
            return images, labels
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    images, labels = render(split)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            whole = Path(aside) / path.name
            np.savez(whole, images=images.numpy(), labels=labels.numpy())
            whole.replace(path)
    return images, labels
