"""What the record contradicts is marked; with the records that the text was written for it fails the build."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from chapters_lib.findings import verdicts as library
from tests.book.conftest import jupyter_book

from .conftest import HEADER

pytestmark = pytest.mark.slow
PAGE = (
    HEADER
    + """# A page

```{code-cell} python
:tags: [remove-cell]
from myst_nb import glue
glue("claim-a", "", display=False)
glue("claim-b", "[The record says otherwise: 3 against 2]", display=False)
glue("claim-c", "[This run says otherwise: 5 against 4]", display=False)
glue("claim-d", "[This record leaves it open: 1 against 2]", display=False)
```

This holds {glue:text}`claim-a`. One. The sky is *green* {glue:text}`claim-b`. Grass is red {glue:text}`claim-c`.
Snow is old
{glue:text}`claim-d`.
"""
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    root = Path(__file__).parents[2]
    config = (
        "title: T\\nexecute:\\n  execute_notebooks: force\\nsphinx:\\n  local_extensions:\\n"
        f"    claims: {root / 'book' / '_ext'}\\n"
    ).replace("\\n", "\n")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: page\n", encoding="utf-8")
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "runs" / "r").mkdir(parents=True)
    (tmp_path / "runs" / "r" / "run.json").write_text("{}", encoding="utf-8")
    return tmp_path


def ship(book: Path) -> None:
    digest = sha256((book / "runs" / "r" / "run.json").read_bytes()).hexdigest()
    (book / "runs" / "SHIPPED.json").write_text(json.dumps({"r": digest}), encoding="utf-8")


def test_other_records_are_marked_and_the_build_goes_on(book: Path, monkeypatch) -> None:
    monkeypatch.delenv("CHAPTERS_RUNS", raising=False)
    monkeypatch.delenv("STRICT", raising=False)
    done = jupyter_book(book, "-W", "--keep-going")
    assert done.returncode == 0, done.stderr
    html = (book / "_build" / "html" / "page.html").read_text(encoding="utf-8")
    assert html.count("pasted-text contradicted") == 3
    assert "written for other records" in html and "here 3." in html
    assert 'contradicted: "The sky is green"' in done.stdout
    assert "3 against 2" in done.stdout


def test_the_shipped_records_stop_the_build(book: Path, monkeypatch) -> None:
    monkeypatch.delenv("CHAPTERS_RUNS", raising=False)
    monkeypatch.delenv("STRICT", raising=False)
    ship(book)
    done = jupyter_book(book, "-W", "--keep-going")
    assert done.returncode != 0
    assert 'contradicted: "The sky is green"' in done.stderr
    assert 'contradicted: "Snow is old"' in done.stderr
    assert "Grass is red" not in done.stderr, "a page's own training is marked only"
    assert "Traceback" not in done.stderr.partition("contradicted")[0]


def test_strict_stops_at_a_page_s_own_training_too(book: Path, monkeypatch) -> None:
    monkeypatch.delenv("CHAPTERS_RUNS", raising=False)
    monkeypatch.setenv("STRICT", "1")
    done = jupyter_book(book, "-W", "--keep-going")
    assert done.returncode != 0
    assert 'contradicted: "Grass is red"' in done.stderr
    assert "Snow is old" not in done.stderr, "what is left open is marked only"


def test_both_sides_speak_of_the_same_words(monkeypatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "book" / "_ext")
    import claims as extension

    assert (library.OTHERWISE, library.OWN, library.OPEN) == (
        extension.OTHERWISE,
        extension.OWN,
        extension.OPEN,
    )
