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
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
