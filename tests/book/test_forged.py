"""Pages on the records that a machine with all the data would make: the whole of KMNIST, and SVHN."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from tests.pages.forged import LESSER, OF_A_PART, all_the_data

from .conftest import ROOT, jupyter_book

pytestmark = pytest.mark.slow
TOC = """format: jb-book
root: book/gb-rbm
chapters:
  - file: book/data
"""
ALLOWED = ("near the 10 % of chance", "5 % and 10 %")  # said of no part of the set
MEASURED = re.compile(r"\[(The|This) [^\]]*: [^\]]*\]")  # what a mark says


# Over 20 s: both pages are run.
@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what two pages say, built as a reader with these records would: a sentence is marked, nothing stops."""
    folder = tmp_path_factory.mktemp("forged")
    (folder / "runs").mkdir()
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAPTERS_RUNS", str(all_the_data(folder / "runs")))
        patch.delenv("STRICT", raising=False)
        place = ("--toc", str(folder / "_toc.yml"), "--path-output", str(folder))
        done = jupyter_book(ROOT, *place)
    assert done.returncode == 0, done.stderr[-4000:]
    pages = {}
    for name in ("gb-rbm", "data"):
        path = folder / "_build" / "html" / "book" / f"{name}.html"
        article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").article
        pages[name] = MEASURED.sub("", " ".join(article.get_text(" ").split()))
    return pages


def test_with_the_whole_of_kmnist_no_sentence_is_of_a_part(said: dict[str, str]) -> None:
    text = said["gb-rbm"]
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    assert "60,000 training images" in text
    assert [text[m.start() - 60 : m.end() + 20] for m in OF_A_PART.finditer(text)] == []


def test_with_svhn_no_sentence_is_of_a_lesser_set(said: dict[str, str]) -> None:
    assert "learn from 73,257 of its images and are measured on 26,032" in said["data"]
    assert [phrase for phrase in LESSER if phrase in said["data"]] == []


def test_the_page_on_data_says_nothing_of_missing_images(said: dict[str, str]) -> None:
    assert "6,284" not in said["data"]
