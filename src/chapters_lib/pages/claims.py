"""Findings of the text, tested on the record: what was found, and whether the words still hold.

A claim compares means with the tolerance that the spread over trainings gives, never with the
recorded value itself, so that trainings with other seeds bear it out as often as their spread allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chapters_lib.evaluation.intervals import Interval, borrowed, welch
from chapters_lib.pages.words import interval, number
from chapters_lib.recording.runs import Metric

OTHERWISE = "[The record says otherwise: "
OWN = "[This run says otherwise: "


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence holds, and what was measured, as a reader would be told it."""

    holds: bool
    measured: str

    def __invert__(self) -> Verdict:
        return Verdict(not self.holds, self.measured)


def difference(a: Metric, b: Metric, spread: Metric | None = None) -> Interval:
    """Return mean(a) − mean(b) with its 95 % interval: Welch's, or Student's with a borrowed spread.

    Parameters
    ----------
    spread
        the metric of several sibling trainings, whose spread is then used for both: needed where a or b is
        one training.

    Raises
    ------
    ValueError
        if there is one training and no spread.
    """
    if spread is None:
        return welch(a.values, b.values)
    return borrowed(a.values, b.values, spread.values)


def apart(a: Metric, b: Metric) -> Interval:
    """Return mean(a) − mean(b), each with a standard error of its own, with two errors on each side."""
    return Interval.about(float(a.mean - b.mean), math.hypot(a.sem, b.sem))


def less(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """a is the smaller by more than chance: the interval of a − b lies below 0."""
    found = difference(a, b, spread)
    return Verdict(found.high < 0, _told(a, b, found, digits))


def greater(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """a is the greater by more than chance: the interval of a − b lies above 0."""
    found = difference(a, b, spread)
    return Verdict(found.low > 0, _told(a, b, found, digits))


def level(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """No difference is shown: the interval of a − b holds 0."""
    found = difference(a, b, spread)
    return Verdict(not found.clear, _told(a, b, found, digits))


def below(a: Metric, mark: float, *, digits: int = 3) -> Verdict:
    """The mean lies below a mark that was set beforehand."""
    return Verdict(a.mean < mark, f"{number(a, digits)}, the mark being {mark:.{digits}f}")


def above(a: Metric, mark: float, *, digits: int = 3) -> Verdict:
    """The mean lies above a mark that was set beforehand."""
    return Verdict(a.mean > mark, f"{number(a, digits)}, the mark being {mark:.{digits}f}")


def shown(found: Interval, *, sign: int, digits: int = 3) -> Verdict:
    """A difference measured in pairs has the sign told: −1, 0 (none is shown) or 1."""
    verdict = -1 if found.high < 0 else 1 if found.low > 0 else 0
    return Verdict(verdict == sign, f"difference {interval(found, digits)}")


def both(*verdicts: Verdict) -> Verdict:
    """Whether each part of a sentence holds."""
    return Verdict(
        all(verdict.holds for verdict in verdicts), "; ".join(v.measured for v in verdicts)
    )


def _told(a: Metric, b: Metric, found: Interval, digits: int) -> str:
    beside = f"{number(a, digits)} against {number(b, digits)}"
    return f"{beside}, difference {interval(found, digits)}"
