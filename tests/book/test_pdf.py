"""The printed book: complete, and nothing in it sticks out or is missing."""

from __future__ import annotations

import re

import pytest
from pypdf import PdfReader

OVERFULL = 5.0  # points; less than two millimetres


@pytest.fixture(scope="module")
def log(latex) -> str:
    return (latex / "learning-to-generate.log").read_text(encoding="utf8", errors="replace")


@pytest.fixture(scope="module")
def pages(latex) -> list[str]:
    return [page.extract_text() for page in PdfReader(latex / "learning-to-generate.pdf").pages]


def test_no_line_sticks_out(log):
    wide = [
        (float(match[1]), match[0])
        for match in re.finditer(r"Overfull \\hbox \(([\d.]+)pt too wide\).*", log)
    ]
    assert [text for points, text in wide if points > OVERFULL] == []


def test_every_character_has_a_glyph(log):
    assert re.findall(r"Missing character:.*", log) == []


def test_every_reference_is_resolved(log, pages):
    unbroken = log.replace("\n", "")  # TeX breaks its lines at 79 characters
    assert (
        re.findall(
            r"(?:Reference|Hyper reference|Citation) `[^']*' on page \d+ undefined", unbroken
        )
        == []
    )
    assert [i for i, page in enumerate(pages, 1) if "??" in page] == []


def test_every_figure_is_printed(latex, soups, pages):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    text = re.sub(r"\s+", " ", " ".join(pages))
    for page, soup in soups.items():
        for figure in soup.article.select("figure[id]"):
            if figure.find_parent(class_="solution") or not figure.find("img"):
                continue
            number = figure.select_one(".caption-number").get_text(strip=True)
            assert f"{number}:" in text, f"{page}: {number} is not in the PDF"
    blocks = re.findall(r"\\begin{figure}.*?\\end{figure}", source, re.DOTALL)
    assert all("includegraphics" in block for block in blocks)
    for name in re.findall(r"sphinxincludegraphics(?:\[[^]]*\])?{{(.+?)}(\.\w+)}", source):
        assert (latex / "".join(name)).exists()


def test_the_solutions_stand_at_the_end(soups, pages):
    solutions = sum(len(soup.article.select("div.solution")) for soup in soups.values())
    text = " ".join(pages)
    assert text.count("Solution to Exercise") >= solutions
    assert text.count("Solution on page") == solutions


def test_the_chapters_have_the_numbers_of_the_site(soups, pages):
    for soup in soups.values():
        number = soup.article.h1.select_one(".section-number")
        if number:
            chapter = number.get_text(strip=True).rstrip(".")
            title = soup.article.h1.get_text().replace(number.get_text(), "").rstrip("#").strip()
            broken = r"\s+".join(map(re.escape, title.split()))  # a long title takes two lines
            assert any(re.search(rf"Chapter {chapter}\s+{broken}", page) for page in pages), title
