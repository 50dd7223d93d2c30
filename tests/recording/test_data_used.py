"""Runs of other images are refused by name, before anything is trained; a whole set makes a repetition needless."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from chapters_lib import data
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import runs
from chapters_lib.recording.data_used import needless, require_same_data, superseded
from chapters_lib.recording.record import record
from tests.conftest import Folders, use_data

SECOND = EXPERIMENTS["rbm-kmnist-16-updates"]


def of(run: runs.Run, name: str, images: int, sha256: str) -> runs.Run:
    """Return a run as one of other train images."""
    stated = run.provenance["data"] | {"train": {"name": name, "images": images, "sha256": sha256}}
    return replace(run, provenance=run.provenance | {"data": stated})


def test_all_recorded_runs_belong_together() -> None:
    names = [name for name in runs.names() if name in EXPERIMENTS]
    require_same_data(*map(runs.load, names))


def test_runs_of_other_images_are_named_on_both_sides() -> None:
    machine, judge = runs.load("rbm-kmnist-16"), runs.load("judge-kmnist")
    for images, sha256 in ((60_000, "0" * 64), (6_284, "0" * 64)):
        with pytest.raises(ChaptersError) as refused:
            require_same_data(machine, of(judge, "kmnist", images, sha256))
        told = f"rbm-kmnist-16 on 6,284 (SHA-256 7ddcc002) and judge-kmnist on {images:,} (SHA-256 00000000)"
        assert told in str(refused.value) and "\n" not in str(refused.value)
    require_same_data(machine, of(judge, "mnist", 60_000, "0" * 64))


def test_a_rendered_set_is_known_by_its_number() -> None:
    judge = runs.load("judge-house-numbers")
    images = judge.data_used["train"]["images"]
    require_same_data(judge, of(judge, "house-numbers", images, "0" * 64))
    with pytest.raises(ChaptersError, match="different train images of house-numbers"):
        require_same_data(judge, of(judge, "house-numbers", images - 1, "0" * 64))


def test_a_training_with_a_judge_of_other_images_is_refused_before_it_begins(
    quick: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(EXPERIMENTS[quick], device=torch.device("cpu"), progress=False)
    whole, trained = data.load, []
    use_data(monkeypatch, lambda name, split: whole(name, split).first(200))
    child = replace(
        EXPERIMENTS[quick], name="child", needs=(quick,), train=lambda *parts: trained.append(1)
    )
    with pytest.raises(ChaptersError, match=rf"child would be trained on 200 .*{quick} was"):
        record(child, device=torch.device("cpu"), progress=False)
    assert not trained


def test_the_second_reading_is_needless_where_the_whole_set_is(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def images(count: int) -> None:
        blank = data.Dataset(
            "kmnist",
            "train",
            torch.zeros(count, 1, 1, 1, dtype=torch.uint8),
            torch.zeros(count, dtype=torch.long),
        )
        use_data(monkeypatch, lambda name, split: blank)

    images(59_999)
    assert not needless(SECOND) and not superseded(SECOND)
    images(60_000)
    assert needless(SECOND) and not needless(EXPERIMENTS["rbm-kmnist-16"])
    assert main(["plan"]) == 0
    planned = capsys.readouterr().out
    assert "rbm-kmnist-16 " in planned and "rbm-kmnist-16-updates" not in planned
