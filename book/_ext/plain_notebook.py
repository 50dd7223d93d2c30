"""Turn a page's MyST notebook into one that plain Jupyter shows well: directives and roles become Markdown.

What a page takes from elsewhere (code of the library, glued numbers, numbers of figures and equations) is written out,
so that the notebook can be read, and its cells run, without the book around it.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from textwrap import indent

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,}|~{3,})\{(?P<name>[\w:.-]+)\}\s*(?P<argument>.*)$")
ROLE = re.compile(r"\{(?P<name>[\w:.-]+)\}`(?P<text>[^`]+)`")
TARGET = re.compile(r"^\(([\w-]+)\)=\s*$", re.MULTILINE)
PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[\w./-]+\.md(#[\w-]+)?\)")
BOXES = {
    "admonition",
    "note",
    "tip",
    "warning",
    "important",
    "seealso",
    "attention",
    "caution",
    "hint",
}
BOXES |= {"prf:theorem", "prf:lemma", "prf:proof", "prf:definition"}
DROPPED = {"bibliography", "solutions", "toctree", "raw", "solution-end", "exercise-end", "include"}

# What a notebook far from the book's sources runs first; the names of packages are those of requirements.txt.
SETUP = """\
SOURCE = "{source}"  # a folder, an archive (.zip, .tar.gz) or a repository with the book's sources

import importlib.util, os, shutil, subprocess, sys, tempfile, urllib.request
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
places = [Path.cwd(), *Path.cwd().parents, Path("learning-to-generate").resolve(), Path(SOURCE or ".").resolve()]
book = next((place for place in places if (place / "src" / "chapters_lib").is_dir()), None)
if book is None:
    if not SOURCE:
        raise SystemExit("Write into SOURCE where the book's sources are: a folder, an archive or an address.")
    book = Path("learning-to-generate").resolve()
    if SOURCE.endswith((".zip", ".tar.gz", ".tgz", ".tar")):
        archive = Path(tempfile.mkdtemp()) / SOURCE.rpartition("/")[2]
        if "://" in SOURCE:
            urllib.request.urlretrieve(SOURCE, archive)
        else:
            shutil.copyfile(Path(SOURCE).expanduser(), archive)
        shutil.unpack_archive(archive, archive.parent / "unpacked")
        found = next((archive.parent / "unpacked").rglob("chapters_lib/__init__.py"))
        shutil.move(found.parents[2], book)
    else:
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", SOURCE, str(book)], check=True)

modules = {{"scikit-learn": "sklearn", "pillow": "PIL", "myst-nb": "myst_nb", "PyYAML": "yaml"}}
wanted = "torch torchvision numpy scipy scikit-learn safetensors matplotlib pillow tqdm filelock jaxtyping torchinfo"
wanted = [*wanted.split(), "myst-nb", "PyYAML"]
pins = dict(line.strip().split("==") for line in (book / "requirements.txt").open(encoding="utf-8") if "==" in line)
missing = [f"{{name}}=={{pins[name]}}" for name in wanted if not importlib.util.find_spec(modules.get(name, name))]
if missing:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
    importlib.invalidate_caches()
sys.path.insert(0, str(book / "src"))
print(f"The book is in {{book}}.")"""


def convert(notebook, env, docname: str):
    """Return the executed `notebook` with plain Markdown cells and without the header and tags of the book."""
    page, cells = _Page(env, docname), []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = page.text(cell.source)
        else:
            if figure := cell.metadata.get("mystnb", {}).get("figure"):
                caption = page.directive("figure", "", figure, figure.get("caption", ""))
                cells.append(new_markdown_cell(caption, id=f"{cell.id}-caption"[:64]))
            for output in cell.outputs:
                if markdown := output.get("data", {}).get("text/markdown"):
                    output["data"]["text/markdown"] = page.text(markdown)
            image = cell.metadata.get("mystnb", {}).get("image", {})
            hidden = "hide-input" in cell.metadata.get("tags", [])
            cell.metadata = ({"jupyter": {"source_hidden": True}} if hidden else {}) | (
                {"alt": image["alt"]} if "alt" in image else {}
            )
            cell.outputs = [o for o in cell.outputs if not _is_glue(o)]
    notebook.cells = [cell for cell in cells if cell.cell_type != "markdown" or cell.source.strip()]
    notebook.metadata = {
        key: notebook.metadata[key]
        for key in ("kernelspec", "language_info")
        if key in notebook.metadata
    }
    return notebook


def preface(title: str, page: str, repository: str = "") -> list[NotebookNode]:
    """Return first cells: what a page's notebook needs, and what fetches it where it is not."""
    told = new_markdown_cell(
        f"> **{title}**, a page of *Learning to Generate* with its recorded outputs: "
        f"[`{page}.html`](../../{page}.html) of the site.\n>\n"
        "> To run it, run the cell below first. It needs the book's sources, which hold the library `chapters_lib` and "
        "its recorded runs: within them it finds them; elsewhere it takes them from what `SOURCE` names, a folder, an "
        "archive or a repository's address. It installs the packages that are missing. No data set is needed.\n>\n"
        "> The outputs were computed with one thread, which that cell sets: so the last digits are the same.",
        id="what-this-needs",
    )
    return [told, new_code_cell(SETUP.format(source=repository), id="set-up")]


