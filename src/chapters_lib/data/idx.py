"""Check an idx file (the format of MNIST and its relatives) before anybody reads it.

The format: two zero bytes, one for the type (8 is uint8), one for the number of dimensions;
each dimension as a big-endian 32-bit count; then the values.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from chapters_lib.errors import ChaptersError

_UINT8 = 8
_KIND = {3: "images", 1: "labels"}


def shape(path: Path, dimensions: int) -> tuple[int, ...]:
    """Return the shape that the header of `path` states, checked against the file.

    `path`: an idx file.
    `dimensions`: 3 where images belong, 1 where labels belong.
    Raises `ChaptersError` if the magic number is not that of uint8 images (or labels), or the file
    is shorter or longer than its counts say.
    """
    head = 4 + 4 * dimensions
    try:
        with path.open("rb") as file:
            start = file.read(head)
    except OSError as error:
        raise ChaptersError(
            f"{path} cannot be read ({error.strerror}): put {_KIND[dimensions]} there"
        ) from None
    mend = f"delete {path} and load it again, or copy a whole one there"
    if len(start) < 4:
        raise ChaptersError(f"{path.name} is truncated ({len(start)} bytes, no header): {mend}")
    zero, kind, found = struct.unpack(">HBB", start[:4])
    if zero != 0 or kind != _UINT8 or found not in _KIND:
        raise ChaptersError(
            f"{path.name} is no idx file of bytes (its magic number is 0x{start[:4].hex()}): {mend}"
        )
    if found != dimensions:
        raise ChaptersError(
            f"{path.name} holds {_KIND[found]} where {_KIND[dimensions]} belong: {mend}"
        )
    if len(start) < head:
        raise ChaptersError(
            f"{path.name} is truncated ({len(start)} bytes, header incomplete): {mend}"
        )
    counts = struct.unpack(f">{dimensions}I", start[4:])
    expected, actual = head, path.stat().st_size
    values = 1
    for count in counts:
        values *= count
    expected += values
    if actual != expected:
        word = "truncated" if actual < expected else "too long"
        raise ChaptersError(
            f"{path.name} is {word} (header promises {expected} bytes, file has {actual}): {mend}"
        )
    return counts


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
