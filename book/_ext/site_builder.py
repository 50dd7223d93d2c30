"""The site as a whole, when its pages are written: one style sheet, light and accessible pages, a search of its own."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import site_formulas
import site_images
import site_pages
import site_previews
import site_search
import site_styles

SCRIPTS = ("site.js",)
COPIED = ".copied"  # in the site: of what files its pages were written last


def static_key(app) -> str:
    """Hash the names and contents of the book's files that are copied into the site: style sheets, scripts, fonts."""
    digest, root = hashlib.sha256(), Path(app.confdir)
    for file in sorted(root.joinpath("book", "_static").rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def outdated(app, env, added, changed, removed) -> list[str]:
    """Where such a file alone has changed, let one page be read, so that all are written with it.

    Sphinx copies nothing where no page is out of date.
    """
    written = Path(app.outdir) / "_static" / COPIED
    if app.builder.name != "html":
        return []
    known = written.read_text(encoding="utf-8") if written.exists() else ""
    return [] if known == static_key(app) else [app.config.root_doc]


def finish(app, exception) -> None:
    """Tidy the pages and their images, and write the style sheet made of the rules that the pages use."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    tidied, written = {}, {}
    for file in [*sorted(out.glob("*.html")), *sorted(out.rglob("book/*.html"))]:
        written[file] = file.read_text(encoding="utf8")
        style = relative(out / "_static" / site_styles.NAME, file)
        page = site_pages.tidy(written[file], file.parent, style)
        tidied[file] = searching(page) if file.name == "search.html" else page
    site_images.finish(out / "_images", tidied.values(), Path(app.doctreedir) / "images")
    chapters = {file.name: page for file, page in tidied.items() if file.parent != out}
    site_previews.write(out / "_static", chapters)
    sheet = site_styles.write(out / "_static", tidied.values())  # of what the pages now have
    for file, page in tidied.items():
        own = site_styles.first(sheet, page, relative(out / "_static", file))
        page = site_pages.styled(page, own)
        if page != written[file]:
            file.write_text(page, encoding="utf8")
    (out / "_static" / COPIED).write_text(static_key(app), encoding="utf-8")


def relative(path: Path, file: Path) -> str:
    """Return the address of a path from a page."""
    return os.path.relpath(path, file.parent).replace(os.sep, "/")


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
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
