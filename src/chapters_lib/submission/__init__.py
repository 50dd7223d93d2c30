"""Packs: what a sheet asks to be handed in, from their sources in `book/packs/` and the recorded runs."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import textwrap
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chapters_lib import assignments, folders
from chapters_lib.assignments import Sheet
from chapters_lib.errors import ChaptersError
from chapters_lib.findings import colour
from chapters_lib.findings.words import in_words
from chapters_lib.recording import runs
from chapters_lib.submission.checking import WHOLE
from chapters_lib.submission.checking import check as check
from chapters_lib.submission.sources import QUESTION, SOURCES

NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")  # letters of any script
LONGEST_NAME = 40
CELL_SECONDS = 3600  # a limit against hanging, on a busy machine too; the tests hold a pack to 75 s of one core
# The notebooks of each sheet, and of which sources in book/packs/ each is made.
Notebooks = dict[str, tuple[str, ...]]
NOTEBOOKS: dict[str, Notebooks] = {
    "a4-fashion": {"a4": ("a4", "a4-fashion")},
    "a4-mnist": {"a4": ("a4", "a4-mnist")},
    "hw7": {"hw7": ("hw7",)},
    "a4a": {"a4a": ("a4a", "a4a-@SECTION@", "a4a-end")},
    "hw5": {name: (name,) for name in ("hw5-1-dcgan", "hw5-2-rbm", "hw5-3-vae")},
}
PIP = re.compile(r"^    pip install (.+)$", re.MULTILINE)
HEADER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
# What stands between two @ in a source that serves two sheets.
WORDS = {
    "a4-fashion": {"SLUG": "fashion-mnist", "NAME": "Fashion-MNIST"},
    "a4-mnist": {"SLUG": "mnist", "NAME": "MNIST"},
}
FIGURES = ("CURVES", "TIME", "SAMPLES", "LINES")  # of 4a, in colour
# What a source says where a fact of the record holds, or where it does not.
WHERE = re.compile(r"@(not )?([a-z]+)\{(.*?)\}@", re.DOTALL)


def controls(name: str) -> tuple[str, ...]:
    """Return the recorded controls of a set of real crops, which begin with random weights: all or none."""
    found = tuple(f"{model}-{name}-from-nothing" for model in colour.MODELS)
    return found if set(found) <= set(runs.names()) else ()


def _each(names: Iterable[str]) -> str:
    """Say how often each of some runs was trained."""
    counts = sorted({runs.load(name).trainings for name in names})
    return f"{' to '.join(map(in_words, counts))} training{'s' * (counts[-1] > 1)} each"


def words(sheet: str) -> dict[str, str]:
    """Return what stands between two @ in the sources of a sheet: of 4a, what the colour set shown is called."""
    if sheet != "a4a":
        return WORDS.get(sheet, {})
    shown = colour.colour_set()
    control, few = shown.name == colour.CONTROL, shown.name == "svhn-crops"
    alone = controls(shown.name)
    return {
        **dict(zip(FIGURES, "6789" if control else "5678", strict=True)),
        "SECTION": "house-numbers" if control else "real",
        "SET": shown.name,
        "TITLE": colour.title(),
        "FULL": colour.words(shown.full),
        "LOOK": shown.look,
        "PRECISION": "bfloat16" if few else "float32",
        "FID": "test_fid768" if few else "fid_inception768",
        "TRAININGS": _each(
            f"{model}-{name}" for model in colour.MODELS for name in ("mnist", shown.name)
        ),
        "EACH": _each(alone) if alone else "",
    }


def facts(sheet: str) -> set[str]:
    """Return what is true of the records of a sheet: of 4a, of the colour set shown."""
    if sheet != "a4a":
        return set()
    name = colour.colour_set().name
    config = runs.load(f"vae-gaussian-{name}").config
    holds = {
        "crops": name == "svhn-crops",
        "control": name == colour.CONTROL,
        "begun": bool(config.get("begun")),
        "counted": bool(config["nll_images"]),
        "floors": f"floors-{name}" in runs.names(),
        "through": f"sent-through-{name}" in runs.names(),
        "alone": bool(controls(name)),
    }
    return {fact for fact, true in holds.items() if true}


TEAM = {"hw7": 3}  # how many may hand in together; elsewhere one


def check_names(sheet: Sheet, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names if files may be named by them.

    Raises
    ------
    ChaptersError
        if there are none or too many, one is given twice, or one holds anything but letters,
        digits, hyphen, underscore, and dots inside.
    """
    given = tuple(names)
    for name in given:
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ChaptersError(
                f"the name {name!r} will not do: letters, digits, hyphen, underscore and dots inside, at most "
                f"{LONGEST_NAME} of them; nothing is written"
            )
    most = TEAM.get(sheet.name, 1)
    if not 0 < len(given) <= most:
        raise ChaptersError(
            f"{sheet.name} is handed in under {'one name' if most == 1 else f'one to {most} names'}, not {len(given)}: "
            "give --name; nothing is written"
        )
    if len(set(given)) < len(given):
        raise ChaptersError(f"a name is given twice: {', '.join(given)}; nothing is written")
    return given


