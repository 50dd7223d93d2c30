"""What the site folds, PDF and EPUB leave out; what is glued in a removed cell is there all the same."""

from __future__ import annotations

import pytest

from tests.book.conftest import STRICT, jupyter_book

from .conftest import HEADER

pytestmark = pytest.mark.slow
PAGE = (
    HEADER
    + """# A page

```{code-cell} python
:tags: [remove-cell]
from myst_nb import glue
glue("number", 7531, display=False)
```

Glued: {glue:text}`number`.

```{code-cell} python
shown = 1
print("shown", "output")
```

```{code-cell} python
:tags: [hide-input]
sourceleftout = 2
print("output", "of it")
```

```{code-cell} python
:tags: [hide-output]
sourcekept = 3
print("output", "left", "out")
```

```{code-cell} python
:tags: [hide-cell]
cellleftout = 4
print("gone", "with it")
```
"""
)
EVERYWHERE = ("7531", "shown output", "output of it", "sourcekept")
FOLDED = ("sourceleftout", "output left out", "cellleftout", "gone with it")


@pytest.mark.parametrize(
    ("folder", "files", "options"),
    [
        ("html", "page.html", ()),
        ("latex", "*.tex", ("--builder", "latex")),
        ("epub", "page.xhtml", ("--builder", "custom", "--custom-builder", "epub")),
    ],
)
def test_folded_cells_are_on_the_site_alone(tiny, folder, files, options):
    (tiny / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    done = jupyter_book(tiny, *STRICT, *options)
    assert done.returncode == 0, done.stderr[-2000:]
    text = " ".join(p.read_text(encoding="utf-8") for p in (tiny / "_build" / folder).rglob(files))
    assert [part for part in EVERYWHERE if part not in text] == []
    assert [part for part in FOLDED if (part in text) != (folder == "html")] == []
