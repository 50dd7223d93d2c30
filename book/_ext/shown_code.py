"""Definitions shown from the library: the first line of each docstring, which the library's source continues."""

from __future__ import annotations

import ast

from docutils import nodes
from sphinx.directives.code import LiteralInclude


def folded(source: str) -> str:
    """Return Python with docstrings of several lines cut to the first; as it is where it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    lines = source.split("\n")
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or not ast.get_docstring(node):
            continue
        text = node.body[0]
        first, last = text.lineno - 1, text.end_lineno - 1
        if last > first:
            lines[first] = f'{lines[first].rstrip()}"""'
            lines[first + 1 : last + 1] = [None] * (last - first)
    return "\n".join(line for line in lines if line is not None)


class FoldedInclude(LiteralInclude):
    """``literalinclude`` that folds docstrings of definitions."""

    def run(self) -> list[nodes.Node]:
        found = super().run()
        if "pyobject" in self.options:
            for node in found:
                for block in node.findall(nodes.literal_block):
                    text = folded(block.astext())
                    block.rawsource = text
                    block.children = [nodes.Text(text)]
        return found


def setup(app):
    app.add_directive("literalinclude", FoldedInclude, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