def unpacked(sheet: Sheet) -> list[str]:
    """Return the names of a sheet's questions that keep it from being packed: the book has no chapter on them."""
    pages = assignments.chapters(SOURCES.parent / "_toc.yml")
    return [question.name for question in assignments.unanswered(sheet, pages)]


def source(sheet: Sheet, notebook: str, pages: tuple[str, ...]) -> str:
    """Return the text of a sheet's notebook: its sources, one below the other.

    Left out are those on questions that the sheet does not ask, or whose chapter is not among
    the book's `pages`; the text is empty where nothing remains.

    Raises
    ------
    ChaptersError
        if there is no source.
    """
    chapter = {q.name: q.chapter for q in sheet.questions}
    texts: list[str] = []
    said = words(sheet.name)
    for name in NOTEBOOKS[sheet.name][notebook]:
        name = name.replace("@SECTION@", said.get("SECTION", ""))
        path = SOURCES.parent / "book" / "packs" / f"{name}.md"
        if not path.exists():
            raise ChaptersError(
                f"the pack {sheet.name} has no source yet ({path}); nothing is written"
            )
        text = path.read_text(encoding="utf8")
        if all(chapter.get(question) in pages for question in QUESTION.findall(text)):
            texts.append(text)
    if not texts:
        return ""
    first, *others = texts
    text = "\n+++\n".join([first, *(HEADER.sub("", other) for other in others)])
    true = facts(sheet.name)
    text = WHERE.sub(lambda m: m[3] if (m[2] in true) is not bool(m[1]) else "", text)
    for word, value in said.items():
        text = text.replace(f"@{word}@", value)
    return text


def submit(
    sheet_name: str,
    names: Iterable[str] = (),
    *,
    blank: bool = False,
    target: Path | None = None,
) -> list[Path]:
    """Write the pack of a sheet and return its files; all of them or none.

    Parameters
    ----------
    names
        of those who hand it in; a blank pack takes none.
    target
        folder to write to, ``dist`` of the project if not given.

    Raises
    ------
    ChaptersError
        if the sheet or a name is not one, the sheet asks for a chapter that the book does not
        have, a cell fails, or a tool is missing.
    """
    sheet, root = assignments.find(sheet_name), SOURCES.parent
    given = () if blank else check_names(sheet, names)
    contents = assignments.chapters(root / "_toc.yml")
    missing = unpacked(sheet)
    if missing and not blank:
        raise ChaptersError(
            f"{sheet.name} cannot be packed yet, since the book has no chapter on "
            f"{', '.join(missing)}; nothing is written"
        )
    texts = {name: source(sheet, name, contents) for name in NOTEBOOKS[sheet.name]}
    sources = {name: text for name, text in texts.items() if text}
    asked = {q.name for q in sheet.questions} - set(missing)
    if left := asked - set(QUESTION.findall("\n".join(sources.values()))):
        raise ChaptersError(
            f"the pack {sheet.name} has no source on {', '.join(sorted(left))}; nothing is written"
        )
    target = target or root / "dist"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="chapters-pack-") as temporary:
            made = _make(sheet, sources, given, Path(temporary), blank)
            return _put(made, target)
    except OSError as error:
        raise ChaptersError(
            f"cannot write to {target} ({error.strerror or error}); nothing is written"
        ) from error


