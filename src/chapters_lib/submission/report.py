"""A pack's report: its notebook as a PDF, in the book's look, a point smaller and with narrower margins."""

from __future__ import annotations

import ast
import base64
import copy
import re
import shutil
import subprocess
import sys
import tokenize
from io import StringIO
from pathlib import Path
from typing import Any

from chapters_lib.errors import ChaptersError
from chapters_lib.submission.sources import SOURCES, Edit, edited

WORKS = "## References\n\n```{raw} latex\n\\works\n```\n"
PRINTED = 112  # characters in a line of printed code
TABLE = re.compile(r"^(\*\*Table \d+\.\*\* .*\n(?:.+\n)*)\n((?:\|.*\|\n?)+)", re.MULTILINE)
PICTURE = re.compile(r"!\[([^]]*)\]\(attachment:([^)]*)\)\n+((?:.+\n?)+)")
CONF = """
today = " "
project = title = {title!r}
author = {author!r}
extensions = ["myst_nb", "sphinxcontrib.cairosvgconverter"]
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # an output that is a table, with formulas
myst_enable_extensions = ["amsmath", "dollarmath", "html_image"]
master_doc = "index"
latex_engine = "xelatex"
latex_theme = "howto"
latex_toplevel_sectioning = "section"
latex_documents = [("index", "report.tex", title, author.replace("_", r"\\_"), "howto")]
latex_show_urls = "no"
latex_elements = {elements!r}
suppress_warnings = ["myst.header", "myst.xref_missing"]
"""
PREAMBLE = r"""
\usepackage{caption}\captionsetup{labelformat=empty,labelsep=none}
\setcounter{secnumdepth}{-2}
\emergencystretch=2em
\setlength{\headheight}{14pt}
\newcolumntype{T}{L}\setlength{\tymin}{100pt}
\AtBeginEnvironment{tabulary}{\small}\AtBeginEnvironment{tabular}{\small}\AtBeginEnvironment{longtable}{\small}
% A page may end a few lines early; a break before a heading is worth no more white than that.
\makeatletter\@secpenalty=-50
\def\raggedbottom{\def\@textbottom{\vskip0pt plus 36pt}\let\@texttop\relax}\raggedbottom
\AtBeginDocument{\raggedbottom\def\bottomtitlespace{.08\textheight}}\makeatother
\def\works{\let\wide\itemize\def\itemize{\wide\footnotesize\itemsep0pt\parskip0pt\parsep0pt}}
% A page of figures alone is made only of as many as fill it.
\renewcommand{\floatpagefraction}{.85}\renewcommand{\topfraction}{.9}\renewcommand{\textfraction}{.07}
\captionsetup{skip=4pt}\setlength{\intextsep}{6pt plus 2pt minus 2pt}
"""


def pdf(
    notebook: Any,
    *,
    title: str,
    names: tuple[str, ...],
    code: bool,
) -> bytes:
    """Return an executed notebook as a PDF; without `code`, cells and what they print are left out.

    Raises
    ------
    ChaptersError
        if XeLaTeX is not installed, or does not come to an end.
    """
    import tempfile

    import nbformat

    for tool in ("xelatex", "latexmk"):
        if not shutil.which(tool):
            packages = (SOURCES.parent / ".ci" / "tex-packages").read_text(encoding="utf-8").strip()
            raise ChaptersError(
                f"a report needs XeLaTeX ({tool} is missing): apt-get install {packages}"
            )
    with tempfile.TemporaryDirectory(prefix="chapters-report-") as temporary:
        folder = Path(temporary)
        nbformat.write(_printable(notebook, folder, code), folder / "index.ipynb")
        (folder / "conf.py").write_text(
            CONF.format(title=title, author=_set(names), elements=_elements()),
            encoding="utf-8",
        )
        _run([sys.executable, "-m", "sphinx", "-q", "-b", "latex", ".", "latex"], folder, "Sphinx")
        latexmk = [
            "latexmk",
            "-xelatex",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-quiet",
            "report.tex",
        ]
        _run(latexmk, folder / "latex", "XeLaTeX")
        return (folder / "latex" / "report.pdf").read_bytes()


