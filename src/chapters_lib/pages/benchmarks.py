"""How fast the library is beside other ways to do the same: what `make bench` recorded last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import Page, table
from chapters_lib.recording import runs

PAGE = Page("bench")
FILE = "benchmarks.json"
FLUENT = 1000 / 30  # milliseconds from frame to frame, at thirty frames a second
NOTHING = "*Nothing is measured here yet: `make bench` does it.*"
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


@dataclass(frozen=True)
class Contest:
    """The library beside another way to do the same work, with a number of threads.

    Attributes
    ----------
    library, other
        seconds a unit of work, one a round; both sides took turns within it.
    operations
        floating-point operations of a unit of the library, those of its products and convolutions.
    limit
        operations a second of a product of two large matrices, one a round.
    """

    key: str
    title: str
    against: str
    unit: str
    aim: float
    precision: str
    threads: int
    library: Sequence[float]
    other: Sequence[float]
    operations: float
    limit: Sequence[float]

    @property
    def ratio(self) -> tuple[float, float, float]:
        """How many times as fast as the other side the library was: lowest, median and highest of the rounds."""
        found = [o / own for own, o in zip(self.library, self.other, strict=True)]
        return min(found), median(found), max(found)

    @property
    def share(self) -> float:
        """Which part of the speed of a product of large matrices the library reached."""
        return self.operations / (median(self.library) * median(self.limit))


@cache
def record() -> dict[str, Any]:
    """Return what was recorded last; empty where nothing was."""
    path = runs.root() / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def contests(threads: int | None = None) -> list[Contest]:
    """Return the contests with a number of threads, of all without one."""
    found = [Contest(**each) for each in record().get("contests", ())]
    return [each for each in found if threads in (None, each.threads)]


def frames() -> dict[str, float]:
    """Return milliseconds from frame to frame, medians, by page and explorer, the slowest first."""
    found: dict[str, float] = record().get("frames", {}).get("medians", {})
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def counts() -> list[int]:
    """Return the numbers of threads that were measured with."""
    return sorted({each.threads for each in contests()})


def numbers() -> None:
    """Glue when, where and under which load it was measured, and how long a page takes."""
    figures.use_style()
    made = record()
    machine = made.get("machine", {})
    others, name = made.get("others"), made.get("versions", {}).get("pythae", "")
    PAGE.keep(
        date=made.get("date", "no day yet"),
        processor=machine.get("processor", "no machine yet"),
        cores=str(machine.get("cores", 0)),
        torch=machine.get("torch", ""),
        pythae=f"pythae {name}" if name else "pythae was not installed and its row is left out",
        rounds=str(made.get("rounds", 0)),
        minutes=float(made.get("minutes", 0.0)),
        others="an unknown number of" if others is None else f"{others:.2f}",
        page_said=_build(made.get("page") or {}),
    )
    below = [each for each in contests() if each.ratio[1] < each.aim]
    PAGE.keep(contests=str(len(contests())), below=str(len(below)), missed=_named(below))
    moved, times = made.get("frames", {}), frames().values()
    PAGE.keep(
        frames_date=moved.get("date", "no day yet"),
        frames_processor=moved.get("processor", "no machine yet"),
        explorers=str(len(times)),
        fluent=str(sum(ms <= FLUENT for ms in times)),
    )
    level = [each for each in contests() if each.ratio[0] < 1 < each.ratio[2]]
    slower = [each for each in contests() if each.ratio[2] <= 1]
    PAGE.keep(level=_named(level), slower=_named(slower))


def _build(page: dict[str, Any]) -> str:
    """Return how long a page took to be built; nothing where none was."""
    if not page:
        return ""
    return (
        f" The page {page['name']} took {page['fresh']:.0f} s to be run and set, and {page['again']:.0f} s when "
        "nothing had changed, the start of the program included."
    )


def _named(found: Sequence[Contest]) -> str:
    """Return which contests these are, for a sentence."""
    told = [f"{each.title} beside {each.against} ({_threads(each.threads)})" for each in found]
    return "; ".join(told) if told else "none"


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _article(unit: str) -> str:
    return f"{'an' if unit[0] in 'aeiou' else 'a'} {unit}"


def duration(seconds: float) -> str:
    """Return a time in the unit in which it is between 1 and 1000."""
    scale, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def _rows() -> Iterator[list[str]]:
    for each in contests():
        low, middle, high = each.ratio
        share = f"{100 * each.share:.0f} %" if each.operations else "–"
        yield [
            f"{each.title}, {_article(each.unit)}",
            each.against,
            str(each.threads),
            f"{duration(median(each.other))} → {duration(median(each.library))}",
            f"{middle:.2f} ({low:.2f} to {high:.2f})",
            f"{each.aim:g}",
            share,
        ]


def table_contests() -> Markdown:
    """Return every contest: times, ratio with its range, and the share of the limit."""
    if not contests():
        return Markdown(NOTHING)
    head = ["Work", "Beside", "Threads", "Time", "Ratio (range)", "Aim", "Share"]
    return table(
        "The library beside other ways to do the same work. Times are medians over the rounds, the other way first; "
        "*Share* is that of the speed of a product of two large matrices.",
        "tab-bench-contests",
        "19 19 12 22 15 7 8",
        [head, *_rows()],
        "longtable",
    )


def table_frames() -> Markdown:
    """Return how quickly each explorer follows the reader's hand."""
    rows = [
        [*name.rsplit("-", 1), f"{median:.1f} ms", f"{1000 / median:.0f}"]
        for name, median in frames().items()
    ]
    if not rows:
        return Markdown("*Nothing is measured here yet: `python benchmarks/explorers.py` does it.*")
    return table(
        "The explorers in a browser without a graphics card, while they are dragged, run or train: the median time "
        "from frame to frame.",
        "tab-bench-frames",
        "30 20 20 20",
        [["Page", "Explorer", "Time", "Frames a second"], *rows],
    )


def ratios() -> Figure:
    """Draw every ratio with the range of its rounds, a panel for each number of threads."""
    many = counts()
    rows = max((len(contests(count)) for count in many), default=1)
    figure, axes = figures.panels(max(1, len(many)), height=0.34 * rows + 0.8)
    shown: list[str] = []
    for ax, count in zip(axes, many, strict=False):
        values = {f"{each.title}\n{each.against}": each.ratio for each in contests(count)}
        figures.ranges(values, mark=1, xlabel="times as fast", title=_threads(count), ax=ax)
        if list(values) == shown:
            ax.set_yticklabels([])  # they stand at the left
        shown = list(values)
    return figure
