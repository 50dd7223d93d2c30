"""The site as a whole, when its pages are written: one style sheet, light and accessible pages, a search of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import site_formulas
import site_pages
import site_search
import site_styles

SCRIPTS = ("site.js",)


def finish(app, exception) -> None:
    """Tidy the pages and write the style sheet made of the rules that they use."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    files = [*sorted(out.glob("*.html")), *sorted(out.rglob("book/*.html"))]
    tidied = []
    for file in files:
        text = file.read_text(encoding="utf8")
        style = os.path.relpath(out / "_static" / site_styles.NAME, file.parent).replace(
            os.sep, "/"
        )
        page = site_pages.tidy(text, file.parent, style)
        if file.name == "search.html":
            page = searching(page)
        if page != text:
            file.write_text(page, encoding="utf8")
        tidied.append(page)
    site_styles.write(out / "_static", tidied)  # of what the pages now have


def searching(page: str) -> str:
    """Give the page of the search our index and what looks in it."""
    if site_search.NAME in page:
        return page
    tags = "".join(
        f'  <script defer src="_static/{name}"></script>\n'
        for name in (site_search.NAME, "search.js")
    )
    page = re.sub(
        r"<script>\s*// Activate the search field.*?</script>\s*", "", page, flags=re.DOTALL
    )
    return page.replace("</head>", f"{tags}  </head>", 1)


def setup(app):
    site_formulas.setup(app)
    site_search.setup(app)
    app.add_js_file("site.js", loading_method="defer")
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
