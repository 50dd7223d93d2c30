"""All recorded runs as lists say them: what each was trained on, and every metric, also as CSV."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import safe_open

from chapters_lib.recording import runs


@cache
def records() -> list[runs.Run]:
    """Return every recorded run, by name."""
    return [runs.load(name) for name in runs.names()]


def has_weights(run: runs.Run) -> bool:
    """Whether the run's weights are stored."""
    with safe_open(run.folder / "model.safetensors", framework="np") as stored:
        return bool(list(stored.keys()))


def keys(run: runs.Run) -> list[str]:
    """Return the names of a run's metrics."""
    return [key for key in run.metrics if not key.endswith("_sem")]


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


def value(metric: runs.Metric) -> tuple[str, str]:
    """Return a metric and its standard error, to as many digits as that error supports."""
    if metric.sem == metric.sem and metric.sem > 1e-9 * abs(metric.mean):  # less is rounding
        digits = max(0, 1 - int(f"{metric.sem:e}".split("e")[1]))
        return f"{metric.mean:,.{digits}f}", f"{metric.sem:.{digits}f}"
    whole = float(metric.mean).is_integer()
    return (f"{metric.mean:,.0f}" if whole else f"{metric.mean:.4g}"), ""


def over(metric: runs.Metric) -> str:
    """Return what a standard error is over."""
    if len(metric.values) > 1:
        return f"{len(metric.values)} trainings"
    return "one training's estimate" if metric.sem == metric.sem else ""


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
            writer.writerow([run.name, key, repr(metric.mean), sem, over(metric), values])
    return text.getvalue()


def write_csv(folder: str) -> None:
    """Write ``metrics.csv`` into a folder of the site."""
    Path(folder, "metrics.csv").write_text(metrics_csv(), encoding="utf-8")
