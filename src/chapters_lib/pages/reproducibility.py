"""All recorded runs: for the site a fold each, with every metric; and every metric as CSV."""

from __future__ import annotations

import csv
import io
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from IPython.display import Markdown
from safetensors import safe_open

from chapters_lib.experiments import find
from chapters_lib.pages import Page, table
from chapters_lib.pages import run as load
from chapters_lib.recording import runs

PAGE = Page("repro")
NAMED = 3  # runs named in print beside an amendment; more are counted


@cache
def records() -> list[runs.Run]:
    """Return every recorded run, by name."""
    return [load(name) for name in runs.names()]


def has_weights(run: runs.Run) -> bool:
    """Whether the run's weights are stored."""
    with safe_open(run.folder / "model.safetensors", framework="np") as stored:
        return bool(list(stored.keys()))


def keys(run: runs.Run) -> list[str]:
    """Return the names of a run's metrics."""
    return [key for key in run.metrics if not key.endswith("_sem")]


def numbers() -> None:
    """Glue how many runs and metrics are recorded, and what some records lack."""
    found = records()
    PAGE.keep(
        runs=f"{len(found)}",
        metrics=f"{sum(len(keys(run)) for run in found):,}",
        used=f"{sum('used' in run.provenance for run in found)}",
        several=f"{sum(len(run.provenance['seeds']) > 1 for run in found)}",
        without_weights=f"{sum(not has_weights(run) for run in found)}",
    )


def held_out(config: Any) -> float:
    """Return the share of the train split that a configuration, or a part of it, holds out."""
    if isinstance(config, dict):
        own = config.get("validation")
        shares = [float(own)] if isinstance(own, int | float) else []
        return max([*shares, *map(held_out, config.values())], default=0.0)
    return max(map(held_out, config), default=0.0) if isinstance(config, list) else 0.0


def facts(run: runs.Run) -> dict[str, str]:
    """Return what the list says of a run, by the list's columns."""
    made, used = run.provenance, run.provenance["data"]
    images = used["train"]["images"]
    share = (
        0.0 if "val" in used else held_out(run.config)
    )  # the file of the data may hold out its own
    trained = f"{round(images * (1 - share)):,}" + (f" of {images:,}" if share else "")
    some = "train_seconds" in run.metrics  # else something was measured, and nothing trained
    return {
        "Data": used["train"]["name"],
        "Training images": trained if some else "–",
        "Seeds": f"{len(made['seeds'])}" if some else "–",
        "Minutes": f"{made['wall_seconds'] / 60:.1f}",
        "Weights": "yes" if has_weights(run) else "no",
        "Date": made["date"],
    }


def _value(metric: runs.Metric) -> tuple[str, str]:
    """Return a metric and its standard error, to as many digits as that error supports."""
    if metric.sem == metric.sem and metric.sem > 1e-9 * abs(metric.mean):  # less is rounding
        digits = max(0, 1 - int(f"{metric.sem:e}".split("e")[1]))
        return f"{metric.mean:,.{digits}f}", f"{metric.sem:.{digits}f}"
    whole = float(metric.mean).is_integer()
    return (f"{metric.mean:,.0f}" if whole else f"{metric.mean:.4g}"), ""


def _over(metric: runs.Metric) -> str:
    """Return what a standard error is over."""
    if len(metric.values) > 1:
        return f"{len(metric.values)} trainings"
    return "one training's estimate" if metric.sem == metric.sem else ""


def _list(rows: list[list[str]], widths: str) -> str:
    """Return a table without number: the site and print number theirs alike."""
    lines = ["```{list-table}", ":header-rows: 1", f":widths: {widths}", ":class: longtable", ""]
    for row in rows:
        lines += [("* - " if i == 0 else "  - ") + cell for i, cell in enumerate(row)]
    return "\n".join([*lines, "```"])


def table_runs() -> Markdown:
    """Return for the site every run, as a fold with every metric, and a filter over all."""
    if not records():
        return Markdown("*Nothing is recorded yet.*")
    return Markdown(f"````{{only}} builder_html\n```{{raw}} html\n{folds()}\n```\n````")


