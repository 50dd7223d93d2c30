"""Written-out code without branches that a pack's numbers never take.

What never differs in a pack becomes a constant: a setting of a configuration that no cell gives
another value, an argument that every call gives the same. Conditions on constants are decided, and
what then cannot be reached is left out. Only definitions written out are changed, and calls of them.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from chapters_lib.submission.sources import SCOPES, Edit, bound_names, edited, span

Constants = dict[str, dict[str, ast.Constant]]  # by a configuration's class and its setting
WIDEST = 99  # characters of a line
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def folded(cells: Sequence[str], ours: Collection[str]) -> list[str]:
    """Return cells whose definitions among `ours` hold no branch that their constants decide."""
    cells = list(cells)
    while True:
        trees = [ast.parse(cell) for cell in cells]
        settings, trivial = _settings(trees, ours), _trivial(trees, ours)
        shorter = [
            _applied(cell, _apart(_within(cell, tree, ours, settings, trivial)))
            for cell, tree in zip(cells, trees, strict=True)
        ]
        if shorter == cells:
            shorter = _without_an_argument(cells, trees, ours)
        if shorter == cells:
            return cells
        cells = shorter


def _applied(cell: str, edits: list[Edit]) -> str:
    """Return a cell with those edits that leave it Python: no body can lose all its statements."""
    try:
        ast.parse(found := edited(cell, edits))
    except SyntaxError:
        if len(edits) == 1:
            return cell
        found = cell
        for edit in reversed(edits):  # from the end, so that the others keep their places
            found = _applied(found, [edit])
    return found


def _apart(edits: Iterator[Edit]) -> list[Edit]:
    """Return edits that do not touch one another, the outer one of two."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e[0], e[1], -e[2], -e[3])):
        if not kept or (kept[-1][2], kept[-1][3]) <= (edit[0], edit[1]):
            kept.append(edit)
    return kept


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all within it but what stands in formatted texts."""
    yield node
    for part in () if isinstance(node, ast.JoinedStr) else ast.iter_child_nodes(node):
        yield from _walk(part)


def _definitions(
    tree: ast.Module, ours: Collection[str]
) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in ours:
            yield node


def _within(
    cell: str,
    tree: ast.Module,
    ours: Collection[str],
    settings: Constants,
    trivial: dict[str, str],
) -> Iterator[Edit]:
    """Yield the edits of a cell's definitions."""
    for definition in _definitions(tree, ours):
        for part in _walk(definition):
            if isinstance(part, ast.FunctionDef):
                yield from _settings_read(part, settings)
                yield from _local(cell, part)
            yield from _decided(cell, part)
            yield from _passed(cell, part, trivial)


# What is constant


def _settings(trees: Sequence[ast.Module], ours: Collection[str]) -> Constants:
    """Return the settings that every configuration of the cells leaves at a constant default."""
    calls = [p for tree in trees for p in ast.walk(tree) if isinstance(p, ast.Call)]
    given: set[str | None] = set()
    found: Constants = {}
    for node in (node for tree in trees for node in _definitions(tree, ours)):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            found[node.name] = {
                part.target.id: part.value
                for part in node.body
                if isinstance(part, ast.AnnAssign)
                and isinstance(part.target, ast.Name)
                and isinstance(part.value, ast.Constant)
            }
    for call in calls:
        if (name := ast.unparse(call.func)) in {*found, "replace"}:
            given |= {keyword.arg for keyword in call.keywords}
            given |= {None} if name in found and call.args else set()
    if None in given:  # some are given by place, or as a dictionary
        return {}
    return {
        name: {key: value for key, value in of.items() if key not in given}
        for name, of in found.items()
    }


def _one(values: Sequence[ast.expr | None]) -> ast.Constant | None:
    """Return the constant that all values are, if it is one that switches something."""
    first = values[0] if values else None
    if not isinstance(first, ast.Constant) or (first.value and first.value is not True):
        return None
    same = all(isinstance(v, ast.Constant) and repr(v.value) == repr(first.value) for v in values)
    return first if same else None


def _settings_read(function: ast.FunctionDef, settings: Constants) -> Iterator[Edit]:
    """Yield the edits that put constants for settings, where an argument is a configuration."""
    for argument in (*function.args.args, *function.args.kwonlyargs):
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        if kind not in settings or argument.arg in _assigned(function):
            continue
        for node in _scope(function, argument.arg):
            operands = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node]
            for part in operands:
                value = _setting(part, argument.arg, settings[kind])
                if value and (isinstance(node, ast.Compare) or _one([value])):
                    yield (*span(part), _text(value.value))  # type: ignore[arg-type]


def _setting(node: ast.AST, of: str, settings: dict[str, ast.Constant]) -> ast.Constant | None:
    """Return the constant that a node reads from the configuration `of`, if it does."""
    reads = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return settings.get(node.attr) if reads and node.value.id == of else None  # type: ignore[attr-defined]