def _run(command: list[str], folder: Path, what: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        log = folder / "report.log"
        lines = (
            log.read_text(encoding="utf-8", errors="replace") if log.exists() else done.stderr
        ).splitlines()
        wrong = next((line for line in lines if line.startswith("!")), (lines or ["?"])[-1])
        raise ChaptersError(f"{what} could not set the report: {wrong.strip()}")


def _set(names: tuple[str, ...]) -> str:
    """Return the names for the title page, in a font that has more than Latin letters where they have."""
    said = ", ".join(names)
    return (
        said if said.isascii() or max(said) < "\u0250" else rf"{{\fontspec{{DejaVu Sans}}{said}}}"
    )


def _elements() -> dict[str, str]:
    """Return the book's LaTeX settings, as far as they fit a report."""
    import yaml

    config = yaml.safe_load((SOURCES.parent / "_config.yml").read_text(encoding="utf-8"))["sphinx"][
        "config"
    ]
    kept = (
        "papersize",
        "figure_align",
        "sphinxsetup",
        "fvset",
        "fncychap",
        "fontpkg",
    )
    elements = {key: config["latex_elements"][key] for key in kept}
    margins = r"[hv]margin=\{\w+,\w+\}"
    narrower = re.sub(margins, lambda m: f"{m[0][:8]}{{20mm,20mm}}", elements["sphinxsetup"])
    elements["sphinxsetup"] = narrower
    smaller = "scriptsize,baselinestretch=0.93"
    elements["fvset"] = elements["fvset"].replace("footnotesize", smaller)
    return elements | {
        "pointsize": "10pt",
        "preamble": PREAMBLE,
        "tableofcontents": "",
        "extraclassoptions": "oneside",
    }


def _printable(notebook: Any, folder: Path, code: bool) -> Any:
    """Return a copy whose pictures are files beside it, each with its caption."""
    printed = copy.deepcopy(notebook)
    if not code:
        printed.cells = [
            cell
            for cell in map(_with_outputs, printed.cells)
            if cell.cell_type == "markdown" and "code" not in cell.metadata.get("tags", [])
        ]
        if any("shown" in cell.metadata.get("tags", []) for cell in printed.cells):
            printed.cells = [_in_one(printed.cells)]
    else:
        printed.cells = [part for cell in printed.cells for part in _beside_outputs(cell)]
    printed.cells[0].source = re.sub(  # the title page has the names
        r"^(# [^\n]*)\n\n\*\*[^\n]*\*\*\n", r"\1\n", printed.cells[0].source
    )
    for cell in printed.cells:
        if cell.cell_type != "markdown":
            continue
        attachments = cell.pop("attachments", {})
        for name, data in attachments.items():
            (folder / name).write_bytes(base64.b64decode(data["image/png"]))
        cell.source = PICTURE.sub(_figure, cell.source)
        cell.source = cell.source.replace(
            "](attachment:", "]("
        )  # one that has no caption in its cell
        cell.source = TABLE.sub(_table, cell.source)
        cell.source = cell.source.replace("## References\n", WORKS)
        cell.source = re.sub(r"\$\$\n(.*?)\n\$\$", _display, cell.source, flags=re.DOTALL)
    return printed


def _with_outputs(cell: Any) -> Any:
    """Return a cell whose outputs are shown as a Markdown cell of them, any other as it is."""
    from nbformat.v4 import new_markdown_cell

    if cell.cell_type == "code" and "printed" in cell.metadata.get("tags", []):
        return new_markdown_cell(f"```python\n{briefly(cell.source)}\n```")
    if cell.cell_type != "code" or "shown" not in cell.metadata.get("tags", []):
        return cell
    parts, attachments = [], {}
    for i, output in enumerate(cell.outputs):
        data = output.get("data", {})
        if "image/png" in data:
            name = f"output-{cell.id}-{i}.png"
            attachments[name] = {"image/png": data["image/png"]}
            parts.append(f"![{cell.metadata.get('alt', '')}](attachment:{name})")
        elif "text/markdown" in data:
            parts.append(data["text/markdown"])
    return new_markdown_cell(
        "\n\n".join(parts), metadata={"tags": ["shown"]}, attachments=attachments
    )


def _beside_outputs(cell: Any) -> list[Any]:
    """Return a cell whose outputs are shown as two: its code, and a Markdown cell of them; any other as it is."""
    if cell.cell_type != "code" or "shown" not in cell.metadata.get("tags", []):
        return [cell]
    outputs = _with_outputs(cell)
    outputs.id, cell.outputs = f"{cell.id}-shown", []
    return [cell, outputs]


def briefly(code: str) -> str:
    """Return code as it is printed: of each docstring the first line, lines filled, no blank line in a definition."""
    edits: list[Edit] = []
    for part in ast.walk(ast.parse(code)):
        if not isinstance(part, ast.FunctionDef | ast.ClassDef) or not ast.get_docstring(part):
            continue
        said = part.body[0]
        first = (ast.get_docstring(part) or "").split("\n")[0]
        if said.end_lineno and said.end_lineno > said.lineno:
            edits.append((said.lineno, said.col_offset, said.end_lineno, 10**6, f'"""{first}"""'))
    return re.sub(r"\n\n+", "\n\n", re.sub(r"\n\n+(?=[ ])", "\n", filled(edited(code, edits))))


def filled(code: str) -> str:
    """Return code whose statements over several lines, where there is no comment in them, fill their lines."""
    lines = code.split("\n")
    rows: list[str] = []
    kinds: set[int] = set()
    first = 0
    for token in tokenize.generate_tokens(StringIO(code).readline):
        kinds.add(token.type)
        if token.type not in (tokenize.NEWLINE, tokenize.NL) or (
            token.type == tokenize.NL and kinds - {tokenize.NL, tokenize.COMMENT}
        ):
            continue
        last = token.start[0]
        rows += _packed(lines[first:last], whole=tokenize.COMMENT not in kinds)
        first, kinds = last, set()
    found = "\n".join([*rows, *lines[first:]])
    return found if ast.dump(ast.parse(found)) == ast.dump(ast.parse(code)) else code


def _packed(lines: list[str], *, whole: bool) -> list[str]:
    """Return the lines of one statement as few lines, each at most `PRINTED` wide."""
    if not whole or any('"""' in line for line in lines):
        return lines
    indent = " " * (len(lines[0]) - len(lines[0].lstrip()))
    rows = [lines[0]]
    for line in map(str.strip, lines[1:]):
        closes = line[:1] in (")", "]", "}")
        end = rows[-1].rstrip(",") if closes else rows[-1]
        joined = end + ("" if closes or end.endswith(("(", "[", "{")) else " ") + line
        if len(joined) <= PRINTED:
            rows[-1] = joined
        else:
            rows.append(f"{indent}        {line}")
    return rows


def _in_one(cells: list[Any]) -> Any:
    """Return one Markdown cell of several, so that a caption can stand with what it is of."""
    from nbformat.v4 import new_markdown_cell

    attachments: dict[str, Any] = {}
    for cell in cells:
        attachments |= cell.get("attachments", {})
    text = "\n\n".join(cell.source for cell in cells)
    return new_markdown_cell(text, attachments=attachments)


def _figure(match: re.Match[str]) -> str:
    return f"````{{figure}} {match[2]}\n:alt: {match[1]}\n\n{match[3].strip()}\n````\n"


def _table(match: re.Match[str]) -> str:
    """Put a caption on its table, and both on one page."""
    caption = " ".join(match[1].split())
    head, rule, *rows = match[2].strip().split("\n")
    filled = [
        re.sub(r"\|\s+(?=\|)", "| – ", row) for row in rows
    ]  # an empty cell makes its row tall
    head = re.sub(r"\|\s*(?=\|)", "| \N{NO-BREAK SPACE} ", head)
    table = "\n".join([head, rule, *filled])
    plain = (re.sub(r"\$[^$]*\$", "xxx", text) for text in (caption, head, *rows))
    lines = 4 + sum(1 + len(text) // 100 for text in plain)
    room = f"```{{raw}} latex\n\\Needspace{{{min(lines, 45)}\\baselineskip}}\n```"
    return f"{room}\n\n````{{table}} {caption}\n\n{table}\n````\n"


def _display(match: re.Match[str]) -> str:
    """Number a displayed formula in a way that LaTeX takes: `\\tag` belongs into an equation of its own."""
    tag = re.search(r" \\tag\{([^}]*)\}$", match[1])
    if tag is None:
        return match[0]
    return f"\\begin{{equation}}\\tag{{{tag[1]}}}\n{match[1][: tag.start()]}\n\\end{{equation}}"
