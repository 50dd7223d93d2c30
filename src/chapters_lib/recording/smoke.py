"""A short trial of a training: all that `train` does, for one epoch on few images, and nothing of it is kept."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch

from chapters_lib import data
from chapters_lib.data.published import as_found
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.planning import Experiments, ordered
from chapters_lib.recording.record import record
from chapters_lib.recording.verifying import RENDERED

IMAGES = {"train": 2000, "val": 500, "test": 500}
AT_MOST = {  # of configurations' fields: how much is done, never what the networks are
    "ais_chains": 10,
    "draws": 2,
    "effect_images": 20,
    "epochs": 1,
    "followed_every": 1,
    "images": 200,
    "iwae_samples": 5,
    "lines": 20,
    "nll_images": 50,
    "nll_samples": 5,
    "real_images": 100,
    "real_lines": 2,
    "sample_steps": 10,
    "shown_epochs": 1,
    "statistics_images": 200,
    "temperatures": 20,
    "timed_images": 5,
    "trials": 2,
    "untrained": 1,
    "updates": 20,
    "updates_per_epoch": 10,
    "warm_up": 1,
}


def shortened(config: Any) -> Any:
    """Return a configuration that does little of everything; the networks keep their sizes."""
    if isinstance(config, tuple):
        return tuple(map(shortened, config))
    if not is_dataclass(config) or isinstance(config, type):
        return config
    changes = {part.name: shortened(getattr(config, part.name)) for part in fields(config)}
    for name, most in AT_MOST.items():
        if name in changes:
            changes[name] = _at_most(changes[name], most)
    return replace(config, **changes)


def _at_most(value: Any, most: int) -> Any:
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(min(one, most) for one in value))
    return value if value is None else min(value, most)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Let records and checkpoints be written to a folder that is removed at the end, and take few images.

    Data sets that were rendered before are found again.
    """
    kept = cache_root()
    limits = {(name, split): most for name in data.LOADERS for split, most in IMAGES.items()}
    before = {name: os.environ.get(name) for name in ("CHAPTERS_RUNS", "CHAPTERS_CACHE")}
    with tempfile.TemporaryDirectory(prefix="smoke-") as name:
        folder = Path(name)
        (folder / "cache").mkdir()
        for path in kept.glob("house-numbers-*.npz"):
            (folder / "cache" / path.name).symlink_to(path.absolute())
        os.environ["CHAPTERS_RUNS"] = str(folder / "runs")
        os.environ["CHAPTERS_CACHE"] = str(folder / "cache")
        try:
            with data.only_first(limits), as_found():
                yield
        finally:
            for variable, value in before.items():
                if value is None:
                    os.environ.pop(variable)
                else:
                    os.environ[variable] = value


def tried(experiment: Experiment[Any, Any], device: torch.device) -> str:
    """Train, measure, write and read again the first seed of a shortened experiment; say what it did.

    Call it `apart`.
    """
    start = time.monotonic()
    short = replace(experiment, config=shortened(experiment.config), seeds=experiment.seeds[:1])
    run = record(short, device=device, progress=False)
    if short.weights_stored:
        short.restored()
    assert run.panels is not None
    images, rows = run.data_used["train"]["images"], len(run.history)
    return (
        f"{run.name}: tried out on {images:,} images of {experiment.config.dataset} in "
        f"{time.monotonic() - start:.0f} s: trained ({rows} row{'s' * (rows != 1)} of history), "
        f"{len(run.metrics)} metrics measured, written and read again; nothing of it is kept"
    )


def smoke(
    names: Sequence[str], experiments: Experiments, device: torch.device, say: Callable[[str], None]
) -> Mapping[str, bool]:
    """Try out experiments, and first those that they need; return by name whether it went well."""
    for name in names:
        if experiments[name].config.dataset in RENDERED:
            data.load(experiments[name].config.dataset, "train")  # rendered once, and kept
    done: dict[str, bool] = {}
    with apart():
        for name in ordered(names, experiments, with_needs=True):
            if lost := [need for need in experiments[name].needs if not done[need]]:
                done[name] = False
                say(f"{name}: left out, since {lost[0]} failed")
                continue
            try:
                say(tried(experiments[name], device))
                done[name] = True
            except ChaptersError as error:
                say(f"{name}: failed ({error})")
                done[name] = False
    return done
