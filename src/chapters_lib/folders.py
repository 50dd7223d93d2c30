"""Where data sets lie, records, and what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """Return the folder of the data sets: ``$CHAPTERS_DATA``, else ``data/`` beside the project's sources."""
    return named("CHAPTERS_DATA", "data")


def cache_root() -> Path:
    """Return the folder of checkpoints, locks, features and rendered images: ``$CHAPTERS_CACHE``, else ``.cache/``."""
    return named("CHAPTERS_CACHE", ".cache")


def named(variable: str, name: str) -> Path:
    """Return the folder that an environment variable names, else one beside the project's sources."""
    if folder := os.environ.get(variable):
        return Path(folder).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / name