def _text(value: Any) -> str:
    text = repr(value)
    return text if '"' in text else text.replace("'", '"')


def _assigned(function: ast.FunctionDef) -> set[str]:
    """Return what a function, or one within it, binds besides arguments."""
    return {
        part.id
        for part in ast.walk(function)
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
    }


def _scope(function: ast.FunctionDef, name: str) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body in which `name` is what the function calls so."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, SCOPES) and name in bound_names(node)
        ):
            continue  # of what stands in a formatted text Python 3.11 does not say where
        stack += ast.iter_child_nodes(node)


def _elsewhere(function: ast.FunctionDef, name: str) -> bool:
    """Say whether a function has a name in a formatted text, imports it, or makes it another scope's."""
    return any(
        (isinstance(part, ast.Global | ast.Nonlocal) and name in part.names)
        or (isinstance(part, ast.alias) and name in (part.name, part.asname))
        or (isinstance(part, ast.ExceptHandler) and name == part.name)
        or (
            isinstance(part, ast.JoinedStr)
            and any(isinstance(p, ast.Name) and p.id == name for p in ast.walk(part))
        )
        for part in ast.walk(function)
    )


def _local(cell: str, function: ast.FunctionDef) -> Iterator[Edit]:
    """Yield the edits that put a constant that stands for "none" for the one name that it is given."""
    stores = Counter(
        part.id
        for part in ast.walk(function)
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
    )
    for node in _scope(function, ""):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name, value = node.targets[0].id, node.value
        if len(node.targets) > 1 or stores[name] > 1 or not isinstance(value, ast.Constant):
            continue
        plain = not value.value or repr(value.value) == "1.0"
        if not plain or name in _arguments(function) or _elsewhere(function, name):
            continue
        yield _gone(node)
        for part in _scope(function, name):
            if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load):
                yield (*span(part), _text(value.value))


# What constants decide


def _decided(cell: str, node: ast.AST) -> Iterator[Edit]:
    """Yield the edits of one node that constants decide."""
    for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if isinstance(body, list):
            yield from _unreached(body)
    if isinstance(node, ast.If) and isinstance(node.test, ast.Constant):
        yield from _branch(cell, node)
    elif isinstance(node, ast.IfExp) and isinstance(node.test, ast.Constant):
        yield (*span(node), _source(cell, node.body if node.test.value else node.orelse))
    elif isinstance(node, ast.expr) and (value := _value(node)) is not None:
        yield (*span(node), _text(value[0]))
    elif isinstance(node, ast.BoolOp) and isinstance(node.values[0], ast.Constant):
        decides = bool(node.values[0].value) is isinstance(node.op, ast.Or)
        kept = node.values[:1] if decides else node.values[1:]
        between = (*span(kept[0])[:2], *span(kept[-1])[2:])
        yield (*span(node), _cut(cell, *between))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        if isinstance(node.right, ast.Constant) and repr(node.right.value) == "1.0":
            yield (*span(node), _source(cell, node.left))
    elif isinstance(node, ast.Assign) and _same(node):
        yield _gone(node)


