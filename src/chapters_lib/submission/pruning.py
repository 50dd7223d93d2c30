"""Written-out code without what a pack never uses: definitions, methods, settings, all but a docstring's beginning."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from chapters_lib.submission.sources import Edit, edited, segment

# Bases that call no method by a plain name.
PLAIN = {"nn.Module", "Protocol", "Exception", "NamedTuple"}
CALLED = {"forward"}  # by nn.Module


def pruned(cells: Sequence[str], ours: Collection[str]) -> list[str]:
    """Return cells without what none of them uses of `ours`, the definitions that are written out."""
    cells = [edited(cell, list(_long_docstrings(ast.parse(cell), ours))) for cell in cells]
    while True:
        used = mentioned(cells)
        read = Counter(name for cell in cells for name in _read(ast.parse(cell)))
        shorter = [edited(cell, list(_unused(cell, ours, used, read))) for cell in cells]
        shorter = [re.sub(r"\n{4,}", "\n\n\n", cell).strip("\n") for cell in shorter]
        if shorter == cells:
            return cells
        cells = shorter


def mentioned(cells: Sequence[str]) -> set[str]:
    """Return what cells name, as a variable that they read, an attribute, a keyword or a whole string."""
    found: set[str] = set()
    for part in (part for cell in cells for part in ast.walk(ast.parse(cell))):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.keyword) and part.arg:
            found.add(part.arg)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.add(part.value)
    return found


def _read(of: ast.AST) -> Iterator[str]:
    """Yield what a method can be called by: attributes, and whole strings."""
    for part in ast.walk(of):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _long_docstrings(tree: ast.Module, ours: Collection[str]) -> Iterator[Edit]:
    """Yield the edits that leave of each docstring its first paragraph."""
    for top in tree.body:
        if not isinstance(top, ast.FunctionDef | ast.ClassDef) or top.name not in ours:
            continue
        for part in ast.walk(top):
            if not isinstance(part, ast.FunctionDef | ast.ClassDef):
                continue
            text, said = ast.get_docstring(part, clean=False), part.body[0]
            if text and "\n\n" in text and "\\" not in text:
                place = said.lineno, said.col_offset, said.end_lineno or 0, 10**6
                yield (*place, f'"""{text.split(chr(10) * 2)[0]}"""')


def _unused(
    cell: str, ours: Collection[str], used: Collection[str], read: Counter[str]
) -> Iterator[Edit]:
    """Yield the edits that take out definitions which nothing mentions, and methods that nothing else does."""
    for node in ast.parse(cell).body:
        names = set(_defined(node))
        if not names or not names <= set(ours):
            continue
        if not names & set(used):
            yield _without(cell, node)
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                name = _named(node, part)
                method = isinstance(part, ast.FunctionDef)
                idle = read[name] == Counter(_read(part))[name] if method else name not in used
                if idle and name not in {"", *CALLED}:
                    yield _without(cell, part)


def _named(of: ast.ClassDef, part: ast.stmt) -> str:
    """Return the name of a method or setting that may be left out if nothing mentions it, else an empty text."""
    bases = {ast.unparse(base) for base in of.bases}
    if isinstance(part, ast.FunctionDef) and not part.name.startswith("_") and bases <= PLAIN:
        return part.name
    if of.name.endswith(("Config", "Session")) and isinstance(part, ast.AnnAssign) and part.value:
        return ast.unparse(part.target)
    return ""


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _without(cell: str, node: ast.stmt) -> Edit:
    """Return the edit that takes out a statement, the comments above it and the empty lines before it."""
    lines = cell.split("\n")
    first, last = segment(cell, node)
    while first and not lines[first - 1].strip():
        first -= 1
    return (first + 1, 0, last, 10**6, "\0")  # which `edited` leaves out
