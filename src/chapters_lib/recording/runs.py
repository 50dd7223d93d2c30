"""The record of a run: written whole or not at all, loaded, checked.

A run is a folder ``runs/<experiment>/``: ``run.json`` (name, configuration, metrics,
provenance), ``history.csv``, ``model.safetensors``, ``panels.npz`` (the arrays that figures
need and that cannot be drawn from the weights).
"""

from __future__ import annotations

import csv
import difflib
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from chapters_lib.errors import ChaptersError
from chapters_lib.folders import named
from chapters_lib.training import History

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)
FORMAT = 1  # raised when a reader of the older format would misread the newer one
_FILES = ("run.json", "history.csv", "model.safetensors", "panels.npz")


@dataclass(frozen=True)
class Metric:
    """A measured number: over seeds, or one with the standard error of its estimate.

    `mean`: the number itself, or the mean over seeds.
    `sem`: its standard error (over seeds: s/√n with s the sample's standard deviation); nan where
    none was estimated.
    `values`: one a seed; a single number where there was one seed.
    """

    mean: float
    sem: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Metric:
        """Return numbers of several trainings, or of one, as a metric."""
        array = np.asarray(list(values), dtype=np.float64)
        sem = float(array.std(ddof=1) / len(array) ** 0.5) if len(array) > 1 else float("nan")
        return cls(float(array.mean()), sem, tuple(array.tolist()))

    @property
    def sd(self) -> float:
        """The standard deviation from one training to the next."""
        return self.sem * len(self.values) ** 0.5

    @property
    def percent(self) -> Metric:
        """The metric, a share, in per cent."""
        return self.times(100)

    def times(self, factor: float) -> Metric:
        """Return the metric in other units."""
        values = tuple(factor * value for value in self.values)
        return Metric(factor * self.mean, factor * self.sem, values)


def summarize(values: Sequence[float]) -> float | dict[str, Any]:
    """Return one value as it is, several as ``{"mean", "sem", "values"}``."""
    if len(values) == 1:
        return float(values[0])
    found = Metric.of(values)
    return {"mean": found.mean, "sem": found.sem, "values": list(found.values)}


@dataclass(frozen=True)
class Run:
    """A recorded run; weights, history and panels are read from its folder when first asked for."""

    name: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    folder: Path
    rows: int | None = None  # of the history; older records do not say

    def metric(self, key: str) -> Metric:
        """Return a metric by its key."""
        if key not in self.metrics:
            near = difflib.get_close_matches(key, self.metrics, n=3, cutoff=0.3) or sorted(
                self.metrics
            )
            raise ChaptersError(
                f"run {self.name!r} has no metric {key!r}: there are {', '.join(near)}"
            )
        value = self.metrics[key]
        if isinstance(value, Mapping):
            return Metric(value["mean"], value["sem"], tuple(value["values"]))
        return Metric(value, self.metrics.get(f"{key}_sem", float("nan")), (value,))

    def __getitem__(self, key: str) -> float:
        """Return a metric's number: its mean, where there are several seeds."""
        return self.metric(key).mean

    @property
    def trainings(self) -> int:
        """How many trainings, of a seed each, the run holds."""
        return len(self.provenance["seeds"])

    def gap(self, high: str, low: str) -> Metric:
        """Return the difference of two metrics, training by training."""
        pairs = zip(self.metric(high).values, self.metric(low).values, strict=True)
        return Metric.of(a - b for a, b in pairs)

    @cached_property
    def history(self) -> History:
        """The learning curves of every seed, told apart by the column ``seed``."""
        try:
            return History.from_csv(self._file("history.csv"), self.rows)
        except (ValueError, TypeError, OSError, csv.Error) as error:
            raise self._damaged("history.csv", error) from error

    @cached_property
    def panels(self) -> dict[str, np.ndarray]:
        """Arrays by name: what figures show of the data set and of the trained models."""
        path = self._file("panels.npz")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except Exception as error:  # what a damaged zip file raises is past listing
            raise self._damaged("panels.npz", error) from error

    @property
    def data_used(self) -> dict[str, dict[str, Any]]:
        """Name, number of images and SHA-256 of each split that the run was trained and measured on."""
        try:
            return {
                split: {key: stated[key] for key in ("name", "images", "sha256")}
                for split, stated in self.provenance["data"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise self._damaged("run.json", error) from error

    def config_as(self, kind: Callable[..., C]) -> C:
        """Return the recorded configuration as the dataclass `kind`; what came later has its default."""
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in self.config.items()})

    def weights(self, prefix: str = "") -> dict[str, Tensor]:
        """Return the weights of the first seed as float32, of the module that `prefix` names."""
        try:
            stored = load_file(self._file("model.safetensors"))
        except (SafetensorError, OSError) as error:
            raise self._damaged("model.safetensors", error) from error
        dot = f"{prefix}." if prefix else ""
        return {
            name.removeprefix(dot): value.float() if value.is_floating_point() else value
            for name, value in stored.items()
            if name.startswith(dot)
        }

    def restore(self, module: M, prefix: str = "model") -> M:
        """Put the stored weights into `module`, set it to evaluation mode and return it."""
        try:
            module.load_state_dict(self.weights(prefix))
        except RuntimeError as error:
            detail = " ".join(str(error).split())
            raise ChaptersError(
                f"the weights of run {self.name!r} do not fit this {type(module).__name__} "
                f"({detail[:160]}…): train it anew with `python -m chapters_lib train {self.name}`"
            ) from error
        return module.eval()

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            raise ChaptersError(
                f"run {self.name!r} is incomplete ({path} is missing): restore the folder, or train it "
                f"anew with `python -m chapters_lib train {self.name}`"
            )
        return path

    def _damaged(self, name: str, error: Exception) -> ChaptersError:
        return ChaptersError(
            f"{self.folder / name} is damaged ({type(error).__name__}): restore it, or train it anew "
            f"with `python -m chapters_lib train {self.name}`"
        )


