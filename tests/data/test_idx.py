"""idx files: whole ones are read, damaged ones are named."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chapters_lib.data import idx
from chapters_lib.errors import ChaptersError


def content(*counts: int, magic: bytes | None = None, values: int | None = None) -> bytes:
    """Return an idx file of bytes with these counts in its header."""
    size = 1
    for count in counts:
        size *= count
    head = (magic or struct.pack(">HBB", 0, 8, len(counts))) + struct.pack(
        f">{len(counts)}I", *counts
    )
    return head + bytes(size if values is None else values)


def written(folder: Path, text: bytes) -> Path:
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(text)
    return path


def test_whole_files(tmp_path: Path) -> None:
    assert idx.shape(written(tmp_path, content(5, 28, 28)), 3) == (5, 28, 28)
    assert idx.shape(written(tmp_path, content(7)), 1) == (7,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "truncated"),
        (b"\0\0\x08", "truncated"),
        (content(5, 28, 28)[:9], "truncated"),
        (content(5, 28, 28)[:-1], "truncated"),
        (content(5, 28, 28) + b"\0", "too long"),
        (content(6, 28, 28, values=5 * 784), "truncated"),  # a count too large
        (content(4, 28, 28, values=5 * 784), "too long"),  # a count too small
        (
            content(5, 28, 28, magic=b"\x1f\x8b\x08\0"),
            "magic number is 0x1f8b0800",
        ),  # still gzipped
        (content(5, 28, 28, magic=b"\0\0\x0d\3"), "magic number"),  # float32
        (content(5, 28, magic=b"\0\0\x08\2"), "magic number"),
        (content(4000), "holds labels where images belong"),
    ],
)
def test_damaged_files(tmp_path: Path, text: bytes, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ChaptersError, match=says) as caught:
        idx.shape(path, 3)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_images_where_labels_belong(tmp_path: Path) -> None:
    with pytest.raises(ChaptersError, match="holds images where labels belong"):
        idx.shape(written(tmp_path, content(5, 28, 28)), 1)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ChaptersError, match="cannot be read"):
        idx.shape(tmp_path, 3)  # a folder


@given(
    counts=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    cut=st.integers(1, 40),
)
def test_every_cut_is_noticed(tmp_path_factory, counts: list[int], cut: int) -> None:
    whole = content(*counts)
    path = written(tmp_path_factory.mktemp("cut"), whole[: max(0, len(whole) - cut)])
    with pytest.raises(ChaptersError, match="truncated"):
        idx.shape(path, 3)


def test_sha256(tmp_path: Path) -> None:
    path = written(tmp_path, b"abc")
    assert idx.sha256(path) == hashlib.sha256(b"abc").hexdigest()
