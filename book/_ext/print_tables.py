"""Numbers of a printed table: in a column of nothing else, their decimal points stand below one another."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

NUMBER = re.compile(r"([-−]?)(\d[\d,]*)(?:\.\d+)?(?=$| ?[±%] ?| [\[(])")
NONE = ("", "–", "—")
MOST = 7  # columns: more leave no room


def columns(group: nodes.tgroup) -> list[list[nodes.entry]]:
    """Return the entries below the head of a table, by column; none where an entry spans several, or of many."""
    rows = [list(row.findall(nodes.entry)) for row in group.findall(nodes.row)]
    heads = [row for head in group.findall(nodes.thead) for row in head.findall(nodes.row)]
    rows = rows[len(heads) :]
    counts = {len(row) for row in rows}
    fit = len(counts) == 1 and max(counts) <= MOST
    return [list(column) for column in zip(*rows, strict=True)] if fit else []


def pads(texts: list[str]) -> list[str]:
    """Return what room each text needs before it, as LaTeX: of a sign, and of the digits it has fewer than another."""
    found = [NUMBER.match(text) for text in texts]
    numbers = [match for match in found if match]
    if not numbers or any(
        not match and text not in NONE for match, text in zip(found, texts, strict=True)
    ):
        return [""] * len(texts)
    sign = any(match[1] for match in numbers)
    longest = max((match[2] for match in numbers), key=len)
    return [
        (r"\hphantom{−}" if sign and not match[1] else "")
        + (rf"\hphantom{{{short}}}" if (short := longest[: len(longest) - len(match[2])]) else "")
        if match
        else ""
        for match in found
    ]


class Align(SphinxPostTransform):
    """Give the numbers of the PDF's columns that room."""

    default_priority = 899  # after the numbers are pasted, before their spaces are set
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        for group in list(self.document.findall(nodes.tgroup)):
            for column in columns(group):
                texts = [entry.astext().strip() for entry in column]
                for entry, pad in zip(column, pads(texts), strict=True):
                    if pad:
                        entry[0].insert(0, nodes.raw("", pad, format="latex"))


def setup(app):
    app.add_post_transform(Align)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
