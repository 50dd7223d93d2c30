"""From a pack's source to a notebook that runs alone."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from chapters_lib.assignments import Sheet
from chapters_lib.errors import ChaptersError
from chapters_lib.submission.inline import FUTURE, Inliner
from chapters_lib.submission.pruning import mentioned, pruned
from chapters_lib.submission.sources import QUESTION, SOURCES

NUMBER = re.compile(r"\{number\}`([\w.-]+) ([\w.:-]+) ([\w.,%]+)`")
SAID = re.compile(r"\{said\}`([\w.-]+)(?: ([\w.,%]+))?`")
# Sheets whose report is a text of its own, and the runs that its pack carries in record/.
CARRIED = {
    "hw7": (
        *("vae-fc-mnist", "vae-fc-mnist-ladder", "vae-fc-mnist-no-dropout"),
        *(f"vae-fc-mnist-weight-{weight}" for weight in ("0", "0.1", "0.5", "2", "4")),
        *("vae-fc-mnist-dropout-0.1", "gan-fc-mnist", "judge-mnist"),
    ),
    "a4-fashion": (
        *("ae-fashion-mnist", "ae-normalized-fashion-mnist", "naive-blur-fashion-mnist"),
        "ae-study-fashion-mnist",
        *("ae-fashion-mnist-25-epochs", "ae-normalized-fashion-mnist-batch-1024"),
        *("vae-2d-fashion-mnist", "vae-2d-moved-fashion-mnist", "judge-fashion-mnist"),
        *(
            f"vaegan-fashion-mnist-{end}"
            for end in ("both", "equal-rates", "noise", "faster-dis", "faster-dis-samples")
        ),
        "vaegan-fashion-mnist-faster-dis-samples-layer-3",
        *(f"vaegan-fashion-mnist-both-layer-{layer}" for layer in range(4)),
        *("vaegan-disl-fashion-mnist", "vaegan-conv-fashion-mnist", "vae-conv-fashion-mnist"),
        *("vaegan-study-fashion-mnist", "vae-fashion-mnist"),
    ),
    "a4-mnist": (
        *("ae-mnist", "ae-mnist-25-epochs", "ae-study-mnist", "ae-normalized-mnist"),
        *("naive-blur-mnist", "vae-2d-mnist", "vae-2d-moved-mnist", "judge-mnist"),
        *(
            f"vaegan-mnist-layer-3{end}"
            for end in ("", "-noise", "-faster-dis", "-faster-dis-moved")
        ),
    ),
    "a4a": (
        *(
            f"{kind}-{name}"
            for name in ("mnist", "house-numbers")
            for kind in ("vae-gaussian", "vae-realnvp", "gan", "compared", "judge", "measures")
        ),
        *("nll-pairs-mnist", "vae-gaussian-wide-mnist", "specks-mnist", "sent-through-mnist"),
        *(f"vae-{prior}-mnist-320-epochs" for prior in ("gaussian", "realnvp")),
        *("redrawn-mnist", "redrawn-real-mnist"),
        *("real-mnist-float32", "gan-both-convolutional-mnist"),
        "house-numbers-beside-svhn",
    ),
    "hw5": (
        *("dcgan-mnist", "dcgan-mnist-batch-128", "dcgan-mnist-nonsaturating", "judge-mnist"),
        *("dcgan-pretraining-mnist", "dcgan-end-to-end-mnist", "dcgan-yardsticks-mnist"),
        *(f"rbm-kmnist-{m}{more}" for m in (16, 64, 256) for more in ("", "-updates")),
        "rbm-kmnist-64-global",
        *(f"vae-fashion-mnist{more}" for more in ("", "-tuning", "-320-epochs")),
        *("cvae-fashion-mnist", "cvae-decoder-only-fashion-mnist", "judge-fashion-mnist"),
        "cvae-class-codes-fashion-mnist",
    ),
}
BESIDE = {"hw7": "script", "hw5": "notebooks"}  # what lies beside a report, where not one notebook
PRINTED = (  # of the sheets that ask for the notebook as a PDF, too
    "Of the two PDF files one is the report, with the main definitions; the other is the whole notebook. "
)
ANEW = {  # what TRAIN trains, where not seed 0 of what has its weights in record/
    "hw7": "every network anew, under each seed",
    "a4-fashion": "seed 0 of the networks anew",
    "hw5": "seed 0 of every network anew",
    "a4a": "anew, seed 0 each, the models of Tables 4 and 7 whose images can be had",
}
SWITCH = re.compile(r"^(?:TRAIN|EVALUATE|SMOKE) = .*\n", re.MULTILINE)
# What a module that is imported belongs to, where the package has another name.
PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow"}
REFERENCES = "## References"
NUMBERS = "### The code: the numbers of the text, from `record/`"
MISCONDUCT = (
    "This is a worked example, for checking a solution of one's own against one whose numbers are known, and for "
    "teachers who set such a sheet. **Handing in another's work as one's own is misconduct**, and this text is "
    "another's work."
)


def build(sheet: Sheet, source: str, names: tuple[str, ...], *, blank: bool) -> Any:
    """Return the notebook of a pack, not executed; `blank` leaves answers, results and bodies out.

    Parameters
    ----------
    source
        text of a MyST notebook: its lines ``{question}`NAME``` are filled in from the sheet, and
        its imports from the library are written out. Cells tagged ``given`` stay whole in a blank
        version. Numbers ``{number}`RUN KEY FORMAT``` are printed by a cell at its end.
    """
    from myst_nb.core.read import read_myst_markdown_notebook
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    parsed = read_myst_markdown_notebook(source)
    inliner, cells = Inliner(), []
    for cell in parsed.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            asked = _asked(cell.source) if blank and "code" not in tags else cell.source
            if text := QUESTION.sub(lambda m: _question(sheet, m[1]), asked).strip("\n"):
                kept = {"tags": ["code"]} if "code" in tags else {}
                cells.append(new_markdown_cell(text, metadata=kept))
            continue
        if blank and "said" in tags:
            continue  # it words the answers' sentences
        code = inliner.cell(cell.source, skeleton=blank and "given" not in tags)
        if blank and "given" not in tags and not _defines(code):
            code = "# Yours to write."
        if code:
            marked = [tag for tag in tags if tag in ("shown", "said", "printed")]
            shown = {"tags": marked, "alt": cell.metadata.get("alt", "")}
            cells.append(new_code_cell(code, metadata=shown if marked else {}))
    if not blank:
        marks = NUMBER.finditer(_read(cells))
        if wanted := list(dict.fromkeys(match.groups() for match in marks)):
            cells.append(new_markdown_cell(NUMBERS, metadata={"tags": ["code"]}))
            cells.append(new_code_cell(inliner.cell(_numbers(wanted)), metadata={"tags": ["said"]}))
        cells = _pruned(cells, inliner)
        if works := cited(_read(cells)):
            cells.append(new_markdown_cell(references(works)))
    if inliner.imports:
        first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
        cells[first].source = f"{inliner.header()}\n\n\n{_switches_first(cells[first].source)}"
    head = _opening(sheet, names, requirements(inliner, cells), blank)
    notebook = new_notebook(cells=[new_markdown_cell(head), *cells])
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"  # the same at every build
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    return notebook


def _switches_first(source: str) -> str:
    """Put the switches of a cell, such as ``TRAIN = False``, above what is written out in it."""
    rest = re.sub(r"\n{4,}", "\n\n\n", SWITCH.sub("", source))
    return "\n".join(
        [*(match[0].strip() for match in SWITCH.finditer(source)), "", "", rest]
    ).strip("\n")


def _read(cells: list[Any]) -> str:
    """Return what of cells stands in print: the text, and the code that is printed."""
    return "\n".join(
        cell.source
        for cell in cells
        if cell.cell_type == "markdown" or "printed" in cell.metadata.get("tags", [])
    )


def _pruned(cells: list[Any], inliner: Inliner) -> list[Any]:
    """Leave out of a notebook's code what nothing in it uses, and of the imports those that this needed."""
    from chapters_lib.submission.report import filled

    codes, ours = [c for c in cells if c.cell_type == "code"], set(inliner.names.values())
    for cell, code in zip(codes, pruned([cell.source for cell in codes], ours), strict=True):
        cell.source = filled(code)
    used = mentioned([cell.source for cell in codes])
    inliner.imports = {name: text for name, text in inliner.imports.items() if name in used}
    return [cell for cell in cells if cell.source]


