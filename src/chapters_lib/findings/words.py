"""Numbers as the text prints them."""

from __future__ import annotations

from chapters_lib.evaluation.intervals import Interval
from chapters_lib.recording.runs import Metric

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def in_words(count: int) -> str:
    """Return how many there are, as a word up to ten."""
    return COUNTS[count] if count < len(COUNTS) else str(count)


def signed(value: float, digits: int = 1) -> str:
    """Return a number that may be negative; there is no minus before a zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def number(metric: Metric, digits: int = 3) -> str:
    """Return a metric, with its standard error over seeds where there are several."""
    several = len(metric.values) > 1
    return with_error(metric, digits) if several else signed(metric.mean, digits)


def with_error(metric: Metric, digits: int = 3) -> str:
    """Return a metric with its standard error, whatever it is over; to more digits where the error would print as 0."""
    while 1e-6 < metric.sem < 0.5 * 10.0**-digits:
        digits += 1
    return f"{signed(metric.mean, digits)} ± {metric.sem:.{digits}f}"


def interval(found: Interval, digits: int = 3, *, bare: bool = False) -> str:
    """Return a difference with its 95 % interval.

    `bare` leaves out the sign where the difference is clear: the words beside it say which is less.
    """
    parts = found.difference, found.low, found.high
    if bare and found.clear:
        gap, *ends = map(abs, parts)
        parts = gap, min(ends), max(ends)
    difference, low, high = (signed(part, digits) for part in parts)
    return f"{difference} [{low}, {high}]"


def duration(seconds: float) -> str:
    """Return a time in the unit in which it is between 1 and 1000."""
    scale, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def threads(count: int) -> str:
    """Return how many threads there are."""
    return "one thread" if count == 1 else f"{count} threads"


def with_article(unit: str) -> str:
    """Return a noun behind its indefinite article."""
    return f"{'an' if unit[0] in 'aeiou' else 'a'} {unit}"
