"""Drawings of the site, made light: pictures within them have few colours, and lines no more digits than show.

Print and the packs keep them as they were drawn.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import Image

COLOURS, MANY = 128, 256  # of a picture with transparent parts, points on a plane; of a photograph
SHARPEST = 2  # pixels to a CSS pixel
PX = 96 / 72
VERSION = "1"  # of what is done here: raised when that changes

PICTURE = re.compile(rb'<image\b[^>]*?href="data:image/png;base64,([^"]+)"[^>]*>')
WIDTH = re.compile(rb'\bwidth="([\d.]+)"')
DIGITS = re.compile(rb"-?\d+\.\d{3,}")
PATH = re.compile(rb'(?<=\bd=")[^"]*')
PLACED = re.compile(rb'(?<=translate\()[^)]*|(?<=\b[xy]=")[^"]*|(?<=points=")[^"]*')
UNSEEN = re.compile(rb"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)


def finish(folder: Path, pages: Iterable[str], kept: Path) -> None:
    """Make the drawings of a site light, and take away the images that no page shows any more.

    `kept`: folder of those made light before: Sphinx copies the heavy ones again and again.
    """
    shown = {name for page in pages for name in re.findall(r"_images/([\w.-]+)", page)}
    kept = kept / VERSION
    kept.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.glob("*")):
        if file.name not in shown:
            file.unlink()
        elif file.suffix == ".svg":
            made, heavy = kept / file.name, file.read_bytes()
            if heavy.startswith(b"<svg"):
                continue  # made light before
            if not made.exists():
                made.write_bytes(lighter(heavy))
            file.write_bytes(made.read_bytes())
    for old in {path.name for path in kept.iterdir()} - shown:
        (kept / old).unlink()


def lighter(svg: bytes) -> bytes:
    """Return a drawing that looks the same and is smaller."""
    svg = PICTURE.sub(lambda match: picture(match[0], match[1]), svg)
    svg = UNSEEN.sub(b"", svg[svg.index(b"<svg") :])
    svg = PATH.sub(lambda match: path(match[0]), svg)
    svg = PLACED.sub(lambda match: DIGITS.sub(rounded, match[0]), svg)
    return svg if b"<text" in svg else re.sub(rb">\s+<", b"><", svg)


def rounded(number: re.Match[bytes]) -> bytes:
    """Return a number to a hundredth of a point."""
    text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return b"0" if text == "-0" else text.encode()


def path(data: bytes) -> bytes:
    """Return a line with fewer digits, without the spaces and line ends between its parts."""
    data = DIGITS.sub(rounded, b" ".join(data.split()))
    return re.sub(rb" ?([A-Za-z]) ?", rb"\1", data)


def picture(tag: bytes, data: bytes) -> bytes:
    """Return the element of a picture with fewer bytes."""
    raw = base64.b64decode(data)
    image = Image.open(BytesIO(raw)).convert("RGBA")
    width = WIDTH.search(tag)
    most = round(SHARPEST * PX * float(width[1])) if width else image.width
    if image.width > most > 0:
        height = max(1, round(image.height * most / image.width))
        image = image.resize((most, height), Image.Resampling.LANCZOS)
    small = BytesIO()
    fewer(image).save(small, "PNG", optimize=True)
    best = min(small.getvalue(), raw, key=len)
    return tag.replace(data, base64.b64encode(best))


def fewer(image: Image.Image) -> Image.Image:
    """Return an image with a byte a pixel: greys as they are, colours from a palette."""
    red, green, blue, alpha = image.split()
    opaque = alpha.getextrema() == (255, 255)
    if opaque and red.tobytes() == green.tobytes() == blue.tobytes():
        return red
    if opaque:
        found = image.convert("RGB").quantize(MANY, Image.Quantize.MEDIANCUT, kmeans=1)
        return found
    return image.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
