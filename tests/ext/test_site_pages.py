"""Written pages made light: what goes, what stays, and that tidying twice is tidying once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import site_builder
import site_pages
import site_styles

PAGE = """<html><head>
<script>localStorage.getItem("mode") || "light"; localStorage.getItem("theme") || "light";</script>
<link rel="stylesheet" href="../_static/a.css" />
<link rel="stylesheet" href="../_static/b.css" />
<script src="../_static/scripts/fontawesome.js?digest=1"></script>
<script src="../_static/site.js"></script>
<script src="../_static/doctools.js"></script>
<script src="../_static/copybutton.js"></script>
</head><body data-default-mode="light"><article><figure><img alt="A line." src="../_images/line.svg" /></figure>
<a href="page.ipynb" target="_blank" class="btn">notebook</a>
<table><caption>A caption.</caption><tr><th class="head"></th></tr></table></article>
</body></html>"""
DRAWING = '<svg width="144pt" height="72pt" viewBox="0 0 144 72"></svg>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "_images").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "_images" / "line.svg").write_text(DRAWING, encoding="utf-8")
    return tmp_path / "book"


def test_a_page_is_tidied(folder):
    page = site_pages.tidy(PAGE, folder, "../_static/site.css")
    assert (
        page.count("stylesheet") == 2 and page.count("../_static/site.css") == 2
    )  # one for those without scripts
    assert "fontawesome" not in page  # the icons are a font's
    assert "copybutton" not in page  # there is no code
    assert page.index("doctools.js") < page.index("site.js") < page.index("</body>")
    assert page.index("site.js") > page.index("</article>")
    assert 'loading="lazy"' in page and 'width="192" height="96" class="lines"' in page
    assert '<a href="page.ipynb" download class="btn">' in page
    assert '<td class="head"></td>' in page
    assert "prefers-color-scheme: dark" in page and '<body data-default-mode="auto">' in page


def test_tidying_twice_changes_nothing(folder):
    once = site_pages.tidy(PAGE, folder, "../_static/site.css")
    assert site_pages.tidy(once, folder, "../_static/site.css") == once
    styled = site_pages.styled(once, "p{top:0}")
    assert styled.count("<style data-own>p{top:0}</style>") == 1
    assert site_pages.tidy(styled, folder, "../_static/site.css") == once


def test_rules_that_cannot_apply_go():
    css = (
        ":root{--read:1px;--unread:2px}.used{margin:var(--read)}.unused,.used b{color:red}#gone{top:0}.used i{top:0}"
        "@media print{.unused{top:0}.used:not(.unused){left:0}}.used:hover{color:blue}"
    )
    kept = site_styles.unset(site_styles.purge(css, {"used", "<b"}), "")
    for part in (
        ".used{margin:var(--read)}",
        ".used b{color:red}",
        ".used:not(.unused){left:0}",
        ".used:hover",
    ):
        assert part in kept
    for part in ("unread", ".unused,", "#gone", "top:0"):
        assert part not in kept


def test_the_style_sheet_keeps_the_rules_for_what_tidying_adds(folder):
    out = folder.parent
    (out / "_static").mkdir()
    (out / "_static" / "book.css").write_text(".caption-box{left:0}.lines{top:0}", encoding="utf-8")
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    app = SimpleNamespace(
        builder=SimpleNamespace(name="html"),
        confdir=folder,
        outdir=out,
        doctreedir=folder.parent / "trees",
    )
    site_builder.finish(app, None)
    kept = (out / "_static" / "site.css").read_text(encoding="utf-8")
    assert ".caption-box" in kept and ".lines" in kept
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert ".caption-box{left:0}" in page
    site_builder.finish(app, None)
    assert (folder / "page.html").read_text(encoding="utf-8") == page


def test_a_page_holds_the_rules_of_its_first_paint(tmp_path):
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "icons.woff2").write_bytes(b"font")
    (tmp_path / "book.css").write_text(
        "@font-face{font-family:I;src:url(fonts/icons.woff2)}@font-face{font-family:M;src:url(fonts/m.woff2)}"
        "p{top: 0;  color: red}p:hover{top:1px}.other{top:2px}@media print{p{top:3px}}p::before{content: ':  '}",
        encoding="utf-8",
    )
    pages = ['<p class="one">', '<div class="other">']
    sheet = site_styles.write(tmp_path, pages)
    own = site_styles.first(sheet, pages[0], "../_static")
    assert "p{top: 0;color: red}" in own and 'content: ":  "' in own
    assert "data:font/woff2;base64,Zm9udA==" in own and "url(../_static/fonts/m.woff2)" in own
    for part in ("hover", "other", "print"):
        assert part not in own
    whole = (tmp_path / "site.css").read_text(encoding="utf-8")
    assert "hover" in whole and ".other" in whole and "print" in whole and "icons" not in whole
