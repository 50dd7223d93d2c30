"""The book as an EPUB: what the site shows, in files that run nothing.

Formulas become MathML, the stylesheet is one of its own, and the package says what is in it: which pages hold
formulas, which picture is the cover, and under which part of the book a chapter stands.
"""

from __future__ import annotations

import io
import re
import shutil
from html import escape
from pathlib import Path

from docutils import nodes
from mathml import convert
from sphinx.builders import epub3
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
STYLE = Path(__file__).with_name("epub.css")
STYLES = ("_static/pygments.css", "_static/epub.css")
COVER = "_static/cover.png"
INK, PAPER, ACCENT = "#14304f", "#ffffff", "#f2b84b"
# What the schema.org vocabulary, which EPUB's accessibility rules ask for, has to say about such a book.
ACCESSIBILITY = {
    "accessMode": ["textual", "visual"],
    "accessModeSufficient": ["textual"],
    "accessibilityFeature": [
        "alternativeText",
        "MathML",
        "structuralNavigation",
        "tableOfContents",
    ],
    "accessibilityHazard": ["none"],
    "accessibilitySummary": [
        "Figures are described in words and formulas are MathML with their TeX."
    ],
}


class EpubBuilder(epub3.Epub3Builder):
    """Sphinx's, without what a site needs and a book does not: scripts, fonts, the site's theme."""

    def init(self) -> None:
        shutil.rmtree(self.outdir, ignore_errors=True)  # all that lies there would be packed
        Path(self.outdir).mkdir(parents=True)
        super().init()

    def init_highlighter(self) -> None:
        super().init_highlighter()
        self.highlighter = type(self.highlighter)("html", "tango")

    def copy_static_files(self) -> None:
        static = Path(self.outdir) / "_static"
        static.mkdir(exist_ok=True)
        self.create_pygments_style_file()
        shutil.copyfile(STYLE, static / "epub.css")
        logo = Path(self.confdir or self.srcdir) / "book" / "_static" / "logo.svg"
        (static / Path(COVER).name).write_bytes(cover(self.config, logo))

    def copy_extra_files(self) -> None:
        """Copy none: they belong to the site."""

    def prepare_writing(self, docnames: set[str]) -> None:
        super().prepare_writing(docnames)
        self.domain_indices = []  # a list of the theorems' labels

    def content_metadata(self):
        metadata = super().content_metadata()
        metadata["version"] = metadata["version"] or "0.1"
        return metadata

    def toc_metadata(self, level, navpoints):
        return super().toc_metadata(level, navpoints) | {"uid": escape(self.config.epub_identifier)}

    def handle_finish(self) -> None:
        for suffix, tidy in ((self.out_suffix, tidy_page), (".svg", tidy_drawing)):
            for file in Path(self.outdir).rglob(f"*{suffix}"):
                file.write_text(tidy(file.read_text(encoding="utf8")), encoding="utf8")
        super().handle_finish()

    def build_content(self) -> None:
        super().build_content()
        package = Path(self.outdir) / "content.opf"
        package.write_text(self.complete(package.read_text(encoding="utf8")), encoding="utf8")

    def complete(self, package: str) -> str:
        """Say in the package which pages hold formulas, which picture is the cover, and who can read the book."""

        def item(match: re.Match) -> str:
            file = Path(self.outdir) / match["href"]
            kind = "cover-image" if match["href"] == COVER else ""
            if file.suffix == ".xhtml" and "<math" in file.read_text(encoding="utf8"):
                kind = "mathml"
            return f'{match[0][:-2]}properties="{kind}" />' if kind else match[0]

        package = re.sub(
            r'<item id="[^"]*" href="(?P<href>[^"]*)" media-type="[^"]*" />', item, package
        )
        access = "".join(
            f'    <meta property="schema:{name}">{escape(value)}</meta>\n'
            for name, values in ACCESSIBILITY.items()
            for value in values
        )
        return package.replace("  </metadata>", f"{access}  </metadata>")

    def get_toc(self) -> None:
        """Number the entries as the headings are."""
        super().get_toc()
        for entry in self.refnodes:
            page, _, anchor = entry["refuri"].partition("#")
            numbers = self.env.toc_secnumbers.get(page.removesuffix(self.out_suffix), {})
            number = numbers.get(f"#{anchor}" if anchor else "")
            if number and len(number) <= self.config.numfig_secnum_depth + 1:
                entry["text"] = ".".join(map(str, number)) + f". {entry['text']}"

    def build_navlist(self, navnodes):
        """Put the chapters below the parts they stand in."""
        entries = super().build_navlist(navnodes)
        toc = self.config.external_site_map
        for part in toc[toc.root.docname].subtrees:
            uris = [f"{item}{self.out_suffix}" for item in part.items]
            inside = [entry for entry in entries if entry.refuri in uris]
            if part.caption and inside:
                place = entries.index(inside[0])
                entries[place] = epub3.NavPoint(escape(part.caption), inside[0].refuri, inside)
                entries[:] = [entry for entry in entries if entry not in inside]
        return entries