def _value(node: ast.expr) -> tuple[Any] | None:
    """Return what an expression of constants is, if it is one."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        *others, last = node.values  # what is asked before has no effect but its answer
        if repr(getattr(last, "value", None)) == "False" and all(map(_asks, others)):
            return (False,)
    elif isinstance(node, ast.Call) and ast.unparse(node) == "min(1.0, 1.0)":
        return (1.0,)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        if isinstance(node.operand, ast.Constant):
            return (not node.operand.value,)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            if isinstance(node.ops[0], ast.Eq | ast.NotEq):
                return ((left.value == right.value) is isinstance(node.ops[0], ast.Eq),)
            if isinstance(node.ops[0], ast.Is | ast.IsNot) and right.value is None:
                return ((left.value is None) is isinstance(node.ops[0], ast.Is),)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        none = isinstance(node.left, ast.Constant) and repr(node.left.value) == "0"
        if none and isinstance(node.right, ast.Call) and ast.unparse(node.right.func) == "len":
            return (0,)
    return None


def _same(node: ast.Assign) -> bool:
    """Say whether a name is given what it is already."""
    (target, *others), value = node.targets, node.value
    if others or not isinstance(target, ast.Name) or not isinstance(value, ast.Name):
        return False
    return target.id == value.id


def _asks(node: ast.expr) -> bool:
    """Say whether an expression only compares names, constants and lengths."""
    return all(
        isinstance(p, ast.Compare | ast.Name | ast.Constant | ast.cmpop | ast.Load)
        or (isinstance(p, ast.Call) and ast.unparse(p.func) == "len")
        for p in ast.walk(node)
    )


def _trivial(trees: Sequence[ast.Module], ours: Collection[str]) -> dict[str, str]:
    """Return the functions that give back their one argument, or always an empty tuple, and which they do."""
    found = {}
    for node in (node for tree in trees for node in _definitions(tree, ours)):
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            *_, last = node.body
            rest = [p for p in node.body[:-1] if not isinstance(p, ast.Expr)]
            given = ast.unparse(last.value) if isinstance(last, ast.Return) and last.value else ""
            if not rest and (given == "()" or [given] == _arguments(node)):
                found[node.name] = given
    return found


def _passed(cell: str, node: ast.AST, trivial: dict[str, str]) -> Iterator[Edit]:
    """Yield the edits that leave out calls of functions that do nothing, and spread lists that are empty."""
    of = trivial.get(ast.unparse(node.func), "()") if isinstance(node, ast.Call) else "()"
    if isinstance(node, ast.Call) and of != "()" and len(node.args) == 1 and not node.keywords:
        yield (*span(node), _source(cell, node.args[0]))
    parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
    for part in parts:
        if not isinstance(part, ast.Starred):
            continue
        spread = part.value
        empty = isinstance(spread, ast.List) and not spread.elts
        if not empty and not (
            isinstance(spread, ast.Call) and trivial.get(ast.unparse(spread.func)) == "()"
        ):
            continue
        if isinstance(node, ast.Call):
            yield (*span(node), _called(cell, node, part))
        elif isinstance(node, ast.Tuple | ast.List):
            kept = [_source(cell, e) for e in node.elts if e is not part]
            comma = "," if isinstance(node, ast.Tuple) and len(kept) == 1 else ""
            left, right = "()" if isinstance(node, ast.Tuple) else "[]"
            line = cell.split("\n")[node.lineno - 1]
            yield (*span(node), _listed(left, kept, comma + right, len(line) - len(line.lstrip())))


def _unreached(body: list[ast.stmt]) -> Iterator[Edit]:
    """Yield the edits that take out what stands behind a statement that leaves."""
    left = next((i for i, node in enumerate(body) if isinstance(node, LEAVES)), len(body))
    behind = body[left + 1 :]
    if not any(isinstance(p, ast.Yield | ast.YieldFrom) for node in behind for p in ast.walk(node)):
        yield from (_gone(node) for node in behind)


def _branch(cell: str, node: ast.If) -> Iterator[Edit]:
    """Yield the edit that puts the branch taken for a condition."""
    lines = cell.split("\n")
    word = lines[node.lineno - 1].encode()[node.col_offset :].decode()
    if not isinstance(node.test, ast.Constant) or not word.startswith("if"):
        return  # an elif is decided when what stands before it is
    taken = node.body if node.test.value else node.orelse
    if not taken:
        yield _gone(node)
        return
    first, last = taken[0], taken[-1]
    start = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
    rows = lines[start - 1 : last.end_lineno]
    word = rows[0].encode()[first.col_offset :].decode()
    if word.startswith("elif"):
        rows[0] = rows[0].replace("elif", "if", 1)
    extra = first.col_offset - node.col_offset
    if any('"""' in row for row in rows) and extra:
        return
    rows = [row[extra:] if row[:extra].isspace() else row for row in rows]
    yield (node.lineno, 0, node.end_lineno or 0, 10**6, "\n".join(rows))


def _gone(node: ast.stmt) -> Edit:
    """Return the edit that takes out a statement."""
    return (node.lineno, 0, node.end_lineno or 0, 10**6, "\0")


def _source(cell: str, node: ast.expr) -> str:
    return _cut(cell, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)


def _cut(cell: str, line: int, column: int, last: int | None, end: int | None) -> str:
    rows = [row.encode() for row in cell.split("\n")[line - 1 : last]]
    rows[-1] = rows[-1][:end]
    rows[0] = rows[0][column:]
    return b"\n".join(rows).decode()


# Arguments that every call gives the same


def _without_an_argument(
    cells: Sequence[str], trees: Sequence[ast.Module], ours: Collection[str]
) -> list[str]:
    """Return cells in which one argument that is always the same is a constant, if there is one."""
    calls, uses = _uses(trees)
    for function in (node for tree in trees for node in _definitions(tree, ours)):
        if not isinstance(function, ast.FunctionDef) or function.args.posonlyargs:
            continue
        found = calls[function.name]
        if not found or len(found) != uses[function.name] or any(map(_spread, found)):
            continue
        for name in _arguments(function):
            value = _one([_given(function, call, name)[0] for call in found])
            if value is None or name in _assigned(function) or _elsewhere(function, name):
                continue
            if not any(name in _tested(part) for part in _scope(function, name)):
                continue
            if changed := _put(cells, trees, function, name, value, found):
                return changed
    return list(cells)


