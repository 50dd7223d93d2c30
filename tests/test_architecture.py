"""Imports go down the floors and never up; small modules; no print, no pickle; text is UTF-8 everywhere."""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import CodeType

import pytest

import chapters_lib

PACKAGE = Path(chapters_lib.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
FLOORS = (
    ("__init__", "errors"),
    ("reproducibility", "folders"),
    ("data",),
    ("models",),
    ("objectives",),
    ("checkpoint",),
    ("training",),
    ("evaluation",),
    ("recording",),
    ("recipes",),
    ("experiments",),
    ("figures",),
    ("explorers", "assignments", "findings"),
    ("pages",),
    ("submission", "gallery"),
    ("command_line",),
    ("__main__",),
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}
LONGEST = 60  # lines of a function
PICKLES = {"pickle", "cPickle", "dill", "joblib", "shelve", "cloudpickle"}


parsed = cache(ast.parse)


@cache
def sources() -> dict[str, str]:
    """Return the text of every module by its dotted name below the package."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }


def test_a_configuration_is_read_and_not_its_class() -> None:
    """A default that is read off the class is what is done, whatever the configuration says."""
    default = re.compile(r"\b[A-Z]\w*Config\.[a-z]\w*")
    assert {
        name: found for name, text in sources().items() if (found := default.findall(text))
    } == {}


def imported(source: str, modules: set[str]) -> set[str]:
    """Return the dotted names below the package that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name != "chapters_lib" and not name.startswith("chapters_lib."):
                continue
            parts = name.split(".")[1:]
            while (
                parts
                and ".".join(parts) not in modules
                and f"{'.'.join(parts)}.__init__" not in modules
            ):
                parts.pop()  # a function or class: the module that holds it counts
            found.add(".".join(parts) or "__init__")
    return found


def floor(module: str) -> int:
    top = module.split(".")[0]
    assert top in FLOOR, (
        f"{top} has no floor yet: place it in FLOORS and in the package's docstring"
    )
    return FLOOR[top]


def upward(texts: dict[str, str]) -> list[str]:
    """Return the imports that go up, or sideways into another package of the same floor."""
    wrong = []
    for module, source in texts.items():
        for target in imported(source, set(texts)):
            same = target.split(".")[0] == module.split(".")[0]
            if floor(target) > floor(module) or (floor(target) == floor(module) and not same):
                wrong.append(f"{module} imports {target}")
    return wrong


def circles(texts: dict[str, str]) -> list[str]:
    """Return the modules that import themselves, through whatever chain; a package's __init__ aside."""
    graph = {
        module: {
            t for t in imported(source, set(texts)) if t in texts and not t.endswith("__init__")
        }
        for module, source in texts.items()
        if not module.endswith("__init__")
    }
    wrong = []
    for start in graph:
        seen: set[str] = set()
        open_ends = set(graph[start])
        while open_ends:
            module = open_ends.pop()
            seen.add(module)
            open_ends |= graph.get(module, set()) - seen
        if start in seen:
            wrong.append(start)
    return wrong


def calls(source: str) -> list[ast.Call]:
    return [node for node in ast.walk(parsed(source)) if isinstance(node, ast.Call)]


def prints(texts: dict[str, str]) -> list[str]:
    return [
        f"{module}:{call.lineno}"
        for module, source in texts.items()
        if module not in ("command_line", "__main__", "submission.carried")  # which packs write out
        for call in calls(source)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]


def pickles(texts: dict[str, str]) -> list[str]:
    """Return where objects could be pickled: the modules for it, and loads that would run what they read."""
    wrong = []
    for module, source in texts.items():
        for node in ast.walk(parsed(source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
                if PICKLES & {name.split(".")[0] for name in names}:
                    wrong.append(f"{module}:{node.lineno}")
        for call in calls(source):
            options = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
            name = ast.unparse(call.func)
            if (name == "torch.load" and options.get("weights_only") is not True) or (
                name == "np.load" and options.get("allow_pickle") is not False
            ):
                wrong.append(f"{module}:{call.lineno}")
            if (
                name == "torch.save" and module != "checkpoint"
            ):  # a checkpoint, read back with weights_only
                wrong.append(f"{module}:{call.lineno}")
    return wrong


def asserted(texts: dict[str, str]) -> list[str]:
    """Return where the type of a value is asserted that code with types would have."""
    return [
        f"{module}:{node.lineno}"
        for module, source in texts.items()
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Assert) and "isinstance(" in ast.unparse(node.test)
    ]


def decodes(call: ast.Call) -> bool:
    """Whether a call reads or writes text, as far as its own words tell."""
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    options = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
    if name == "open":
        modes = [getattr(argument, "value", None) for argument in call.args[0 if method else 1 :]]
        mode = str(options.get("mode", modes[0] if modes else "r"))
        return set(mode) <= set("rwaxt+")
    return (method and name in ("read_text", "write_text")) or options.get("text") is True


def without_encoding(texts: dict[str, str]) -> list[str]:
    """Return where text would be read or written in whatever encoding the machine is set to."""
    return [
        f"{module}:{call.lineno}"
        for module, source in texts.items()
        for call in calls(source)
        if decodes(call) and "encoding" not in {k.arg for k in call.keywords}
    ]


def test_text_is_read_and_written_as_utf8() -> None:
    files = [
        p for top in ("src", "tests", "book", "benchmarks") for p in (ROOT / top).rglob("*.py")
    ]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}
    assert without_encoding(texts) == []


def test_imports_go_down() -> None:
    assert upward(sources()) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(sources()) == []


def test_figures_know_no_model() -> None:
    texts = sources()
    drawing = {module for module in texts if module.split(".")[0] == "figures"}
    known = {t.split(".")[0] for module in drawing for t in imported(texts[module], set(texts))}
    assert drawing and not known & {
        "models",
        "objectives",
        "evaluation",
        "recording",
        "recipes",
        "experiments",
    }


def long_functions(texts: dict[str, str]) -> dict[str, int]:
    return {
        f"{module}.{node.name}": length
        for module, source in texts.items()
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST
    }


def test_functions_are_short() -> None:
    assert long_functions(sources()) == {}


def test_the_loop_fits_on_a_screen() -> None:
    """A chapter prints it as it stands."""
    (fit,) = (
        node
        for node in ast.walk(ast.parse(sources()["training"]))
        if isinstance(node, ast.FunctionDef) and node.name == "fit"
    )
    assert (fit.end_lineno or 0) - fit.lineno + 1 <= 45


def test_only_the_command_line_prints() -> None:
    assert prints(sources()) == []


def test_nothing_is_pickled() -> None:
    assert pickles(sources()) == []


def test_types_are_declared_and_not_asserted() -> None:
    assert asserted(sources()) == []


def test_library_says_its_floors() -> None:
    """The package's docstring names the floors in this order."""
    text = (chapters_lib.__doc__ or "").partition("::")[2]
    named = [name for names in FLOORS for name in names if name in text.replace(",", " ").split()]
    places = [text.index(name) for name in named]
    assert len(named) >= 10 and places == sorted(places)


@pytest.mark.parametrize(
    "source",
    [
        "from chapters_lib.recording import runs",
        "from chapters_lib.recording.record import record",
        "import chapters_lib.training",
        "def f():\n    from chapters_lib.evaluation.fid import moments",
    ],
)
def test_an_upward_import_is_found(source: str) -> None:
    assert upward(dict.fromkeys(sources(), "") | {"data": source}) != []


def test_a_circle_is_found() -> None:
    texts = {
        "models.a": "from chapters_lib.models.b import x",
        "models.b": "from chapters_lib.models import c",
        "models.c": "import chapters_lib.models.a",
    }
    assert circles(texts) == ["models.a", "models.b", "models.c"]


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (prints, "def f():\n    print(1)"),
        (long_functions, "def f():\n" + "    x = 1\n" * 60),
        (asserted, "assert x and isinstance(x, int)"),
        (pickles, "import pickle"),
        (pickles, "from joblib import dump"),
        (pickles, "torch.load(path)"),
        (pickles, "np.load(path, allow_pickle=True)"),
        (pickles, "torch.save(model, path)"),
        (without_encoding, "path.read_text()"),
        (without_encoding, "path.open('w', newline='')"),
        (without_encoding, "open(path)"),
        (without_encoding, "run(command, capture_output=True, text=True)"),
    ],
)
def test_what_is_forbidden_is_found(check, source: str) -> None:
    assert check({"data": source})


def undefined(code: CodeType, known: set[str]) -> set[str]:
    """Return the global names that code asks for and that are not known; the annotations hide them from linters."""
    asked = {part.argval for part in dis.get_instructions(code) if part.opname == "LOAD_GLOBAL"}
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return (asked - known).union(*(undefined(part, known) for part in inner))


def test_every_name_is_defined() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "__main__.py":
            continue
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        module = importlib.import_module(name.removesuffix(".__init__"))
        code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        if missing := undefined(code, {*vars(module), *vars(builtins)}):
            found[name] = missing
    assert found == {}
    program = compile("def f():\n    return lambda: g(len)", "a", "exec")
    assert undefined(program, {"len"}) == {"g"}


def test_a_command_starts_without_what_takes_seconds_to_import() -> None:
    slow = ("scipy", "sklearn", "matplotlib", "pandas", "torchvision")
    code = f"import sys, chapters_lib.command_line; print([m for m in {slow} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
