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


def test_the_solutions_stand_at_the_end(latex, soups, pages):
    solutions = sum(len(soup.article.select("div.solution")) for soup in soups.values())
    text = " ".join(pages)
    assert text.count("Solution to Exercise") >= solutions
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    assert source.count("Solution~on~page") == solutions


def test_the_questions_stand_with_the_solutions(latex, soups):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    chapters, appendix = source.rsplit(r"\solutionsnumbered", 1)  # the first defines it
    for path, soup in soups.items():
        if asked := soup.article.select("details.quiz"):
            page = path.removesuffix(".html")
            assert rf"\pageref{{\detokenize{{{page}:questions}}}}" in chapters
            assert rf"\label{{\detokenize{{{page}:questions}}}}" in appendix
            words = asked[0].summary.get_text().split()
            assert max(filter(str.isalpha, words), key=len) in appendix


def test_the_label_of_a_section_begins_its_first_paragraph(latex):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    labels = re.findall(r"\\DUrole\{kicker\}\{[^}]*\}(.*)", source)
    run_in = [rest for rest in labels if rest.startswith(r"\enspace{}")]
    assert len(run_in) > 0.4 * len(labels) > 30


def test_the_chapters_have_the_numbers_of_the_site(soups, pages):
    for soup in soups.values():
        number = soup.article.h1.select_one(".section-number")
        if number:
            chapter = number.get_text(strip=True).rstrip(".")
            title = soup.article.h1.get_text().replace(number.get_text(), "").rstrip("#").strip()
            broken = r"\s+".join(map(re.escape, title.split()))  # a long title takes two lines
            assert any(re.search(rf"Chapter {chapter}\s+{broken}", page) for page in pages), title


def test_no_page_is_fuller_than_its_paper(log):
    """Floats above a table that cannot break could push it over the lower edge."""
    over = re.findall(r"Overfull \\vbox \(([\d.]+)pt too high\) has occurred while \\output", log)
    assert [points for points in over if float(points) > 3] == []


def test_the_index_names_each_term_once(latex):
    terms = re.findall(
        r"\\item \\spxentry\{(.*?)\}",
        (latex / "learning-to-generate.ind").read_text(encoding="utf-8"),
    )
    seen = [re.sub(r"\\sphinxhyphen\s*\{\}", "-", term) for term in terms]
    assert len(seen) > 50
    assert sorted({term for term in seen if seen.count(term) > 1}) == []


def test_a_mark_of_the_index_joins_no_paragraphs(latex):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    assert re.findall(r"^\\index\{", source, re.MULTILINE)
    assert re.findall(r"^[^\\\n%][^\n]*\n\\index\{", source, re.MULTILINE) == []


def test_numbers_keep_their_error_and_their_per_cent(latex):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    cells = re.findall(
        r"\\begin\{(?:tabular|longtable)\}.*?\\end\{(?:tabular|longtable)\}", source, re.DOTALL
    )
    assert cells and not [cell for cell in cells if re.search(r"\d ± \d", cell)]
    assert re.search(r"\d\\,±\\allowbreak\\,\d", source)
    assert not re.findall(r".{20}\} \\%", source), "a line may begin with a per cent sign"


def test_no_cell_parts_a_number_from_its_error(pages):
    parted = [re.findall(r".*±\n[\d.]+\n", page) for page in pages]
    assert [found for found in parted if found] == []


def test_no_line_of_code_is_wrapped(pages):
    assert [i for i, page in enumerate(pages, 1) if "↪" in page] == []


@pytest.mark.parametrize("kind", ["Figure", "Table"])
def test_what_is_numbered_stands_in_order(pages, kind):
    """A figure that waits for the next page may otherwise come to stand before an earlier one."""
    captions = re.findall(rf"^{kind} (\d+)\.(\d+):", "\n".join(pages), re.MULTILINE)
    numbers = [tuple(map(int, caption)) for caption in captions]
    assert len(numbers) > 40 and numbers == sorted(numbers)


def test_the_head_names_the_chapter(pages, soups):
    for page, soup in soups.items():
        number = re.match(r"(\d+)\.", soup.article.h1.get_text())
        if number:
            heads = [text for text in pages if text.lstrip().startswith(f"Chapter {number[1]}")]
            assert len(heads) > 5, page


def test_the_contents_lead_to_each_chapters_solutions(latex):
    lines = (latex / "learning-to-generate.toc").read_text(encoding="utf8").split("\n")
    first = next(i for i, line in enumerate(lines) if "{chapter}{Solutions}" in line)
    assert sum("{section}" in line for line in lines[first + 1 :][:11]) == 11


def test_no_heading_and_no_title_of_a_box_ends_a_page(latex, pages):
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    titles = re.findall(r"\\begin\{sphinxadmonition\}\{\w+\}\{([^{}\\]+)", source)
    titles += re.findall(r"\\(?:sub)*section\{([^{}\\]+)\}", source)
    plain = {re.sub(r"\W+", "", title) for title in titles}
    last = [re.sub(r"\W+|^[\d.]+", "", page.splitlines()[-2]) for page in pages if "\n" in page]
    assert len(plain) > 200 and [line for line in last if line in plain] == []


def test_no_page_holds_a_line_alone(pages):
    """Between its head and its foot: figures that wait for a page may leave one behind them."""
    lines = [page.splitlines() for page in pages]
    assert [
        page for page in lines if page and page[0].startswith("Chapter ") and len(page) < 4
    ] == []


def test_a_solution_begins_on_the_page_that_its_exercise_names(latex, pages):
    labels = PdfReader(latex / "learning-to-generate.pdf").page_labels
    text = re.sub(r"\s+", " ", " ".join(pages))
    named = dict(
        re.findall(r"Exercise (\d+\.\d+) ?\((?:(?!Exercise \d).)*?Solution on page (\d+)\.\)", text)
    )
    begin = {
        number: label
        for label, page in zip(labels, pages, strict=True)
        for number in re.findall(r"Solution to Exercise (\d+\.\d+)", re.sub(r"\s+", " ", page))
    }
    assert len(named) > 30 and named == {number: begin[number] for number in named}


def test_short_listings_stand_whole(latex, pages):
    continued = [page for page in pages if "(continued from previous page)" in page]
    source = (latex / "learning-to-generate.tex").read_text(encoding="utf8")
    short = re.findall(r"\\needspace\{[\d.]+\\baselineskip\}\n*\\begin\{sphinxVerbatim\}", source)
    assert len(short) > 100 and len(continued) < 30
