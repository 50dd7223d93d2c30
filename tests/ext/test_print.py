"""What the PDF sets otherwise than the site does."""

from __future__ import annotations

import pytest

from tests.book.conftest import STRICT, jupyter_book
from tests.ext.conftest import HEADER

PAGE = (
    HEADER
    + """# A page

## What to remember
{kicker}`Take-away`

:::{admonition} Take-away
One.
:::

## Questions
{kicker}`Exercises`

:::{admonition} Of another title
One.
:::

```{list-table} A table
* - `a-name-that-is-too-long-for-a-narrow-cell`
  - `a-short-name`
```
"""
)


@pytest.mark.slow
def test_labels_above_their_box_and_long_names_in_cells(tiny):
    (tiny / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    done = jupyter_book(tiny, *STRICT, "--builder", "latex")
    assert done.returncode == 0, done.stderr[-2000:]
    built = next((tiny / "_build" / "latex").glob("*.tex")).read_text(encoding="utf-8")
    assert r"\DUrole{kicker}{Exercises}" in built and r"\DUrole{kicker}{Take" not in built
    assert r"a\sphinxhyphen{}\allowbreak{}name" in built and r"a\sphinxhyphen{}short" in built
