"""Spelling: two sheets take points off for it. Pages, packs and documents, by codespell and by a dictionary."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

spellchecker = pytest.importorskip("spellchecker")

ROOT = Path(__file__).resolve().parents[1]
WORDS = (
    ROOT / "tests" / "words.txt"
)  # names, terms and British spellings that the dictionary has not
DOCUMENTS = [
    *sorted((ROOT / "book").glob("*.md")),
    *sorted((ROOT / "book" / "packs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
]
# What is no prose, in the order in which it is taken out.
NO_PROSE = [
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"\A---\n.*?\n---\n", re.DOTALL),
        (
            r"^(`{3,}|~{3,})\{(?:code-cell|math|literalinclude|raw|bibliography|glue:\w*)\}.*?^\1\s*$",
            re.DOTALL | re.MULTILINE,
        ),
        (r"^(`{3,})(?:\w+)?\n.*?^\1\s*$", re.DOTALL | re.MULTILINE),
        (r"\$\$.*?\$\$", re.DOTALL),
        (r"(?<![\\\w])\$(?!\s)[^$]+?\$", 0),
        (r"\{[\w:]+\}`[^`<]*<[^`]*>`|\{[\w:.-]+\}`[^`]*`", 0),
        (r"(`+).+?\1", 0),
        (r"\]\([^)]*\)", 0),
        (r"https?://\S+|<[^>\n]+>", 0),
        (r"^\([\w-]+\)=$|^:[\w-]+:.*$|^`{3,}.*$|^:{3,}\{[\w:-]+\}|^\+\+\+.*$", re.MULTILINE),
    )
]
WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")


def captions(text: str) -> str:
    """Return the captions and alt texts of a page's figures and tables, which stand among code."""
    found = re.findall(r"^    caption: \|\n((?:      .*\n)+)|^    alt: (.*)$", text, re.MULTILINE)
    return "\n".join(part for pair in found for part in pair)


def prose(text: str) -> str:
    """Return a page without code, mathematics and markup."""
    whole = f"{text}\n\n{captions(text)}"
    for pattern in NO_PROSE:
        whole = pattern.sub(" ", whole)
    return whole


def unknown(text: str, known: set[str]) -> set[str]:
    """Return the words that neither the dictionary nor the project's list knows."""
    words = {word.replace("’", "'") for word in WORD.findall(text)}
    plain = {
        word.removesuffix("'s").split("'")[0] if word.endswith("'s") else word for word in words
    }
    candidates = {
        word for word in plain if len(word) > 2 and word.lower() not in known and word not in known
    }
    checker = spellchecker.SpellChecker(language="en", distance=1)
    return {word for word in candidates if checker.unknown([word])}


@pytest.fixture(scope="module")
def known() -> set[str]:
    return set(WORDS.read_text(encoding="utf8").split())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_word_is_known(path, known):
    assert sorted(unknown(prose(path.read_text(encoding="utf8")), known)) == [], (
        f"correct it, or add it to {WORDS.name}"
    )


def test_codespell_finds_nothing():
    command = [
        sys.executable,
        "-m",
        "codespell_lib",
        "--builtin",
        "clear,rare",
        "-I",
        str(WORDS),
        *map(str, DOCUMENTS),
    ]
    command += [str(path) for path in sorted((ROOT / "src").rglob("*.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_word_is_found(known):
    text = "```{code-cell} python\nmispeled = 1\n```\nThe genrator draws `mispeled` images, $mispeled$."
    assert unknown(prose(text), known) == {"genrator"}
    assert unknown(prose("    caption: |\n      A wrogn caption.\n"), known) == {"wrogn"}


def test_the_list_holds_no_word_twice():
    words = WORDS.read_text(encoding="utf8").split()
    assert words == sorted(set(words), key=lambda word: (word.lower(), word))
