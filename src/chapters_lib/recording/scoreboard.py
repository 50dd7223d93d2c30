"""What is measured of a recorded run afterwards: distances in Inception features, precision and recall.

A distance in Inception features costs a quarter of an hour on one core, so it is computed by a
command of its own and of the first seed's weights; what the record held before stays in it. Its
key names the protocol: ``fid_inception768``, ``fid_inception2048``, and ``…_bfloat16`` where the
network ran in that precision. `further.evaluate_further` does the same for the other seeds.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation import inception
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.inception import Inception
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.evaluation.kid import kernel_distance
from chapters_lib.evaluation.precision_recall import precision_recall
from chapters_lib.folders import cache_root, root
from chapters_lib.recording import runs
from chapters_lib.recording.data_used import require_same_data
from chapters_lib.recording.experiment import Experiment, Metrics
from chapters_lib.recording.judging import load_judge
from chapters_lib.recording.record import alone
from chapters_lib.recording.verifying import Difference, as_recorded, compare
from chapters_lib.reproducibility import source_commit

SAMPLES = 10_000  # new images, and as many test images where there are so many
_PART = 500  # images whose features are kept in one file: about a minute's work
_TOLERANCE = 2e-3  # of a distance's size: convolutions of other processors round differently


def network(weights: Path | None = None, precision: str = "float32") -> Inception:
    """Return the network by the file `weights`, else by ``$CHAPTERS_INCEPTION``, else the published one.

    Raises `ChaptersError` if the weights cannot be had.
    """
    if weights is None and (named := os.environ.get("CHAPTERS_INCEPTION")):
        weights = Path(named)
    if weights is not None:
        return inception.from_file(weights.expanduser(), precision)
    return inception.published(root() / "inception", precision)


def features(net: Inception, images: Tensor, progress: str = "", keep: bool = True) -> Tensor:
    """Return the network's features of uint8 images, float32; parts found before are read from the cache.

    A part's file is named by the SHA-256 of its images and of the weights, so that it can only be
    found for what it was made of, and a computation that was stopped goes on where it was.

    `progress`: label of the progress bar; none without it, or where stderr is no terminal.
    `keep`: False to remove the parts once all are there: those of samples, which no one asks for
    again.
    """
    from tqdm import tqdm

    parts, files = [], []
    for images_of_part in tqdm(
        images.split(_PART), progress, disable=not progress or not sys.stderr.isatty(), leave=False
    ):
        digest = hashlib.sha256(images_of_part.contiguous().numpy().tobytes())
        digest.update(f"{net.sha256} {net.protocol} {tuple(images_of_part.shape)}".encode())
        file = cache_root() / "inception" / f"{digest.hexdigest()[:32]}.safetensors"
        part = _kept(file, len(images_of_part), net.features)
        if part is None:
            part = net(images_of_part)
            _keep(file, part)
        parts.append(part)
        files.append(file)
    if not keep:
        for file in files:
            file.unlink(missing_ok=True)
    return torch.cat(parts)


def _kept(file: Path, count: int, width: int) -> Tensor | None:
    try:
        found = load_file(file)["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    return found if found.shape == (count, width) else None


def _keep(file: Path, values: Tensor) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as aside:
            save_file({"features": values}, Path(aside) / file.name)
            (Path(aside) / file.name).replace(file)
    except OSError as error:
        raise ChaptersError(
            f"cannot keep features in {file.parent} ({error.strerror}): make it writable, or name another folder "
            "by CHAPTERS_CACHE"
        ) from error


def distances(net: Inception, real: Tensor, drawn: Tensor, prefix: str = "") -> Metrics:
    """Return both distances of two sets of features, by the names of the protocol."""
    kernel = kernel_distance(real, drawn)
    return {
        f"{prefix}fid_{net.protocol}": feature_distance(real, drawn),
        f"{prefix}kid_{net.protocol}": kernel.value,
        f"{prefix}kid_{net.protocol}_sem": kernel.sem,
    }


def judged(dataset: str, real: Tensor, drawn: Tensor, prefix: str = "") -> Metrics:
    """Return improved precision and recall of drawn images in the features of the data set's judge."""
    judge = load_judge(dataset)
    of_real, of_drawn = (features_and_probabilities(judge, x)[0] for x in (real, drawn))
    found = precision_recall(of_real, of_drawn)
    return {f"{prefix}precision_judge": found.precision, f"{prefix}recall_judge": found.recall}


def measured(
    experiment: Experiment[Any, Any], run: runs.Run, model: nn.Module, net: Inception | None
) -> tuple[Metrics, Dataset, int]:
    """Return a model's metrics, the test images they are against, and how many there are on each side."""
    dataset = run.config["dataset"]
    if (judge := f"judge-{dataset}") in runs.names():
        require_same_data(run, runs.load(judge))
    test = data.load(dataset, "test")
    count = min(SAMPLES, len(test))
    real, metrics = test.images[:count], Metrics()
    for prefix, sampler in experiment.samples.items():
        drawn = sampler(experiment.config, model, count)
        if judge in runs.names():
            metrics |= judged(dataset, real, drawn, prefix)
        if net is not None:
            bar = f"{experiment.name} {prefix}".rstrip("_ ")
            known = features(net, real, f"{dataset} test")
            metrics |= distances(net, known, features(net, drawn, bar, keep=False), prefix)
    return metrics, test, count


