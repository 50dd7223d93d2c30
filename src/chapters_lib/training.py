"""The one training loop, and its history."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from chapters_lib.checkpoint import Stateful
from chapters_lib.errors import ChaptersError

Losses = Mapping[str, Tensor]
AfterEpoch = Callable[[int], Mapping[str, float]]  # what is measured after an epoch, by its number


class History:
    """A row of numbers an epoch: ``epoch``, the step's means, ``seconds``, ``images`` seen, and what was measured."""

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()):
        self.rows: list[dict[str, float]] = [dict(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    @property
    def names(self) -> list[str]:
        """The columns, in order of their first appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row."""
        self.rows.append(dict(row))

    def column(self, name: str) -> np.ndarray:
        """Return one column, float64, shape (rows,), nan where a row lacks it."""
        if name not in self.names:
            raise ChaptersError(
                f"no column {name!r} in this history: there are {', '.join(self.names)}"
            )
        return np.array([row.get(name, np.nan) for row in self.rows], dtype=np.float64)

    def where(self, name: str, value: float) -> History:
        """Return the rows whose column `name` equals `value` (one seed of several, say)."""
        return History(row for row in self.rows if row.get(name) == value)

    def to_csv(self, path: Path) -> None:
        """Write the rows; numbers in full precision, an empty field where a row lacks a column."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    @classmethod
    def from_csv(cls, path: Path, rows: int | None = None) -> History:
        """Read what `to_csv` wrote; ValueError if it is cut off, or has not the `rows` it should have."""
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last row is cut off")
        found = cls(
            {k: float(v) for k, v in row.items() if v != ""}
            for row in csv.DictReader(text.splitlines())
        )
        if rows not in (None, len(found)):
            raise ValueError(f"{len(found)} rows of {rows}")
        return found


class SizedBatches(Sized, Iterable[tuple[Tensor, ...]], Protocol):
    """An iterable of batches that knows how many there are and shuffles by torch's generator at `iter`."""


class Keeper(Protocol):
    """What keeps a training's state at epochs' ends, and the rows of its history: a checkpoint."""

    @property
    def due(self) -> bool:
        """Whether it is time to keep the state again."""

    def part(self, name: str) -> Keeper:
        """Return the keeper of one of several trainings that make up a whole."""

    def keep(self, parts: Mapping[str, Stateful], rows: Iterable[Mapping[str, float]]) -> None:
        """Keep the parts' states and the rows."""

    def resume(self, parts: Mapping[str, Stateful]) -> list[dict[str, float]]:
        """Put kept states back into the parts; return the rows, none where nothing is kept."""


@dataclass(frozen=True)
class Session:
    """Where and how one training happens."""

    device: torch.device
    checkpoint: Keeper | None = None
    progress: str = ""
    seed: int = 0
    fresh: bool = False  # whether trials that are kept outside of checkpoints are forgotten, too


def fit(
    step: Callable[..., Losses],
    batches: SizedBatches,
    *,
    epochs: int,
    state: Mapping[str, Stateful] | None = None,
    after_epoch: AfterEpoch | None = None,
    checkpoint: Keeper | None = None,
    progress: str = "",
) -> History:
    """Call ``step(*batch)`` for every batch of every epoch.

    Returns the history: an epoch's mean of each loss that the steps
    returned, its seconds and images, and what `after_epoch` measured.
    `state` is all that a step changes, by name; `checkpoint` keeps it
    at epochs' ends, and a training that was stopped goes on there.
    """
    state = state or {}
    history = History(checkpoint.resume(state) if checkpoint else ())
    for epoch in range(len(history) + 1, epochs + 1):
        start, images, losses = time.perf_counter(), 0, []
        for batch in shown(batches, progress, epoch, epochs):
            losses.append(step(*batch))
            images += len(batch[0])
        row = {
            "epoch": epoch,
            **means(losses, epoch),
            "seconds": time.perf_counter() - start,
            "images": images,
        }
        require_finite(state, epoch)
        if after_epoch:
            row |= after_epoch(epoch)
        history.append(row)
        if checkpoint and (checkpoint.due or epoch == epochs):
            checkpoint.keep(state, history)
    return history


def shown(
    batches: SizedBatches, label: str, epoch: int, epochs: int
) -> Iterable[tuple[Tensor, ...]]:
    """Return the batches behind a progress bar; none without a label, or where stderr is no terminal."""
    quiet = not label or not sys.stderr.isatty()
    return tqdm(batches, f"{label} {epoch}/{epochs}", leave=False, disable=quiet, unit="batch")


def means(losses: Sequence[Losses], epoch: int) -> dict[str, float]:
    """Return the mean of each loss over an epoch's steps: one transfer from the device for each name.

    Raises `ChaptersError` if one is not finite; the last checkpoint then still is a good one.
    """
    found = {}
    for name in losses[0]:
        values = torch.stack([loss[name].detach().double() for loss in losses]).cpu()
        if not bool(values.isfinite().all()):
            at = int((~values.isfinite()).nonzero()[0, 0])
            untrained = epoch == 1 and at == 0
            remedy = (
                "no learning rate made it so, for no step came before: look at the data, for nan or "
                "numbers that the model does not take (pixels lie in [0, 1])"
                if untrained
                else "lower the learning rate; the last good checkpoint is kept"
            )
            raise ChaptersError(
                f"{name} became {values[at].item()} at step {at + 1} of epoch {epoch}: {remedy}"
            )
        found[name] = float(values.mean())
    return found


def require_finite(state: Mapping[str, Stateful], epoch: int) -> None:
    """Refuse to keep weights that are not finite: a finite loss can have a gradient that is not."""
    for module in state.values():
        if not isinstance(module, nn.Module):
            continue
        for name, weight in module.named_parameters():
            if not bool(weight.detach().isfinite().all()):
                raise ChaptersError(
                    f"the weight {name} is no longer finite in epoch {epoch}: lower the learning rate; the last "
                    "good checkpoint is kept"
                )
