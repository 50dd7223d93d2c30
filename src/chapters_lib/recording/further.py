"""Further seeds of a recorded experiment: trained and measured alone, and added to what is recorded; evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.inception import Inception
from chapters_lib.recording import runs, scoreboard
from chapters_lib.recording.experiment import Experiment, Metrics, Session
from chapters_lib.recording.record import Basis, alone, one_seed, origins, trained
from chapters_lib.recording.verifying import as_recorded
from chapters_lib.reproducibility import describe_machine, source_commit
from chapters_lib.training import History


@dataclass(frozen=True)
class Trained:
    """One further training: its seed, the rows of its history, and its metrics."""

    seed: int
    rows: History
    metrics: Metrics


def record_further(
    experiment: Experiment[Any, Any], seeds: Sequence[int], *, device: torch.device
) -> runs.Run:
    """Train a recorded experiment under further seeds, and add them to its record.

    The seeds that are recorded are not trained again; weights and panels stay those of the
    first. A training that was stopped goes on from its last checkpoint.

    Raises `ChaptersError` if the experiment is not recorded, or was under another configuration, on
    other data or with other judges; if one of the seeds is recorded already or given twice; or if
    the training fails. The record then is as it was.
    """
    runs.require_writable()
    with alone(experiment.name) as folder, as_recorded(experiment) as run:
        require_new(run, seeds)
        basis = Basis(run.data_used, origins(experiment.needs))
        require_used(run, basis.used)
        found = []
        for seed in seeds:
            checkpoint = basis.checkpoint(experiment, seed, folder)
            session = Session(device, checkpoint, f"{experiment.name} seed {seed}", seed)
            _, rows, metrics = one_seed(experiment, session, checkpoint)
            found.append(Trained(seed, rows, metrics))
        require_used(run, origins(experiment.needs))
        stated = {"commit": source_commit(), **describe_machine(device)}
        added = add(experiment, run, found, stated)
        for seed in seeds:
            basis.checkpoint(experiment, seed, folder).part("measured").path.unlink()
        return added


def require_new(run: runs.Run, seeds: Sequence[int]) -> None:
    """Raise a `ChaptersError` if one of the seeds is recorded, or given twice."""
    known = [*run.provenance["seeds"], *seeds]
    if again := sorted({seed for seed in seeds if known.count(seed) > 1}):
        raise ChaptersError(
            f"{run.name} has seed {', '.join(map(str, again))} already: name others, or train it anew without --seeds"
        )


def require_used(run: runs.Run, used: Mapping[str, Any]) -> None:
    """Raise a `ChaptersError` if a run that this one needs is not the one that its first seed was measured with.

    Records that are older than this statement do not say; theirs are taken as they are.
    """
    stated = run.provenance.get("used", used)
    if changed := [name for name in used if stated.get(name) != used[name]]:
        raise ChaptersError(
            f"{' and '.join(changed)} was recorded anew since {run.name} was: its seeds would not be measured alike; "
            "train it anew without --seeds"
        )


def add(
    experiment: Experiment[Any, Any],
    run: runs.Run,
    found: Sequence[Trained],
    stated: dict[str, Any],
) -> runs.Run:
    """Write the record with further trainings in it; `stated` says which commit and which machine they are of.

    A metric of the trainings becomes one over all seeds. What was measured of the first seed
    afterwards (distances in Inception features) stays as it is, and so do weights and panels.
    """
    for training in found:
        if odd := sorted(training.metrics.keys() - run.metrics.keys()):
            raise ChaptersError(
                f"{run.name} was recorded without {', '.join(odd)}: its seeds would not be measured alike; train it "
                "anew without --seeds"
            )
    metrics = dict(run.metrics)
    for key in found[0].metrics:
        values = [*run.metric(key).values, *(training.metrics[key] for training in found)]
        metrics[key] = runs.summarize(values)
    history = History(run.history)
    for training in found:
        for row in training.rows:
            history.append({"seed": training.seed, **row})
    seconds = float(sum(training.metrics.get("train_seconds", 0.0) for training in found))
    further = {
        "seeds": [training.seed for training in found],
        **stated,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "wall_seconds": seconds,
    }
    provenance = run.provenance | {
        "seeds": [*run.provenance["seeds"], *further["seeds"]],
        "wall_seconds": run.provenance["wall_seconds"] + seconds,
        "further": [*run.provenance.get("further", []), further],
    }
    weights = experiment.stored_weights(experiment.restored()) if experiment.weights_stored else {}
    return runs.save(
        run.name,
        config=run.config,
        provenance=provenance,
        history=history,
        metrics=metrics,
        weights=weights,
        panels=run.panels,
    )


def evaluate_further(
    experiment: Experiment[Any, Any], net: Inception | None, *, device: torch.device
) -> runs.Run:
    """Measure new images of a run's other seeds as those of the first were: then the record has a value a seed.

    Their weights are not recorded. They come from the checkpoints of their trainings, or these
    are made again.

    Raises `ChaptersError` if a seed comes out otherwise than it is recorded, besides what
    `scoreboard.evaluate` raises. The record then is as it was.
    """
    scoreboard.require_recorded(experiment)
    runs.require_writable()
    with alone(experiment.name) as folder, as_recorded(experiment) as run:
        basis = Basis(run.data_used, origins(experiment.needs))
        require_used(run, basis.used)
        known = scoreboard.afterwards(run)
        found: list[Metrics] = []
        for seed in run.provenance["seeds"][1:]:
            checkpoint = basis.checkpoint(experiment, seed, folder)
            session = Session(device, checkpoint, f"{experiment.name} seed {seed}", seed)
            model, rows = trained(experiment, session)
            require_same(run, seed, rows)
            found.append(scoreboard.measured(experiment, run, model, net)[0])
        keys = [key for key in known if all(key in metrics for metrics in found)]
        if not found or not keys:
            raise ChaptersError(
                f"{run.name} has no further seed, or its first is not evaluated yet"
            )
        metrics = {
            key: runs.summarize([run.metric(key).values[0], *(each[key] for each in found)])
            for key in keys
        }
        by = {"commit": source_commit(), **describe_machine(device)}
        date = datetime.now(UTC).strftime("%Y-%m-%d")
        stated = {"seeds": run.provenance["seeds"][1:], "metrics": keys, **by, "date": date}
        return scoreboard.amend(run, metrics, {"further": stated})


def require_same(run: runs.Run, seed: int, rows: History) -> None:
    """Raise a `ChaptersError` if a training does not end as its record does."""
    again, recorded = rows.rows[-1], run.history.where("seed", seed).rows[-1]
    odd = [
        name
        for name, value in recorded.items()
        if name not in ("seed", "seconds")
        and not math.isclose(value, again.get(name, math.nan), rel_tol=1e-6)
    ]
    if odd:
        raise ChaptersError(
            f"seed {seed} of {run.name} does not end as recorded ({', '.join(odd)}): another processor rounds "
            "otherwise"
        )