def _asked(text: str) -> str:
    """Return the questions of a text without what answers them."""
    lines = [line for line in text.split("\n") if line.startswith("{question}")]
    return "\n\n".join(f"{line}\n\n*Your answer.*" for line in lines)


def _numbers(wanted: Sequence[tuple[str, ...]]) -> str:
    """Return a cell that prints recorded numbers under the marks that ask for them."""
    marks = "".join(f"    {mark!r},\n" for mark in wanted)
    return (
        "import json\nfrom chapters_lib.submission.carried import recorded\n"
        f"WANTED = [\n{marks}]\n"
        'print(json.dumps({" ".join(mark): recorded(*mark) for mark in WANTED}, indent=1))\n'
    )


def fill(notebook: Any) -> Any:
    """Put into the text of an executed notebook what its cells tagged ``said`` print, a JSON of numbers and words each.

    ``{said}`KEY FORMAT``` is a number; ``{said}`KEY``` words as they are; ``{number}`RUN KEY
    FORMAT``` a recorded number.

    Raises
    ------
    ChaptersError
        if the text asks for what no cell says.
    """
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    said: dict[str, Any] = {}
    for cell in notebook.cells:
        if "said" in cell.metadata.get("tags", []):
            said |= json.loads("".join(output.get("text", "") for output in cell.outputs))

    def word(match: re.Match[str]) -> str:
        if match[1] not in said:
            raise ChaptersError(f"the text says {match[1]!r}, which no cell prints")
        found = format(said[match[1]], match[2] or "")
        return _set(found.replace("-", "\N{MINUS SIGN}")) if match[2] else found

    for cell in texts:
        cell.source = NUMBER.sub(lambda m: _set(str(said[" ".join(m.groups())])), cell.source)
        cell.source = SAID.sub(word, cell.source)
        cell.source = re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", cell.source)
    return notebook


