"""What this book needs and Jupyter Book cannot be told in ``_config.yml``.

* The execution cache is keyed on the library and the recorded runs: when either changes, every
  notebook runs again; when neither does, none runs.
* Notebooks that must run, run side by side, and a failing cell is reported with its page.
* Pages which gave a warning are read again by the next build, so that a strict build fails each time
  and not just the first.
* Each page offers its executed notebook for download, and when the book's PDF was made that and its own part of it;
  when its EPUB was made, that too.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import claims
import epub_builder
import hidden_cells
import index_terms
import nbformat
import numbered_references
import page_files
import plain_notebook
import print_listings
import print_spaces
import print_tables
import quiz
import running_labels
import shown_code
import site_builder
import solutions_and_parts
from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
PDF = "learning-to-generate.pdf"
EPUB = "learning-to-generate.epub"
# What the notebooks' results depend on, beside their own text.
KEYED = ("src", "requirements.txt", "_toc.yml")
UNKEYED = re.compile(r"(^|/)(\.|__pycache__/|[^/]*\.egg-info/)")
EXPORTS = {  # by module: what writes its files below the site's folder _static
    "explorers": "from chapters_lib import explorers as e; e.write(e.RUNS, sys.argv[1] + '/explorers')",
    "explorers/live.py": "from chapters_lib.explorers import live; live.write(sys.argv[1] + '/explorers')",
    "recording/listing.py": "from chapters_lib.recording import listing; listing.write_csv(sys.argv[1])",
}
KEPT = 3  # caches kept: going back to an earlier state of the library costs nothing


# --- execution ---------------------------------------------------------------------------------------


def content_key(root: Path, runs: Path) -> str:
    """Hash the names and contents of everything the notebooks' results depend on."""
    digest = hashlib.sha256()
    for top, path in [("runs", runs), *((top, root / top) for top in KEYED)]:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = f"{top}/{file.relative_to(path).as_posix()}"
            if file.is_file() and not UNKEYED.search(name):
                digest.update(name.encode() + b"\0")
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def configure(app, config) -> None:
    """Choose the cache, forget what an unclean build read, and note whether there are a PDF and an EPUB."""
    build = Path(app.doctreedir).parent
    build.mkdir(parents=True, exist_ok=True)
    app.chapters_lock = FileLock(build / "building.lock")  # two builds at once spoil each other
    app.chapters_lock.acquire()
    caches = build / "notebooks"
    runs = Path(app.srcdir) / "runs"
    if chosen := os.environ.get("CHAPTERS_RUNS"):
        runs = Path(chosen).expanduser().resolve()
        os.environ["CHAPTERS_RUNS"] = str(runs)  # a notebook runs in another folder than the build
    shifted = os.environ.get("CHAPTERS_PAGE_SEED", "")  # the seeds of the pages' own trainings
    cache = caches / (content_key(Path(app.srcdir), runs) + (shifted and f"-{int(shifted)}"))
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    for old in sorted(caches.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    config.nb_execution_cache_path = str(cache)
    config.chapters_pdf = PDF if (build / PDF).exists() else ""
    config.chapters_epub = EPUB if (build / EPUB).exists() else ""

    clean = Path(app.doctreedir) / "clean"
    if not clean.exists():
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
    clean.unlink(missing_ok=True)


def export(app) -> None:
    """Begin to write what pages load in the reader's browser, where library or runs have changed: decoders, metrics.

    They go into the site alone: the sources may be on a disk that cannot be written.
    """
    app.chapters_export = None
    sources, static = Path(app.srcdir) / "src", Path(app.outdir) / "_static"
    key, written = Path(app.config.nb_execution_cache_path).name, static / ".exported"
    code = [text for path, text in EXPORTS.items() if (sources / "chapters_lib" / path).exists()]
    if app.builder.name != "html" or not code:
        return
    if not written.exists() or written.read_text(encoding="utf-8") != key:
        # Apart, since it imports torch; and while the notebooks run.
        command = [sys.executable, "-c", "\n".join(["import sys", *code]), str(static)]
        app.chapters_export = subprocess.Popen(command), written, key


def exported(app, env) -> None:
    """Wait until that is written."""
    if app.chapters_export:
        process, written, key = app.chapters_export
        if process.wait():
            raise ExtensionError("what the explorers load could not be written")
        written.write_text(key, encoding="utf-8")


def notebook_reader(app, docname: str):
    """Return what makes a notebook of the page, or None where the page is plain text; and the page."""
    path = Path(app.env.doc2path(docname))
    content = path.read_text(encoding="utf8")
    env = app.env
    return create_nb_reader(str(path), env.myst_config, env.mystnb_config, content), content


def read_notebook(app, docname: str):
    """Return the page's notebook without outputs, or None where the page is plain text."""
    reader, content = notebook_reader(app, docname)
    return reader and reader.read(content)


def code(notebook) -> int:
    """Return how much code a notebook holds: those with much of it are begun first, which keeps all cores busy."""
    return sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code")


def execute(app, env, docnames: list[str]) -> None:
    """Run the notebooks among ``docnames`` that the cache does not hold, as many at a time as there are cores."""
    if env.mystnb_config.execution_mode != "cache":
        return
    cache = get_cache(env.mystnb_config.execution_cache_path)
    pending = {}
    for docname in docnames:
        notebook = read_notebook(app, docname)
        if notebook is not None:
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                pending[docname] = notebook
    if not pending:
        return

    pending = dict(sorted(pending.items(), key=lambda page: code(page[1]), reverse=True))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many kernels as cores; and sums that repeat
    workers = max(1, min(len(pending), os.cpu_count() or 1))
    LOGGER.info(
        "running %d notebooks, %d at a time: %s", len(pending), workers, " ".join(sorted(pending))
    )

    def run(docname: str):
        folder = str(Path(env.doc2path(docname)).parent)
        limit = env.mystnb_config.execution_timeout
        quiet = ["--log-level=ERROR"]
        return single_nb_execution(
            pending[docname], folder, limit, allow_errors=False, extra_arguments=quiet
        )

    failed = []
    with ThreadPoolExecutor(workers) as pool:
        for docname, result in zip(pending, pool.map(run, pending), strict=True):
            if result.err is not None:
                failed.append(docname)
                trace = re.sub(r"\x1b\[[0-9;]*m", "", result.exc_string)
                LOGGER.error(
                    "a cell failed:\n%s",
                    trace[trace.find("nbclient.exceptions") :],
                    location=docname,
                )
                continue
            bundle = CacheBundleIn(
                pending[docname], env.doc2path(docname), data={"execution_seconds": result.time}
            )
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            LOGGER.info("ran %s in %.1f s", docname, result.time)
    if failed:
        raise ExtensionError(f"a cell failed in: {', '.join(failed)}")


def rewrite_all(app, env) -> list[str]:
    """When any page was read, write all: numbers glued and solutions listed on one page come from others."""
    return sorted(env.all_docs) if env.chapters_read else []


def note_read(app, env, docnames: list[str]) -> None:
    env.chapters_read = bool(docnames)


# --- downloads ---------------------------------------------------------------------------------------


def page_downloads(app, pagename, templatename, context, doctree) -> None:
    """Offer the executed notebook (written when the build ends)."""
    if pagename in app.env.all_docs and notebook_reader(app, pagename)[0]:
        context["ipynb_source"] = f"{pagename}.ipynb"


def download_buttons(app, pagename, templatename, context, doctree) -> None:
    """Where there is a PDF, offer the page's part of it and, by the theme's button that prints, the book.

    The book's EPUB as well, where there is one, and the page on Colab, where there is a repository.
    """
    groups = [g["buttons"] for g in context.get("header_buttons", []) if g.get("buttons")]
    for buttons in groups:
        for button in [b for b in buttons if b.get("label") == "download-pdf-button"]:
            if app.config.chapters_pdf:
                address = context["pathto"](PDF, 1)
                button.update(type="link", url=address, text="the book, .pdf")
                button["tooltip"] = "Download the book as PDF"
                button.pop("javascript", None)
            else:
                button.update(text="Print", tooltip="Print this page", icon="fas fa-print")
            if pagename in printed(app):
                address = context["pathto"](f"{pagename}.pdf", 1)
                buttons.insert(
                    buttons.index(button),
                    link(
                        "page-pdf", address, ".pdf", "Download this page as PDF", "fas fa-file-pdf"
                    ),
                )
            if app.config.chapters_epub:
                address = context["pathto"](EPUB, 1)
                icon = "fas fa-book-open"
                buttons.append(
                    link("epub", address, "the book, .epub", "Download the book as EPUB", icon)
                )
            notebook = context.get("ipynb_source", "")
            address = notebook and page_files.colab(
                app.config.html_theme_options.get("repository_url"), notebook
            )
            if address:
                buttons.append(
                    link("colab", address, "Colab", "Run this page on Colab", "fas fa-play")
                )


def link(name: str, address: str, text: str, tooltip: str, icon: str) -> dict[str, str]:
    """Return a button of the theme."""
    return {
        "type": "link",
        "url": address,
        "text": text,
        "tooltip": tooltip,
        "icon": icon,
        "label": f"{name}-button",
    }


def printed(app) -> dict[str, tuple[int, int]]:
    """Return where in the book's PDF each page stands, if there is one."""
    if not hasattr(app, "chapters_printed"):
        book = Path(app.doctreedir).parent / PDF
        titles = {name: title.astext() for name, title in app.env.titles.items()}
        app.chapters_printed = page_files.ranges(book, titles) if app.config.chapters_pdf else {}
    return app.chapters_printed


def executed(cache, notebook, docname: str):
    """Return a page's notebook with its outputs; it has none if its source was edited meanwhile."""
    try:
        return cache.merge_match_into_notebook(notebook)[1]
    except KeyError as error:
        raise ExtensionError(
            f"{docname}.md changed while the book was being built: run the same command again"
        ) from error


def finish(app, exception) -> None:
    """Write the executed notebooks, copy PDF and EPUB, mark the build clean if it was, and let the next one begin."""
    if exception is None and app.builder.name == "html":
        cache = get_cache(app.env.mystnb_config.execution_cache_path)
        for docname in app.env.all_docs:
            target = Path(app.outdir) / "_sources" / f"{docname}.ipynb"
            stale = app.env.chapters_read or not target.exists()
            notebook = read_notebook(app, docname) if stale else None
            if notebook is not None:
                notebook = executed(cache, notebook, docname)
                target.parent.mkdir(parents=True, exist_ok=True)
                plain = plain_notebook.convert(notebook, app.env, docname)
                title = app.env.titles[docname].astext()
                repository = app.config.html_theme_options.get("repository_url", "")
                plain.cells[:0] = plain_notebook.preface(title, docname, repository)
                nbformat.write(plain, target)
        if app.config.chapters_pdf:
            book = Path(app.doctreedir).parent / PDF
            shutil.copy2(book, Path(app.outdir) / PDF)
            titles = {name: title.astext() for name, title in app.env.titles.items()}
            page_files.split(book, printed(app), titles, Path(app.outdir))
        if app.config.chapters_epub:
            shutil.copy2(Path(app.doctreedir).parent / EPUB, Path(app.outdir) / EPUB)
    if exception is None and not app._warncount:
        (Path(app.doctreedir) / "clean").touch()
    app.chapters_lock.release()


def setup(app):
    gc.disable()  # a fifth of the time went to looking, in trees that all stay, for what could go
    app.add_config_value("chapters_pdf", "", "html")
    app.add_config_value("chapters_epub", "", "html")
    solutions_and_parts.setup(app)
    epub_builder.setup(app)
    hidden_cells.setup(app)
    index_terms.setup(app)
    numbered_references.setup(app)
    quiz.setup(app)
    print_listings.setup(app)
    print_spaces.setup(app)
    print_tables.setup(app)
    running_labels.setup(app)
    shown_code.setup(app)
    site_builder.setup(app)
    claims.setup(app)
    app.connect("config-inited", configure, priority=10)
    app.connect("builder-inited", export)
    app.connect("env-before-read-docs", note_read)
    app.connect("env-before-read-docs", execute)
    app.connect("env-updated", rewrite_all)
    app.connect("env-updated", exported)
    app.connect("html-page-context", page_downloads, priority=100)
    app.connect("html-page-context", download_buttons, priority=900)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
