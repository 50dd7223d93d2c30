"""The pages' sources: prose, with cells of one line; and shown definitions that fit a printed line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "book").glob("*.md"))
PACKS = sorted((ROOT / "book" / "packs").glob("*.md"))
SHARE = 0.25  # of a page's lines that may be code
COLUMNS = 76  # of a printed line of code
ON_SITE = 79  # of a line of code on a laptop
CELL_COLUMNS = 98  # that the narrowest box of the PDF has room for, before it wraps a cell's line
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n)?(.*?)^```\s*$", re.MULTILINE | re.DOTALL
)
SHOWN = re.compile(r"^`{3,}\{literalinclude\} (\S+)\n((?::[^\n]*\n)*)", re.MULTILINE)


def code_lines(text: str) -> list[str]:
    """Return the lines of Python in a page's cells, their headers aside."""
    return [line for body in CELL.findall(text) for line in body.splitlines()]


def definition(source: str, name: str) -> list[str]:
    """Return the lines of a definition, as a page shows it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return source.splitlines()[node.lineno - 1 : node.end_lineno]
    raise AssertionError(f"no definition of {name}")


def shown(text: str) -> list[tuple[str, str]]:
    """Return path and name of each definition that a page shows from the library."""
    found = []
    for path, options in SHOWN.findall(text):
        name = re.search(r":pyobject: (\w+)", options)
        assert name, f"{path} is shown whole: name a definition"
        found.append((path, name[1]))
    return found


def too_wide(lines: list[str]) -> list[str]:
    return [line for line in lines if len(line) > COLUMNS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shown_cells_are_not_wrapped_in_print(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = [cell[1] for cell in CELL.finditer(text) if not re.search("(remove|hide)-", cell[0])]
    assert [line for body in shown for line in body.splitlines() if len(line) > CELL_COLUMNS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_prose(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(code_lines(text)) <= SHARE * len(text.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shown_definitions_fit_a_printed_line(page: Path) -> None:
    wide = {
        f"{path}:{name}": lines
        for path, name in shown(page.read_text(encoding="utf-8"))
        if (lines := too_wide(definition((page.parent / path).read_text(encoding="utf-8"), name)))
    }
    assert wide == {}


def cut(text: str) -> list[str]:
    """Return lines of cells that a laptop's window cuts off, of the cells that no reader has to open."""
    open_text = re.sub(r"\{solution-start\}.*?\{solution-end\}", "", text, flags=re.DOTALL)
    shown = [
        cell[1] for cell in CELL.finditer(open_text) if not re.search("(remove|hide)-", cell[0])
    ]
    return [line for body in shown for line in body.splitlines() if len(line) > ON_SITE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shown_cells_fit_the_site(page: Path) -> None:
    assert cut(page.read_text(encoding="utf-8")) == []


def test_cut_lines_are_found() -> None:
    cell, folded = "```{code-cell} python\nEND\n```\n", "---\ntags: [hide-input]\n---\n"
    assert cut(cell.replace("END", "x" * 79)) == []
    assert cut(cell.replace("END", "x" * 80)) == ["x" * 80]
    assert cut(cell.replace("END", folded + "x" * 80)) == []


def swallowed(text: str) -> list[str]:
    """Return lines of prose that begin with `%`: MyST takes them for comments and leaves them out."""
    return re.findall(r"^[ \t]*%.*", CELL.sub("", text), re.MULTILINE)


def echoing(text: str) -> list[str]:
    """Return last lines of shown cells that echo what a call returns: for most objects, an address in memory."""
    found = []
    for cell in CELL.finditer(text):
        *_, last = ast.parse(cell[1]).body or [None]
        hidden = "tags: [remove-" in cell[0] or cell[1].rstrip().endswith(";")
        if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and not hidden:
            found += [ast.unparse(last)]
    return [line for line in found if not line.startswith("print(")]


@pytest.mark.parametrize("page", PAGES + PACKS, ids=lambda page: page.stem)
def test_no_line_of_prose_is_a_comment(page: Path) -> None:
    assert swallowed(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_cell_speaks_to_a_tool(page: Path) -> None:
    marks = re.compile(r"#\s*(?:fmt|noqa|type|pragma|pylint)\b")
    assert [
        line for line in code_lines(page.read_text(encoding="utf-8")) if marks.search(line)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_shown_cell_echoes_an_object(page: Path) -> None:
    assert echoing(page.read_text(encoding="utf-8")) == []


def test_comments_and_echoes_are_found() -> None:
    cell = "```{code-cell} python\nx = (5\n% 3)\nEND\n```\n"
    assert swallowed("Of 42\n%).\n\n" + cell) == ["%)."]
    ends = ["fit(x)", "fit(x);", "_ = fit(x)", "print(x)"]
    assert [echoing(cell.replace("END", end)) for end in ends] == [["fit(x)"], [], [], []]


def test_the_loop_is_printed_in_a_chapter() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert any(("../src/chapters_lib/training.py", "fit") in shown(text) for text in texts)


def bare(texts: list[str]) -> list[str]:
    """Return labels of headings with a formula that are referred to without words: `\\gamma` would be shown."""
    heads = re.compile(r"^\(([\w-]+)\)=\n#+ [^\n]*\$", re.MULTILINE)
    labels = {label for text in texts for label in heads.findall(text)}
    return sorted(label for label in labels if any(f"{{ref}}`{label}`" in text for text in texts))


def test_headings_with_formulas_are_referred_to_in_words() -> None:
    assert bare([page.read_text(encoding="utf-8") for page in PAGES]) == []
    assert bare(["(sec-a)=\n## What $x$ is\n", "See {ref}`sec-a`, {ref}`words <sec-b>`."]) == [
        "sec-a"
    ]


def test_what_is_not_prose_is_found() -> None:
    page = "Text.\n\n```{code-cell} python\n---\ntags: [remove-input]\n---\nx = 1\ny = 2\n```\n"
    assert code_lines(page) == ["x = 1", "y = 2"]
    assert shown("```{literalinclude} ../a.py\n:pyobject: f\n:language: python\n```") == [
        ("../a.py", "f")
    ]
    assert too_wide(["x" * 76, "x" * 77]) == ["x" * 77]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_star_stands_before_the_heading_that_a_first_reader_skips(page: Path) -> None:
    outside_cells = CELL.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#{2,} .*", outside_cells, re.MULTILINE)
    starred = [line for line in headings if "*" in re.sub(r"\$[^$]*\$", "", line)]
    assert [line for line in starred if not re.fullmatch(r"### \\?\*[^\s*][^*]*", line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_number_of_another_page_has_its_format(page: Path) -> None:
    """Without one, as in `a.md::key:s`, the page's name is taken for the key."""
    assert not re.findall(r"\{glue:text\}`[\w-]+\.md::[\w-]+`", page.read_text(encoding="utf-8"))
