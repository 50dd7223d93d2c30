"""What the record contradicts: marked at its sentence, announced on its page, and named when the build ends.

A page's library glues an empty text at every sentence that it tests, or one that begins with ``OTHERWISE`` where the
record says otherwise, with ``OPEN`` where it only fails to bear the sentence out. With the records that the text was
written for (``runs/SHIPPED.json``), or with ``STRICT=1``, such a sentence fails the build; with others the build goes
on. One left open fails it with the text's own records alone.
"""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
OTHERWISE = "[The record says otherwise: "
OWN = "[This run says otherwise: "  # of a small training in the page itself
OPEN = "[This record leaves it open: "


def shipped(runs: Path) -> bool:
    """Return whether all records are those that the text was written for."""
    manifest = runs / "SHIPPED.json"
    if not manifest.exists():
        return False
    known = json.loads(manifest.read_text(encoding="utf-8"))
    found = {
        path.parent.name: sha256(path.read_bytes()).hexdigest()
        for path in runs.glob("*/run.json")
        if not path.parent.name.startswith(".")
    }
    return found == known


def sentence(mark: nodes.Node) -> str:
    """Return the words before a mark, from the last end of a sentence on."""
    parent, before = mark.parent, []
    for child in parent.children:
        if child is mark:
            break
        before.append(child.astext())
    text = " ".join("".join(before).split())
    return re.split(r"(?<=[.!?:;])\s+(?=[A-Z*])", text.rstrip(" .!?:;"))[-1]


def mark_pages(app, doctree, docname: str) -> None:
    """Mark what is contradicted, and announce it below the page's title."""
    found = [
        node
        for node in doctree.findall(nodes.inline)
        if node.astext().startswith((OTHERWISE, OWN, OPEN))
        and "contradicted" not in node["classes"]
    ]
    for node in found:
        node["classes"].append("contradicted")
        app.chapters_contradicted.setdefault(docname, []).append((sentence(node), node.astext()))
    title = next(iter(doctree.findall(nodes.title)), None)
    if found and title is not None:
        text = (
            f"The text of this page was written for other records. Where the present ones say otherwise, "
            f"a sentence is marked: here {len(found)}."
        )
        title.parent.insert(
            title.parent.index(title) + 1, nodes.warning("", nodes.paragraph("", text))
        )


def report(app, exception) -> None:
    """Name every contradicted sentence: as an error where the text was written for these records."""
    if exception is not None:
        return
    strict = os.environ.get("STRICT") == "1"
    known = shipped(Path(os.environ.get("CHAPTERS_RUNS") or Path(app.srcdir) / "runs"))
    for docname, marks in sorted(app.chapters_contradicted.items()):
        for words, measured in marks:
            unsettled, own = measured.startswith(OPEN), measured.startswith(OWN)
            failing = (strict and not unsettled) or (known and not own)
            log = LOGGER.error if failing else LOGGER.info
            advice = "mend the sentence, or its test" if failing else "the sentence is marked"
            log('contradicted: "%s"\n  %s\n  %s', words, measured, advice, location=docname)


def begin(app) -> None:
    app.chapters_contradicted = {}


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("doctree-resolved", mark_pages)
    app.connect("build-finished", report, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
