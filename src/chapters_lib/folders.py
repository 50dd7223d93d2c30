"""Where data sets lie, and what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """Return the folder of the data sets: ``$CHAPTERS_DATA``, else ``data/`` beside the project's sources."""
    return _folder("CHAPTERS_DATA", "data")


def cache_root() -> Path:
    """Return the folder of checkpoints, locks, features and rendered images: ``$CHAPTERS_CACHE``, else ``.cache/``."""
    return _folder("CHAPTERS_CACHE", ".cache")


def _folder(variable: str, name: str) -> Path:
    if folder := os.environ.get(variable):
        return Path(folder).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / name
