"""Python sources as the packs see them: what a module defines, what its names stand for, and edits of its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
OURS = "chapters_lib"
QUESTION = re.compile(r"^\{question\}`([^`]+)`$", re.MULTILINE)  # from the sheet

Key = tuple[str, str]  # a module and a name defined at its top
Edit = tuple[int, int, int, int, str]  # from line and column, to line and column, and the new text


@dataclass(frozen=True)
class Module:
    """A parsed source: what it defines at its top, and what its names stand for that it imports."""

    name: str
    text: str
    defined: dict[str, ast.stmt] = field(default_factory=dict)
    ours: dict[str, Key] = field(default_factory=dict)  # our module, and the name in it, or ""
    others: dict[str, str] = field(default_factory=dict)  # the statement that imports it


@cache
def module(name: str) -> Module | None:
    """Return one of our modules; None where there is none of the name."""
    folder = SOURCES.joinpath(*name.split("."))
    for path in (folder.with_suffix(".py"), folder / "__init__.py"):
        if path.exists():
            return _parse(name, path.read_text(encoding="utf8"))
    return None


def _parse(name: str, text: str) -> Module:
    found = Module(name, text)
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            note_import(node, found.ours, found.others)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        found.defined[part.id] = node
    return found


def note_import(
    node: ast.Import | ast.ImportFrom, ours: dict[str, Key], others: dict[str, str]
) -> None:
    """Note what an import's names stand for: something of ours, or a statement that imports it."""
    for alias in node.names:
        local = alias.asname or alias.name.split(".")[0]
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            if alias.name.split(".")[0] == OURS:
                ours[alias.asname or alias.name] = (alias.name, "")
            else:
                package, _, last = alias.name.rpartition(".")
                others[local] = f"import {alias.name}{renamed}"
                if (
                    package and renamed
                ):  # written as elsewhere: from torch.nn import functional as F
                    others[local] = f"from {package} import {last}{renamed}"
        elif (node.module or "").split(".")[0] == OURS:
            whole = f"{node.module}.{alias.name}"
            ours[local] = (whole, "") if module(whole) else (str(node.module), alias.name)
        elif node.module != "__future__":
            others[local] = f"from {node.module} import {alias.name}{renamed}"


def bound_names(node: ast.AST) -> set[str]:
    """Return the names that a function, lambda or comprehension binds for itself."""
    found: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a]
        found |= {argument.arg for argument in every}
    stack = list(ast.iter_child_nodes(node))
    while stack:
        inner = stack.pop()
        if isinstance(inner, ast.FunctionDef | ast.ClassDef):
            found.add(inner.name)
            continue
        if isinstance(
            inner, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
        ):
            continue
        if isinstance(inner, ast.Global):
            return found
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        if isinstance(inner, ast.ExceptHandler) and inner.name:
            found.add(inner.name)
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found |= {(a.asname or a.name).split(".")[0] for a in inner.names}
        stack.extend(ast.iter_child_nodes(inner))
    return found


SCOPES = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def free_names(
    node: ast.AST, bound: frozenset[str] = frozenset()
) -> Iterable[tuple[ast.expr, str, str]]:
    """Yield (node, name, attribute) for each name that is not bound inside: ``figures.tile`` gives both."""
    inside = bound | bound_names(node) if isinstance(node, SCOPES) else bound
    for child in ast.iter_child_nodes(node):
        here = inside
        if isinstance(node, ast.FunctionDef) and child in (
            *node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)
        ):  # fmt: skip
            here = bound
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            if child.value.id not in here:
                yield child, child.value.id, child.attr
        elif isinstance(child, ast.Name):
            if child.id not in here and isinstance(child.ctx, ast.Load):
                yield child, child.id, ""
        else:
            yield from free_names(child, here)


def segment(text: str, node: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement, from 0, its decorators and the comments right above it included."""
    lines = text.split("\n")
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    assert node.end_lineno
    return first, node.end_lineno


def span(node: ast.expr) -> tuple[int, int, int, int]:
    """Return where an expression begins and ends."""
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def in_body(node: ast.stmt, line: int) -> bool:
    """Say whether a line belongs to the body of a function in `node`."""
    return any(start <= line <= end for start, _, end, _, _ in bodies(node))


def bodies(node: ast.stmt) -> list[Edit]:
    """Return the edits that replace each function's body below its docstring."""
    edits = []
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            body = part.body
            if ast.get_docstring(part) is not None:
                body = body[1:]
            if body:
                spaces = " " * body[0].col_offset
                above = getattr(body[0], "decorator_list", [])  # of a function within
                edits.append(
                    (
                        min(part.lineno for part in (body[0], *above)),
                        0,
                        body[-1].end_lineno or 0,
                        10**6,
                        f"{spaces}raise NotImplementedError",
                    )
                )
    outer = [
        e for e in edits if not any(o is not e and o[0] <= e[0] and e[2] <= o[2] for o in edits)
    ]
    return outer


def edited(text: str, edits: Sequence[Edit], first: int = 0, last: int | None = None) -> str:
    """Return lines `first` to `last` of a text, parts of it replaced; columns count UTF-8 bytes, as in `ast`."""
    lines = [line.encode() for line in text.split("\n")]
    for start, left, end, right, new in sorted(set(edits), reverse=True):
        if not first < start <= (len(lines) if last is None else last):
            continue
        joined = lines[start - 1][:left] + new.encode() + lines[end - 1][right:]
        lines[start - 1 : end] = [joined, *[b"\0"] * (end - start)]
    kept = [line for line in lines[first:last] if line != b"\0"]
    return b"\n".join(kept).decode()
