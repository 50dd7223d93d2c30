"""Which images records are of: runs that do not belong together, and those that a whole data set makes needless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chapters_lib import data
from chapters_lib.data.published import WHOLE
from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.runs import Run
from chapters_lib.recording.verifying import RENDERED


def is_whole(run: Run) -> bool:
    """Whether a run was trained on the whole default split of a set of MNIST's size."""
    return bool(run.data_used["train"]["images"] >= WHOLE["train"])


def superseded(experiment: Experiment[Any, Any]) -> bool:
    """Whether the run that an experiment repeats on whole data is recorded on them."""
    by = experiment.repeats
    return bool(by) and by in runs.names() and is_whole(runs.load(by))


def needless(experiment: Experiment[Any, Any]) -> bool:
    """Whether an experiment only repeats another, since the whole data set is at hand (or else recorded)."""
    if not experiment.repeats:
        return False
    try:
        return len(data.load(experiment.config.dataset, "train")) >= WHOLE["train"]
    except ChaptersError:
        return superseded(experiment)


def require_same_data(*together: Run) -> None:
    """Raise a `ChaptersError` that names all, if runs of one data set are of different images.

    Of a rendered set, which each machine computes for itself, the number of images counts alone.
    """
    stated = [(run.name, *item) for run in together for item in run.data_used.items()]
    for name, split in dict.fromkeys((used["name"], split) for _, split, used in stated):
        found: dict[str, list[str]] = {}
        for run, where, used in stated:
            if (used["name"], where) == (name, split):
                found.setdefault(_told(used), []).append(run)
        if len(found) > 1:
            sides = " and ".join(f"{', '.join(names)} on {of}" for of, names in found.items())
            raise ChaptersError(
                f"recorded on different {split} images of {name}: {sides}; numbers of the one do not belong beside "
                "the other: train anew what is out of date, `python -m chapters_lib train --stale`"
            )


def _told(used: Mapping[str, Any]) -> str:
    images = f"{used['images']:,}"
    return images if used["name"] in RENDERED else f"{images} (SHA-256 {used['sha256'][:8]})"


def require_needs(experiment: Experiment[Any, Any]) -> None:
    """Raise a `ChaptersError` if a run that an experiment needs is missing, or of other images than are at hand."""
    for needed in experiment.needs:
        for split, used in runs.load(needed).data_used.items():
            if used["name"] != getattr(experiment.config, "dataset", None):
                continue
            at_hand = data.load(used["name"], split)
            here = _told({"name": at_hand.name, "images": len(at_hand), "sha256": at_hand.sha256})
            if here != _told(used):
                raise ChaptersError(
                    f"{experiment.name} would be trained on {here} {split} images of {used['name']}, {needed} was "
                    f"recorded on {_told(used)}: train {needed} anew first, or use its data"
                )