def evaluate(experiment: Experiment[Any, Any], net: Inception | None) -> runs.Run:
    """Measure new images of a run's first seed, and add what is found to its record.

    Without a network only precision and recall are measured, which takes seconds.

    Raises `ChaptersError` if the run, its data or its judge cannot be had, it draws no images, or
    it is being trained or evaluated by another process. The record then is as it was.
    """
    require_recorded(experiment)
    runs.require_writable()
    with alone(experiment.name), as_recorded(experiment) as run:
        start = time.monotonic()
        metrics, test, count = measured(experiment, run, experiment.restored(), net)
        if not metrics:
            raise ChaptersError(
                f"there is no judge-{test.name} to measure {experiment.name} with: train it first"
            )
        stated: dict[str, Any] = {}
        if net is not None:
            stated[net.protocol] = {
                "weights": net.weights,
                "sha256": net.sha256,
                "samples": count,
                "real": {"split": "test", "images": count, "sha256": test.sha256},
                "input": "bilinear to 32x32, bilinear to 299x299, [-1, 1]",
                "seed": run.provenance["seeds"][0],
                "seconds": round(time.monotonic() - start, 1),
                "commit": source_commit(),
                "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            }
        return amend(run, _beside_other_seeds(run, metrics), stated)


def _beside_other_seeds(run: runs.Run, metrics: Metrics) -> Metrics:
    """Return metrics of the first seed without those recorded, as near as machines agree, of others, too."""
    return {
        key: value
        for key, value in metrics.items()
        if key not in run.metrics
        or len(recorded := run.metric(key).values) == 1
        or not math.isclose(recorded[0], value, rel_tol=0.02)
    }


def require_recorded(experiment: Experiment[Any, Any]) -> None:
    """Raise a `ChaptersError` if the experiment draws no images, keeps no weights, or has no record."""
    if not experiment.samples:
        raise ChaptersError(f"{experiment.name} draws no images: there is nothing to evaluate")
    if not experiment.weights_stored:
        raise ChaptersError(
            f"{experiment.name} is recorded without weights: there is nothing to draw images with"
        )
    runs.load(experiment.name)


def amend(run: runs.Run, metrics: Mapping[str, Any], stated: Mapping[str, Any]) -> runs.Run:
    """Put further metrics into a run's record, and what is stated of them below ``provenance["afterwards"]``.

    The file is replaced in one step; nothing else in it changes.
    """
    path = run.folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["metrics"] |= metrics
    if stated:
        record["provenance"].setdefault("afterwards", {}).update(stated)
    partial = path.with_name("run.json.partial")
    try:
        partial.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ChaptersError(
            f"cannot write {path} ({error.strerror}): free some disk space and run the same command again; the "
            "record is untouched"
        ) from error
    return runs.load(run.name)


def afterwards(run: runs.Run) -> list[str]:
    """Return the keys of a record that `evaluate` wrote, standard errors aside."""
    names = ("fid_inception", "kid_inception", "precision_judge", "recall_judge")
    return [k for k in run.metrics if any(n in k for n in names) and not k.endswith("_sem")]


def verify(
    experiment: Experiment[Any, Any], net: Inception | None
) -> tuple[list[str], list[Difference], list[str]]:
    """Recompute what `evaluate` added to a run's record.

    Precision and recall always, distances in Inception features only with a network, since they
    take a quarter of an hour.

    Returns checked, differences, skipped: as `verifying.verify` does, and the keys that were left
    out.
    Raises `ChaptersError` if the network's weights are not those of the record, besides what
    `evaluate` raises.
    """
    if not experiment.samples:
        return [], [], []
    run = runs.load(experiment.name)
    keys = afterwards(run)
    if net is not None and any(key.endswith(net.protocol) for key in keys):
        stated = run.provenance["afterwards"][net.protocol]
        if stated["sha256"] != net.sha256:
            raise ChaptersError(
                f"{experiment.name} was evaluated with the weights {stated['weights']}, whose SHA-256 is not that "
                f"of {net.weights}: name those, or evaluate it anew"
            )
    ours = [k for k in keys if k.endswith("_judge") or (net and k.endswith(net.protocol))]
    skipped = [key for key in keys if key not in ours]
    if not ours:
        return [], [], skipped
    with as_recorded(experiment):
        asked = net if any("inception" in k for k in ours) else None
        found, _, _ = measured(experiment, run, experiment.restored(), asked)
    recomputed = {key: found[key] for key in ours if key in found}
    tolerances = {
        key: 2e-3 if key.endswith("_judge") else max(1e-5, _TOLERANCE * abs(value))
        for key, value in recomputed.items()
    }
    return list(recomputed), compare(run, recomputed, tolerances), skipped
