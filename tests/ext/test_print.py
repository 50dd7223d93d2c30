"""What the PDF sets otherwise than the site does."""

from __future__ import annotations

import re

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
* - 1
  - 2
```

```{list-table} Numbers
* - 12.5
* - 7
* - –
```

Here are 0.1 ± 0.2, and a listing

```python
short = 1
```

beside another

```python
LONG
```
"""
).replace("LONG", "\n".join(f"line_{i} = 1" for i in range(40)))


@pytest.mark.slow
def test_labels_names_numbers_and_listings(tiny):
    (tiny / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    done = jupyter_book(tiny, *STRICT, "--builder", "latex")
    assert done.returncode == 0, done.stderr[-2000:]
    built = next((tiny / "_build" / "latex").glob("*.tex")).read_text(encoding="utf-8")
    assert r"\DUrole{kicker}{Exercises}" in built and r"\DUrole{kicker}{Take" not in built
    assert "0.1\u00a0±\u00a00.2" in built and re.search(
        r"\n12\.5\n.*\n\\hphantom\{1\}7\n", built, re.S
    )
    kept = re.findall(r"(\\needspace\{2\.8\\baselineskip\})?\n+\\begin\{sphinxVerbatim\}", built)
    assert [bool(room) for room in kept] == [True, False]
    assert r"a\sphinxhyphen{}\allowbreak{}name" in built and r"a\sphinxhyphen{}short" in built
