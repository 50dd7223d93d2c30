"""``{kicker}`The mathematics```: which part of a chapter a section is, in small letters below its heading.

In print they begin the section's first paragraph; above a box of the same title they are left out.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

HEADS = (nodes.title, nodes.target, addnodes.index)
LATEX = r"\providecommand\DUrolekicker[1]{{\small\scshape\color{gray}#1}}"

ALONE = (
    r"\par\nobreak\csname @afterheading\endcsname"  # keeps what follows on the page of the heading
)


def kicker(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Return the label as words of their own class."""
    return [nodes.inline(rawtext, text, classes=["kicker"])], []


def first(content) -> nodes.Node | None:
    """Return what is first set of a section's content, its title aside."""
    return next((node for node in content if not isinstance(node, HEADS)), None)


class RunIn(SphinxPostTransform):
    """Let the label of a section begin its first paragraph."""

    default_priority = 2
    builders = ("latex",)

    def run(self, **kwargs) -> None:
        for label in list(self.document.findall(nodes.inline)):
            if label["classes"] != ["kicker"] or len(label.parent) > 1:
                continue
            line = label.parent
            after = first(line.parent[line.parent.index(line) + 1 :])
            while isinstance(after, nodes.section):
                after = first(after)
            if isinstance(after, nodes.paragraph):
                line.parent.remove(line)
                after.insert(0, [label, nodes.raw("", r"\enspace{}", format="latex")])
            elif isinstance(after, nodes.admonition) and after[0].astext() == label.astext():
                line.parent.remove(line)
            else:
                line += nodes.raw("", ALONE, format="latex")


def add_preamble(app, config) -> None:
    elements = config.latex_elements
    elements["preamble"] = elements.get("preamble", "") + "\n" + LATEX


def setup(app):
    app.add_role("kicker", kicker)
    app.add_post_transform(RunIn)
    app.connect("config-inited", add_preamble)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
