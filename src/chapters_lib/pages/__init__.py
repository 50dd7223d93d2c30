"""What the cells of the book's pages call: one module a page; here is what all of them share.

A page's cell is one line. Runs are loaded when a function first asks for one, never on import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from IPython.display import Markdown
from myst_nb import glue

import chapters_lib.reproducibility as seeding  # a page has its name
from chapters_lib.experiments import find
from chapters_lib.findings import run
from chapters_lib.findings.verdicts import OPEN, OTHERWISE, OWN, Verdict
from chapters_lib.findings.words import number
from chapters_lib.recording import runs

INCEPTION = "fid_inception768"  # the key under which chapters quote its distance


@dataclass(frozen=True)
class Page:
    """A page, by the prefix that the names of its numbers have: ``ae`` for ``ae-test-mse``."""

    prefix: str
    part: str = ""  # in the names of a part's numbers behind the prefix

    def of(self, part: str) -> Page:
        """Return the page for the numbers of a part: ``ae-mnist-test-mse``."""
        return replace(self, part=part)

    def key(self, key: str) -> str:
        """Return a number's key on the page: with the part that it is of."""
        return f"{self.part}_{key}" if self.part else key

    def keep(self, /, **values: str | float) -> None:
        """Give numbers and words to the text, each named by its key with hyphens."""
        for key, value in values.items():
            self._give("", key, value if isinstance(value, str) else float(value))

    def claims(self, /, **verdicts: Verdict) -> None:
        """Glue a mark for each finding of the record: nothing where it holds, else what was measured.

        Where it is not contradicted either, the mark says that it is left open. The page sets it behind the
        sentence: ``{glue:text}`claim-ae-curved```.
        """
        self._mark(OTHERWISE, verdicts)

    def own_claims(self, /, **verdicts: Verdict) -> None:
        """Glue such marks for the findings of a small training in the page itself."""
        self._mark(OWN, verdicts)

    def _mark(self, opening: str, verdicts: Mapping[str, Verdict]) -> None:
        for key, verdict in verdicts.items():
            words = OPEN if verdict.open and opening == OTHERWISE else opening
            self._give("claim-", key, "" if verdict.holds else f"{words}{verdict.measured}]")

    def _give(self, kind: str, key: str, value: str | float) -> None:
        name = f"{kind}{self.prefix}-{self.key(key).replace('_', '-')}"
        glue(name, value, display=False)


def shift_seeds(by: int) -> None:
    """Let pages seed the small trainings of their own otherwise: they import `seed_everything` after this module."""
    seeded = seeding.seed_everything
    setattr(seeding, "seed_everything", lambda seed: seeded(seed + by))  # noqa: B010


if "CHAPTERS_PAGE_SEED" in os.environ:
    shift_seeds(int(os.environ["CHAPTERS_PAGE_SEED"]))


@cache
def model(name: str) -> Any:
    """Return the recorded model of an experiment's first seed, in evaluation mode."""
    experiment = find(name)
    return run(name).restore(experiment.build(experiment.config))


def check(claim: str, true: bool) -> None:
    """Stop the build where what is said of mathematics or configuration does not hold; a finding is a claim instead."""
    assert true, f"the record contradicts: {claim}"


def printed(found: runs.Run, digits: Mapping[str, int], prefix: str = "") -> list[str]:
    """Return metrics of a run as a table's row prints them, each to its number of digits."""
    return [number(found.metric(prefix + key), places) for key, places in digits.items()]


def table(
    caption: str, name: str, widths: str, rows: Sequence[Sequence[str]], kind: str = ""
) -> Markdown:
    """Return a numbered table made from rows, of which the first is the header.

    `name`: the label that the text refers to it by: ``tab-ae-results``.
    `widths`: of the columns, in parts: ``40 30 30``.
    `kind`: classes of the table: ``longtable`` for one that breaks over pages in print.
    """
    return Markdown(list_table(rows, widths, caption, name, kind))


def list_table(
    rows: Sequence[Sequence[str]], widths: str, caption: str = "", name: str = "", kind: str = ""
) -> str:
    """Return the text of a table; without a name it has no number."""
    lines = [f"```{{list-table}} {caption}".rstrip(), *([f":name: {name}"] if name else [])]
    lines += [":header-rows: 1", f":widths: {widths}", *([f":class: {kind}"] if kind else []), ""]
    for row in rows:
        lines += [("* - " if i == 0 else "  - ") + cell for i, cell in enumerate(row)]
    return "\n".join([*lines, "```"])


def site_only(text: str) -> Markdown:
    """Return text that stands on the site alone."""
    return Markdown(f"````{{only}} builder_html\n{text}\n````")
