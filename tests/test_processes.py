"""Real trainings as real processes: killed, interrupted, started twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from chapters_lib.recording import runs
from chapters_lib.recording.record import record
from tests import tiny
from tests.conftest import Folders, heed_interrupts

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals")]
CHECKOUT = Path(__file__).parents[1]
PATIENCE = 120


@contextmanager
def training(folders: Folders, pause: float = 0.0) -> Iterator[subprocess.Popen]:
    """Start `train tiny` in a process of its own, `pause` seconds a step; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tiny", "train", "tiny"],
        cwd=CHECKOUT,
        env=folders.environment | {"TINY_PAUSE": str(pause)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_interrupted_while_importing() -> None:
    """Torch alone takes seconds to import: Ctrl-C in that time ends in one line, too."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "chapters_lib", "list"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
        encoding="utf-8",
    )
    assert process.stderr is not None
    for line in process.stderr:  # a line a module: the import of torch has begun
        if "torch." in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    assert process.returncode == 130 and not out
    assert said == ["chapters_lib: interrupted before anything was begun"]


def finish(folders: Folders) -> runs.Run:
    with training(folders) as process:
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    return runs.load("tiny")


def checkpoint(folders: Folders) -> Path:
    return folders.cache / "tiny" / "seed-0.pt"


def wait_for_progress(folders: Folders, process: subprocess.Popen) -> None:
    """Wait until this process has written a checkpoint."""
    path = checkpoint(folders)
    before = path.stat().st_mtime_ns if path.exists() else None
    limit = time.monotonic() + PATIENCE
    while not path.exists() or path.stat().st_mtime_ns == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)


def result(run: runs.Run) -> tuple[bytes, list, dict]:
    """Return all that must not depend on interruptions: weights bit for bit, history and metrics but for times."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]
    timed = ("train_seconds", "images_per_second")
    metrics = {k: v for k, v in run.metrics.items() if k not in timed}
    return (run.folder / "model.safetensors").read_bytes(), rows, metrics


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """The result of a training that nothing disturbed, in this process."""
    here = tmp_path_factory.mktemp("uninterrupted")
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAPTERS_RUNS", str(here / "runs"))
        patch.setenv("CHAPTERS_CACHE", str(here / "cache"))
        found = result(record(tiny.EXPERIMENT, device=torch.device("cpu")))
    assert len(found[1]) == 4
    return found


# Over 20 s: three processes that import torch, one after the other.
def test_killed_at_random_moments(folders: Folders, uninterrupted: tuple) -> None:
    draw = random.Random()  # other moments every time: no moment may matter
    moments = []
    for _ in range(2):
        with training(folders, pause=0.03) as process:
            wait_for_progress(folders, process)
            time.sleep(draw.uniform(0.0, 0.4))
            process.kill()
            assert process.wait() == -signal.SIGKILL
        saved = torch.load(checkpoint(folders), weights_only=True)
        moments.append(len(saved["history"]))
        assert runs.names() == []
    assert moments == sorted(moments) and moments[0] < 4, moments
    assert result(finish(folders)) == uninterrupted, moments


def test_interrupted_by_the_keyboard(folders: Folders, uninterrupted: tuple) -> None:
    with training(folders, pause=0.03) as process:
        wait_for_progress(folders, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and out == ""
    assert err.splitlines() == [
        "chapters_lib: interrupted; the same command goes on from the last checkpoint"
    ]
    assert runs.names() == [] and checkpoint(folders).exists()
    assert result(finish(folders)) == uninterrupted


def test_started_twice(folders: Folders, uninterrupted: tuple) -> None:
    with training(folders, pause=0.03) as first:
        wait_for_progress(folders, first)
        first.send_signal(signal.SIGSTOP)  # so that it cannot be done before the second has begun
        with training(folders) as second:
            out, err = second.communicate(timeout=PATIENCE)
        assert second.returncode == 1 and out == ""
        assert len(err.splitlines()) == 1
        assert "tiny is being trained by another process" in err
        first.send_signal(signal.SIGCONT)
        _, err = first.communicate(timeout=PATIENCE)
        assert first.returncode == 0, err
    assert result(runs.load("tiny")) == uninterrupted
