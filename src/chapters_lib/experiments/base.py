"""What an experiment is, and how one is recorded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

import chapters_lib
from chapters_lib import data, runs
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments.provenance import (
    MEASURED,
    joined,
    origins,
    require_unchanged,
    trained_by,
)
from chapters_lib.folders import cache_root
from chapters_lib.models.layers import count_parameters
from chapters_lib.reproducibility import describe_machine, seed_everything, source_commit
from chapters_lib.training import Checkpoint, History

Metrics = dict[str, float]
Panels = dict[str, np.ndarray]
Sampler = Callable[[Any, nn.Module, int], torch.Tensor]


class Config(Protocol):
    """A frozen dataclass that holds an experiment's numbers."""

    __dataclass_fields__: Any


@dataclass(frozen=True)
class Session:
    """Where and how one training happens."""

    device: torch.device
    checkpoint: Checkpoint | None = None
    progress: str = ""
    fresh: bool = False  # whether trials that are kept outside of checkpoints are forgotten, too


@dataclass(frozen=True)
class Experiment:
    """A named experiment: its numbers, and the functions that train, measure and show it.

    Attributes
    ----------
    build
        makes the untrained model; called after the seed is set.
    train
        trains the model in place and returns its history.
    evaluate
        measures the trained model on the CPU with generators of its own; `verify` calls it
        again on the stored weights, so two calls must agree.
    panels
        returns the arrays that the book's figures need beside the weights.
    needs
        recorded runs whose weights `train`, `evaluate` or `panels` use (a judge, a model to start from).
    tolerances
        how far a recomputed metric may be from the recorded one, where 1e-3 of its size (and
        at least 1e-6) is not right.
    half_precision
        whether weights are stored in half precision; the metrics are always those of the
        stored weights.
    samples
        by the prefix of their metrics, what draws new images: a function of configuration, model
        and count that returns uint8 images, the same at every call; empty for what draws none.
    weights_stored
        False for a study of many models, which keeps its numbers alone and cannot be verified
        without training.
    """

    name: str
    chapter: str
    summary: str
    config: Any
    build: Callable[[Any], nn.Module]
    train: Callable[[Any, nn.Module, Session], History]
    evaluate: Callable[[Any, nn.Module], Metrics]
    panels: Callable[[Any, nn.Module], Panels]
    seeds: tuple[int, ...] = (0, 1, 2)
    needs: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)
    half_precision: bool = True
    samples: Mapping[str, Sampler] = field(default_factory=dict)
    weights_stored: bool = True


def judged(name: str, chapter: str, summary: str, config: Any, **parts: Any) -> Experiment:
    """Make an experiment that needs the judge of its data set, where its configuration says `judged`."""
    needs = (f"judge-{config.dataset}",) if config.judged else ()
    return Experiment(name, chapter, summary, config, **({"needs": needs} | parts))


def record(
    experiment: Experiment, *, device: torch.device, fresh: bool = False, progress: bool = True
) -> runs.Run:
    """Train `experiment` under each of its seeds, measure it, and write its run.

    A training that was stopped goes on from its last checkpoint. Seeds that are finished are
    not trained again.

    Raises
    ------
    ChaptersError
        if the experiment is being trained elsewhere, a judge that it needs is not recorded,
        data are missing, or the training fails. The last record of the experiment then still
        is whole.
    """
    for needed in experiment.needs:
        runs.load(needed)
    runs.require_writable()
    with alone(experiment.name) as folder:
        return _record(experiment, folder, device, fresh, progress)


@contextlib.contextmanager
def alone(name: str) -> Iterator[Path]:
    """Keep every other process from training or evaluating the experiment; give its folder in the cache."""
    folder = cache_root() / name
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise ChaptersError(
            f"{name} is being trained by another process: wait for it, or stop it first"
        ) from None
    except OSError as error:
        raise ChaptersError(
            f"cannot write checkpoints to {folder} ({error.strerror}): make it writable, or name another folder by "
            "CHAPTERS_CACHE"
        ) from error
    try:
        yield folder
    finally:
        lock.release()


