"""Tables of all recorded runs: what they were trained on and with, and what they measured."""

from __future__ import annotations

from functools import cache

from IPython.display import Markdown

from chapters_lib.pages import Page, table
from chapters_lib.pages import run as load
from chapters_lib.recording import runs

PAGE = Page("repro")
HYPHEN = "\N{NON-BREAKING HYPHEN}"


def _named(name: str) -> str:
    """Return a run's name as code; a long one as plain text, which breaks at its hyphens in print."""
    return f"`{name}`" if len(name) <= 34 else name


@cache
def records() -> list[runs.Run]:
    """Return every recorded run, by name."""
    return [load(name) for name in runs.names()]


def numbers() -> None:
    """Glue how many runs are recorded, and how many of them say what they were built on."""
    used = sum("used" in run.provenance for run in records())
    PAGE.keep(used=f"{used}", runs=f"{len(records())}")


def _table(caption: str, name: str, widths: str, rows: list[list[str]]) -> Markdown:
    if len(rows) == 1:
        return Markdown("*Nothing is recorded yet.*")
    return table(caption, name, widths, rows, "longtable")


def _value(metric: runs.Metric) -> str:
    """Return a metric with its standard error, to as many digits as that error supports."""
    if metric.sem == metric.sem and metric.sem > 1e-9 * abs(metric.mean):  # less is rounding
        digits = max(0, 1 - int(f"{metric.sem:e}".split("e")[1]))
        return f"{metric.mean:,.{digits}f} ± {metric.sem:.{digits}f}"
    return f"{metric.mean:,.0f}" if float(metric.mean).is_integer() else f"{metric.mean:.4g}"


def table_runs() -> Markdown:
    """Return the images, seeds, minutes and date of every run."""
    rows = [["Run", "Data set", "Train", "Test", "Seeds", "Minutes", "Date"]]
    for run in records():
        used, made = run.provenance["data"], run.provenance
        images = [f"{used[split]['images']:,}" for split in ("train", "test")]
        dataset, date = (
            word.replace("-", HYPHEN) for word in (used["train"]["name"], made["date"])
        )
        seeds, minutes = str(len(made["seeds"])), f"{made['wall_seconds'] / 60:.1f}"
        rows.append([_named(run.name), dataset, *images, seeds, minutes, date])
    caption = (
        "Recorded runs: the images used, the number of seeds, and the time of all of them together."
    )
    return _table(caption, "tab-repro-runs", "42 18 9 9 8 9 14", rows)


def table_metrics() -> Markdown:
    """Return every metric of every run."""
    rows = [["Run", "Metric", "Value"]]
    for run in records():
        name = _named(run.name)
        for key in (key for key in run.metrics if not key.endswith("_sem")):
            # a long key in plain text, which breaks at its hyphens in print
            shown = f"`{key}`" if len(key) <= 30 else key.replace("_", r"\_")
            rows.append([name, shown, _value(run.metric(key))])
            name = ""
    caption = "Every metric of every recorded run: mean ± standard error over seeds where there are several."
    return _table(caption, "tab-repro-metrics", "38 44 18", rows)


def table_machines() -> Markdown:
    """Return the machines that trained, and how many runs each did."""
    keys = ("processor", "device", "threads", "torch", "library")
    machines = [tuple(str(run.provenance.get(key, "")) for key in keys) for run in records()]
    rows = [["Processor", "Device", "Threads", "torch", "Library", "Runs"]]
    for machine in sorted(set(machines)):
        rows.append([*(part or "–" for part in machine), str(machines.count(machine))])
    caption = "The machines that trained them."
    return _table(caption, "tab-repro-machines", "36 14 12 14 12 12", rows)


def table_amended() -> Markdown:
    """Return what was mended in records without training anew."""
    notes: dict[tuple[str, str], list[str]] = {}
    for run in records():
        for note in run.provenance.get("amended", {}).items():
            notes.setdefault(note, []).append(_named(run.name))
    rows = [["Metric", "What was done", "Runs"]]
    for (key, note), names in sorted(notes.items()):
        metrics = "all" if key == "*" else ", ".join(f"`{part}`" for part in key.split(", "))
        rows.append([metrics, note, ", ".join(names)])
    caption = (
        "What was found wrong in a record after its training, and what was done about it without "
        "training anew."
    )
    return _table(caption, "tab-repro-amended", "27 33 40", rows)
