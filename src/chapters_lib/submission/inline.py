"""Code that runs alone: what a notebook imports from the library is written out in the notebook itself.

The cells of a pack import from ``chapters_lib``, and from the chapters' own cells as ``book.gan``,
say. Each import is replaced by the definitions that it names and, before them, by all that these
need; definitions written out in an earlier cell are not repeated. Comments and formatting stay.
"""

from __future__ import annotations

import ast
import pprint
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from chapters_lib import runs
from chapters_lib.errors import ChaptersError

SOURCES = Path(__file__).resolve().parents[2]
OURS = ("chapters_lib", "book")
CELL = re.compile(r"^(`{3,})\{code-cell\} \w+\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FUTURE = "from __future__ import annotations"

Key = tuple[str, str]  # a module and a name defined at its top


@dataclass(frozen=True)
class Module:
    """A parsed source: what it defines at its top, and what its names stand for that it imports."""

    name: str
    text: str
    defined: dict[str, ast.stmt] = field(default_factory=dict)
    ours: dict[str, Key] = field(default_factory=dict)  # our module, and the name in it, or ""
    others: dict[str, str] = field(default_factory=dict)  # the statement that imports it


def page_source(path: Path) -> str:
    """Return the code cells of a chapter's page as one source; those of one that cannot be parsed are left out."""
    parts = []
    for _, body in CELL.findall(path.read_text(encoding="utf8")):
        parts.append(body.split("---\n", 2)[2] if body.startswith("---\n") else body)
    return "\n".join(parts)


@cache
def module(name: str) -> Module | None:
    """Return one of our modules, or a chapter's page as one; None where there is none of the name."""
    top, _, rest = name.partition(".")
    if top == "book":
        path = SOURCES.parent / "book" / f"{rest.replace('_', '-')}.md"
        return _parse(name, page_source(path)) if path.exists() else None
    folder = SOURCES.joinpath(*name.split("."))
    for path in (folder.with_suffix(".py"), folder / "__init__.py"):
        if path.exists():
            return _parse(name, path.read_text(encoding="utf8"))
    return None


def _parse(name: str, text: str) -> Module:
    found = Module(name, text)
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _note_import(node, found.ours, found.others)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        found.defined[part.id] = node
    return found


def _note_import(
    node: ast.Import | ast.ImportFrom, ours: dict[str, Key], others: dict[str, str]
) -> None:
    for alias in node.names:
        local = alias.asname or alias.name.split(".")[0]
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            if alias.name.split(".")[0] in OURS:
                ours[alias.asname or alias.name] = (alias.name, "")
            else:
                package, _, last = alias.name.rpartition(".")
                others[local] = f"import {alias.name}{renamed}"
                if package and renamed:  # written as elsewhere: from torch.nn import functional as F
                    others[local] = f"from {package} import {last}{renamed}"
        elif (node.module or "").split(".")[0] in OURS:
            whole = f"{node.module}.{alias.name}"
            ours[local] = (whole, "") if module(whole) else (str(node.module), alias.name)
        elif node.module != "__future__":
            others[local] = f"from {node.module} import {alias.name}{renamed}"


def _bound(node: ast.AST) -> set[str]:
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
        if isinstance(inner, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(inner, ast.Global):
            return found
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found |= {(a.asname or a.name).split(".")[0] for a in inner.names}
        stack.extend(ast.iter_child_nodes(inner))
    return found


SCOPES = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def free_names(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterable[tuple[ast.expr, str, str]]:
    """Yield (node, name, attribute) for each name that is not bound inside: ``figures.tile`` gives both."""
    inside = bound | _bound(node) if isinstance(node, SCOPES) else bound
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
            if child.id not in here:
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


class Inliner:
    """Writes out definitions, each once, and collects what has to be imported from elsewhere."""

    def __init__(self) -> None:
        self.names: dict[Key, str] = {}  # what a definition is called in the notebook
        self.written: set[tuple[str, int]] = set()  # modules and lines
        self.imports: dict[str, str] = {}  # statement by local name

    def cell(self, source: str, *, skeleton: bool = False) -> str:
        """Return a cell's code without any import of ours; with `skeleton`, definitions lose their bodies."""
        source = with_records(source)
        tree = ast.parse(source)
        here = Module("", source)
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                _note_import(node, here.ours, here.others)
        before = [self._take(key, local, skeleton) for local, key in here.ours.items() if key[1]]
        for local, statement in here.others.items():
            self._import(local, statement)
        edits: list[tuple[int, int, int, int, str]] = []
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                edits.append((node.lineno, 0, node.end_lineno or 0, 10**6, ""))
                continue
            before += self._references(here, node, edits, skeleton)
        rest = _edited(source, edits).strip("\n")
        return "\n\n\n".join(part for part in (*before, re.sub(r"\n{4,}", "\n\n\n", rest)) if part.strip())

    def header(self) -> str:
        """Return the imports of all cells so far, standard library first."""
        return "\n".join([FUTURE, "", *_sorted_imports(self.imports.values())])

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
        if local and local != key[1]:
            if self.names.setdefault(key, local) != local:
                raise ChaptersError(f"{key[0]}.{key[1]} is written out as {self.names[key]!r} already")
        self._name(key)
        node = source.defined[key[1]]
        if (key[0], node.lineno) in self.written:
            return ""
        self.written.add((key[0], node.lineno))
        edits: list[tuple[int, int, int, int, str]] = []
        needed = self._references(source, node, edits, skeleton)
        if self._name(key) != key[1]:
            line = source.text.split("\n")[node.lineno - 1]
            column = line.index(key[1])
            edits.append((node.lineno, column, node.lineno, column + len(key[1]), self._name(key)))
        first, last = segment(source.text, node)
        if skeleton:
            edits = [edit for edit in edits if not _in_body(node, edit[0])] + _bodies(node)
        text = _edited(source.text, edits, first, last).strip("\n")
        return "\n\n\n".join(part for part in (*needed, text) if part)

    def _name(self, key: Key) -> str:
        """Return what a definition is called here; two of one name are told apart by their modules."""
        if key not in self.names:
            taken = set(self.names.values()) | set(self.imports)
            plain = key[1]
            self.names[key] = plain if plain not in taken else f"{plain}_{key[0].split('.')[-1]}"
        return self.names[key]

    def _references(
        self, source: Module, node: ast.AST, edits: list[tuple[int, int, int, int, str]], skeleton: bool
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
            needed.append(self._take(key, "", skeleton))
            written = self._name(key)
            if whole or not attribute:
                spot = part
            else:
                assert isinstance(part, ast.Attribute)
                spot = part.value
            if (attribute if whole else name) != written or whole:
                edits.append((*_span(spot), written))
        return [text for text in needed if text]


def _span(node: ast.expr) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def with_records(source: str) -> str:
    """Replace ``runs.load("name").config["key"]``, and whole configurations, by what the run records."""
    edits = []
    tree = ast.parse(source)
    inner = set()
    for part in ast.walk(tree):  # outer nodes come first
        key = part.slice if isinstance(part, ast.Subscript) else None
        config = part.value if isinstance(part, ast.Subscript) else part
        if (
            part not in inner
            and isinstance(config, ast.Attribute)
            and config.attr == "config"
            and isinstance(config.value, ast.Call)
            and ast.unparse(config.value.func) == "runs.load"
        ):
            inner.add(config)
            found = runs.load(ast.literal_eval(config.value.args[0])).config
            value = found if key is None else found[ast.literal_eval(key)]
            assert isinstance(part, ast.expr)
            edits.append((*_span(part), pprint.pformat(value, width=88, sort_dicts=False)))
    return _edited(source, edits)


def _in_body(node: ast.stmt, line: int) -> bool:
    return any(start <= line <= end for start, _, end, _, _ in _bodies(node))


def _bodies(node: ast.stmt) -> list[tuple[int, int, int, int, str]]:
    """Return the edits that replace each function's body below its docstring."""
    edits = []
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            body = part.body
            if ast.get_docstring(part) is not None:
                body = body[1:]
            if body:
                spaces = " " * body[0].col_offset
                edits.append(
                    (body[0].lineno, 0, body[-1].end_lineno or 0, 10**6, f"{spaces}raise NotImplementedError")
                )
    outer = [e for e in edits if not any(o is not e and o[0] <= e[0] and e[2] <= o[2] for o in edits)]
    return outer


def _edited(
    text: str, edits: Sequence[tuple[int, int, int, int, str]], first: int = 0, last: int | None = None
) -> str:
    """Return lines `first` to `last` of a text, parts of it replaced; columns count UTF-8 bytes, as in `ast`."""
    lines = [line.encode() for line in text.split("\n")]
    for start, left, end, right, new in sorted(set(edits), reverse=True):
        if not first < start <= (len(lines) if last is None else last):
            continue
        joined = lines[start - 1][:left] + new.encode() + lines[end - 1][right:]
        lines[start - 1 : end] = [joined, *[b"\0"] * (end - start)]
    kept = [line for line in lines[first:last] if line != b"\0"]
    return b"\n".join(kept).decode()


def _sorted_imports(statements: Iterable[str]) -> list[str]:
    """Join the names that are imported from one module, and order as ruff does: standard library, then others."""
    import sys

    plain, groups = set(), {}
    for statement in statements:
        if statement.startswith("import "):
            plain.add(statement)
        else:
            source, names = re.fullmatch(r"from (\S+) import (.+)", statement).groups()  # type: ignore[union-attr]
            groups.setdefault(source, set()).add(names)
    every = sorted(plain) + [
        f"from {source} import {', '.join(sorted(names))}" for source, names in sorted(groups.items())
    ]
    standard = [s for s in every if s.split()[1].split(".")[0] in sys.stdlib_module_names]
    others = [s for s in every if s not in standard]
    return [*standard, *([""] if standard and others else []), *others]
