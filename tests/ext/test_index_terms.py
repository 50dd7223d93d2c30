"""The index: terms of the glossary are found where a page introduces or first uses them."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from tests.book.conftest import ROOT, STRICT, jupyter_book

GLOSSARY = """# Glossary

```{glossary}
:sorted:

ELBO
evidence lower bound
    A bound. See {ref}`sec-bound`.

mode collapse
    Few kinds.
```
"""
PAGE = """
(sec-bound)=
## A bound

The ELBO is a bound.

## Faults

Only a plane.

Mode collapses are seen.
"""


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    yield importlib.import_module("index_terms")
    sys.modules.pop("index_terms", None)


def test_entries_have_all_names_and_a_home(extension):
    assert extension.read(GLOSSARY) == [
        (["ELBO", "evidence lower bound"], "sec-bound"),
        (["mode collapse"], ""),
    ]


def test_acronyms_are_found_as_they_are_and_words_in_either_case(extension):
    acronym, words = extension.pattern(["GAN"]), extension.pattern(["mode collapse"])
    assert (
        acronym.search("two GANs") and not acronym.search("a VAE-GAN") and not acronym.search("gan")
    )
    assert words.search("Mode collapses") and not words.search("mode-collapse-free")


def test_the_index_names_where_a_term_is_introduced_and_used(tiny):
    page = tiny / "book" / "page.md"
    page.write_text(page.read_text(encoding="utf-8") + PAGE, encoding="utf-8")
    (tiny / "book" / "glossary.md").write_text(GLOSSARY, encoding="utf-8")
    toc = tiny / "_toc.yml"
    toc.write_text(
        toc.read_text(encoding="utf-8") + "      - file: book/glossary\n", encoding="utf-8"
    )
    done = jupyter_book(tiny, *STRICT)
    assert done.returncode == 0, done.stderr
    index = (tiny / "_build" / "html" / "genindex.html").read_text(encoding="utf-8")
    for target in ("book/page.html#index-elbo", "book/page.html#index-mode-collapse"):
        assert f'href="{target}"' in index, json.dumps(target)


def test_every_home_of_the_glossary_is_a_label_and_every_term_is_used(extension):
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md")}
    entries = extension.read(sources.pop("glossary"))
    assert len(entries) > 50
    for names, home in entries:
        assert not home or any(f"({home})=" in text for text in sources.values()), home
        assert any(extension.pattern(names).search(text) for text in sources.values()), names
