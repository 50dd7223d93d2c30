"""The built pages: what each chapter must hold, and that nothing in them leads nowhere."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

from .conftest import ROOT

# A chapter's rhythm: the parts, by the label below a section's heading. Two sections may share one.
HEADINGS = [
    "The question",
    "The mathematics",
    "The code",
    "A run in the page",
    "Results at full scale",
    "The written answer",
    "What would change our mind",
    "What goes wrong",
    "Exercises",
    "Take-away",
]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [
    entry["file"] for part in TOC["parts"] if part.get("numbered") for entry in part["chapters"]
]
PAGES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]


def heading(tag) -> str:
    """Return a heading's text without its number and its anchor."""
    return re.sub(r"^[\d.]+\s*", "", tag.get_text().rstrip("#").strip())


def part(tag) -> str:
    """Return which part of a chapter a section is: by the label below its heading, else by the heading."""
    label = tag.parent.find("span", class_="kicker")
    own = label is not None and label.find_parent("section") is tag.parent
    return label.get_text() if own else heading(tag)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_its_headings_in_order(soups, chapter):
    found = [part(tag) for tag in soups[f"{chapter}.html"].article.find_all("h2")]
    assert [name for name, _ in groupby(found)] == HEADINGS


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_its_boxes(soups, chapter):
    article = soups[f"{chapter}.html"].article
    for kind, least in (
        ("assignment", 1),
        ("prediction", 1),
        ("answer", 1),
        ("pitfall", 2),
        ("take-away", 1),
    ):
        assert len(article.select(f".admonition.{kind}")) >= least, f"boxes of class {kind}"
    assert article.select_one(".admonition.assignment a.reference"), (
        "the assignment's box links to the answers"
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_exercises_each_with_a_folded_solution(soups, chapter):
    article = soups[f"{chapter}.html"].article
    exercises, solutions = article.select("div.exercise"), article.select("div.solution")
    assert len(exercises) >= 3
    assert len(solutions) == len(exercises)
    assert all("dropdown" in solution["class"] for solution in solutions)


def test_every_solution_is_listed(soups):
    listed = {link["href"] for link in soups["book/solutions.html"].article.select("li a")}
    for page, soup in soups.items():
        for solution in soup.article.select("div.solution"):
            assert f"{Path(page).name}#{solution['id']}" in listed


def test_every_figure_has_a_caption_and_an_alt_text(soups):
    problems = []
    for page, soup in soups.items():
        for image in soup.article.find_all("img"):
            figure = image.find_parent("figure")
            alt = image.get("alt", "").strip()
            where = f"{page}: {figure.get('id') if figure else image.get('src')}"
            card = image.find_parent(class_="model-card")  # of the first page: words, no caption
            poster = image.find_parent(class_="pl-poster")  # the text below it says what it is
            if not (poster or (card and len(card.get_text(strip=True)) > 40)) and (
                figure is None
                or figure.figcaption is None
                or len(figure.figcaption.get_text(strip=True)) < 20
            ):
                problems.append(f"{where}: no caption")
            if (
                len(alt) < 15
                or "/" in alt.split(" ")[0]
                or re.search(r"\.(png|svg|pdf|jpe?g)$", alt)
            ):
                problems.append(f"{where}: alt text {alt!r}")
    assert not problems


def test_figures_and_tables_carry_numbers(soups):
    for page, soup in soups.items():
        for caption in soup.article.select("figcaption, table caption"):
            assert caption.select_one(".caption-number"), f"{page}: {caption.get_text()}"


def test_every_link_and_file_is_there(site, soups):
    anchors = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in soups.items()}
    problems = []
    for page, soup in soups.items():
        for tag in soup.find_all(["a", "img", "script", "link", "source"]):
            address = tag.get("href") or tag.get("src")
            parts = urlsplit(address or "")
            if not address or parts.scheme in ("mailto", "data"):
                continue
            if parts.scheme or parts.netloc:
                if tag.name != "a":
                    problems.append(f"{page}: loads {address} from elsewhere")
                continue
            target = (site / page).parent / unquote(parts.path) if parts.path else site / page
            if not target.exists():
                problems.append(f"{page}: {address} is not there")
            elif parts.fragment and target.suffix == ".html":
                name = str(target.resolve().relative_to(site.resolve()))
                if name in anchors and unquote(parts.fragment) not in anchors[name]:
                    problems.append(f"{page}: {address} has no such anchor")
    assert not problems


def test_nothing_unresolved_is_left_in_the_text(soups):
    problems = []
    for page, soup in soups.items():
        for tag in soup.article.select("pre, code, script, style"):
            tag.extract()
        text = soup.article.get_text(" ")
        problems += [
            f"{page}: {bit!r}"
            for bit in re.findall(r"\{[a-z:]+\}`|np\.float\d+\(|tensor\(|:::", text)
        ]
    assert not problems


def test_no_output_holds_an_address_in_memory(site):
    texts = {page.name: page.read_text(encoding="utf8") for page in (site / "book").glob("*.html")}
    assert [page for page, text in texts.items() if re.search(r" at 0x[0-9a-f]{6,}", text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_offers_its_executed_notebook(site, soups, page):
    source = (ROOT / f"{page}.md").read_text(encoding="utf8")
    if not source.startswith("---"):
        pytest.skip("a page without code")
    button = soups[f"{page}.html"].select_one("a.btn-download-notebook-button")
    assert button is not None
    notebook = nbformat.read((site / f"{page}.html").parent / button["href"], as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code" and c.id != "set-up"]
    assert code and all(cell.execution_count for cell in code)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"^(`{3,}|:{3,})\{|\{[a-z:]+\}`", text, re.MULTILINE), (
        "MyST was left in the notebook"
    )
    assert "private" not in json.dumps(notebook.metadata)


def test_the_site_names_no_font_or_script_of_another_host(site):
    for sheet in (site / "_static").glob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf8")), (
            sheet.name
        )
