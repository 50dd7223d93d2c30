"""What the cells of the book's pages call: one module a page; here is what all of them share.

A page's cell is one line. Runs are loaded when a function first asks for one, never on import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from IPython.display import Markdown
from myst_nb import glue

from chapters_lib.evaluation.intervals import Interval
from chapters_lib.experiments import find
from chapters_lib.pages.claims import OPEN, OTHERWISE, OWN, Verdict
from chapters_lib.recording import runs

INCEPTION = "fid_inception768_bfloat16"  # the key under which chapters quote its distance


@dataclass(frozen=True)
class Page:
    """A page, by the prefix that the names of its numbers have: ``ae`` for ``ae-test-mse``."""

    prefix: str

    def keep(self, **values: str | float) -> None:
        """Give numbers and words to the text, each named by its key with hyphens."""
        for key, value in values.items():
            name = f"{self.prefix}-{key.replace('_', '-')}"
            glue(name, value if isinstance(value, str) else float(value), display=False)

    def claims(self, *, own: bool = False, **verdicts: Verdict) -> None:
        """Glue a mark for each finding of the text: nothing where it holds, else what was measured, or that it is open.

        The page sets it behind the sentence: ``{glue:text}`claim-ae-curved```. ``own`` tells findings of a small
        training in the page itself from those of the record.
        """
        for key, verdict in verdicts.items():
            opening = OWN if own else OPEN if verdict.open else OTHERWISE
            mark = "" if verdict.holds else f"{opening}{verdict.measured}]"
            glue(f"claim-{self.prefix}-{key.replace('_', '-')}", mark, display=False)


@cache
def run(name: str) -> runs.Run:
    """Return a recorded run, read once."""
    return runs.load(name)


@cache
def model(name: str) -> Any:
    """Return the recorded model of an experiment's first seed, in evaluation mode."""
    experiment = find(name)
    return run(name).restore(experiment.build(experiment.config))


def check(claims: Mapping[str, bool]) -> None:
    """Stop the build, and name what does not hold of mathematics or configuration: a finding is a claim of its own."""
    wrong = [claim for claim, true in claims.items() if not true]
    assert not wrong, f"the record contradicts: {wrong}"


def below(low: runs.Metric, high: runs.Metric) -> bool:
    """Whether one number is the lower in every pair of trainings."""
    return max(low.values) < min(high.values)


def signed(value: float, digits: int = 1) -> str:
    """Return a number that may be negative as the text prints it."""
    return f"{value:.{digits}f}".replace("-", "−")


def number(metric: runs.Metric, digits: int = 3) -> str:
    """Return a metric as the text prints it, with its standard error over seeds where there are several."""
    text = signed(metric.mean, digits)
    return f"{text} ± {metric.sem:.{digits}f}" if len(metric.values) > 1 else text


def interval(found: Interval, digits: int = 3) -> str:
    """Return a difference with its 95 % interval, as the text prints it."""
    low, high = signed(found.low, digits), signed(found.high, digits)
    return f"{signed(found.difference, digits)} [{low}, {high}]"


def table(
    caption: str, name: str, widths: str, rows: Sequence[Sequence[str]], kind: str = ""
) -> Markdown:
    """Return a numbered table made from rows, of which the first is the header.

    Parameters
    ----------
    name
        the label that the text refers to it by: ``tab-ae-results``.
    widths
        of the columns, in parts: ``40 30 30``.
    kind
        classes of the table: ``longtable`` for one that breaks over pages in print.
    """
    lines = [f"```{{list-table}} {caption}", f":name: {name}", ":header-rows: 1"]
    lines += [f":widths: {widths}", *([f":class: {kind}"] if kind else []), ""]
    for row in rows:
        lines += [("* - " if i == 0 else "  - ") + cell for i, cell in enumerate(row)]
    return Markdown("\n".join([*lines, "```"]))
