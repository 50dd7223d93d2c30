"""The index: for each term of the glossary, where a page introduces it and where a page first uses it."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

GLOSSARY = "book/glossary"
BLOCK = re.compile(r"^```\{glossary\}\n(?::[^\n]*\n)*\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^((?:\S.*\n)+)((?:[ ]+\S.*\n)+)", re.MULTILINE)
HOME = re.compile(r"\{ref\}`([\w-]+)`")
# Words of every page, indexed where they are introduced alone.
COMMON = {"claim", "code", "nat", "run", "seed"}


def read(text: str) -> list[tuple[list[str], str]]:
    """Return the glossary's entries: the names of a term, of which the first is indexed, and the label of its home."""
    block = BLOCK.search(text)
    found = []
    for names, definition in ENTRY.findall(block[1] if block else ""):
        home = HOME.search(definition)
        found.append((names.strip().split("\n"), home[1] if home else ""))
    return found


def pattern(names: list[str]) -> re.Pattern[str]:
    """Return what finds a term in a text: an acronym as it is written, other words in either case, also in plural."""
    parts = [
        re.escape(n) if any(c.isupper() for c in n[1:]) else f"(?i:{re.escape(n)})" for n in names
    ]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?:s|es)?(?![\w-])")


class IndexTerms(SphinxTransform):
    """Put marks for the index into a page."""

    default_priority = 840  # labels are in place; the index is collected at 850

    def apply(self, **kwargs) -> None:
        if self.env.docname == GLOSSARY:
            _out_of_headings(self.document)
        if self.env.docname in (GLOSSARY, "book/references", "book/solutions"):
            return
        path = Path(self.env.srcdir, f"{GLOSSARY}.md")
        if not path.exists():
            return
        self.env.note_dependency(str(path))
        texts = [
            (paragraph, paragraph.astext())
            for paragraph in self.document.findall(nodes.paragraph)
            if isinstance(paragraph.parent, nodes.section)
        ]
        places = {name: node for node in self.document.findall() for name in _ids(node)}
        for names, home in read(path.read_text(encoding="utf-8")):
            if home in places:
                self._mark(places[home], names[0], "main")
            elif names[0] not in COMMON:
                found = pattern(names)
                first = next((node for node, text in texts if found.search(text)), None)
                if first is not None:
                    self._mark(first, names[0], "")

    def _mark(self, node: nodes.Element, term: str, kind: str) -> None:
        name = nodes.make_id(f"index-{term}")
        entry = addnodes.index("", entries=[("single", term, name, kind, None)], inline=False)
        target = nodes.target("", "", ids=[name])
        if isinstance(node, nodes.section):
            node.insert(1, [entry, target])
        else:
            node.parent.insert(node.parent.index(node), [entry, target])


def _out_of_headings(document: nodes.document) -> None:
    """Move the glossary's own marks from its terms to their definitions.

    A term is a macro's argument in TeX, which writes the hyphen of a mark with a space behind its
    name, so that the index would list each term with a hyphen twice.
    """
    for item in document.findall(nodes.definition_list_item):
        for mark in [
            mark for term in item.findall(nodes.term) for mark in term.findall(addnodes.index)
        ]:
            definition = next(item.findall(nodes.definition))
            mark.parent.remove(mark)
            definition.insert(0, mark)


def _ids(node: nodes.Node) -> list[str]:
    return node["ids"] if isinstance(node, nodes.Element) else []


def setup(app):
    app.add_transform(IndexTerms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