def _make(
    sheet: Sheet,
    sources: dict[str, str],
    names: tuple[str, ...],
    folder: Path,
    blank: bool,
) -> list[Path]:
    """Make a pack's files in a folder."""
    notebooks = {name: _notebook(sheet, text, names, blank) for name, text in sources.items()}
    if blank:
        return _blank(sheet, notebooks, folder)
    from chapters_lib.submission import report
    from chapters_lib.submission.notebook import script

    who = ".".join(names)
    if sheet.name == "hw7":
        (notebook,) = notebooks.values()
        stem = f"homework7.{who}"
        files: dict[str, str | bytes] = {
            f"{stem}.py": script(notebook),
            f"{stem}.pdf": report.pdf(
                _joined([notebook]), title=sheet.title, names=names, code=False
            ),
            **_carried(sheet),
        }
        return [_zip(folder / f"{stem}.zip", files)]
    texts = {f"{name}.ipynb": _json(notebook) for name, notebook in notebooks.items()}
    if sheet.name in ("a4a", "hw5"):
        report_pdf = report.pdf(
            _joined(notebooks.values()),
            title=sheet.title,
            names=names,
            code=False,
        )
        if sheet.name == "a4a":
            code: dict[str, str | bytes] = {
                f"{who}_4a.ipynb": texts["a4a.ipynb"],
                f"{who}_4a.pdf": report_pdf,
                **_carried(sheet),
            }
            return [_zip(folder / f"{who}_4a.zip", code)]
        contents: dict[str, str | bytes] = {"report.pdf": report_pdf, **texts, **_carried(sheet)}
        return [_zip(folder / f"hw5.{who}.zip", contents)]
    (notebook,) = notebooks.values()
    (folder / f"{sheet.name}.{who}.ipynb").write_text(_json(notebook), encoding="utf8")
    for end in ("", WHOLE):  # the sheet asks for the notebook as a PDF, too
        paper = report.pdf(_joined([notebook]), title=sheet.title, names=names, code=end == WHOLE)
        (folder / f"{sheet.name}.{who}{end}.pdf").write_bytes(paper)
    _zip(folder / f"{sheet.name}.{who}.record.zip", _carried(sheet))
    return sorted(folder.iterdir())


def _notebook(sheet: Sheet, text: str, names: tuple[str, ...], blank: bool) -> Any:
    """Return a notebook of a pack, executed unless it is blank."""
    from chapters_lib.submission.notebook import build, fill

    notebook = build(sheet, text, names, blank=blank)
    return notebook if blank else fill(execute(notebook, _carried(sheet)))


def carried_runs(sheet: str) -> tuple[str, ...]:
    """Return the runs that a pack carries in record/: of 4a also those of the real colour set that is shown."""
    from chapters_lib.submission.notebook import CARRIED

    names, shown = CARRIED.get(sheet, ()), colour.colour_set()
    if sheet != "a4a" or shown.name == colour.CONTROL:
        return names
    found = shown.needed | {
        f"{kind}-{shown.name}"
        for kind in ("measures", "floors", "sent-through", "redrawn", "redrawn-real")
    }
    found |= set(controls(shown.name))
    return (*names, *sorted(found & set(runs.names())))


def _carried(sheet: Sheet) -> dict[str, str | bytes]:
    """Return the records that a pack carries, by their paths in it; none that whole data have made needless."""
    from chapters_lib.experiments import find
    from chapters_lib.recording.data_used import superseded

    return {
        f"record/{name}/{path.name}": path.read_bytes()
        for name in carried_runs(sheet.name)
        if not superseded(find(name))
        for path in sorted(runs.load(name).folder.iterdir())
    }


