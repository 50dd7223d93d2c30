"""Trainings on several machines: nothing is lost with one of them, and the record is that of a single process."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from chapters_lib.checkpoint import Checkpoint
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import cluster, runs
from chapters_lib.recording.experiment import Session, measure_nothing
from chapters_lib.recording.record import Basis, Outcome, alone, record
from chapters_lib.reproducibility import source_commit
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders, needs_extra

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 100
SEEDS = (0, 1)


def result(run: runs.Run) -> tuple[bytes, list, dict, list]:
    """Return all that must not depend on where it was trained: weights bit for bit, and all but times."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]
    timed = ("train_seconds", "images_per_second")
    metrics = {k: v for k, v in run.metrics.items() if k not in timed}
    stated = {k: v for k, v in run.provenance.items() if k != "wall_seconds"}
    return (run.folder / "model.safetensors").read_bytes(), rows, metrics, [stated, run.config]


@pytest.fixture
def machines(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of a head without processors, for trainings to run elsewhere, and two nodes of one."""
    needs_extra("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'src'}")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("TINY_GATE", str(folders.cache / "gate"))
    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        yield found, [found.add_node(num_cpus=1) for _ in range(2)]
    finally:
        found.shutdown()


def wait_for(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.05)


# Over 20 s: a cluster of several machines is begun, and one of them killed.
@pytest.mark.slow
def test_a_machine_lost_in_the_middle(
    quick: str,
    folders: Folders,
    machines: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One of two is killed while each has a seed in its second epoch; what it had goes on on the other."""
    everywhere = replace(tiny.EXPERIMENT, seeds=SEEDS)
    monkeypatch.setitem(EXPERIMENTS, "tiny", everywhere)
    monkeypatch.setitem(EXPERIMENTS, "next", replace(tiny.EXPERIMENT, name="next", needs=("tiny",)))
    alone = result(record(replace(everywhere, name="alone"), device=torch.device("cpu")))
    found, nodes = machines
    checkpoints = [folders.cache / "tiny" / f"seed-{seed}.pt" for seed in SEEDS]
    killed: list[int] = []

    def kill() -> None:
        wait_for(lambda: all(path.exists() for path in checkpoints))
        assert not (folders.runs / "tiny").exists()
        found.remove_node(nodes[0], allow_graceful=False)
        killed.extend(len(torch.load(path)["history"]) for path in checkpoints)
        (folders.cache / "gate").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    status = main(["train", "next", "tiny", "--engine", "ray", "--address", found.address])
    killer.join()
    out, err = capsys.readouterr()
    assert status == 0, out + err
    assert killed == [1, 1]
    assert out.index("tiny: recorded in") < out.index("next: begun")
    assert result(runs.load("tiny")) == alone
    assert runs.load("next").provenance["used"].keys() == {"tiny"}


def test_without_the_extra(
    quick: str,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refused("train", quick, "--engine", "ray")
    assert "--engine ray needs the extra `cluster`" in line and "pip install" in line
    assert "takes no --jobs" in refused("train", quick, "--engine", "ray", "--jobs", "2")
    assert runs.names() == []


class Stub:
    """Stands for Ray: a task is done when it is begun, in this process."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.lost: Exception | None = None
        self.exceptions = SimpleNamespace(RayTaskError=KeyError, RayError=LookupError)

    def remote(self, **options: Any) -> Any:
        self.asked.append(options)
        return lambda work: SimpleNamespace(remote=work)

    def wait(self, tasks: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return tasks, []

    def get(self, tasks: list[Any]) -> list[Any]:
        if self.lost:
            raise self.lost
        return tasks


def begin(ray: Stub, fresh: bool = False, device: str = "cpu", **changes: Any) -> cluster.Seeds:
    job = cluster.Seeds(ray, replace(tiny.EXPERIMENT, **changes), device, 1, fresh)
    job.close()
    return job


def test_a_gpu_for_what_trains(quick: str, folders: Folders) -> None:
    ray = Stub()
    for changes in ({}, {"device": "cuda"}, {"device": "cuda", "train": measure_nothing}):
        begin(ray, **changes)
    assert [asked["num_gpus"] for asked in ray.asked] == [0, 1, 0]
    assert {(asked["num_cpus"], asked["max_retries"]) for asked in ray.asked} == {(1, 20)}


def test_nothing_is_recorded_where_a_seed_fails(quick: str, folders: Folders) -> None:
    ray = Stub()
    bad = begin(ray, evaluate=lambda config, model: {"fid": float("nan")})
    assert bad.poll() is False and "tiny: failed (tiny: fid came out as nan" in bad.said
    ray.lost = LookupError("the object")
    lost = begin(ray)
    assert lost.poll() is False and lost.said == "tiny: lost too often (LookupError)"
    assert runs.names() == []
    ray.lost = None
    assert begin(ray).poll() is True and runs.names() == ["tiny"]


def test_what_cannot_be_trained_is_refused_before_anything(quick: str, folders: Folders) -> None:
    ray = Stub()
    with pytest.raises(ChaptersError, match="no run 'judge-mnist'"):
        begin(ray, needs=("judge-mnist",))
    with alone("tiny"), pytest.raises(ChaptersError, match="being trained by another process"):
        begin(ray)
    assert ray.asked == []


def test_fresh_forgets_once(quick: str, folders: Folders) -> None:
    """A task that is tried again after its machine was lost goes on from its own checkpoint."""
    seen: list[tuple[bool, bool]] = []

    def train(config: tiny.TinyConfig, model: torch.nn.Module, session: Session) -> History:
        assert isinstance(session.checkpoint, Checkpoint)
        seen.append((session.fresh, session.checkpoint.load() is None))
        return tiny.train(config, model, session)

    ray = Stub()
    for fresh in (False, False, True):
        again = begin(ray, fresh, train=train)
    cluster.train(task(folders, experiment=again.experiment))
    assert seen == [(False, True), (False, False), (True, True), (False, False)]


def task(folders: Folders, **changes: Any) -> cluster.Task:
    whole = cluster.Task(
        tiny.EXPERIMENT,
        seed=0,
        device="cpu",
        threads=1,
        basis=Basis.of(tiny.EXPERIMENT),
        commit=source_commit(),
        environment={"CHAPTERS_CACHE": str(folders.cache)},
        first=True,
    )
    return replace(whole, **changes)


def test_a_machine_that_sees_something_else_refuses(quick: str, folders: Folders) -> None:
    """Other data, other judges or other sources would make seeds that cannot be averaged."""
    other = Basis({"train": {"name": "digits", "images": 3, "sha256": "0"}}, {})
    for changes in ({"basis": other}, {"commit": "0000000"}):
        said = cluster.train(task(folders, **changes))
        assert isinstance(said, ChaptersError)
        assert f"{socket.gethostname()} finds other data, other runs or other sources" in str(said)
    assert not list(folders.cache.rglob("*.pt"))
    said = cluster.train(task(folders, device="cuda:99"))
    assert isinstance(said, ChaptersError) and "torch sees no device" in str(said)


def test_a_task_trains_as_one_process_does(quick: str, folders: Folders) -> None:
    found = cluster.train(task(folders))
    assert isinstance(found, Outcome) and found.machine["threads"] == 1
    weights = found.model.state_dict()
    run = record(replace(tiny.EXPERIMENT, name="alone"), device=torch.device("cpu"))
    assert all(torch.equal(weights[k], v) for k, v in run.weights("model").items())
    assert run["test_mse"] == found.metrics["test_mse"]
    assert not list(cluster.train(task(folders, seed=1, first=False)).model.parameters())
