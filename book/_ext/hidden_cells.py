"""Cells that the site folds: PDF and EPUB, where nothing unfolds, leave out what is folded there."""

from __future__ import annotations

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

# What each mode of myst-nb (tags hide-input, hide-output, both, hide-cell) folds.
SOURCE, OUTPUT = "cell_code_source", "cell_code_output"
FOLDED = {"input": (SOURCE,), "output": (OUTPUT,)} | dict.fromkeys(
    ("input+output", "all"), (SOURCE, OUTPUT)
)


class LeaveOutHiddenCells(SphinxPostTransform):
    """Remove sources and outputs that the cell's tags hide."""

    default_priority = 198  # myst-nb folds them at 199
    builders = ("latex", "epub")

    def run(self, **kwargs) -> None:
        for cell in list(self.document.findall(nodes.container)):
            folded = FOLDED.get(cell.get("hide_mode"), ())
            for part in [p for p in cell.children if folded and p["nb_element"] in folded]:
                cell.remove(part)


def setup(app):
    app.add_post_transform(LeaveOutHiddenCells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
