"""The whole state of a training at an epoch's end, written atomically: it resumes bit for bit."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from chapters_lib.errors import ChaptersError
from chapters_lib.reproducibility import random_state, restore_random_state

Rows = list[dict[str, float]]
SAVE_EVERY_SECONDS = 5.0  # at most: an epoch of a hundred images takes less than writing its state


class Stateful(Protocol):
    """What a checkpoint can hold: a module, an optimiser, a scheduler."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Take the state back."""


class Checkpoint:
    """Where a training saves its state, so that killing it costs at most an epoch and changes no bit.

    `path`: of the file; its folder is made.
    `identity`: what the training is (its configuration and seed); a file of another identity is not
    resumed.
    """

    def __init__(self, path: Path, identity: str):
        self.path = path
        self.identity = identity
        self._last = 0.0

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._last >= SAVE_EVERY_SECONDS

    def part(self, name: str) -> Checkpoint:
        """Return a checkpoint beside this one, for one of several trainings that make up a whole."""
        path = self.path.with_name(f"{self.path.stem}.{name}{self.path.suffix}")
        return Checkpoint(path, f"{self.identity} {name}")

    def keep(self, parts: Mapping[str, Stateful], rows: Iterable[Mapping[str, float]]) -> None:
        """Save the parts' states, the history's rows, and every random state."""
        states = {name: part.state_dict() for name, part in parts.items()}
        rows = [dict(row) for row in rows]
        self.save({"state": states, "history": rows, "random": random_state()})

    def resume(self, parts: Mapping[str, Stateful]) -> Rows:
        """Put what `keep` saved back into the parts; return the history's rows, none where there is no file."""
        if not (saved := self.load()):
            return []
        try:
            for name, part in parts.items():
                part.load_state_dict(saved["state"][name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise ChaptersError(
                f"the checkpoint {self.path} does not fit this training ({type(error).__name__}): delete it "
                "to train from the start"
            ) from error
        restore_random_state(saved["random"])
        return list(saved["history"])

    def save(self, state: Mapping[str, Any]) -> None:
        """Write `state` to a file beside the last one, then put it in its place: never half a checkpoint."""
        partial = self.path.with_suffix(".partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                torch.save({"identity": self.identity, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
            self._last = time.monotonic()
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise ChaptersError(
                f"cannot write the checkpoint {self.path} ({error}): free some disk space and run the "
                "same command again; it goes on from the last whole checkpoint"
            ) from error

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
        return state if identity == self.identity else None
