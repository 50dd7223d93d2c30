"""The book for e-readers: whole, well-formed, numbered as the site is, and nothing in it runs."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zipfile import ZIP_STORED, ZipFile

import pytest

from .test_pages import CHAPTERS, PAGES, TOC

MEGABYTES = 25
FIRST = "book/index.xhtml"
XHTML, MATH = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"
PACKAGE = "{http://www.idpf.org/2007/opf}"
E_READER = 620  # pixels that a screen of six inches is wide
BROKEN = """[...document.querySelectorAll('th')].flatMap(cell => {
    const found = [], walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode()); )
        for (const word of node.data.matchAll(/[a-z]{3,}/gi)) {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map(part => Math.round(part.top)));
            if (lines.size > 1) found.push(word[0]);
        }
    return found;
})"""  # words of the heads of tables that do not stand in one line
REFERENCES = ("href", "src", "{http://www.w3.org/1999/xlink}href")


@pytest.fixture(scope="module")
def files(epub) -> dict[str, bytes]:
    with ZipFile(epub) as book:
        return {name: book.read(name) for name in book.namelist()}


@pytest.fixture(scope="module")
def trees(files) -> dict[str, Element]:
    """Return every file of XML, parsed, by its path; one that is not well-formed fails here."""
    kinds = (".xhtml", ".svg", ".opf", ".ncx", ".xml")
    return {
        name: ElementTree.fromstring(data) for name, data in files.items() if name.endswith(kinds)
    }


@pytest.fixture(scope="module")
def pages(trees) -> dict[str, Element]:
    return {name: tree for name, tree in trees.items() if name.startswith("book/")}


def of_class(tree: Element, name: str, tag: str = "*") -> list[Element]:
    return [
        e
        for e in tree.iter(XHTML + tag if tag != "*" else None)
        if name in e.get("class", "").split()
    ]


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def test_it_is_an_epub_of_every_page_and_not_too_large(epub, pages):
    with ZipFile(epub) as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", ZIP_STORED)
        assert book.read("mimetype") == b"application/epub+zip"
    assert epub.stat().st_size < MEGABYTES * 2**20
    assert sorted(pages) == sorted(f"{page}.xhtml" for page in PAGES)


def test_nothing_in_it_runs(files, trees):
    assert [name for name in files if name.endswith((".js", ".json", ".html"))] == []
    for name, tree in trees.items():
        tags = {element.tag.split("}")[-1] for element in tree.iter()}
        assert not tags & {"script", "noscript", "canvas", "button", "iframe", "form", "input"}, (
            name
        )
        assert not [
            key for element in tree.iter() for key in element.attrib if key.startswith("on")
        ], name


def test_every_formula_is_mathml(pages):
    assert sum(len(list(page.iter(f"{MATH}math"))) for page in pages.values()) > 100 * len(CHAPTERS)
    for name, page in pages.items():
        for place in of_class(page, "math"):
            found = list(place.iter(f"{MATH}math"))
            assert len(found) == 1 and found[0].get("alttext"), f"{name}: {text(place)}"
        prose = deepcopy(page)
        for element in prose.iter():
            if element.tag in (f"{XHTML}pre", f"{XHTML}code"):
                element[:], element.text = [], ""
        assert re.findall(r"\\[a-zA-Z(\[]\w*|\$\$", text(prose)) == [], name


def test_equations_figures_and_tables_have_the_numbers_of_the_site(pages, soups):
    for name, page in pages.items():
        soup = soups[name.replace(".xhtml", ".html")]
        equations = {
            e.get("id"): text(n) for e in of_class(page, "math", "div") for n in of_class(e, "eqno")
        }
        there = {
            number.find_parent("div")["id"]: number.get_text(" ").split()[0].rstrip("#")
            for number in soup.article.select("div.math[id] .eqno")
        }
        assert equations == {key: value.split()[0].rstrip("#") for key, value in there.items()}, (
            name
        )
        if name == FIRST:  # one figure where the site has cards
            continue
        captions = [text(e) for e in of_class(page, "caption-number")]
        assert captions == [
            e.get_text(strip=True) for e in soup.article.select(".caption-number")
        ], name


def test_every_solution_stands_below_its_exercise(pages, soups):
    for name, page in pages.items():
        soup = soups[name.replace(".xhtml", ".html")]
        solutions = of_class(page, "solution", "div")
        assert len(solutions) == len(soup.article.select("div.solution")), name
        assert all(len(text(solution)) > 100 for solution in solutions), name


def test_every_link_and_picture_is_there(files, trees):
    anchors = {
        name: [e.get("id") for e in tree.iter() if e.get("id")] for name, tree in trees.items()
    }
    problems = [
        f"{name}: an id occurs twice" for name, ids in anchors.items() if len(ids) > len(set(ids))
    ]
    for name, tree in trees.items():
        for element in tree.iter():
            for address in filter(None, map(element.get, REFERENCES)):
                parts = urlsplit(address)
                if parts.scheme:
                    if element.tag != f"{XHTML}a" and parts.scheme != "data":
                        problems.append(f"{name}: loads {address}")
                    continue
                target = (
                    normpath(str(PurePosixPath(name).parent / unquote(parts.path)))
                    if parts.path
                    else name
                )
                if target not in files:
                    problems.append(f"{name}: {address} is not there")
                elif parts.fragment and unquote(parts.fragment) not in anchors[target]:
                    problems.append(f"{name}: {address} has no such anchor")
    assert problems == []


def test_every_figure_of_the_site_is_there_with_its_words(pages, soups):
    for name, page in pages.items():
        if name == FIRST:
            (gallery,) = page.iter(f"{XHTML}img")
            assert len(gallery.get("alt", "")) > 100
            continue
        there = [
            image.get("alt")
            for image in soups[name.replace(".xhtml", ".html")].article.find_all("img")
        ]
        assert [image.get("alt") for image in page.iter(f"{XHTML}img")] == there, name


def test_tables_fit_an_e_reader_and_no_word_of_their_heads_is_broken(epub, window, tmp_path):
    with ZipFile(epub) as book:
        book.extractall(tmp_path)
    window.resize(E_READER)
    tables = 0
    for path in sorted((tmp_path / "book").glob("*.xhtml")):
        assert window.open(path.as_uri()).wide <= 0, path.name
        tables += window.evaluate("document.querySelectorAll('th').length")
        assert window.evaluate(BROKEN) == [], path.name
    assert tables > 100


def test_the_package_lists_every_file_and_what_is_in_it(files, trees):
    items = {item.get("href"): item for item in trees["content.opf"].iter(f"{PACKAGE}item")}
    assert set(items) == set(files) - {"mimetype", "META-INF/container.xml", "content.opf"}
    for name, item in items.items():
        holds = name in trees and next(trees[name].iter(f"{MATH}math"), None) is not None
        assert ("mathml" in item.get("properties", "").split()) == holds, name
    assert [name for name, item in items.items() if item.get("properties") == "cover-image"] == [
        "_static/cover.png"
    ]
    order = {item.get("id"): name for name, item in items.items()}
    spine = [order[entry.get("idref")] for entry in trees["content.opf"].iter(f"{PACKAGE}itemref")]
    assert spine == ["epub-cover.xhtml", *(f"{page}.xhtml" for page in PAGES)]


def test_the_contents_hold_every_chapter_below_its_part(trees):
    (listing,) = [nav for nav in trees["nav.xhtml"].iter(f"{XHTML}nav")]
    links = [(link.get("href"), text(link)) for link in listing.iter(f"{XHTML}a")]
    wanted = [f"{TOC['root']}.xhtml"]
    for part in TOC["parts"]:
        inside = [f"{entry['file']}.xhtml" for entry in part["chapters"]]
        wanted += [inside[0], *inside]
        assert part["caption"] in [words for _, words in links]
    assert [address for address, _ in links] == wanted
    numbers = [re.match(r"(\d+)\. ", dict(links)[f"{chapter}.xhtml"]) for chapter in CHAPTERS]
    assert all(numbers)
