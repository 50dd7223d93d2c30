"""Formulas of the site: MathML made by the build, so that they read without a script; MathJax where a browser has none.

The font stands in ``_static/fonts``. MathJax is copied from the package that brings it, as far as MathML needs it.
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from epub_builder import mathml
from sphinx.util.math import get_node_equation_number

OPENING, CLOSING = re.compile(r"[(\[‘“]+$"), re.compile(r"[.,;:!?)\]’”…–-]+")
UNTOUCHED = (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.raw)
PARTED = re.compile(r" (?=%)|(?<=±) ")
MATHJAX = ("mml-chtml.js", "output/chtml/fonts/woff-v2")


def formula(node: nodes.Element, display: bool) -> str:
    """Return a formula's MathML without its namespace, which HTML does not ask for, and its TeX, never shown."""
    text = mathml(node, display)
    return re.sub(r' (?:xmlns="[^"]*"|display="inline"|alttext="[^"]*")', "", text, count=3)


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(formula(node, display=False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    self.body.append(f'<div class="formula">{formula(node, display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def keep(app, doctree, docname: str) -> None:
    """Leave in one line what browsers would part: a formula and the punctuation at it, a number and its per cent."""
    if app.builder.name != "html":
        return
    for parent in list(doctree.findall(nodes.TextElement)):
        if isinstance(parent, UNTOUCHED):
            continue
        for place, child in enumerate(list(parent.children)):
            if isinstance(child, nodes.Text) and PARTED.search(child):
                parent[place] = nodes.Text(PARTED.sub("\u00a0", child))
        for place, child in enumerate(list(parent.children)):
            if isinstance(child, nodes.math):
                enclose(parent, place)


def enclose(parent: nodes.Element, place: int) -> None:
    """Put the formula at a place into one node with the punctuation at it."""
    node, kept = parent[place], nodes.inline(classes=["kept"])
    before = parent[place - 1] if place else None
    after = parent[place + 1] if place + 1 < len(parent) else None
    opening = OPENING.search(before) if isinstance(before, nodes.Text) else None
    closing = CLOSING.match(after) if isinstance(after, nodes.Text) else None
    if not opening and not closing:
        return
    parent[place] = kept
    kept += node
    if opening:
        parent[place - 1] = nodes.Text(before[: opening.start()])
        kept.insert(0, nodes.Text(opening[0]))
    if closing:
        parent[place + 1] = nodes.Text(after[closing.end() :])
        kept += nodes.Text(closing[0])


def copy_mathjax(app, exception) -> None:
    """Copy what of MathJax reads MathML; only a browser without MathML loads it."""
    spec = find_spec("sphinx-mathjax-offline")
    if exception or app.builder.name != "html" or spec is None or spec.origin is None:
        return
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    if (target / "tex-chtml.js").exists():
        shutil.rmtree(target)  # the whole of it, which an earlier build copied
    for name in MATHJAX:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        elif not (target / name).exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)


def setup(app):
    app.add_html_math_renderer("site_mathml", (visit_inline, None), (visit_display, None))
    app.connect("doctree-resolved", keep)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
