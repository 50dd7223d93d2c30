"""What the tests of the pages share: figures of one test leave no look behind for the next."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def own_look() -> Iterator[None]:
    with plt.rc_context():
        mpl.rcdefaults()
        yield
        plt.close("all")
