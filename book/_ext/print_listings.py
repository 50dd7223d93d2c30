"""A short listing is printed on one page: the page before it ends where too little of it is left."""

from __future__ import annotations

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WHOLE = 16  # lines
LINE, FRAME = 0.82, 2  # of a listing, in lines of the text


class KeepWhole(SphinxPostTransform):
    """Ask for a page with room for the whole; not in boxes, which keep their own pages."""

    default_priority = 900
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        for block in list(self.document.findall(nodes.literal_block)):
            lines = block.astext().rstrip("\n").count("\n") + 1
            if lines <= WHOLE and not _in_a_box(block):
                room = rf"\needspace{{{LINE * lines + FRAME:.1f}\baselineskip}}"
                place = block.parent
                place.insert(place.index(block), nodes.raw("", room, format="latex"))


def _in_a_box(node: nodes.Node) -> bool:
    while node is not None and not isinstance(node, nodes.section):
        if isinstance(node, nodes.Admonition):
            return True
        node = node.parent
    return False


def setup(app):
    app.add_post_transform(KeepWhole)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
