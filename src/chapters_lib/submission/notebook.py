"""From a pack's source to a notebook that runs alone."""

from __future__ import annotations

import ast
import base64
import json
import re
from typing import Any

from chapters_lib.assignments import Sheet
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.submission.chapters import Block, Book, Heading, Shown
from chapters_lib.submission.inline import FUTURE, Inliner
from chapters_lib.submission.sources import SOURCES

NUMBER = re.compile(r"\{number\}`([\w.-]+) ([\w.:-]+) ([\w.,%]+)`")
SAID = re.compile(r"\{said\}`([\w.-]+)(?: ([\w.,%]+))?`")
# Sheets whose report is a text of its own, and the runs that its pack carries in record/.
CARRIED = {
    "hw7": (
        *("vae-fc-mnist", "vae-fc-mnist-ladder", "vae-fc-mnist-no-dropout"),
        *(f"vae-fc-mnist-weight-{weight}" for weight in ("0", "0.1", "0.5", "2", "4")),
        *("gan-fc-mnist", "gan-fc-mnist-nonsaturating", "gan-fc-mnist-collapse", "judge-mnist"),
    ),
    "a4-fashion": (
        *("ae-fashion-mnist", "ae-normalized-fashion-mnist", "naive-blur-fashion-mnist"),
        *("ae-normalized-fashion-mnist-batch-1024", "vae-2d-fashion-mnist", "judge-fashion-mnist"),
        *(f"vaegan-fashion-mnist{end}" for end in ("", "-paper", "-both")),
        *(f"vaegan-fashion-mnist-both-layer-{layer}" for layer in range(4)),
        *("vaegan-disl-fashion-mnist", "vaegan-conv-fashion-mnist", "vae-conv-fashion-mnist"),
        *("vaegan-study-fashion-mnist", "vaegan-rivals-fashion-mnist", "vae-fashion-mnist"),
    ),
    "a4-mnist": (
        *("ae-mnist", "ae-normalized-mnist", "naive-blur-mnist", "vae-2d-mnist", "judge-mnist"),
        *("vaegan-mnist-layer-3", "vaegan-mnist-both", "vaegan-mnist"),
    ),
    "a4a": (
        *(
            f"{kind}-{name}"
            for name in ("mnist", "house-numbers")
            for kind in ("vae-gaussian", "vae-realnvp", "gan", "compared", "judge", "measures")
        ),
        *("nll-pairs-mnist", "vae-gaussian-wide-mnist", "specks-mnist"),
        "house-numbers-beside-svhn",
    ),
    "hw5": (
        *("dcgan-mnist", "dcgan-mnist-batch-128", "dcgan-mnist-nonsaturating", "judge-mnist"),
        *("dcgan-pretraining-mnist", "dcgan-end-to-end-mnist"),
        *(f"rbm-kmnist-{m}{more}" for m in (16, 64, 256) for more in ("", "-updates")),
        "rbm-kmnist-64-global",
        *("vae-fashion-mnist", "vae-fashion-mnist-tuning"),
        *("cvae-fashion-mnist", "cvae-decoder-only-fashion-mnist", "judge-fashion-mnist"),
    ),
}
BESIDE = {"hw7": "script", "hw5": "notebooks"}  # what lies beside a report, where not one notebook
PART = re.compile(r"^\{(question|answer|recorded)\}`([^`]+)`$")
# What a module that is imported belongs to, where the package has another name.
PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow"}
TITLE = "Learning to Generate"
REFERENCE = re.compile(r"\b(Figure|Table|Exercise|Theorem|Lemma) (\d+\.\d+)")
REFERENCES = "## References"
EQUATIONS = "**From the book, the equations that are referred to:**"
MISCONDUCT = (
    "This is a worked example, for checking a solution of one's own against one whose numbers are known, and for "
    "teachers who set such a sheet. **Handing in another's work as one's own is misconduct**, and that includes this."
)


