"""The index of the search: every section of the book with its text, in a script that a page from the disk can load.

``_static/search.js`` looks in it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from docutils import nodes
from mathml import convert
from sphinx import addnodes
from sphinx.errors import ExtensionError

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


def sections(
    doctree: nodes.document, numbers: Mapping[str, Sequence[int]], terms: Mapping[str, list[str]]
) -> list[tuple[str, str, str, str]]:
    """Return anchor, heading, text and terms of each section; a section within one stands for itself.

    Parameters
    ----------
    numbers
        of the sections, by ``#anchor``.
    terms
        that a section is to be found by, by one of its labels.

    Raises
    ------
    ValueError
        where there is no section of a label.
    """
    found, missing = [], set(terms)
    for section in doctree.findall(nodes.section):
        title = next((child for child in section.children if isinstance(child, nodes.title)), None)
        if title is None:
            continue
        rest = [c for c in section.children if c is not title and not isinstance(c, nodes.section)]
        text = " ".join("".join(plain(child) for child in rest).split())
        anchor, labels = section["ids"][0], set(section["ids"])
        number = ".".join(map(str, numbers.get(f"#{anchor}", ())))
        heading = " ".join(plain(title).split())
        known = [term for label in sorted(labels & missing) for term in terms[label]]
        missing -= labels
        found.append((anchor, f"{number} {heading}".strip(), text, "|".join(known)))
    if missing:
        raise ValueError(f"no section has the label {', '.join(sorted(missing))}")
    return found


def gather(app, pagename, templatename, context, doctree) -> None:
    """Note the sections of a page that is being written."""
    if app.builder.name == "html" and doctree is not None and pagename != app.config.root_doc:
        numbers = app.env.toc_secnumbers.get(pagename, {})
        try:
            found = sections(doctree, numbers, app.chapters_terms.get(pagename, {}))
        except ValueError as error:
            raise ExtensionError(f"{TERMS}: {pagename}: {error}") from error
        app.chapters_sections[pagename] = found


def begin(app) -> None:
    path = Path(app.srcdir) / TERMS
    app.chapters_sections = {}
    app.chapters_terms = yaml.safe_load(path.read_text(encoding="utf8")) if path.exists() else {}


def write(app, exception) -> None:
    """Write the index, when all pages were written."""
    if exception or app.builder.name != "html" or not app.chapters_sections:
        return
    rows = []
    for name in sorted(app.chapters_sections):
        title = app.env.titles[name].astext()
        number = ".".join(map(str, app.env.toc_secnumbers.get(name, {}).get("", ())))
        label = f"{number}. {title}" if number else title
        rows += [[f"{name}.html", label, *row] for row in app.chapters_sections[name]]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir) / "_static" / NAME
    target.write_text(f"globalThis.searchSections = {text};\n", encoding="utf8")


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("html-page-context", gather)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