def root() -> Path:
    """Return the folder of the records: ``$CHAPTERS_RUNS``, else ``runs/`` beside the project's sources."""
    return named("CHAPTERS_RUNS", "runs")


def names() -> list[str]:
    """Return the names of all recorded runs, in alphabetical order."""
    stand = {path.parent.name for path in root().glob("*/run.json")}
    aside = {
        path.parent.name[1:].rpartition(".")[0].rpartition(".")[0]
        for path in root().glob(".*.old/run.json")
    }
    return sorted({name for name in stand if not name.startswith(".")} | aside)


def ship() -> Path:
    """Write ``SHIPPED.json``: which records the text is written for, by their SHA-256.

    With these a sentence that its record contradicts stops the book's build; with others it is marked.
    """
    records = {
        name: sha256((root() / name / "run.json").read_bytes()).hexdigest() for name in names()
    }
    path = root() / "SHIPPED.json"
    path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    return path


def load(name: str) -> Run:
    """Return the recorded run called `name`.

    Raises `ChaptersError` if there is no such run, its folder is incomplete, or it was written in
    another format.
    """
    folder = _folder(name)
    if not folder.is_dir():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else f"train it with `python -m chapters_lib train {name}`"
        )
        raise ChaptersError(f"no run {name!r} in {root()}: {hint}")
    missing = [file for file in _FILES if not (folder / file).exists()]
    if missing:
        raise ChaptersError(
            f"run {name!r} is incomplete ({', '.join(missing)} missing in {folder}): restore the folder, "
            f"or train it anew with `python -m chapters_lib train {name}`"
        )
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ChaptersError(
                f"run {name!r} has format {record['format']}, this library reads {FORMAT}: update the "
                f"library, or train it anew with `python -m chapters_lib train {name}`"
            )
        config, metrics, provenance = record["config"], record["metrics"], record["provenance"]
        if record["name"] != name or not all(
            isinstance(part, dict) for part in (config, metrics, provenance)
        ):
            raise ValueError("other contents than this run's")
        run = Run(name, config, metrics, provenance, folder, record.get("history_rows"))
        _require_whole(run)
        return run
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ChaptersError(
            f"{folder / 'run.json'} is damaged ({type(error).__name__}): restore it, or train it anew "
            f"with `python -m chapters_lib train {name}`"
        ) from error


def _require_whole(run: Run) -> None:
    """Raise what reading raises where the provenance or a metric is not as lists and pages read it."""
    date.fromisoformat(run.provenance["date"])
    _ = run.trainings, run.data_used
    for key in run.metrics:
        metric = run.metric(key)
        math.fsum([metric.mean, metric.sem, *metric.values])  # numbers, all of them


def save(
    name: str,
    *,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
    history: History,
    weights: Mapping[str, Tensor],
    panels: Mapping[str, np.ndarray],
) -> Run:
    """Write a run to a temporary folder, then put it in the place of the last one; return it.

    Raises `ChaptersError` if it cannot be written (a full disk, say); the last record then still is
    whole.
    """
    record = {
        "format": FORMAT,
        "name": name,
        "config": dict(config),
        "metrics": dict(metrics),
        "provenance": dict(provenance),
        "history_rows": len(history),
    }
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    target = root() / name
    partial = None
    try:
        root().mkdir(parents=True, exist_ok=True)
        _tidy(name)
        partial = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=root()))
        partial.chmod(0o755)
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in weights.items()},
            partial / "model.safetensors",
        )
        (partial / "model.safetensors").chmod(0o644)
        arrays: dict[str, Any] = {key: np.asarray(value) for key, value in panels.items()}
        np.savez_compressed(partial / "panels.npz", **arrays)
        history.to_csv(partial / "history.csv")
        (partial / "run.json").write_text(text, encoding="utf-8")
        _replace(partial, target)
    except BaseException as error:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
        if not isinstance(error, OSError | SafetensorError):
            raise
        raise ChaptersError(
            f"cannot write run {name!r} to {root()} ({error}): free some disk space and run the same "
            "command again; the last record is untouched"
        ) from error
    return load(name)


def require_writable() -> None:
    """Raise a `ChaptersError` now rather than after a long training if no run can be written to `root`."""
    try:
        root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=root()):
            pass
    except OSError as error:
        raise ChaptersError(
            f"cannot write to {root()} ({error.strerror}): make it writable, or name another folder by "
            "CHAPTERS_RUNS"
        ) from error


def _folder(name: str) -> Path:
    """Return the folder of a run; the one set aside, where a kill came between the two renames of `_replace`."""
    aside = sorted(root().glob(f".{name}.*.old"))
    return aside[0] if aside and not (root() / name).exists() else root() / name


def _tidy(name: str) -> None:
    """Put back the record that a kill left aside, and remove what it left half-written."""
    if (folder := _folder(name)) != root() / name:
        folder.rename(root() / name)
    for rest in root().glob(f".{name}.*"):
        shutil.rmtree(rest, ignore_errors=True)


def _replace(partial: Path, target: Path) -> None:
    """Put a finished folder in the place of `target`, keeping the old one until the new one stands."""
    old = partial.with_name(partial.name + ".old")
    if target.exists():
        target.rename(old)
    try:
        partial.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def half(state: Mapping[str, Tensor], prefix: str = "model") -> dict[str, Tensor]:
    """Return a module's state for storage: floating-point weights in half precision, named below `prefix`."""
    return {
        f"{prefix}.{name}": value.to(torch.float16) if value.is_floating_point() else value
        for name, value in state.items()
    }
