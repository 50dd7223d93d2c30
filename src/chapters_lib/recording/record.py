"""How an experiment is recorded: trained under each of its seeds, measured, written whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

import chapters_lib
from chapters_lib import data
from chapters_lib.checkpoint import Checkpoint
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root
from chapters_lib.models.layers import count_parameters
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Experiment, Metrics, Session
from chapters_lib.reproducibility import describe_machine, seed_everything, source_commit
from chapters_lib.training import History


def record(
    experiment: Experiment[Any, Any],
    *,
    device: torch.device,
    fresh: bool = False,
    progress: bool = True,
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


def origins(needs: Iterable[str]) -> dict[str, Any]:
    """Return by name what needed runs are: the commit and the date of each, and the SHA-256 of its weights."""
    found = {}
    for name in needs:
        run = runs.load(name)
        stated = {key: str(run.provenance.get(key, "")) for key in ("commit", "date")}
        weights = (run.folder / "model.safetensors").read_bytes()
        found[name] = stated | {"sha256": hashlib.sha256(weights).hexdigest()}
    return found


def _record(
    experiment: Experiment[Any, Any],
    folder: Path,
    device: torch.device,
    fresh: bool,
    progress: bool,
) -> runs.Run:
    config = asdict(experiment.config)
    datasets = {
        split: data.load(config["dataset"], split) for split in data.splits(config["dataset"])
    }
    used = origins(experiment.needs)
    first: nn.Module | None = None
    history, outcomes = History(), []
    hashes = {split: found.sha256 for split, found in datasets.items()}
    for seed in experiment.seeds:
        checkpoint = checkpoint_of(experiment, seed, folder, hashes, used)
        if fresh:  # a study's parts have checkpoints of their own
            for path in folder.glob(f"seed-{seed}.*pt"):
                path.unlink()
        label = f"{experiment.name} seed {seed}" if progress else ""
        session = Session(device, checkpoint, label, seed, fresh)
        model, rows, metrics = one_seed(experiment, session, checkpoint)
        first = model if first is None else first
        for row in rows:
            history.append({"seed": seed, **row})
        outcomes.append(metrics)
    assert first is not None
    panels = experiment.panels(experiment.config, first)
    if origins(experiment.needs) != used:
        raise ChaptersError(
            f"a run that {experiment.name} needs was recorded anew meanwhile; nothing was recorded: run the same "
            "command again"
        )
    run = runs.save(
        experiment.name,
        config=config,
        provenance={
            "library": chapters_lib.__version__,
            "commit": source_commit(),
            **describe_machine(device),
            "seeds": list(experiment.seeds),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "wall_seconds": float(sum(found.get("train_seconds", 0.0) for found in outcomes)),
            "data": {
                split: {"name": found.name, "images": len(found), "sha256": found.sha256}
                for split, found in datasets.items()
            },
            **({"used": used} if used else {}),
        },
        history=history,
        metrics={key: runs.summarize([found[key] for found in outcomes]) for key in outcomes[0]},
        weights=experiment.stored_weights(first),
        panels=panels,
    )
    for path in folder.glob("seed-*.measured.pt"):
        path.unlink()
    return run


def checkpoint_of(
    experiment: Experiment[Any, Any],
    seed: int,
    folder: Path,
    hashes: Mapping[str, str],
    used: Mapping[str, Any],
) -> Checkpoint:
    """Return where one seed's training is kept: known by the numbers, the data's hashes and the runs that it uses."""
    stated = [asdict(experiment.config), seed, runs.FORMAT, hashes, used]
    identity = json.dumps(stated, allow_nan=False)  # no NaN, which could not be recorded
    return Checkpoint(folder / f"seed-{seed}.pt", hashlib.sha256(identity.encode()).hexdigest())


def one_seed(
    experiment: Experiment[Any, Any], session: Session, checkpoint: Checkpoint
) -> tuple[nn.Module, History, Metrics]:
    """Train and measure one seed's model; return it as it is stored, its history and its metrics.

    A likelihood takes longer than some trainings: what a process that was killed since has
    measured serves until the run is recorded, for the same committed sources alone.
    """
    seed_everything(session.seed)
    model = experiment.build(experiment.config).to(session.device)
    rows = experiment.train(experiment.config, model, session)
    model = experiment.stored_form(model)
    kept = checkpoint.part("measured")
    kept.identity += (commit := source_commit())
    known = kept.load() if commit and not commit.endswith("+") else None
    metrics: Metrics = known["metrics"] if known else experiment.measure(model)
    kept.save({"metrics": metrics})
    return model, rows, metrics | _cost(model, rows)


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