def _uses(trees: Sequence[ast.Module]) -> tuple[dict[str, list[ast.Call]], Counter[str]]:
    """Return the calls of each name, and how often it is used at all."""
    calls: dict[str, list[ast.Call]] = defaultdict(list)
    uses: Counter[str] = Counter()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls[node.func.id].append(node)
        elif isinstance(node, ast.Name):
            uses[node.id] += 1
    return calls, uses


def _tested(node: ast.AST) -> set[str]:
    """Return the names on which a condition depends, where a node is one."""
    tests: list[ast.expr] = []
    if isinstance(node, ast.If | ast.IfExp):
        tests = [node.test]
    elif isinstance(node, ast.BoolOp):
        tests = node.values
    return {t.id for t in tests if isinstance(t, ast.Name)}


def _spread(call: ast.Call) -> bool:
    """Say whether a call gives a sequence or a dictionary for its arguments."""
    return any(isinstance(a, ast.Starred) for a in call.args) or not all(
        keyword.arg for keyword in call.keywords
    )


def _arguments(function: ast.FunctionDef) -> list[str]:
    return [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]


def _given(
    function: ast.FunctionDef, call: ast.Call, name: str
) -> tuple[ast.expr | None, ast.AST | None]:
    """Return what a call gives for an argument, the default if nothing, and the part of the call that does."""
    arguments = function.args
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value, keyword
    places = [a.arg for a in arguments.args]
    if name in places:
        at = places.index(name)
        if at < len(call.args):
            return call.args[at], call.args[at]
        defaults = [*[None] * (len(places) - len(arguments.defaults)), *arguments.defaults]
        return defaults[at], None
    keywords = {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)}
    return keywords[name], None


def _put(
    cells: Sequence[str],
    trees: Sequence[ast.Module],
    function: ast.FunctionDef,
    name: str,
    value: ast.Constant,
    calls: Sequence[ast.Call],
) -> list[str] | None:
    """Return cells in which a function has a constant for an argument; None where that cannot be written."""
    changed = []
    for cell, tree in zip(cells, trees, strict=True):
        inside = {id(node) for node in ast.walk(tree)}
        edits: list[Edit] = []
        if id(function) in inside:
            edits += [
                (*span(part), _text(value.value))
                for part in _scope(function, name)
                if isinstance(part, ast.Name) and part.id == name
            ]
            edits.append(_signature(cell, function, name))
        for call in calls:
            _, part = _given(function, call, name)
            if id(call) in inside and part is not None:
                edits.append((*span(call), _called(cell, call, part)))
        if len(_apart(iter(edits))) < len(set(edits)) or any("#" in edit[4] for edit in edits):
            return None
        changed.append(edited(cell, edits))
        ast.parse(changed[-1])
    return changed


def _listed(opening: str, parts: Sequence[str], closing: str, indent: int) -> str:
    """Return what stands in brackets on one line, or on one each."""
    line = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in line and indent + len(line) <= WIDEST:
        return line
    inner = " " * (indent + 4)
    return f"{opening}\n" + "".join(f"{inner}{part},\n" for part in parts) + " " * indent + closing


def _signature(cell: str, function: ast.FunctionDef, name: str) -> Edit:
    """Return the edit that takes an argument out of a function's head."""
    arguments = function.args
    defaults = [
        *[None] * (len(arguments.args) - len(arguments.defaults)), *arguments.defaults
    ]  # fmt: skip

    def one(argument: ast.arg, default: ast.expr | None) -> str:
        kind = f": {_source(cell, argument.annotation)}" if argument.annotation else ""
        equal = " = " if kind else "="
        return f"{argument.arg}{kind}" + (f"{equal}{_source(cell, default)}" if default else "")

    parts = [
        one(a, d) for a, d in zip(arguments.args, defaults, strict=True) if a.arg != name
    ]  # fmt: skip
    named = [
        one(a, d)
        for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if a.arg != name
    ]
    if arguments.vararg:
        parts.append(f"*{one(arguments.vararg, None)}")
    elif named:
        parts.append("*")
    parts += named
    if arguments.kwarg:
        parts.append(f"**{one(arguments.kwarg, None)}")
    returns = f" -> {_source(cell, function.returns)}" if function.returns else ""
    head = _listed(f"def {function.name}(", parts, f"){returns}:", function.col_offset)
    first = function.body[0]
    return (function.lineno, function.col_offset, first.lineno - 1, 10**6, head)


def _called(cell: str, call: ast.Call, without: ast.AST) -> str:
    """Return a call without one of its arguments."""
    kept = [a for a in (*call.args, *call.keywords) if a is not without]
    parts = [_source(cell, a) for a in kept]  # type: ignore[arg-type]
    line = cell.split("\n")[call.lineno - 1]
    return _listed(f"{_source(cell, call.func)}(", parts, ")", len(line) - len(line.lstrip()))
