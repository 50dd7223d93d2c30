"""Where a printed line may not break: before a per cent sign, and around a ± (in a table's cell if there is room).

And where it may: behind the hyphens of a long name in a cell.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

PLUS_MINUS = (
    r"\,±\allowbreak\,"  # narrow, and broken only where a column has no room for both numbers
)
OF_NUMBERS = r"(?<![a-z]) ± (?![a-z])"
HYPHEN = r"\sphinxhyphen{}\allowbreak{}"
LONG = 30  # characters of a name that may take two lines of its cell


class PrintSpaces(SphinxPostTransform):
    """Set the spaces of the PDF; the site's columns are as wide as the reader's window."""

    default_priority = 900  # after the numbers are pasted
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.FixedTextElement | nodes.literal | nodes.raw):
                if isinstance(text.parent, nodes.literal) and len(text) > LONG and _in_a_cell(text):
                    _join(text, text.split("-"), HYPHEN)
                continue
            kept = re.sub(r" %", "\u00a0%", text)
            cell = _in_a_cell(text)
            parts = kept.split(" ± ") if cell else [re.sub(OF_NUMBERS, "\u00a0±\u00a0", kept)]
            if parts != [str(text)]:
                _join(text, parts, PLUS_MINUS)


def _join(text: nodes.Text, parts: list[str], between: str) -> None:
    found: list[nodes.Node] = [nodes.Text(parts[0])]
    for part in parts[1:]:
        found += [nodes.raw("", between, format="latex"), nodes.Text(part)]
    text.parent.replace(text, found)


def _in_a_cell(node: nodes.Node) -> bool:
    while node is not None and not isinstance(node, nodes.entry):
        node = node.parent
    return node is not None


def setup(app):
    app.add_post_transform(PrintSpaces)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
