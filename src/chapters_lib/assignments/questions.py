"""What a sheet and a question are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """One number of a run: the metric's key, how it is printed, and what it is in words."""

    run: str
    key: str
    form: str
    words: str


@dataclass(frozen=True)
class Question:
    """One question of a sheet.

    `name`: what the sheet calls it.
    `points`: what it is worth there.
    `asked`: the question in short, in our words.
    `chapter`: the page that answers it.
    `answers`: labels of the sections with the answer, the first of which is the one to read.
    `shown`: labels of the figures and tables that show it.
    `runs`: the recorded runs behind it; none where the answer is a derivation.
    `number`: the one number to look at, where there is a run.
    `bonus`: whether its points come on top.
    """

    name: str
    points: float
    asked: str
    chapter: str
    answers: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    number: Number | None = None
    bonus: bool = False


@dataclass(frozen=True)
class Sheet:
    """An assignment: its questions in their order, and what they add up to without any bonus."""

    name: str
    title: str
    total: float
    questions: tuple[Question, ...]
