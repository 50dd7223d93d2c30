"""The one training loop, its history, and checkpoints that resume bit for bit."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from chapters_lib.errors import ChaptersError
from chapters_lib.reproducibility import random_state, restore_random_state

CHECK_EVERY_STEPS = (
    50  # how often the recorded losses are looked at: each look waits for the device
)
SAVE_EVERY_SECONDS = 60.0


class Stateful(Protocol):
    """What a checkpoint can hold: a module, an optimiser, a scheduler."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Take the state back."""


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
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    @classmethod
    def from_csv(cls, path: Path, rows: int | None = None) -> History:
        """Read what `to_csv` wrote; ValueError if it is cut off, or has not the `rows` it should have."""
        text = path.read_text()
        if not text.endswith("\n"):
            raise ValueError("the last row is cut off")
        found = cls(
            {k: float(v) for k, v in row.items() if v != ""}
            for row in csv.DictReader(text.splitlines())
        )
        if rows not in (None, len(found)):
            raise ValueError(f"{len(found)} rows of {rows}")
        return found


class Checkpoint:
    """Where a training saves its whole state, so that killing it costs at most a minute and changes no bit.

    Parameters
    ----------
    path
        of the file; its folder is made.
    identity
        what the training is (its configuration and seed); a file of another identity is not
        resumed.
    by
        what is to be said of the process that trains (its sources, its machine), as plain
        numbers and strings. A file holds this of every process that saved it, in their order.
    """

    def __init__(
        self,
        path: Path,
        identity: str,
        save_every_seconds: float = SAVE_EVERY_SECONDS,
        by: Mapping[str, Any] | None = None,
    ):
        self.path = path
        self.identity = identity
        self.save_every_seconds = save_every_seconds
        self.by = dict(by or {})
        self._before: list[dict[str, Any]] = []  # who saved the file that was loaded
        self._last = time.monotonic()

    def part(self, name: str) -> Checkpoint:
        """Return a checkpoint beside this one, for one of several trainings that make up a whole."""
        path = self.path.with_name(f"{self.path.stem}.{name}{self.path.suffix}")
        return Checkpoint(path, f"{self.identity} {name}", self.save_every_seconds, self.by)

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._last >= self.save_every_seconds

    def save(self, state: dict[str, Any], by: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Write `state` to a file beside the last one, then put it in its place: never half a checkpoint.

        Where the state is not this process's work alone, `by` says whose it is.
        """
        partial = self.path.with_suffix(".partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                whose = [*(found for found in self._before if found != self.by), self.by]
                torch.save({"identity": self.identity, "by": list(by or whose), **state}, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise ChaptersError(
                f"cannot write the checkpoint {self.path} ({error}): free some disk space and run the "
                "same command again; it goes on from the last whole checkpoint"
            ) from error
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state, or None where there is none of this identity."""
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, weights_only=True, map_location="cpu")
            identity = state["identity"]
        except Exception as error:
            raise ChaptersError(
                f"the checkpoint {self.path} cannot be read ({type(error).__name__}): delete it to "
                "train from the start"
            ) from error
        if identity != self.identity:
            return None
        self._before = list(state.get("by", []))
        return state

    def saved_by(self) -> list[dict[str, Any]]:
        """Return the `by` of all processes that saved the file, in their order; none where there is no such file."""
        return list(found["by"]) if (found := self.load()) else []


class SizedBatches(Sized, Iterable[tuple[Tensor, ...]], Protocol):
    """An iterable of batches that knows how many there are and shuffles by torch's generator at `iter`."""


