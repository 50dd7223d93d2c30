"""Seeds, devices, random states."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from chapters_lib import reproducibility
from chapters_lib.errors import ChaptersError
from chapters_lib.reproducibility import (
    describe_machine,
    generator,
    pick_device,
    random_state,
    restore_random_state,
    seed_everything,
)


def draw() -> tuple:
    """Draw from every generator; an odd number of normals, so that half a pair stays cached."""
    return (
        random.random(),
        random.gauss(0, 1),
        float(np.random.standard_normal()),  # noqa: NPY002
        np.random.randint(10**6),  # noqa: NPY002
        torch.randn(3).tolist(),
        torch.randperm(7).tolist(),
    )


def test_seed_repeats_every_generator() -> None:
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_state_survives_a_file(tmp_path: Path) -> None:
    seed_everything(1)
    draw()
    torch.save(random_state(), tmp_path / "state.pt")
    expected = [draw(), draw()]
    seed_everything(99)
    restore_random_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [draw(), draw()] == expected


def test_own_generator_moves_nothing() -> None:
    seed_everything(0)
    expected = draw()
    seed_everything(0)
    drawn = torch.rand(5, generator=generator(7))
    assert draw() == expected
    assert torch.equal(drawn, torch.rand(5, generator=generator(7)))


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "", "mps", "cuda:97", "cuda:x", "meta"])
def test_unknown_devices(name: str) -> None:
    with pytest.raises(ChaptersError, match="cpu"):
        pick_device(name)


def test_machine_is_described() -> None:
    said = describe_machine(torch.device("cpu"))
    assert said["device"] == "cpu" and said["torch"] == torch.__version__ and said["processor"]


def test_sources_unpacked_in_another_repository_have_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That repository's commit says nothing of them."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    module = tmp_path / "unpacked" / "reproducibility.py"
    module.parent.mkdir()
    module.write_text("", encoding="utf-8")
    (tmp_path / "other").write_text("", encoding="utf-8")
    git("init")
    git("add", "other")
    git("commit", "-m", "another project")
    monkeypatch.setattr(reproducibility, "__file__", str(module))
    assert reproducibility.source_commit() == ""
    git("add", ".")
    git("commit", "-m", "ours")
    assert len(reproducibility.source_commit()) >= 7
    module.write_text("changed", encoding="utf-8")
    assert reproducibility.source_commit().endswith("+")
