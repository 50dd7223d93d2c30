"""Code that runs alone: what a notebook imports from the library is written out in the notebook itself.

The cells of a pack import from ``chapters_lib``. Each import is replaced by the definitions that
it names and, before them, by all that these need; definitions written out in an earlier cell are
not repeated. Comments and formatting stay.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields

from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.submission.sources import (
    Edit,
    Key,
    Module,
    bodies,
    edited,
    free_names,
    in_body,
    module,
    note_import,
    segment,
    span,
)

FUTURE = "from __future__ import annotations"
CHECKED = ("chapters_lib.evaluation.arguments", "checked")  # left out: a pack is read at a glance


class Inliner:
    """Writes out definitions, each once, and collects what has to be imported from elsewhere."""

    def __init__(self) -> None:
        self.names: dict[Key, str] = {}  # what a definition is called in the notebook
        self.written: set[tuple[str, int]] = set()  # modules and lines
        self.imports: dict[str, str] = {}  # statement by local name
        self.own: set[str] = set()  # what cells define themselves

    def cell(self, source: str, *, skeleton: bool = False) -> str:
        """Return a cell's code without any import of ours; `skeleton` keeps definitions alone, without bodies."""
        here = Module("", source)
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                note_import(node, here.ours, here.others)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._claim(node.name)
        before = [self._take(key, local, skeleton) for local, key in here.ours.items() if key[1]]
        source = with_records(source, {local: key for key, local in self.names.items()})
        tree = ast.parse(source)
        for local, statement in here.others.items():
            self._import(local, statement)
        edits: list[Edit] = []
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                edits.append((node.lineno, 0, node.end_lineno or 0, 10**6, ""))
                continue
            before += self._references(here, node, edits, skeleton)
            if skeleton and isinstance(node, ast.FunctionDef | ast.ClassDef):
                edits = [edit for edit in edits if not in_body(node, edit[0])] + bodies(node)
            elif skeleton:
                start, end = node.lineno, node.end_lineno or 0
                edits = [edit for edit in edits if not start <= edit[0] <= end]
                edits.append((start, 0, end, 10**6, ""))
        rest = edited(source, edits).strip("\n")
        return "\n\n\n".join(
            part for part in (*before, re.sub(r"\n{4,}", "\n\n\n", rest)) if part.strip()
        )

    def header(self) -> str:
        """Return the imports of all cells so far, standard library first."""
        return "\n".join([FUTURE, "", *_sorted_imports(self.imports.values())])

    def _claim(self, name: str) -> None:
        """Note a name that a cell defines; ChaptersError if a definition written out has it."""
        if name in self.names.values():
            raise ChaptersError(f"{name} is defined by a cell, and written out under that name")
        self.own.add(name)

    def _import(self, local: str, statement: str) -> None:
        if self.imports.setdefault(local, statement) != statement:
            raise ChaptersError(
                f"{local} stands for two things in one notebook: {self.imports[local]!r} and {statement!r}"
            )

    def _resolve(self, key: Key) -> Key:
        """Follow a name through modules that only pass it on."""
        source = module(key[0])
        if source is None:
            raise ChaptersError(f"there is no {key[0]} to write out")
        if key[1] in source.defined:
            return key
        if key[1] in source.ours:
            return self._resolve(source.ours[key[1]])
        raise ChaptersError(f"{key[0]} has no definition of {key[1]!r}")

    def _take(self, key: Key, local: str = "", skeleton: bool = False) -> str:
        """Return the definition with all it needs that is not written out yet; empty if it was."""
        key = self._resolve(key)
        source = module(key[0])
        assert source
        if local not in ("", key[1]) and self.names.setdefault(key, local) != local:
            raise ChaptersError(f"{key[0]}.{key[1]} is written out as {self.names[key]!r} already")
        self._name(key)
        node = source.defined[key[1]]
        if (key[0], node.lineno) in self.written:
            return ""
        self.written.add((key[0], node.lineno))
        edits: list[Edit] = []
        needed = self._references(source, node, edits, skeleton)
        if self._name(key) != key[1]:
            line = source.text.split("\n")[node.lineno - 1]
            column = line.index(key[1])
            edits.append((node.lineno, column, node.lineno, column + len(key[1]), self._name(key)))
        first, last = segment(source.text, node)
        if skeleton:
            edits = [edit for edit in edits if not in_body(node, edit[0])] + bodies(node)
        text = edited(source.text, edits, first, last).strip("\n")
        return "\n\n\n".join(part for part in (*needed, text) if part)

    def _name(self, key: Key) -> str:
        """Return what a definition is called here; two of one name are told apart by their modules."""
        if key not in self.names:
            taken = set(self.names.values()) | set(self.imports) | self.own
            name = key[1] if key[1] not in taken else f"{key[1]}_{key[0].split('.')[-1]}"
            while name in taken:
                name += "_"
            self.names[key] = name
        return self.names[key]

    def _references(
        self, source: Module, node: ast.AST, edits: list[Edit], skeleton: bool
    ) -> list[str]:
        """Write out what `node` refers to, and note where names have to be changed."""
        needed = []
        wrapped = ast.Module([node], []) if isinstance(node, ast.stmt) else node
        for part, name, attribute in free_names(wrapped):
            key: Key | None = None
            if name in source.defined and source.name:
                key, whole = (source.name, name), False
            elif name in source.ours:
                key, whole = source.ours[name], not source.ours[name][1]
            elif name in source.others:
                self._import(name, source.others[name])
            if key is None:
                continue
            if whole:
                key = (key[0], attribute)
            key = self._resolve(key)
            if key == CHECKED:
                line, column = part.lineno, part.col_offset - 1  # of the decorator's @
                edits.append((line, column, line + 1, column, ""))
                continue
            needed.append(self._take(key, "", skeleton))
            written = self._name(key)
            within = attribute and not whole
            spot = part.value if within and isinstance(part, ast.Attribute) else part
            if (attribute if whole else name) != written or whole:
                edits.append((*span(spot), written))
        return [text for text in needed if text]