def fit(
    step: Callable[..., Mapping[str, Tensor]],
    batches: SizedBatches,
    *,
    epochs: int,
    state: Mapping[str, Stateful] | None = None,
    after_epoch: Callable[[int], Mapping[str, float]] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: str = "",
) -> History:
    """Call ``step(*batch)`` for every batch of every epoch; return the history of what the steps returned.

    Parameters
    ----------
    step
        does one update and returns its losses as detached scalars, which are averaged over the
        epoch.
    batches
        anything with a length that yields tuples of tensors.
    epochs
        how many times to go through `batches`.
    state
        everything the step changes (modules, optimisers, schedulers), by name, for the
        checkpoint.
    after_epoch
        called with the epoch's number, from 1; the numbers it returns join that epoch's row.
        It may draw random numbers: they are part of the reproducible course.
    checkpoint
        where to save, at every epoch's end and about once a minute; an existing one is
        resumed.
    progress
        label of the progress bar; none is shown without a label, or where stderr is no
        terminal.

    Raises
    ------
    ChaptersError
        if a step returns a loss that is not finite; the last checkpoint then still is a good
        one.
    """
    held = dict(state or {})
    history, epoch, done, sums, elapsed = History(), 1, 0, {}, 0.0
    epoch_random = now_random = random_state()
    if checkpoint and (saved := checkpoint.load()):
        try:
            for name, part in held.items():
                part.load_state_dict(saved["state"][name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise ChaptersError(
                f"the checkpoint {checkpoint.path} does not fit this training ({type(error).__name__}): delete it "
                "to train from the start"
            ) from error
        history, epoch, done, sums = (
            History(saved["history"]),
            saved["epoch"],
            saved["done"],
            saved["sums"],
        )
        elapsed, epoch_random, now_random = saved["elapsed"], saved["epoch_random"], saved["random"]
        restore_random_state(now_random)
    bar = tqdm(
        total=epochs * len(batches),
        initial=(epoch - 1) * len(batches) + done,
        desc=progress,
        unit="batch",
        disable=not progress or not sys.stderr.isatty(),
        leave=False,
    )

    def save() -> None:
        _require_finite(held, epoch if done else epoch - 1)
        if checkpoint:
            checkpoint.save(
                {
                    "state": {name: part.state_dict() for name, part in held.items()},
                    "history": history.rows,
                    "epoch": epoch,
                    "done": done,
                    "sums": sums,
                    "elapsed": elapsed,
                    "epoch_random": epoch_random,
                    "random": random_state(),
                }
            )

    while epoch <= epochs:
        started, resume_at, images = time.perf_counter() - elapsed, done, 0
        if resume_at:
            restore_random_state(
                epoch_random
            )  # the epoch's order is drawn again, its finished steps are not redone
        else:
            epoch_random = random_state()
        recent: list[Mapping[str, Tensor]] = []
        remaining = iter(batches)
        for position in range(len(batches)):
            if resume_at and position == resume_at:
                restore_random_state(now_random)
            batch = next(remaining)
            images += len(batch[0])
            if position < resume_at:
                continue
            recent.append(step(*batch))
            done = position + 1
            bar.update()
            if len(recent) == CHECK_EVERY_STEPS or done == len(batches):
                _add(sums, recent, epoch, done)
                recent.clear()
                if checkpoint and checkpoint.due and done < len(batches):
                    elapsed = time.perf_counter() - started
                    save()
        row = {
            "epoch": epoch,
            **{name: total / len(batches) for name, total in sums.items()},
            "seconds": time.perf_counter() - started,
            "images": images,
        }
        history.append(row | dict(after_epoch(epoch)) if after_epoch else row)
        epoch, done, sums, elapsed = epoch + 1, 0, {}, 0.0
        save()
    bar.close()
    return history


def _require_finite(held: Mapping[str, Stateful], epoch: int) -> None:
    """Refuse to keep weights that are not finite: a finite loss can have a gradient that is not."""
    for module in held.values():
        if not isinstance(module, nn.Module):
            continue
        for name, weight in module.named_parameters():
            if not bool(weight.detach().isfinite().all()):
                raise ChaptersError(
                    f"the weight {name} is no longer finite in epoch {epoch}: lower the learning rate; the last "
                    "good checkpoint is kept"
                )


def _add(sums: dict[str, float], recent: list[Mapping[str, Tensor]], epoch: int, done: int) -> None:
    """Add the losses of the last steps to the epoch's sums, one transfer from the device for each name."""
    for name in recent[0]:
        values = torch.stack([losses[name].detach().double() for losses in recent]).cpu()
        finite = values.isfinite()
        if not bool(finite.all()):
            at = done - len(recent) + int((~finite).nonzero()[0, 0]) + 1
            raise ChaptersError(
                f"{name} became {values[at - 1 - done + len(recent)].item()} at step {at} of epoch "
                f"{epoch}: lower the learning rate; the last good checkpoint is kept"
            )
        sums[name] = sums.get(name, 0.0) + float(values.sum())
