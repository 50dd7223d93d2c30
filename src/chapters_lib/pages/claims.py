"""Findings of the text, tested on the record: what was found, and whether the words still hold.

A claim compares means with the tolerance that the spread over trainings gives, never with the
recorded value itself, so that trainings with other seeds bear it out as often as their spread allows.
"""

from __future__ import annotations

from dataclasses import dataclass

from chapters_lib.evaluation.intervals import Interval, borrowed, welch
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
    return Verdict(a.mean < mark, f"{_number(a, digits)}, the mark being {mark:.{digits}f}")


def above(a: Metric, mark: float, *, digits: int = 3) -> Verdict:
    """The mean lies above a mark that was set beforehand."""
    return Verdict(a.mean > mark, f"{_number(a, digits)}, the mark being {mark:.{digits}f}")


def shown(found: Interval, *, sign: int, digits: int = 3) -> Verdict:
    """A difference measured in pairs has the sign told: −1, 0 (none is shown) or 1."""
    verdict = -1 if found.high < 0 else 1 if found.low > 0 else 0
    return Verdict(verdict == sign, _interval(found, digits))


def percent(metric: Metric) -> Metric:
    """Return a share in per cent."""
    return Metric(100 * metric.mean, 100 * metric.sem, tuple(100 * v for v in metric.values))


def told(found: Interval, digits: int = 2) -> str:
    """Return a difference with its interval; where it is clear, without its sign: the words say which is less."""
    gap, low, high = found.difference, found.low, found.high
    if found.clear:
        gap, (low, high) = abs(gap), sorted((abs(low), abs(high)))
    return f"{gap:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def both(*verdicts: Verdict) -> Verdict:
    """Whether each part of a sentence holds."""
    return Verdict(
        all(verdict.holds for verdict in verdicts), "; ".join(v.measured for v in verdicts)
    )


def _number(metric: Metric, digits: int) -> str:
    text = f"{metric.mean:.{digits}f}"
    return f"{text} ± {metric.sem:.{digits}f}" if len(metric.values) > 1 else text


def _interval(found: Interval, digits: int) -> str:
    low, high = f"{found.low:.{digits}f}", f"{found.high:.{digits}f}"
    return f"difference {found.difference:.{digits}f} [{low}, {high}]".replace("-", "−")


def _told(a: Metric, b: Metric, found: Interval, digits: int) -> str:
    return f"{_number(a, digits)} against {_number(b, digits)}, {_interval(found, digits)}"