def table_machines() -> Markdown:
    """Return the machines that trained, and how many runs each did."""
    columns = ("processor", "device", "threads", "torch", "library")
    machines = [tuple(str(run.provenance.get(key, "")) for key in columns) for run in records()]
    rows = [["Processor", "Device", "Threads", "torch", "Library", "Runs"]]
    for machine in sorted(set(machines)):
        rows.append([*(part or "–" for part in machine), str(machines.count(machine))])
    return table("The machines that trained them.", "tab-repro-machines", "36 14 12 14 12 12", rows)


def table_amended() -> Markdown:
    """Return for the site what was mended in records without training anew."""
    notes: dict[tuple[str, str], list[str]] = {}
    for run in records():
        for note in run.provenance.get("amended", {}).items():
            notes.setdefault(note, []).append(f"`{run.name}`")
    if not notes:
        return Markdown("*No record was amended.*")
    rows = [["Metric", "What was done", "Runs"]]
    for (key, note), names in sorted(notes.items()):
        metrics = "all" if key == "*" else ", ".join(f"`{part}`" for part in key.split(", "))
        told = ", ".join(names) if len(names) <= NAMED else f"{len(names)} runs"
        rows.append([metrics, note, told])
    told = "What was found wrong in a record after its training, and what was done about it without training anew:"
    return Markdown(f"````{{only}} builder_html\n{told}\n\n{_list(rows, '26 34 40')}\n````")


# the site


def folds() -> str:
    """Return the filter, the link to the CSV and a fold for each run, as HTML on one line each."""
    head = (
        '<script src="../_static/records.js" defer></script>\n'
        '<p class="records-tools"><label hidden>Show runs and metrics with '
        '<input type="search" class="records-filter" placeholder="fid, vae-fc …"></label> '
        '<a href="../_static/metrics.csv" download>All metrics as CSV</a></p>\n'
        '<p class="records-none" hidden>No run and no metric has this in its name.</p>'
    )
    return "\n".join([head, '<div class="records">', *map(fold, records()), "</div>"])


def fold(run: runs.Run) -> str:
    """Return a run as a fold with an anchor: what it was trained on and with, and every metric."""
    told = facts(run)
    name, made = escape(run.name), run.provenance
    seeds = "1 seed" if told["Seeds"] == "1" else f"{told['Seeds']} seeds"
    brief = f"{told['Data']}, {seeds}, {told['Minutes']} min, {told['Date']}"
    rows = "".join(
        f'<tr data-metric="{escape(key)}"><td><code>{escape(key)}</code></td>'
        f"<td>{mean}</td><td>{sem and f'± {sem}'}</td><td>{_over(metric) if sem else ''}</td></tr>"
        for key in keys(run)
        for metric in [run.metric(key)]
        for mean, sem in [_value(metric)]
    )
    splits = "; ".join(
        f"{split} split {data['images']:,} images, SHA-256 {data['sha256'][:12]}…"
        for split, data in made["data"].items()
    )
    summary = find(run.name).summary
    about = [
        f"{summary[:1].upper()}{summary[1:]}.",
        f"Training images: {told['Training images']}; {splits}.",
        f"Commit {made['commit']}, {made.get('processor', 'processor not recorded')}, "
        f"torch {made['torch']}. Weights stored: {told['Weights']}.",
        *(
            f"{key if key != '*' else 'All'}: {note}."
            for key, note in made.get("amended", {}).items()
        ),
    ]
    text = "".join(f"<p>{escape(line)}</p>" for line in about)
    return (
        f'<details id="run-{name}" data-run="{name}"><summary><code>{name}</code> <span>{brief}'
        f'</span></summary>{text}<div class="records-table"><table><thead><tr><th>Metric</th>'
        "<th>Value</th><th>Standard error</th><th>over</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def metrics_csv() -> str:
    """Return every metric of every run as CSV: mean, standard error, what it is over, one value a training."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "metric", "mean", "standard_error", "over", "values"])
    for run in records():
        for key in keys(run):
            metric = run.metric(key)
            sem = repr(metric.sem) if metric.sem == metric.sem else ""
            values = " ".join(map(repr, metric.values))
            writer.writerow([run.name, key, repr(metric.mean), sem, _over(metric), values])
    return text.getvalue()


def write_csv(folder: str) -> None:
    """Write ``metrics.csv`` into a folder of the site."""
    Path(folder, "metrics.csv").write_text(metrics_csv(), encoding="utf-8")
