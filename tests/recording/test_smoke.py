"""A short trial of a training: to its end on whatever data there are, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.io import savemat

from chapters_lib import data
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import smoke
from chapters_lib.recording.experiment import build_nothing
from tests.conftest import Folders
from tests.data.test_loading import write_set


def write_mats(folders: Folders, train: int, test: int) -> None:
    """Write files of SVHN's form that nobody published; the digit zero is stored as class 10."""
    folder = folders.data / "svhn"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        pixels = draw.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
        savemat(folder / f"{split}_32x32.mat", {"X": pixels, "y": labels})


def kept(folders: Folders) -> list[str]:
    """Return what lies in the folders of records and checkpoints."""
    return [str(p) for top in (folders.runs, folders.cache) if top.exists() for p in top.rglob("*")]


# Over 20 s: two networks of full width.
@pytest.mark.slow
def test_svhn_from_a_small_file(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    """With the judge that it needs, at full width."""
    write_mats(folders, 256, 60)
    assert main(["train", "vae-gaussian-svhn", "--smoke"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("judge-svhn: tried out on 256 images of svhn in ")
    assert second.startswith("vae-gaussian-svhn: tried out on 256 images of svhn in ")
    assert "(1 row of history)" in first and second.endswith("nothing of it is kept")
    assert kept(folders) == []


@pytest.mark.slow
def test_a_few_digits_in_place_of_mnist(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(folders, "mnist", train=300, test=100)
    assert main(["train", "gan-fc-mnist", "--smoke", "--threads", "1"]) == 0
    assert "tried out on 300 images of mnist" in capsys.readouterr().out
    assert kept(folders) == []


def test_it_goes_on_and_says_what_failed(
    quick: str, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "gan-svhn", "ae-digits", quick, "--smoke"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("judge-svhn: failed (svhn: ") and "is missing" in lines[0]
    assert lines[1] == "gan-svhn: left out, since judge-svhn failed"
    assert lines[2].startswith("ae-digits: tried out on 1,438 images of digits")
    assert lines[3].startswith("tiny: ") and kept(folders) == []


def test_only_a_trial_takes_what_was_never_published(folders: Folders) -> None:
    write_mats(folders, 20, 10)
    with pytest.raises(ChaptersError, match="MD5 differs"):
        data.load("svhn", "test")
    with smoke.apart():
        found = data.load("svhn", "train")
        assert found.images.shape == (20, 3, 32, 32) and found.images.dtype == torch.uint8
        assert found.labels.tolist() == [(i + 1) % 10 for i in range(20)]
        (folders.data / "svhn" / "train_32x32.mat").write_bytes(b"half a file")
        with pytest.raises(ChaptersError, match="no file of SVHN's form"):
            data.load("svhn", "train")


def test_it_takes_few_of_many(folders: Folders) -> None:
    write_set(folders, "mnist", train=2100, test=30)
    with smoke.apart():
        assert len(data.load("mnist", "train")) == 2000 and len(data.load("mnist", "test")) == 30
    assert len(data.load("mnist", "train")) == 2100


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_can_be_made_short(name: str) -> None:
    """It does less, its networks stay what they are, and a second time changes nothing."""
    experiment = EXPERIMENTS[name]
    short = smoke.shortened(experiment.config)
    assert smoke.shortened(short) == short
    assert getattr(short, "epochs", 1) in (1, (1,))
    if experiment.build is not build_nothing and not isinstance(short, tuple):
        for field in ("width", "hidden", "latent", "noise", "code", "couplings"):
            assert getattr(short, field, None) == getattr(experiment.config, field, None)


def test_what_it_does_not_take(refused: Callable[..., str]) -> None:
    for flags in (["--jobs", "2"], ["--seeds", "3"], ["--fresh"], ["--engine", "ray"]):
        assert "--smoke takes no" in refused("train", "ae-digits", "--smoke", *flags)


def test_a_bug_is_no_failure_of_the_data(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a mistake")

    monkeypatch.setitem(EXPERIMENTS, "ae-digits", replace(EXPERIMENTS["ae-digits"], train=broken))
    with pytest.raises(ValueError, match="a mistake"):
        main(["train", "ae-digits", "--smoke"])
    assert kept(folders) == []
