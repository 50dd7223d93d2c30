"""Seeds, devices, random states."""

from __future__ import annotations

import os
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


def pretend_gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> list[tuple]:
    """Let torch see so many GPUs; return the list of the random states that are put into them."""
    put: list[tuple] = []

    def set_all(states: list[torch.Tensor]) -> None:
        assert len(states) <= count  # as torch would refuse
        put.extend(enumerate(int(state) for state in states))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: count - 1)
    monkeypatch.setattr(
        torch.cuda, "get_rng_state_all", lambda: [torch.tensor(i) for i in range(count)]
    )
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", set_all)
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda state: put.append((count - 1, int(state)))
    )
    return put


@pytest.mark.parametrize(
    ("now", "expected"),
    [(3, [(0, 0), (1, 1), (2, 2), (2, 2)]), (1, [(0, 0), (0, 2)]), (0, [])],
)
def test_a_training_goes_on_with_fewer_gpus(
    monkeypatch: pytest.MonkeyPatch, now: int, expected: list[tuple]
) -> None:
    """The one that is used now draws on where the one that was used stopped."""
    pretend_gpus(monkeypatch, 3)
    state = random_state()
    put = pretend_gpus(monkeypatch, now)
    restore_random_state(state)
    assert put == expected


def test_a_gpu_is_made_to_repeat_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision, by the same kernels each time; and only where one is used."""
    cuda, cudnn, used = torch.backends.cuda.matmul, torch.backends.cudnn, []
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    try:
        cuda.allow_tf32 = cudnn.allow_tf32 = cudnn.benchmark = True
        pick_device("cpu")
        assert cudnn.allow_tf32 and not torch.are_deterministic_algorithms_enabled()
        assert [pick_device(name).index for name in ("cuda:1", "auto")] == [1, None]
        assert used == [torch.device("cuda:1"), torch.device("cuda")]
        assert not (cuda.allow_tf32 or cudnn.allow_tf32 or cudnn.benchmark)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before
        torch.use_deterministic_algorithms(False)
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


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