def _record(
    experiment: Experiment, folder: Path, device: torch.device, fresh: bool, progress: bool
) -> runs.Run:
    config = asdict(experiment.config)
    datasets = {split: data.load(config["dataset"], split) for split in ("train", "test")}
    first: nn.Module | None = None
    history, outcomes = History(), []
    here = {"commit": source_commit(), **describe_machine(device)}
    trainers: list[dict[str, Any]] = []
    measured_by: list[dict[str, Any]] = []
    used = origins(experiment.needs)
    for seed in experiment.seeds:
        stated = json.dumps(  # no NaN, which could not be recorded
            [config, seed, runs.FORMAT, {split: d.sha256 for split, d in datasets.items()}, used],
            allow_nan=False,
        )
        identity = hashlib.sha256(stated.encode()).hexdigest()
        checkpoint = Checkpoint(folder / f"seed-{seed}.pt", identity, by=here)
        if fresh:  # a study's parts have checkpoints of their own
            for path in folder.glob(f"seed-{seed}.*pt"):
                path.unlink()
        seed_everything(seed)
        model = experiment.build(experiment.config).to(device)
        label = f"{experiment.name} seed {seed}" if progress else ""
        session = Session(device, checkpoint, label, fresh)
        of_seed = experiment.train(experiment.config, model, session)
        trainers = joined(trainers, trained_by(checkpoint))
        for row in of_seed:
            history.append({"seed": seed, **row})
        model = stored_form(experiment, model)
        first = model if first is None else first
        measured, by = _measure_once(experiment, model, checkpoint, used)
        measured_by = joined(measured_by, by)
        outcomes.append(measured | _cost(model, of_seed))
    assert first is not None
    *earlier, last = trainers or [here]
    provenance = {
        "library": chapters_lib.__version__,
        "seeds": list(experiment.seeds),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "wall_seconds": float(sum(outcome.get("train_seconds", 0.0) for outcome in outcomes)),
        "data": {
            split: {"name": d.name, "images": len(d), "sha256": d.sha256}
            for split, d in datasets.items()
        },
        **last,
        **({"trained_before_by": earlier} if earlier else {}),
        **({"measured_by": measured_by} if measured_by != [last] else {}),
        **({"used": used} if used else {}),
    }
    panels = experiment.panels(experiment.config, first)
    require_unchanged(experiment.name, used)
    run = runs.save(
        experiment.name,
        config=config,
        provenance=provenance,
        history=history,
        metrics={
            key: runs.summarize([outcome[key] for outcome in outcomes]) for key in outcomes[0]
        },
        weights=_stored_weights(experiment, first),
        panels=panels,
    )
    for path in folder.glob(f"seed-*.{MEASURED}.pt"):
        path.unlink()
    return run


def stored_form(experiment: Experiment, model: nn.Module) -> nn.Module:
    """Return the model as its record will hold it: on the CPU, rounded as stored, in evaluation mode."""
    if not experiment.weights_stored:
        return model.cpu().eval()
    restored = experiment.build(experiment.config)
    stored = _stored_weights(experiment, model)
    restored.load_state_dict(
        {
            name.removeprefix("model."): value.float() if value.is_floating_point() else value
            for name, value in stored.items()
        }
    )
    return restored.eval()


def _stored_weights(experiment: Experiment, model: nn.Module) -> dict[str, torch.Tensor]:
    if not experiment.weights_stored:
        return {}
    state = model.cpu().state_dict()
    if experiment.half_precision:
        return runs.half(state)
    return {f"model.{name}": value for name, value in state.items()}


def _measure_once(
    experiment: Experiment, model: nn.Module, checkpoint: Checkpoint, used: Mapping[str, Any]
) -> tuple[Metrics, list[dict[str, Any]]]:
    """Measure a seed's model, or take what a process that was killed since had measured of it; say who measured.

    A likelihood takes longer than some trainings. What is kept serves until the run is recorded,
    and for the same sources and the same needed runs alone; of sources that are not committed
    nothing is kept.
    """
    commit = checkpoint.by["commit"]
    if not commit or commit.endswith("+"):
        return measure(experiment, model), [checkpoint.by]
    kept = checkpoint.part(MEASURED)
    kept.identity += json.dumps([commit, used])
    if found := kept.load():
        return dict(found["metrics"]), list(found["by"])
    metrics = measure(experiment, model)
    require_unchanged(experiment.name, used)
    kept.save({"metrics": metrics})
    return metrics, [checkpoint.by]


def measure(experiment: Experiment, model: nn.Module) -> Metrics:
    """Return a model's metrics; ChaptersError if one of them is not finite."""
    metrics = experiment.evaluate(experiment.config, model)
    for key, value in metrics.items():
        if not math.isfinite(value):
            raise ChaptersError(
                f"{experiment.name}: {key} came out as {value}; nothing was recorded"
            )
    return {key: float(value) for key, value in metrics.items()}


def _cost(model: nn.Module, history: History) -> Metrics:
    seconds = float(history.column("seconds").sum())
    if seconds == 0:  # a study that trains nothing
        return {"parameters": count_parameters(model)}
    found: Metrics = {"parameters": count_parameters(model), "train_seconds": seconds}
    if "images" in history.names:
        found["images_per_second"] = float(history.column("images").sum()) / seconds
    return found


def elapsed(start: float) -> str:
    """Return the time since `start` (of `time.monotonic`) as minutes and seconds."""
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    return f"{minutes} min {seconds:02d} s"