def execute(notebook: Any, carried: Mapping[str, str | bytes] | None = None) -> Any:
    """Run a notebook's cells in a folder that holds what it carries alone; return it with their outputs.

    The data sets are read from where the project has them; where it has none, the notebook does without.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")  # it names a path
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="chapters-pack-") as folder:
        for name, content in (carried or {}).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
        )
        data = folders.root()
        where = {"CHAPTERS_DATA": str(data.resolve())} if data.is_dir() else {}
        try:
            return client.execute(env=os.environ | where)
        except CellExecutionError as error:
            raise ChaptersError(
                f"a cell of the pack fails: {error.ename}: {error.evalue}"
            ) from error
        except (CellTimeoutError, DeadKernelError) as error:
            raise ChaptersError(
                f"a cell of the pack does not come to an end ({type(error).__name__})"
            ) from error


def _blank(sheet: Sheet, notebooks: dict[str, Any], folder: Path) -> list[Path]:
    from chapters_lib.submission.notebook import script

    files: dict[str, str | bytes] = {
        f"{name}-blank.ipynb": _json(notebook) for name, notebook in notebooks.items()
    }
    if sheet.name == "hw7":
        files["homework7-blank.py"] = script(notebooks["hw7"])
    return [_zip(folder / f"{sheet.name}-blank.zip", files)]


def _joined(notebooks: Iterable[Any]) -> Any:
    """Return one notebook of several, under the title of the first, what they need and cite in one list each."""
    import copy

    from nbformat.v4 import new_markdown_cell

    from chapters_lib.submission.notebook import REFERENCES, references

    first, *others = [copy.deepcopy(notebook) for notebook in notebooks]
    needed = [PIP.findall(notebook.cells[0].source) for notebook in (first, *others)]
    packages = sorted({name for lines in needed for line in lines for name in line.split()})
    lines = textwrap.wrap(" ".join(packages), 95, break_on_hyphens=False)
    command = " \\\n        ".join(lines)
    first.cells[0].source = PIP.sub(lambda _: f"    pip install {command}", first.cells[0].source)
    for other in others:
        first.cells.extend(other.cells[1:])
    lists = [cell.source for cell in first.cells if cell.source.startswith(REFERENCES)]
    first.cells = [cell for cell in first.cells if not cell.source.startswith(REFERENCES)]
    listed = (line[2:] for text in lists for line in text.split("\n") if line.startswith("- "))
    if works := list(dict.fromkeys(listed)):
        first.cells.append(new_markdown_cell(references(sorted(works) if others else works)))
    for i, cell in enumerate(first.cells):
        cell.id = f"cell-{i}"
    return first


def _json(notebook: Any) -> str:
    import nbformat

    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _zip(path: Path, files: dict[str, str | bytes]) -> Path:
    """Write a zip archive whose bytes depend on the contents alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
    return path


def _put(made: list[Path], target: Path) -> list[Path]:
    """Put finished files into place; where one cannot be, leave what was there before."""
    aims = [target / path.name for path in made]
    partial, before = (
        {aim: aim.with_name(f".{aim.name}.{end}") for aim in aims} for end in ("partial", "before")
    )
    placed: list[Path] = []
    try:
        for path, aim in zip(made, aims, strict=True):
            shutil.copyfile(path, partial[aim])
            before[aim].unlink(missing_ok=True)
            if aim.is_file():
                shutil.copyfile(aim, before[aim])
        for aim in aims:
            placed.append(aim)
            partial[aim].replace(aim)
    except BaseException:
        for aim in aims:
            with suppress(OSError):  # what cannot be put back stays beside it
                if aim not in placed or partial[aim].exists():
                    before[aim].unlink(missing_ok=True)
                else:
                    before[aim].replace(aim) if before[aim].exists() else aim.unlink()
        raise
    finally:
        for rest in partial.values():
            with suppress(OSError):
                rest.unlink(missing_ok=True)
    for rest in before.values():
        with suppress(OSError):
            rest.unlink(missing_ok=True)
    return aims
