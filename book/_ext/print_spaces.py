"""Where a printed line may not break: before a per cent sign, and around the ± of a table's cell if there is room."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

PLUS_MINUS = (
    r"\,±\allowbreak\,"  # narrow, and broken only where a column has no room for both numbers
)


class PrintSpaces(SphinxPostTransform):
    """Set the spaces of the PDF; the site's columns are as wide as the reader's window."""

    default_priority = 900  # after the numbers are pasted
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.FixedTextElement | nodes.literal | nodes.raw):
                continue
            kept = re.sub(r" %", "\u00a0%", text)
            parts = kept.split(" ± ") if _in_a_cell(text) else [kept]
            if len(parts) > 1 or kept != text:
                found: list[nodes.Node] = [nodes.Text(parts[0])]
                for part in parts[1:]:
                    found += [nodes.raw("", PLUS_MINUS, format="latex"), nodes.Text(part)]
                text.parent.replace(text, found)


def _in_a_cell(node: nodes.Node) -> bool:
    while node is not None and not isinstance(node, nodes.entry):
        node = node.parent
    return node is not None


def setup(app):
    app.add_post_transform(PrintSpaces)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
