"""The index of the search: every section of the book with its text, in a script that a page from the disk can load.

A section is found, too, by the terms that the glossary explains by it, and by those in ``book/search-terms.yml``.

``_static/search.js`` looks in it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml
from docutils import nodes
from mathml import convert
from sphinx import addnodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
NAME, TERMS = "search-sections.js", "book/search-terms.yml"
SKIPPED = (nodes.raw, nodes.comment, nodes.target, addnodes.toctree, nodes.image, addnodes.index)


def plain(node: nodes.Node) -> str:
    """Return what a node says, formulas as they read: p(v|h), not their TeX."""
    if isinstance(node, SKIPPED):
        return ""
    if isinstance(node, nodes.math | nodes.math_block):
        return f" {formula(node.astext())} "
    if isinstance(node, nodes.Text):
        return node.astext()
    inner = "".join(plain(child) for child in node.children)
    return inner if isinstance(node, nodes.Inline) else f" {inner} "


def formula(tex: str) -> str:
    """Return the characters of a formula, letters of all its alphabets as plain ones."""
    try:
        text = re.sub(r"<[^>]*>", "", convert(tex))
    except ValueError:
        return tex
    return unicodedata.normalize(
        "NFKC", text.replace("∣", "|").replace("&amp;", "&").replace("&lt;", "<")
    )


class Section(NamedTuple):
    """A section of a page: where it is, and what it says without the sections within it."""

    labels: list[str]  # its anchor first
    heading: str
    text: str


def sections(doctree: nodes.document, numbers: Mapping[str, Sequence[int]]) -> list[Section]:
    """Return the sections of a page; `numbers` are theirs by ``#anchor``."""
    found = []
    for section in doctree.findall(nodes.section):
        title = next((child for child in section.children if isinstance(child, nodes.title)), None)
        if title is None:
            continue
        rest = [c for c in section.children if c is not title and not isinstance(c, nodes.section)]
        text = " ".join("".join(plain(child) for child in rest).split())
        number = ".".join(map(str, numbers.get(f"#{section['ids'][0]}", ())))
        heading = " ".join(plain(title).split())
        found.append(Section(section["ids"], f"{number} {heading}".strip(), text))
    return found


def defined(doctree: nodes.document) -> list[tuple[str, str, list[str]]]:
    """Return page, label and terms of each entry of a glossary that refers to a section of another page."""
    found = []
    for item in doctree.findall(nodes.definition_list_item):
        links = (link.get("refuri", "") for link in item.findall(nodes.reference))
        link = next((uri for uri in links if ".html#" in uri and "://" not in uri), None)
        if link:
            page, _, label = link.partition(".html#")
            found.append((page, label, [term.astext() for term in item.findall(nodes.term)]))
    return found


def gather(app, pagename, templatename, context, doctree) -> None:
    """Note the sections of a page that is being written, and the terms of a glossary."""
    if app.builder.name != "html" or doctree is None or pagename == app.config.root_doc:
        return
    app.chapters_sections[pagename] = sections(doctree, app.env.toc_secnumbers.get(pagename, {}))
    if next(doctree.findall(addnodes.glossary), None) is not None:
        for page, label, terms in defined(doctree):
            name = str(PurePosixPath(pagename).parent / page)
            app.chapters_terms.setdefault((name, label), []).extend(terms)


def begin(app) -> None:
    path = Path(app.srcdir) / TERMS
    known = yaml.safe_load(path.read_text(encoding="utf8")) if path.exists() else {}
    app.chapters_sections = {}
    app.chapters_terms = {
        (page, label): list(terms)
        for page, labels in known.items()
        for label, terms in labels.items()
    }
    app.chapters_listed = set(app.chapters_terms)  # a glossary may refer to what is no section


def write(app, exception) -> None:
    """Write the index, when all pages were written."""
    if exception or app.builder.name != "html" or not app.chapters_sections:
        return
    rows, found = [], set()
    for name in sorted(app.chapters_sections):
        title = app.env.titles[name].astext()
        number = ".".join(map(str, app.env.toc_secnumbers.get(name, {}).get("", ())))
        page = f"{number}. {title}" if number else title
        for section in app.chapters_sections[name]:
            places = [(name, label) for label in section.labels]
            found.update(places)
            terms = [term for place in places for term in app.chapters_terms.get(place, [])]
            row = [section.labels[0], section.heading, section.text, "\n".join(terms)]
            rows.append([f"{name}.html", page, *row])
    for page, label in sorted(app.chapters_listed - found):
        if page in app.chapters_sections:
            LOGGER.warning(
                "no section has the label %s, which terms are to lead to", label, location=page
            )
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir) / "_static" / NAME
    target.write_text(f"globalThis.searchSections = {text};\n", encoding="utf8")


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("html-page-context", gather)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
