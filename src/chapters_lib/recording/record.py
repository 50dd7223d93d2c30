"""How an experiment is recorded: trained under each of its seeds, measured, written whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from chapters_lib.recording.data_used import require_needs
from chapters_lib.recording.experiment import Experiment, Metrics, Session
from chapters_lib.recording.judging import judging_on
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

    Raises `ChaptersError` if the experiment is being trained elsewhere, a judge that it needs is
    not recorded or is one of other data, data are missing, or the training fails. The last record
    of the experiment then still is whole.
    """
    require_needs(experiment)
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


@dataclass(frozen=True)
class Basis:
    """What trainings rest on besides their configuration: the data by split, and the runs that they use."""

    data: Mapping[str, Mapping[str, Any]]
    used: Mapping[str, Any]

    @classmethod
    def of(cls, experiment: Experiment[Any, Any]) -> Basis:
        """Look at the data and at the recorded runs as they are found here."""
        name = experiment.config.dataset
        found = {split: data.load(name, split) for split in data.splits(name)}
        return cls(
            {
                split: {"name": one.name, "images": len(one), "sha256": one.sha256}
                for split, one in found.items()
            },
            origins(experiment.needs),
        )

    def checkpoint(self, experiment: Experiment[Any, Any], seed: int, folder: Path) -> Checkpoint:
        """Return where one seed's training is kept: known by its numbers, the data and the runs that it uses."""
        hashes = {split: stated["sha256"] for split, stated in self.data.items()}
        stated = [asdict(experiment.config), seed, runs.FORMAT, hashes, self.used]
        identity = json.dumps(stated, allow_nan=False)  # no NaN, which could not be recorded
        return Checkpoint(folder / f"seed-{seed}.pt", hashlib.sha256(identity.encode()).hexdigest())


@dataclass(frozen=True)
class Outcome:
    """What the training of one seed leaves: the model as it is stored, history, metrics, and on which machine."""

    model: nn.Module
    rows: History
    metrics: Metrics
    machine: Mapping[str, Any]


def _record(
    experiment: Experiment[Any, Any],
    folder: Path,
    device: torch.device,
    fresh: bool,
    progress: bool,
) -> runs.Run:
    basis = Basis.of(experiment)
    outcomes: list[Outcome] = []
    for seed in experiment.seeds:
        if fresh:
            forget(folder, seed)
        checkpoint = basis.checkpoint(experiment, seed, folder)
        label = f"{experiment.name} seed {seed}" if progress else ""
        session = Session(device, checkpoint, label, seed, fresh)
        found = Outcome(*one_seed(experiment, session, checkpoint), describe_machine(device))
        outcomes.append(replace(found, model=nn.Identity()) if outcomes else found)
    return gather(experiment, folder, basis, outcomes)


def forget(folder: Path, seed: int) -> None:
    """Remove a seed's checkpoints; a study's parts have some of their own."""
    for path in folder.glob(f"seed-{seed}.*pt"):
        path.unlink()


def gather(
    experiment: Experiment[Any, Any], folder: Path, basis: Basis, outcomes: Sequence[Outcome]
) -> runs.Run:
    """Write the run of trained seeds, in their order; weights, panels and machine are the first one's."""
    config, first = asdict(experiment.config), outcomes[0]
    history, metrics = History(), [found.metrics for found in outcomes]
    for seed, found in zip(experiment.seeds, outcomes, strict=True):
        for row in found.rows:
            history.append({"seed": seed, **row})
    panels = experiment.panels(experiment.config, first.model)
    if origins(experiment.needs) != basis.used:
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
            **first.machine,
            "seeds": list(experiment.seeds),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "wall_seconds": float(sum(found.get("train_seconds", 0.0) for found in metrics)),
            "data": dict(basis.data),
            **({"used": basis.used} if basis.used else {}),
        },
        history=history,
        metrics={key: runs.summarize([found[key] for found in metrics]) for key in metrics[0]},
        weights=experiment.stored_weights(first.model),
        panels=panels,
    )
    for path in folder.glob("seed-*.measured.pt"):
        path.unlink()
    return run


def one_seed(
    experiment: Experiment[Any, Any], session: Session, checkpoint: Checkpoint
) -> tuple[nn.Module, History, Metrics]:
    """Train and measure one seed's model; return it as it is stored, its history and its metrics.

    It is measured where it was trained, and returned on the CPU.
    A likelihood takes longer than some trainings: what a process that was killed since has
    measured serves until the run is recorded, for the same committed sources alone.
    """
    model, rows = trained(experiment, session)
    kept = checkpoint.part("measured")
    kept.identity += (commit := source_commit())
    known = kept.load() if commit and not commit.endswith("+") else None
    with judging_on(session.device):
        metrics: Metrics = known["metrics"] if known else experiment.measure(model, session.device)
    kept.save({"metrics": metrics})
    return model, rows, metrics | _cost(model, rows)


def trained(experiment: Experiment[Any, Any], session: Session) -> tuple[nn.Module, History]:
    """Train one seed's model, or take it from its checkpoint; return it as it is stored, and its history."""
    seed_everything(session.seed)
    model = experiment.build(experiment.config).to(session.device)
    with judging_on(session.device):
        rows = experiment.train(experiment.config, model, session)
    return experiment.stored_form(model), rows


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