def anchor(label: str) -> str:
    """Return what a label becomes in plain Markdown: a place that links, and the packs, can find."""
    return f'<a id="{label}"></a>' if label else ""


def _is_glue(output) -> bool:
    """Glue that is not displayed leaves an output of a private type behind."""
    return any(kind.startswith("application/papermill.record/") for kind in output.get("data", {}))


class _Page:
    def __init__(self, env, docname: str):
        self.env, self.docname = env, docname
        self.folder = Path(env.doc2path(docname)).parent

    def text(self, source: str) -> str:
        """Translate a Markdown cell."""
        lines, out = source.split("\n"), []
        position = 0
        while position < len(lines):
            start = FENCE.match(lines[position])
            fence = (
                start["fence"]
                if start
                else next(iter(re.findall(r"^(?:`{3,}|~{3,})", lines[position])), "")
            )
            if not fence:
                out.append(self.roles(lines[position]))
                position += 1
                continue
            closing = re.compile(rf"^{fence[0]}{{{len(fence)},}}\s*$")
            end = position + 1
            while end < len(lines) and not closing.match(lines[end]):
                end += 1
            if not start:  # a block of code: left as it is
                out.extend(lines[position : end + 1])
                position = end + 1
                continue
            options, body = _options(lines[position + 1 : end])
            out.append(self.directive(start["name"], start["argument"].strip(), options, body))
            position = end + 1
        anchored = TARGET.sub(lambda match: f"{anchor(match[1])}\n", "\n".join(out))
        return PAGE_LINK.sub(r"\1", anchored).strip("\n")

    def directive(self, name: str, argument: str, options: dict, body: str) -> str:
        """Translate one directive."""
        if name in DROPPED:
            return ""
        if name == "only":
            return self.text(body) if argument == "not builder_html" else ""
        if name == "math":
            number = self.number("equation", options.get("label", ""))
            tag = f" \\tag{{{number}}}" if number else ""
            inner = (
                body
                if "\\begin" in body or "\\\\" not in body
                else f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
            )
            return f"$$\n{inner.strip()}{tag}\n$$"
        if name == "literalinclude":
            return f"```python\n{self.source(argument, options)}\n```"
        if name in {"code-block", "code"}:
            return f"```{argument}\n{body}\n```"
        if name in {"figure", "image", "glue:figure"}:
            label = self.number("figure", options.get("name", ""))
            if not body.strip():
                return ""
            caption = f"*Figure{' ' + label if label else ''}: {self.text(body)}*"
            return f"{anchor(options.get('name', ''))}\n\n{caption}".strip()
        if name.startswith("exercise"):
            label = self.number("exercise", options.get("label", ""))
            heading = f"**Exercise{' ' + label if label else ''}{f' ({self.roles(argument)})' if argument else ''}**"
            return f"{heading}\n\n{self.text(body)}"
        if name.startswith("solution"):
            if name == "solution-start":
                return "**Solution**"
            return f"<details><summary>Solution</summary>\n\n{self.text(body)}\n\n</details>"
        if name == "quiz":
            return f"<details><summary>{self.roles(argument)}</summary>\n\n{self.text(body)}\n\n</details>"
        if name == "list-table":
            return self.table(argument, options, body)
        title = self.roles(argument) if argument else name.rsplit(":", 1)[-1].capitalize()
        inner = self.text(body)
        return (
            indent(f"**{title}**\n\n{inner}", "> ", lambda line: True) if name in BOXES else inner
        )

    def table(self, caption: str, options: dict, body: str) -> str:
        """Translate a list-table into a pipe table."""
        rows: list[list[str]] = []
        for line in body.split("\n"):
            if re.match(r"\* -( |$)", line):  # the cell may be empty
                rows.append([line[4:]])
            elif re.match(r"  -( |$)", line) and rows:
                rows[-1].append(line[4:])
            elif rows and line.strip():
                rows[-1][-1] += " " + line.strip()
        cells = [[self.roles(cell).replace("|", "\\|") for cell in row] for row in rows]
        if not cells:
            return ""
        lines = [f"| {' | '.join(row)} |" for row in cells]
        lines.insert(1, "|" + " --- |" * len(cells[0]))
        label = self.number("table", options.get("name", ""))
        title = f"*Table{' ' + label if label else ''}: {self.roles(caption)}*"
        return "\n".join([anchor(options.get("name", "")), "", title, "", *lines]).strip()

    def source(self, path: str, options: dict) -> str:
        """Return the lines of a definition of the library, as `literalinclude` shows them."""
        text = (self.folder / path).read_text(encoding="utf8")
        wanted = options.get("pyobject")
        if not wanted:
            return text.rstrip()
        body = ast.parse(text).body
        node = None
        for part in wanted.split("."):
            node = next(n for n in body if getattr(n, "name", None) == part)
            body = getattr(node, "body", [])
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        return "\n".join(text.split("\n")[first - 1 : node.end_lineno])

    def roles(self, line: str) -> str:
        """Translate the roles of a line."""
        return ROLE.sub(lambda m: self.role(m["name"], m["text"]), line)

    def role(self, name: str, text: str) -> str:
        """Translate one role."""
        explicit = re.fullmatch(r"(?P<title>.*?)\s*<(?P<target>[^>]+)>", text)
        title, target = (explicit["title"], explicit["target"]) if explicit else ("", text)
        if name.startswith("glue"):
            return self.glued(text)
        if name == "eq":
            return f"Eq. ({self.number('equation', target)})"
        if name.startswith("cite"):
            return self.cited(target, textual=name in {"cite:t", "cite:ct"})
        if name == "prf:ref" and (entry := getattr(self.env, "proof_list", {}).get(target)):
            numbers = self.env.toc_fignumbers.get(entry["docname"], {}).get(
                entry["countertype"], {}
            )
            number = ".".join(map(str, numbers.get(target, ())))
            return title or f"{entry['realtype'].title()} {number}".strip()
        if name in {"numref", "ref", "doc"}:
            for kind, word in (("figure", "Figure"), ("table", "Table"), ("exercise", "Exercise")):
                if number := self.number(kind, target):
                    return (
                        f"{word} {number}"
                        if not title or "%s" in title or "{number}" in title
                        else title
                    )
            label = self.env.get_domain("std").labels.get(target.lower())
            return title or (f"*{label[2]}*" if label else target)
        return f"${target}$" if name == "math" else title or f"`{text}`"

    def number(self, kind: str, label: str) -> str:
        """Return the number that the book prints for a figure, table, exercise or equation; empty if it has none."""
        if not label:
            return ""
        if kind == "equation":
            docname = self.env.get_domain("math").equations.get(label, (None,))[0]
            kind, label = "displaymath", f"equation-{label}"
        else:
            docname = self.env.get_domain("std").anonlabels.get(label.lower(), (None,))[0]
        numbers = self.env.toc_fignumbers.get(docname, {}).get(kind, {}).get(label)
        return ".".join(map(str, numbers)) if numbers else ""

    def glued(self, text: str) -> str:
        """Return a glued value as the page prints it."""
        page, _, rest = text.rpartition("::")
        key, _, form = rest.partition(":")
        docname = str((Path(self.docname).parent / page).with_suffix("")) if page else self.docname
        store = Path(self.env.mystnb_config.output_folder) / f"{docname}.glue.json"
        data = (
            json.loads(store.read_text(encoding="utf-8")).get(key, {}).get("data", {})
            if store.exists()
            else {}
        )
        plain = data.get("text/plain", "…")
        try:
            value = ast.literal_eval(plain)
            return format(value, form) if form else str(value)
        except (ValueError, SyntaxError):
            return plain

    def cited(self, keys: str, *, textual: bool) -> str:
        """Return author and year of the cited works."""
        entries = self.env.get_domain("cite").bibdata.data.entries
        out = []
        for key in keys.split(","):
            if (entry := entries.get(key.strip())) is None:
                continue  # the build has warned of it
            names = [" ".join(p.prelast_names + p.last_names) for p in entry.persons["author"]]
            who = names[0] + (
                " et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else ""
            )
            who = re.sub(r"[{}]|\\.", "", who)
            out.append(
                f"{who} ({entry.fields['year']})" if textual else f"{who}, {entry.fields['year']}"
            )
        return "; ".join(out) if textual else f"[{'; '.join(out)}]"


def _options(lines: list[str]) -> tuple[dict, str]:
    """Take the options off the top of a directive."""
    if lines and lines[0].strip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), len(lines))
        return yaml.safe_load("\n".join(lines[1:end])) or {}, "\n".join(lines[end + 1 :])
    options = {}
    while lines and (match := re.match(r"^:([\w-]+):\s*(.*)$", lines[0])):
        options[match[1]] = match[2]
        lines = lines[1:]
    return options, "\n".join(lines).strip("\n")
