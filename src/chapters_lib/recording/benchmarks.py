"""How fast the library was beside other ways to do the same: what `make bench` recorded last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from chapters_lib.recording import runs

FILE = "benchmarks.json"


@dataclass(frozen=True)
class Contest:
    """The library beside another way to do the same work, with a number of threads.

    `library`, `other`: seconds a unit of work, one a round; both sides took turns within it.
    `operations`: floating-point operations of a unit of the library, those of its products and
    convolutions.
    `limit`: operations a second of a product of two large matrices, one a round.
    """

    key: str
    title: str
    against: str
    unit: str
    aim: float
    precision: str
    threads: int
    library: Sequence[float]
    other: Sequence[float]
    operations: float
    limit: Sequence[float]

    @property
    def ratio(self) -> tuple[float, float, float]:
        """How many times as fast as the other side the library was: lowest, median and highest of the rounds."""
        found = [o / own for own, o in zip(self.library, self.other, strict=True)]
        return min(found), median(found), max(found)

    @property
    def share(self) -> float:
        """Which part of the speed of a product of large matrices the library reached."""
        return self.operations / (median(self.library) * median(self.limit))


@cache
def record() -> dict[str, Any]:
    """Return what was recorded last; empty where nothing was."""
    path = runs.root() / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def contests(threads: int | None = None) -> list[Contest]:
    """Return the contests with a number of threads, of all without one."""
    found = [Contest(**each) for each in record().get("contests", ())]
    return [each for each in found if threads in (None, each.threads)]


def counts() -> list[int]:
    """Return the numbers of threads that were measured with."""
    return sorted({each.threads for each in contests()})
