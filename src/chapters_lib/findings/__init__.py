"""What a record says of a sentence, and how its numbers are worded; nothing here knows a page."""

from __future__ import annotations

from functools import cache

from chapters_lib.recording import runs


@cache
def run(name: str) -> runs.Run:
    """Return a recorded run, read once."""
    return runs.load(name)
