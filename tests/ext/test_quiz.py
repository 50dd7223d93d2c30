"""A question folds its answer on the site, stands above it in the EPUB, and in the PDF behind the solutions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.book.conftest import ROOT, STRICT, jupyter_book

from .conftest import HEADER

PAGE = (
    HEADER
    + """# A page

**Check yourself.** Say the answer first.

:::{quiz} Is $2 + 2$ four?
Yes, by *counting*.
See {eq}`eq-one`.
:::

```{math}
:label: eq-one
1 + 1 = 2
```

And then?

```{solutions}
```
"""
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "files", "options", "start"),
    [
        ("html", "page.html", (), r"<details class=.quiz.[^>]*>\s*<summary>Is "),
        ("latex", "*.tex", ("--builder", "latex"), r"\\noindent\\textbf\{Is "),
        ("epub", "page.xhtml", ("--builder", "custom", "--custom-builder", "epub"), r"<strong>Is "),
    ],
)
def test_a_question_and_its_answer(tiny, folder, files, options, start):
    (tiny / "book" / "page.md").write_text(PAGE, encoding="utf-8")
    done = jupyter_book(tiny, *STRICT, *options)
    assert done.returncode == 0, done.stderr
    built = next((tiny / "_build" / folder).rglob(files)).read_text(encoding="utf-8")
    assert re.search(start, built)
    assert "counting" in built and built.index("counting") > re.search(start, built).start()  # type: ignore[union-attr]
    gathered = folder == "latex"  # behind the page, and the question says where
    assert (built.index("counting") > built.index("And then")) == gathered
    assert built.count("Questions with answers: page") == int(gathered)


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda page: page.stem)
def test_a_chapter_asks_three_to_five_questions(page: Path) -> None:
    """Each has an answer; none holds a number of a record that was typed."""
    text = page.read_text(encoding="utf-8")
    if "{kicker}`Exercises`" not in text and "\n## Exercises\n" not in text:
        assert "{quiz}" not in text
        return
    found = re.findall(r"^:::\{quiz\} (.+)\n((?:.+\n)+?):::\n", text, re.MULTILINE)
    assert len(found) == text.count("{quiz}")
    assert 3 <= len(found) <= 5
    for question, answer in found:
        assert question.rstrip().endswith(("?", "$?"))
        assert len(answer.split()) > 15
        bare = re.sub(r"\$[^$]*\$|`[^`]*`", "", question + answer)
        assert not re.search(r"\d\.\d", bare)
