"""Each page's own PDF, cut from the book's by its bookmarks; and the address of its notebook on Colab."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "page_files.py"
spec = importlib.util.spec_from_file_location("page_files", PATH)
assert spec and spec.loader
page_files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_files)

TITLES = {"a": "Data", "b": "GAN – “one”", "c": "Naive", "d": "Not printed"}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book of nine pages: a chapter, a part with two chapters, and sections named like chapters."""
    writer = PdfWriter()
    for width in range(100, 109):
        writer.add_blank_page(width, 100)
    data = writer.add_outline_item(title="Data", page_number=1)
    writer.add_outline_item(title="Naive", page_number=2, parent=data)  # a section
    part = writer.add_outline_item(title="I Codes", page_number=3)
    gan = writer.add_outline_item(title='GAN - "one"', page_number=4, parent=part)
    writer.add_outline_item(title="Data", page_number=5, parent=gan)
    writer.add_outline_item(title="Naive", page_number=6, parent=part)
    writer.add_outline_item(title="II Back matter", page_number=8)
    path = tmp_path / "book.pdf"
    writer.write(path)
    return path


def test_a_page_is_from_its_bookmark_to_the_next_of_its_height(book):
    assert page_files.ranges(book, TITLES) == {"a": (1, 3), "b": (4, 6), "c": (6, 8)}


def test_each_page_is_written_with_its_title_and_again_only_when_the_book_is_newer(book, tmp_path):
    ranges = page_files.ranges(book, TITLES)
    page_files.split(book, ranges, TITLES, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.pdf", "b.pdf", "c.pdf"]
    written = PdfReader(tmp_path / "out" / "b.pdf")
    assert [int(page.mediabox.width) for page in written.pages] == [104, 105]
    assert written.metadata.title == TITLES["b"]
    (tmp_path / "out" / "a.pdf").write_text("kept", encoding="utf-8")
    os.utime(book, (1, 1))
    page_files.split(book, ranges, TITLES, tmp_path / "out")
    assert (tmp_path / "out" / "a.pdf").read_text(encoding="utf-8") == "kept"
    os.utime(book)
    os.utime(tmp_path / "out" / "a.pdf", (1, 1))
    page_files.split(book, ranges, TITLES, tmp_path / "out")
    assert len(PdfReader(tmp_path / "out" / "a.pdf").pages) == 2


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/me/book", "me/book"),
        ("https://github.com/me/book.git", "me/book"),
        ("https://example.org/me/book", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_colab_is_offered_where_the_repository_is_public(repository, address):
    found = page_files.colab(repository, "book/vae.ipynb")
    expected = (
        f"https://colab.research.google.com/github/{address}/blob/gh-pages/_sources/book/vae.ipynb"
    )
    assert found == (expected if address else "")
