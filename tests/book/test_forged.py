"""The book on the records that a machine with all the data would make: the whole of KMNIST, and SVHN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from bs4 import BeautifulSoup

from chapters_lib.findings.verdicts import OTHERWISE
from tests.pages.forged import (
    ABOUT_CROPS,
    CONTRADICTED,
    NOT_WHOLE,
    OF_A_PART,
    OF_CROPS,
    all_the_data,
)

from .conftest import ROOT, jupyter_book

pytestmark = pytest.mark.slow
ALLOWED = ("near the 10 % of chance", "5 % and 10 %")  # said of no part of the set
FOLDED = "Every recorded generator:"  # a list of all records, too


class Site(NamedTuple):
    """What pages say, marks aside; the marks on them; and what was glued as marks in their cells."""

    said: dict[str, str]
    marks: dict[str, list[str]]
    glued: dict[str, str]


# Minutes: the whole book is run.
@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the book built as a reader with these records would: a sentence is marked, nothing stops."""
    folder = tmp_path_factory.mktemp("forged")
    (folder / "runs").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAPTERS_RUNS", str(all_the_data(folder / "runs")))
        patch.delenv("STRICT", raising=False)
        done = jupyter_book(ROOT, "--path-output", str(folder))
    assert done.returncode == 0, done.stderr[-4000:]
    return read(folder / "_build")


def read(build: Path) -> Site:
    """Return what a built site says."""
    said, marks = {}, {}
    for path in sorted((build / "html" / "book").glob("*.html")):
        article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").article
        assert article is not None
        found = [mark.extract() for mark in article.select(".contradicted")]
        marks[path.stem] = [" ".join(mark.get_text().split()) for mark in found]
        said[path.stem] = " ".join(article.get_text(" ").split())
    return Site(said, marks, dict(glued(build)))


def glued(build: Path) -> Iterator[tuple[str, str]]:
    """Yield name and words of every mark that is not empty."""
    for path in build.glob("notebooks/*/executed/*/base.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", ()):
                name = output.get("metadata", {}).get("scrapbook", {}).get("name", "")
                data = output.get("data", {}).get("application/papermill.record/text/plain", "")
                text = data.strip("'\"")
                if name.startswith("claim-") and text:
                    yield name, text


def letters(text: str) -> str:
    """Return a text without signs and spaces, which the page may set otherwise."""
    return re.sub(r"\W", "", text)


def test_with_the_whole_of_kmnist_no_sentence_is_of_a_part(site: Site) -> None:
    text = site.said["gb-rbm"]
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    assert "60,000 training images" in text
    assert [text[m.start() - 60 : m.end() + 20] for m in OF_A_PART.finditer(text)] == []


def test_with_svhn_the_colour_half_is_of_it(site: Site) -> None:
    assert "learn from 73,257 of its images and are measured on 26,032" in site.said["data"]
    assert "In colour ( SVHN ; three trainings" in site.said["comparison"]
    assert "SVHN, 73,257 images to train on and 26,032 to test" in site.said["comparison"]


def test_no_sentence_is_of_a_lesser_set(site: Site) -> None:
    for page, text in site.said.items():
        assert [phrase for phrase in NOT_WHOLE if phrase in text] == [], page
        if page not in ABOUT_CROPS:
            text = text.partition(FOLDED)[0]
            found = [text[m.start() - 60 : m.end() + 20] for m in OF_CROPS.finditer(text)]
            assert found == [], page
    assert "6,284" not in site.said["data"]


def test_what_no_longer_holds_is_marked(site: Site) -> None:
    """Every mark that a cell glued stands on a page, and of a page's marks it says how many there are."""
    shown = {letters(mark) for marks in site.marks.values() for mark in marks}
    assert {name for name, words in site.glued.items() if letters(words) not in shown} == set()
    for page, claim in CONTRADICTED.items():
        assert site.glued[claim].startswith(OTHERWISE), claim
        assert f"a sentence is marked: here {len(site.marks[page])}." in site.said[page]


def test_no_page_shows_what_an_object_is_called(site: Site) -> None:
    assert [page for page, text in site.said.items() if "<IPython." in text] == []