def cover(config, logo: Path) -> bytes:
    """Return the cover as a PNG, 1200 by 1800: logo, title, subtitle and authors."""
    import cairosvg  # these take seconds, and the site needs none of them
    import matplotlib.image
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(6, 9), facecolor=INK)
        if logo.exists():
            image = matplotlib.image.imread(
                io.BytesIO(cairosvg.svg2png(url=str(logo), output_width=600))
            )
            axes = figure.add_axes((0.3, 0.5, 0.4, 0.4))
            axes.imshow(image)
            axes.axis("off")
        title, subtitle = config.epub_title, config.epub_description
        figure.text(0.5, 0.42, title, size=28, weight="bold", color=PAPER, ha="center")
        figure.text(0.5, 0.33, subtitle.replace(", ", ",\n", 1), size=14, color=ACCENT, ha="center")
        figure.text(0.5, 0.06, config.epub_author, size=12, color=PAPER, ha="center")
        out = io.BytesIO()
        figure.savefig(out, dpi=200, format="png", metadata={"Software": None})
    return out.getvalue()


def tidy_page(page: str) -> str:
    """Return a page without the ids that extensions write twice, which XHTML forbids."""
    return re.sub(r'<section id="(?:exercise|solution|proof)-content">', "<section>", page)


def tidy_drawing(svg: str) -> str:
    """Return matplotlib's SVG without the declaration that refers to another host, and with a line in each path."""
    svg = re.sub(r"<!DOCTYPE[^>]*>\s*", "", svg)
    return re.sub(r"<path (?![^>]*\bd=)", '<path d="M0 0" ', svg)


# --- formulas ----------------------------------------------------------------------------------------


def mathml(node: nodes.Element, display: bool) -> str:
    """Return a formula's MathML; one that cannot be set is shown as TeX, with a warning."""
    try:
        return convert(node.astext(), display)
    except ValueError as error:
        LOGGER.warning("%s", error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(mathml(node, display=False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(f'<div class="formula">{mathml(node, display=True)}</div>')
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


# --- pages -------------------------------------------------------------------------------------------


def only_our_styles(app, pagename, templatename, context, doctree) -> None:
    """Leave out the style sheets and scripts that extensions add for the site."""
    if app.builder.name == "epub":
        context["css_files"], context["script_files"] = list(STYLES), []


def choose_cover(app, config) -> None:
    config.epub_cover = (COVER, "epub-cover.html")  # which _config.yml could but give as a list


def lend_version(app) -> None:
    """Sphinx wants a version; the site's pages would change with one in the configuration."""
    if app.builder.name == "epub":
        app.config.version = "0.1"


def take_version(app) -> None:
    if app.builder.name == "epub":
        app.config.version = ""


def setup(app):
    app.setup_extension("sphinx.builders.epub3")
    app.add_builder(EpubBuilder, override=True)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.add_config_value("epub_math_renderer", "mathml", "epub")
    app.connect("config-inited", choose_cover, priority=10)
    app.connect("builder-inited", lend_version, priority=400)
    app.connect("builder-inited", take_version, priority=600)
    app.connect("html-page-context", only_our_styles, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
