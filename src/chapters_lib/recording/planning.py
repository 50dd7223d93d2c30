"""What is to be trained, in which order, why, and what it costs."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chapters_lib import data
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.record import origins
from chapters_lib.recording.verifying import RENDERED, is_recorded, same_data

Experiments = Mapping[str, Experiment[Any, Any]]


@dataclass(frozen=True)
class Task:
    """A training that is to be done.

    `why`: what is wrong with its record; empty where there is nothing.
    `seconds`: what all its seeds took on one processor when they were recorded; nan where none is
    recorded.
    `needs`: the runs that it uses.
    """

    name: str
    why: str
    seconds: float
    needs: tuple[str, ...]


def ordered(names: Iterable[str], experiments: Experiments, with_needs: bool = False) -> list[str]:
    """Return the names, each after what it needs; with the needs themselves if so asked."""
    asked, found = list(dict.fromkeys(names)), dict[str, None]()

    def visit(name: str) -> None:
        for needed in experiments[name].needs:
            if needed not in found:
                visit(needed)
        found.setdefault(name)

    for name in asked:
        visit(name)
    return [name for name in found if with_needs or name in asked]


def why_stale(experiment: Experiment[Any, Any]) -> str:
    """Return in a few words why a record no longer is what a training would leave; empty if it is.

    Data that are not at hand cannot be compared, and are taken for those of the record.
    """
    if experiment.name not in runs.names():
        return "not recorded"
    try:
        run = runs.load(experiment.name)
    except ChaptersError:
        return "its record is damaged"
    if not is_recorded(experiment.config, run.config):
        return "another configuration"
    for split, stated in run.data_used.items():
        if RENDERED.get(stated["name"], {}).get(split) == stated["images"]:
            continue  # to compute the set anew takes minutes, and would say no more
        try:
            found = data.load(stated["name"], split)
        except ChaptersError:
            continue
        if not same_data(found, stated):
            return f"{len(found)} {split} images of {stated['name']}, recorded {stated['images']}"
    try:
        now, then = origins(experiment.needs), run.provenance.get("used", {})
    except ChaptersError:
        return "a run that it uses is not recorded, or damaged"
    changed = [
        name for name in then.keys() & now.keys() if then[name]["sha256"] != now[name]["sha256"]
    ]
    return f"{min(changed)} was recorded anew" if changed else ""


def tasks(names: Iterable[str], experiments: Experiments, with_needs: bool = False) -> list[Task]:
    """Return a task for each name, in an order in which they can be done; needs that are stale make stale."""
    found: dict[str, Task] = {}
    for name in ordered(names, experiments, with_needs=True):
        experiment = experiments[name]
        why = why_stale(experiment)
        if not why and (stale := [need for need in experiment.needs if found[need].why]):
            why = f"{stale[0]} is to be trained"
        found[name] = Task(name, why, _seconds(name), experiment.needs)
    kept = ordered(names, experiments, with_needs)
    return [task for task in found.values() if task.name in kept]


def makespan(todo: Sequence[Task], machines: int) -> float:
    """Return the seconds until all tasks are done by so many machines; a task waits for its needs.

    Each machine takes the first task in the order that it can begin; unknown times count as nothing.
    """
    ends: dict[str, float] = {}
    free = [0.0] * machines
    for task in todo:
        start = max([heapq.heappop(free), *(ends[need] for need in task.needs if need in ends)])
        ends[task.name] = start + (0.0 if math.isnan(task.seconds) else task.seconds)
        heapq.heappush(free, ends[task.name])
    return max(free)


def _seconds(name: str) -> float:
    try:
        return float(runs.load(name).provenance.get("wall_seconds", math.nan))
    except ChaptersError:
        return math.nan
