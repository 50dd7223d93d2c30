"""Whether a record still holds: its data, its configuration, and its metrics recomputed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch

from chapters_lib import data
from chapters_lib.data import house_numbers
from chapters_lib.errors import ChaptersError
from chapters_lib.models.layers import count_parameters
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import CPU, Experiment, Metrics
from chapters_lib.recording.judging import judging_on

# Data sets that each machine computes for itself, and how many images of each split it makes.
RENDERED = {"house-numbers": house_numbers.COUNTS}


@dataclass(frozen=True)
class Difference:
    """A recorded metric that came out otherwise when recomputed."""

    key: str
    recorded: float
    recomputed: float
    tolerance: float


def verify(
    experiment: Experiment[Any, Any], device: torch.device = CPU
) -> tuple[list[str], list[Difference]]:
    """Recompute a run's metrics, those of its first seed, on a device from its weights and the data.

    Returns checked, differences: the keys that were recomputed, and those among them that lie
    outside their tolerance. Times are no part of it: they belong to the machine. Nothing is checked
    of a study, whose weights are not kept.
    Raises `ChaptersError` if the run or the data cannot be had, or the data are not those of the
    record.
    """
    with as_recorded(experiment) as run:
        if not experiment.weights_stored:
            return [], []
        model = experiment.restored()
        with judging_on(device):
            recomputed = experiment.measure(model, device)
        recomputed |= {"parameters": count_parameters(model)}
    return list(recomputed), compare(run, recomputed, experiment.tolerances)


def compare(
    run: runs.Run, recomputed: Metrics, tolerances: Mapping[str, float]
) -> list[Difference]:
    """Return where recomputed metrics lie outside their tolerance of what is recorded of the first seed."""
    differences = []
    for key, value in recomputed.items():
        recorded = run.metric(key).values[0]
        tolerance = tolerances.get(key, max(1e-6, 1e-3 * abs(recorded)))
        if not abs(value - recorded) <= tolerance:
            differences.append(Difference(key, recorded, value, tolerance))
    return differences


@contextlib.contextmanager
def as_recorded(experiment: Experiment[Any, Any]) -> Iterator[runs.Run]:
    """Give the experiment's run, with the data as they were when it was recorded.

    Where more images are found than there were, and begin with those of the record, `data.load`
    returns these alone.

    Raises `ChaptersError` if the images found are others, or the configuration is another.
    """
    run = runs.load(experiment.name)
    fewer: dict[tuple[str, str], int] = {}
    for split, stated in run.data_used.items():
        found, images = data.load(stated["name"], split), stated["images"]
        if same_data(found, stated):
            continue
        if len(found) <= images or found.first(images).sha256 != stated["sha256"]:
            raise ChaptersError(
                f"{experiment.name} was recorded on {images} {split} images of {stated['name']}, "
                f"other than the {len(found)} found here: use the same data, or train it anew"
            )
        fewer[stated["name"], split] = images
    if not is_recorded(experiment.config, run.config):
        raise ChaptersError(
            f"{experiment.name} was recorded under another configuration: train it anew"
        )
    with data.only_first(fewer):
        yield run


def same_data(found: data.Dataset, stated: Mapping[str, Any]) -> bool:
    """Whether images are those that a record states: by their SHA-256.

    Of a rendered set, whose floating-point sums differ with the processor and so a few of its bytes by one
    level, the name and the number count; whether it is the same set then shows in the metrics.
    """
    if found.name in RENDERED:
        return len(found) == stated["images"]
    return found.sha256 == str(stated["sha256"])


def is_recorded(config: Any, recorded: Any) -> bool:
    """Whether a configuration is the one recorded; a field that came later has its default then."""
    if not is_dataclass(config):
        if isinstance(config, tuple | list) and isinstance(recorded, list):
            return len(config) == len(recorded) and all(map(is_recorded, config, recorded))
        return bool(config == recorded)
    known = {part.name: part for part in fields(config)}
    if not isinstance(recorded, dict) or not known.keys() >= recorded.keys():
        return False
    return all(
        is_recorded(getattr(config, name), recorded[name])
        if name in recorded
        else getattr(config, name) == part.default
        for name, part in known.items()
    )
