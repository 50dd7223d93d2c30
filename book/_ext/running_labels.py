"""``{kicker}`The mathematics```: which part of a chapter a section is, in small letters below its heading."""

from __future__ import annotations

from docutils import nodes

LATEX = r"\providecommand\DUrolekicker[1]{{\small\scshape\color{gray}#1}}"


def kicker(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Return the label as words of their own class."""
    return [nodes.inline(rawtext, text, classes=["kicker"])], []


def add_preamble(app, config) -> None:
    elements = config.latex_elements
    elements["preamble"] = elements.get("preamble", "") + "\n" + LATEX


def setup(app):
    app.add_role("kicker", kicker)
    app.connect("config-inited", add_preamble)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
