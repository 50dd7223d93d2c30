"""What the tests of the pages share: no look is left behind; what a page is given, and what it claims."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from chapters_lib.pages import Page
from chapters_lib.pages.claims import Verdict


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
    monkeypatch.setattr(Page, "keep", lambda self, **values: found.update(values))
    return found


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Verdict]:
    """What the page claims, by its keys."""
    found: dict[str, Verdict] = {}

    def claims(self: Page, *, own: bool = False, **verdicts: Verdict) -> None:
        found.update(verdicts)

    monkeypatch.setattr(Page, "claims", claims)
    return found
