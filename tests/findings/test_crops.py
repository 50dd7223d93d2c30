"""What is found of the models of few real crops."""

from __future__ import annotations

import pytest

from chapters_lib.findings import crops
from chapters_lib.recording import runs


def test_a_control_is_shown_once_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["gan-svhn-crops"]
    monkeypatch.setattr(runs, "names", lambda: names)
    monkeypatch.setattr(crops, "run", lambda name: name)
    assert crops.pair("gan") == {crops.BEGUN: "gan-svhn-crops"}
    names.append("gan-svhn-crops-from-nothing")
    assert list(crops.pair("gan")) == [crops.BEGUN, crops.ALONE]