def build(sheet: Sheet, source: str, book: Book, names: tuple[str, ...], *, blank: bool) -> Any:
    """Return the notebook of a pack, not executed; `blank` leaves answers, results and bodies out.

    Parameters
    ----------
    source
        text of a MyST notebook: its lines ``{question}`NAME```, ``{answer}`LABEL``` and
        ``{recorded}`LABEL``` are filled in from the sheet and the book, and its imports from the
        library are written out. Cells tagged ``given`` stay whole in a blank version.
    """
    from myst_nb.core.read import read_myst_markdown_notebook
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    parsed = read_myst_markdown_notebook(source)
    writer, inliner = _Writer(sheet, book, blank), Inliner()
    cells = []
    for cell in parsed.cells:
        if cell.cell_type == "markdown":
            own = sheet.name in CARRIED and "code" not in cell.metadata.get("tags", [])
            asked = _questions(cell.source) if blank and own else cell.source
            text, attachments = writer.markdown(asked)
            if text:
                kept = {"tags": ["code"]} if "code" in cell.metadata.get("tags", []) else {}
                cells.append(new_markdown_cell(text, attachments=attachments, metadata=kept))
            continue
        tags = cell.metadata.get("tags", [])
        code = inliner.cell(cell.source, skeleton=blank and "given" not in tags)
        if blank and "given" not in tags and not _defines(code):
            code = "# Yours to write."
        if code:
            marked = [tag for tag in tags if tag in ("shown", "said", "printed")]
            shown = {"tags": marked, "alt": cell.metadata.get("alt", "")}
            cells.append(new_code_cell(code, metadata=shown if marked else {}))
    if not blank:
        answers = [cell for cell in cells if cell.cell_type == "markdown"]
        _complete(answers, book)
        if works := cited("\n".join(cell.source for cell in answers)):
            cells.append(new_markdown_cell(references(works)))
    if inliner.imports:
        first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
        cells[first].source = f"{inliner.header()}\n\n\n{cells[first].source}"
    head = _opening(sheet, names, requirements(inliner), blank)
    notebook = new_notebook(cells=[new_markdown_cell(head), *cells])
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"  # the same at every build
        if not cell.get("attachments", True):
            del cell["attachments"]
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    return notebook


def _questions(text: str) -> str:
    """Return the questions of a report of its own, without what answers them."""
    lines = [line for line in text.split("\n") if line.startswith("{question}")]
    return "\n\n".join(f"{line}\n\n*Your answer.*" for line in lines)


