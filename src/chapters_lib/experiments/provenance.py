"""What a record says of where it came from: who trained and measured it, and the recorded runs that it used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from chapters_lib import runs
from chapters_lib.errors import ChaptersError
from chapters_lib.training import Checkpoint

MEASURED = "measured"  # the part of a checkpoint that holds a seed's metrics


def origins(needs: Iterable[str]) -> dict[str, Any]:
    """Return by name what needed runs are: the commit and the date of each, and the SHA-256 of its weights."""
    return {name: _origin(runs.load(name)) for name in needs}


def _origin(run: runs.Run) -> dict[str, str]:
    stated = {key: str(run.provenance.get(key, "")) for key in ("commit", "date")}
    weights = (run.folder / "model.safetensors").read_bytes()
    return stated | {"sha256": hashlib.sha256(weights).hexdigest()}


def require_unchanged(name: str, used: Mapping[str, Any]) -> None:
    """Raise a `ChaptersError` if a run that `name` has used is no longer the one that it was."""
    now = origins(used)
    if changed := [needed for needed in used if now[needed] != used[needed]]:
        raise ChaptersError(
            f"{' and '.join(changed)} was recorded anew meanwhile; nothing was recorded of {name}: run the same "
            "command again"
        )


def trained_by(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """Return which processes saved a seed's checkpoints, the last one last; those of a study's parts too."""
    found: list[dict[str, Any]] = []
    stem = checkpoint.path.stem
    for path in sorted(
        checkpoint.path.parent.glob(f"{stem}.*pt"), key=lambda path: path.stat().st_mtime_ns
    ):
        name = path.name.removeprefix(f"{stem}.").removesuffix("pt").rstrip(".")
        if name != MEASURED:
            found = joined(found, (checkpoint.part(name) if name else checkpoint).saved_by())
    return found


def joined(earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return both lists as one, each process where it stands last."""
    return [by for by in earlier if by not in later] + later
