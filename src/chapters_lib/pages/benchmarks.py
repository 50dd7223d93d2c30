"""The page on benchmarks: what `make bench` recorded last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.findings.words import duration, threads, with_article
from chapters_lib.pages import Page, table
from chapters_lib.recording import benchmarks
from chapters_lib.recording.benchmarks import Contest, contests, counts

PAGE = Page("bench")
FLUENT = 30  # frames a second
NOTHING = "*Nothing is measured here yet: `make bench` does it.*"


def frames() -> dict[str, float]:
    """Return milliseconds from frame to frame, medians, by page and explorer, the slowest first."""
    found: dict[str, float] = benchmarks.record().get("frames", {}).get("medians", {})
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def numbers() -> None:
    """Glue when, where and under which load it was measured, and how long a page takes."""
    figures.use_style()
    made = benchmarks.record()
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
    PAGE.keep(loader_said=_loader())
    PAGE.keep(frames_said=_frames(made.get("frames", {})))
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


def _loader() -> str:
    """Say what keeps the VAE below its aim beside a loop over a DataLoader; nothing where it reaches it."""
    found = [each for each in contests() if each.key == "vae-loader" and each.ratio[1] < each.aim]
    if not found:
        return ""
    short = " and ".join(f"{100 * (1 - each.ratio[1] / each.aim):.0f} %" for each in found)
    aim, used = f"{found[0].aim:g}", " and ".join(threads(each.threads) for each in found)
    return (
        f"To be {aim} times as fast as the loop over a DataLoader, the VAE's step would have to take {short} less time "
        f"({used}). Most of it goes into products of matrices too small for the speed of large ones. A change of "
        "that size in the rest, which leaves every recorded weight as it is, was looked for and not found."
    )


def _frames(made: dict[str, Any]) -> str:
    """Return where the explorers were measured, and how many are fluent; nothing where none was."""
    times = frames().values()
    if not times:
        return ""
    fluent = sum(round(1000 / ms) >= FLUENT for ms in times)
    return (
        f"Measured on {made['date']} on {made['processor']}: {fluent} of {len(times)} explorers reach thirty frames "
        "a second. "
    )


def _named(found: Sequence[Contest]) -> str:
    """Return which contests these are, for a sentence."""
    told = [f"{each.title} beside {each.against} ({threads(each.threads)})" for each in found]
    return "; ".join(told) if told else "none"


def _unlike() -> str:
    """Return which contests miss their aim by the ratio of the medians alone, with that ratio."""
    ratios = ((each, median(each.other) / median(each.library)) for each in contests())
    found = [
        f"{each.title} beside {each.against}, {threads(each.threads)}: {ratio:.2f}"
        for each, ratio in ratios
        if ratio < each.aim <= each.ratio[1]
    ]
    return f" ({'; '.join(found)})" if found else ""


def _rows() -> Iterator[list[str]]:
    for each in contests():
        low, middle, high = each.ratio
        share = f"{100 * each.share:.0f} %" if each.operations else "–"
        yield [
            f"{each.title}, {with_article(each.unit)}",
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
        "The library beside other ways to do the same work. Times are medians over the rounds, the other way first. "
        f"The ratio is the median of the rounds' ratios, which can differ from that of the medians{_unlike()}. "
        "*Share* is that of the speed of a product of two large matrices.",
        "tab-bench-contests",
        "21 18 9 19 19 6 8",
        [head, *_rows()],
        "longtable",
    )


def table_frames() -> Markdown:
    """Return how quickly each explorer follows the reader's hand, a row for those that are as quick."""
    alike: dict[tuple[str, str], list[str]] = {}
    for name, ms in frames().items():
        page, explorer = name.rsplit("-", 1)
        cells = f"{ms:.1f} ms", f"{1000 / ms:.0f}"
        alike.setdefault(cells, []).append(f"{page} ({explorer})")
    rows = [[", ".join(names), *cells] for cells, names in alike.items()]
    if not rows:
        return Markdown("*Nothing is measured here yet: `python benchmarks/explorers.py` does it.*")
    return table(
        "The explorers in a browser without a graphics card, while they are dragged, run or train: the median time "
        "from frame to frame.",
        "tab-bench-frames",
        "56 14 20",
        [["Page (explorer)", "Time", "Frames a second"], *rows],
    )


def ratios() -> Figure:
    """Draw every ratio with the range of its rounds, a panel for each number of threads."""
    many = counts()
    rows = max((len(contests(count)) for count in many), default=1)
    figure, axes = figures.panels(max(1, len(many)), height=0.34 * rows + 0.8)
    shown: list[str] = []
    for ax, count in zip(axes, many, strict=False):
        values = {f"{each.title}\n{each.against}": each.ratio for each in contests(count)}
        figures.ranges(values, mark=1, xlabel="times as fast", title=threads(count), ax=ax)
        if list(values) == shown:
            ax.set_yticklabels([])  # they stand at the left
        shown = list(values)
    return figure