def fill(notebook: Any) -> Any:
    """Put into the text of an executed notebook what its cells tagged ``said`` print, a JSON of numbers and words each.

    ``{said}`KEY FORMAT``` is a number; ``{said}`KEY``` words as they are.

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
        return format(said[match[1]], match[2] or "").replace(
            "-", "\N{MINUS SIGN}" if match[2] else "-"
        )

    for cell in texts:
        cell.source = SAID.sub(word, cell.source)
    return notebook


def _complete(cells: list[Any], book: Book) -> None:
    """Repeat the equations that answers refer to, and say of a figure that only the book has it."""
    whole = "\n".join(cell.source for cell in cells)
    repeated = set(re.findall(r"\\tag\{([\d.]+)\}", whole))
    shown = set(re.findall(r"\*((?:Figure|Table) [\d.]+): ", whole))
    for cell in cells:
        wanted = dict.fromkeys(re.findall(r"Eq\. \(([\d.]+)\)", cell.source))  # in their order
        missing = [n for n in wanted if n not in repeated and n in book.equations]
        repeated |= set(missing)
        cell.source = REFERENCE.sub(
            lambda match: match[0] if match[0] in shown else f"{match[0]} of the book", cell.source
        )
        if missing:
            equations = "\n\n".join(book.equations[number] for number in missing)
            cell.source += f"\n\n{EQUATIONS}\n\n{equations}"


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
        if f"{who} ({entry.fields['year']})" in text or f"{who}, {entry.fields['year']}" in text:
            keys.append(key)
    if not keys:
        return []
    listed = pybtex.format_from_file(str(path), "plain", keys, output_backend="plaintext")
    return re.findall(r"^\[\d+\] (.+)$", listed, re.MULTILINE)


def references(works: list[str]) -> str:
    """Return the last cell of a notebook: what it cites."""
    return "\n".join([REFERENCES, "", *(f"- {work}" for work in works)])


def requirements(inliner: Inliner) -> str:
    """Return the pinned packages that the code written out needs, as pip takes them."""
    pinned = dict(
        line.split("==")
        for line in (SOURCES.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if re.fullmatch(r"[\w.-]+==[\w.]+", line)
    )
    modules = {statement.split()[1].split(".")[0] for statement in inliner.imports.values()}
    wanted = {PACKAGES.get(module, module) for module in modules} | {
        "torchvision",
        "scikit-learn",
        "ipykernel",
    }
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
    if sheet.name in CARRIED and not blank:
        return (
            f"# {sheet.title}\n\n{who}{MISCONDUCT}\n\n"
            f"The {BESIDE.get(sheet.name, 'notebook')} beside this report made all its figures and numbers, from "
            "trained weights, learning curves and measures in `record/`. `TRAIN = True` trains the networks anew on "
            "the data sets and compares their weights with the recorded ones, `EVALUATE = True` measures new images "
            f"again. Needed are Python 3.11 or newer and\n\n    pip install {packages}"
        )
    if blank:
        return (
            f"# {sheet.title}\n\n{asked}\n\n## Before you begin\n\nThe code needs Python 3.11 or newer and\n\n"
            f"    pip install {packages}\n\nFunctions whose body is `raise NotImplementedError` are yours to "
            "write, and so are the answers. Write your own; handing in another's work as one's own is misconduct."
        )
    return (
        f"# {sheet.title}\n\n{who}{MISCONDUCT}\n\n"
        f"It is made from the book *{TITLE}*. Figures and tables marked *recorded* come from its trainings at full "
        "scale and are not computed here; the numbers in the answers are read from the same records. Figures, tables "
        "and equations keep the numbers that they have in the book. *The judge* is a classifier that the book trained "
        "on the data set: `recognisable` is the share of new images of whose class it is sure (a probability of at "
        "least 0.9), `class_entropy` says how evenly they fall on the classes (1: evenly), and `fid_judge` is the "
        "Fréchet distance to real images in its features.\n\n"
        f"The code needs Python 3.11 or newer and\n\n    pip install {packages}\n\n"
        "As it stands it trains on small digits, to show that it runs, and takes about a minute; set `QUICK = False` "
        "to train in full."
    )


def _number(match: re.Match[str]) -> str:
    """Return a recorded number as text: a metric, or another by the word before the colon.

    ``first:``, ``last:`` and ``at-5:`` are epochs of seed 0's curve, ``config:`` a setting, ``by:`` what the
    provenance says, ``gap:`` test minus training.
    """
    name, key, spec = match.groups()
    run = runs.load(name)
    kind, _, of = key.rpartition(":")
    value: Any
    if kind in ("first", "last") or kind.startswith("at-"):
        at = {"first": 0, "last": -1}.get(kind)
        epoch = int(kind.removeprefix("at-")) - 1 if at is None else at
        value = float(run.history.where("seed", 0).column(of)[epoch])
    elif kind == "config":
        value = run.config[of]
    elif kind == "by":
        value = run.provenance[of]
    elif kind == "gap":
        value = run[f"test_{of}"] - run[f"train_{of}"]
    elif key.endswith("_sem"):
        value = run.metric(key.removesuffix("_sem")).sem
    else:
        value = run[key]
    return format(value, spec)


class _Writer:
    def __init__(self, sheet: Sheet, book: Book, blank: bool):
        self.sheet, self.book, self.blank = sheet, book, blank
        self.drawn: set[str] = set()

    def markdown(self, source: str) -> tuple[str, dict[str, Any]]:
        """Fill in a Markdown cell; return it with the pictures that it shows."""
        out: list[str] = []
        attachments: dict[str, Any] = {}
        for line in source.split("\n"):
            match = PART.match(line.strip())
            if not match:
                out.append(line)
                continue
            kind, what = match.groups()
            if kind == "question":
                out.append(self._question(what))
            elif kind == "answer":
                out.append(self._answer(what, attachments))
            elif not self.blank:
                out.append(self._recorded(self.book.shown(what), attachments))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n")
        return NUMBER.sub(_number, text), attachments

    def _question(self, name: str) -> str:
        found = next((q for q in self.sheet.questions if q.name == name), None)
        if found is None:
            raise ChaptersError(f"the sheet {self.sheet.name} has no question {name!r}")
        points = f"{found.points:g} point{'s' if found.points != 1 else ''}"
        behind = (
            f"\n\nRecorded behind this answer: `{'`, `'.join(found.runs)}`."
            if found.runs and self.sheet.name not in CARRIED
            else ""
        )
        return f"## {name} ({points})\n\n> {found.asked}{'' if self.blank else behind}"

    def _answer(self, label: str, attachments: dict[str, Any]) -> str:
        if self.blank:
            return "*Your answer.*"
        return "\n".join(self._block(block, attachments) for block in self.book.section(label))

    def _block(self, block: Block, attachments: dict[str, Any]) -> str:
        if isinstance(block, Shown):
            return self._recorded(block, attachments)
        if isinstance(block, Heading):  # below the pack's own headings
            return f"\n#### {block.text}\n"
        return block

    def _recorded(self, shown: Shown, attachments: dict[str, Any]) -> str:
        """Return a figure or a table of the book, marked as recorded, the first time it is asked for."""
        if self.blank or shown.label in self.drawn:
            return ""
        self.drawn.add(shown.label)
        caption = f"**Recorded, not computed here.** {shown.caption}"
        if shown.rows:
            return f"\n{caption}\n\n{shown.rows}\n"
        if not shown.svg:
            raise ChaptersError(f"{shown.label} has no picture in the built book: run `make book`")
        from cairosvg import svg2png

        picture = svg2png(bytestring=shown.svg.encode(), scale=2, background_color="white")
        name = f"{shown.label}.png"
        attachments[name] = {"image/png": base64.b64encode(picture).decode()}
        alt = shown.alt.replace("[", "(").replace("]", ")").replace("\n", " ").strip()
        return f"\n![{alt}](attachment:{name})\n\n{caption}\n"


def script(notebook: Any) -> str:
    """Return a notebook as a Python file in which Markdown stands in comments, cells marked by ``# %%``."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts.append(f"# %%\n{cell.source}")
        else:
            text = re.sub(r"!\[[^]]*\]\(attachment:[^)]*\)\n*", "", cell.source)
            text = re.sub(r"^<a id=[^\n]*\n", "", text, flags=re.MULTILINE)
            parts.append(
                "# %% [markdown]\n" + "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
            )
    text = "\n\n".join(parts) + "\n"
    return f"{FUTURE}\n\n" + text.replace(f"{FUTURE}\n\n", "", 1)
