"""Findings of the text, tested on the record: what was found, and whether the words still hold.

A claim compares means with the tolerance that the spread over trainings gives, never with the
recorded value itself, so that trainings with other seeds bear it out as often as their spread allows.
Between what bears a sentence out and what contradicts it lies what leaves it open: a difference is no longer
shown, or only just. The page then says so, and a build for other records does not stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from chapters_lib.evaluation.intervals import Interval, borrowed, welch
from chapters_lib.findings.words import interval, number
from chapters_lib.recording.runs import Metric

OTHERWISE = "[The record says otherwise: "
OWN = "[This run says otherwise: "
OPEN = "[This record leaves it open: "
# The book says of some sixty differences that none is shown: at 95 % chance alone would contradict three of them.
SURE = 0.999  # the level at which a difference contradicts that none is shown
WIDER = 2.0  # times the reach of a given interval that stands for it


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence holds, and what was measured, as a reader would be told it."""

    holds: bool
    measured: str
    open: bool = False  # it is not borne out, but not contradicted either

    def __invert__(self) -> Verdict:
        return Verdict(not self.holds and not self.open, self.measured, self.open)

    @property
    def contradicted(self) -> bool:
        """Whether the record says otherwise."""
        return not self.holds and not self.open


def difference(a: Metric, b: Metric, spread: Metric | None = None, sure: float = 0.95) -> Interval:
    """Return mean(a) − mean(b) with its interval, of 95 %: Welch's, or Student's with a borrowed spread.

    `spread`: the metric of several sibling trainings, whose spread is then used for both: needed
    where a or b is one training.
    `sure`: the level of the interval.
    Raises `ValueError` if there is one training and no spread.
    """
    if spread is None:
        return welch(a.values, b.values, sure)
    return borrowed(a.values, b.values, spread.values, sure)


def apart(a: Metric, b: Metric) -> Interval:
    """Return mean(a) − mean(b), each with an error of its own: two errors on each side, of trainings Student's."""
    gap, reach = float(a.mean - b.mean), math.hypot(_reach(a), _reach(b))
    return Interval(gap, math.hypot(a.sem, b.sem), gap - reach, gap + reach)


def less(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """a is the smaller by more than chance: the interval of a − b lies below 0."""
    found = difference(a, b, spread)
    return _signed(found, -1, _told(a, b, found, digits))


def greater(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """a is the greater by more than chance: the interval of a − b lies above 0."""
    found = difference(a, b, spread)
    return _signed(found, 1, _told(a, b, found, digits))


def level(a: Metric, b: Metric, *, spread: Metric | None = None, digits: int = 3) -> Verdict:
    """No difference is shown: the interval of a − b holds 0."""
    found = difference(a, b, spread)
    unsure = not difference(a, b, spread, SURE).clear
    return Verdict(not found.clear, _told(a, b, found, digits), found.clear and unsure)


def outcome(a: Metric, b: Metric, words: Sequence[str], *, spread: Metric | None = None) -> str:
    """Return the words for what is shown: that a is the less, no difference, or that it is the greater."""
    return worded(difference(a, b, spread), words)


def worded(found: Interval, words: Sequence[str]) -> str:
    """Return the words for a difference: below 0, none shown, or above 0."""
    return words[0 if found.high < 0 else 2 if found.low > 0 else 1]


def below(a: Metric, mark: float, *, digits: int = 3) -> Verdict:
    """The mean lies below a mark that was set beforehand."""
    return _marked(a, mark, a.mean < mark, digits)


def above(a: Metric, mark: float, *, digits: int = 3) -> Verdict:
    """The mean lies above a mark that was set beforehand."""
    return _marked(a, mark, a.mean > mark, digits)


def shown(found: Interval, *, sign: int, digits: int = 3) -> Verdict:
    """A difference measured in pairs has the sign told: −1, 0 (none is shown) or 1."""
    return _signed(found, sign, f"difference {interval(found, digits)}")


def both(*verdicts: Verdict) -> Verdict:
    """Whether each part of a sentence holds; it is contradicted where one part is."""
    holds = all(verdict.holds for verdict in verdicts)
    unsettled = not holds and not any(verdict.contradicted for verdict in verdicts)
    return Verdict(holds, "; ".join(verdict.measured for verdict in verdicts), unsettled)


def _signed(found: Interval, sign: int, told: str) -> Verdict:
    """Return whether a difference has a sign, or with 0 none is shown; open is what is only just not so."""
    seen = -1 if found.high < 0 else 1 if found.low > 0 else 0
    if sign:
        return Verdict(seen == sign, told, seen == 0)
    reach = (found.high - found.low) / 2
    return Verdict(seen == 0, told, seen != 0 and abs(found.difference) <= WIDER * reach)


def _reach(a: Metric) -> float:
    """Return how far 95 % reach on each side of a mean, of trainings or of what one training averages."""
    several = len(a.values) > 1
    return (float(stdtrit(len(a.values) - 1, 0.975)) if several else 2.0) * a.sem


def _marked(a: Metric, mark: float, holds: bool, digits: int) -> Verdict:
    """Return whether a mean lies where it should; within its interval of the mark it is open."""
    reach = _reach(a) if len(a.values) > 1 else 0.0
    told = f"{number(a, digits)}, the mark being {mark:.{digits}f}"
    return Verdict(holds, told, not holds and abs(a.mean - mark) <= reach)


def _told(a: Metric, b: Metric, found: Interval, digits: int) -> str:
    beside = f"{number(a, digits)} against {number(b, digits)}"
    return f"{beside}, difference {interval(found, digits)}"
