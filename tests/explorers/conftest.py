"""A page with one explorer, in a browser that a module's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.book.browser import Browser

from .opened import Shown, window


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with window() as page:
        yield page


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Shown:
    return Shown(browser, tmp_path / "site")