def _set(number: str) -> str:
    """Return a number as it is printed: a minus sign for a hyphen, and a space before the sign of per cent."""
    return re.sub(
        r"(?<=\d)%$", "\N{NO-BREAK SPACE}%", re.sub(r"^-(?=\d)", "\N{MINUS SIGN}", number)
    )


def cited(text: str) -> list[str]:
    """Return the works that a text cites by author and year, as the book's bibliography has them."""
    import pybtex
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    path = SOURCES.parent / "book" / "references.bib"
    keys = []
    for key, entry in parse_file(str(path)).entries.items():
        names = [" ".join(p.prelast_names + p.last_names) for p in entry.persons["author"]]
        who = names[0] + (
            " et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else ""
        )
        who = str(Text.from_latex(who))
        year = entry.fields["year"]
        if any(f"{who}{between}{year}" in text for between in (" (", ", ", " ")):
            keys.append(key)
    if not keys:
        return []
    listed = pybtex.format_from_file(str(path), "plain", keys, output_backend="plaintext")
    return re.findall(r"^\[\d+\] (.+)$", listed, re.MULTILINE)


def references(works: list[str]) -> str:
    """Return the last cell of a notebook: what it cites."""
    return "\n".join([REFERENCES, "", *(f"- {work}" for work in works)])


def requirements(inliner: Inliner, cells: Sequence[Any]) -> str:
    """Return the pinned packages that the code written out in cells needs, as pip takes them."""
    pinned = dict(
        line.split("==")
        for line in (SOURCES.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if re.fullmatch(r"[\w.-]+==[\w.]+", line)
    )
    modules = {statement.split()[1].split(".")[0] for statement in inliner.imports.values()}
    wanted = {PACKAGES.get(module, module) for module in modules} | {"scikit-learn", "ipykernel"}
    if "torchvision" in mentioned([cell.source for cell in cells if cell.cell_type == "code"]):
        wanted.add("torchvision")  # imported by its name
    return " ".join(f"{name}=={pinned[name]}" for name in sorted(wanted & set(pinned)))


def _defines(code: str) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(code).body)


def _opening(sheet: Sheet, names: tuple[str, ...], packages: str, blank: bool) -> str:
    """Return the first cell: title, names, what this is, and what it needs."""
    who = "" if blank else f"**{', '.join(names)}**\n\n"
    asked = "\n".join(
        f"- **{q.name}** ({q.points:g} points{', on top' if q.bonus else ''}): {q.asked}"
        for q in sheet.questions
    )
    if not blank:
        beside = BESIDE.get(sheet.name, "notebook")
        anew = ANEW.get(
            sheet.name, "anew, seed 0 each, the networks whose weights are in `record/`"
        )
        draws, prints = ("draw", "print") if beside.endswith("s") else ("draws", "prints")
        return (
            f"# {sheet.title}\n\n{who}{MISCONDUCT}\n\n"
            f"The report's {beside} {draws} its figures and {prints} its numbers, from trained weights, "
            "learning curves and measures in `record/`. At the top of "
            f"the code `TRAIN = True` trains {anew}. {PRINTED * sheet.name.startswith('a4-')}"
            "The code needs Python 3.11 or newer and\n\n"
            f"    pip install {packages}"
        )
    return (
        f"# {sheet.title}\n\n{asked}\n\n## Before you begin\n\nThe code needs Python 3.11 or newer and\n\n"
        f"    pip install {packages}\n\nFunctions whose body is `raise NotImplementedError` are yours to "
        "write, and so are the answers. Write your own; handing in another's work as one's own is misconduct."
    )


def _question(sheet: Sheet, name: str) -> str:
    """Return a question's heading, and what it asks."""
    found = next((q for q in sheet.questions if q.name == name), None)
    if found is None:
        raise ChaptersError(f"the sheet {sheet.name} has no question {name!r}")
    points = f"{found.points:g} point{'s' if found.points != 1 else ''}"
    return f"## {name} ({points})\n\n*The task, in our words:* {found.asked}"


def script(notebook: Any) -> str:
    """Return a notebook as a Python file in which Markdown stands in comments, cells marked by ``# %%``."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts.append(f"# %%\n{cell.source}")
        else:
            parts.append(
                "# %% [markdown]\n"
                + "\n".join(f"# {line}".rstrip() for line in cell.source.split("\n"))
            )
    text = "\n\n".join(parts) + "\n"
    return f"{FUTURE}\n\n" + text.replace(f"{FUTURE}\n\n", "", 1)
