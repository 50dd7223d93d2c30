"""What the tests of the pages share: no look is left behind; what a page is given, and what it claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from chapters_lib.findings.verdicts import Verdict
from chapters_lib.pages import Page


@pytest.fixture(autouse=True)
def own_look() -> Iterator[None]:
    with plt.rc_context():
        mpl.rcdefaults()
        yield
        plt.close("all")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | float]:
    """What the page is given, by its keys."""
    found: dict[str, str | float] = {}

    def give(self: Page, kind: str, key: str, value: str | float) -> None:
        if not kind:
            found[self.key(key)] = value

    monkeypatch.setattr(Page, "_give", give)
    return found


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Verdict]:
    """What the page claims, by its keys."""
    found: dict[str, Verdict] = {}

    def mark(self: Page, opening: str, verdicts: Mapping[str, Verdict]) -> None:
        found.update({self.key(key): verdict for key, verdict in verdicts.items()})

    monkeypatch.setattr(Page, "_mark", mark)
    return found


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Which claims hold, by their keys, filled as the page makes them."""
    found: dict[str, bool] = {}

    def mark(self: Page, opening: str, verdicts: Mapping[str, Verdict]) -> None:
        found.update({self.key(key): verdict.holds for key, verdict in verdicts.items()})

    monkeypatch.setattr(Page, "_mark", mark)
    return found