def with_records(source: str, kinds: Mapping[str, Key] | None = None) -> str:
    """Write in what runs record: ``runs.load("name").config["key"]``, and ``….config_as(Kind)``.

    `kinds` says which class of ours a name stands for; a configuration is written as a call of
    it, with what is not its default.
    """
    edits: list[Edit] = []
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Subscript):
            of, wanted = part.value, "config"
        elif isinstance(part, ast.Call):
            of, wanted = part.func, "config_as"
        else:
            continue
        if not (
            isinstance(of, ast.Attribute)
            and of.attr == wanted
            and isinstance(of.value, ast.Call)
            and ast.unparse(of.value.func) == "runs.load"
        ):
            continue
        run = runs.load(ast.literal_eval(of.value.args[0]))
        if isinstance(part, ast.Subscript):
            text = _literal(run.config[ast.literal_eval(part.slice)])
        else:
            local = ast.unparse(part.args[0])
            text = _call(run, local, (kinds or {})[local])
        edits.append((*span(part), text))
    return edited(source, edits)


def _literal(value: object) -> str:
    """Return a value's text in Python, with the quotes that the formatter sets."""
    text = repr(value)
    return text if '"' in text else text.replace("'", '"')


def _call(run: runs.Run, local: str, kind: Key) -> str:
    """Return a recorded configuration as a call of its class."""
    found = run.config_as(getattr(importlib.import_module(kind[0]), kind[1]))
    given = [
        f"    {field.name}={_literal(getattr(found, field.name))},\n"
        for field in fields(found)
        if getattr(found, field.name) != field.default
    ]
    return f"{local}(\n{''.join(given)})"


def _sorted_imports(statements: Iterable[str]) -> list[str]:
    """Join the names that are imported from one module, and order as ruff does: standard library, then others."""
    plain: set[str] = set()
    groups: dict[str, set[str]] = {}
    for statement in statements:
        if statement.startswith("import "):
            plain.add(statement)
        else:
            source, names = re.fullmatch(r"from (\S+) import (.+)", statement).groups()  # type: ignore[union-attr]
            groups.setdefault(source, set()).add(names)
    every = sorted(plain) + [
        f"from {source} import {', '.join(sorted(names))}"
        for source, names in sorted(groups.items())
    ]
    standard = [s for s in every if s.split()[1].split(".")[0] in sys.stdlib_module_names]
    others = [s for s in every if s not in standard]
    return [*standard, *([""] if standard and others else []), *others]
