"""Trainings on several machines by Ray: a task a seed, which goes on elsewhere if its machine is lost.

All machines see the same folders of data, records and checkpoints. A task trains as `record` does, with
its checkpoints; the record is written by the process that asked for it, once all seeds are there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from filelock import FileLock
from torch import nn

from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root, root
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Experiment, Session, measure_nothing
from chapters_lib.recording.record import Basis, Outcome, alone, elapsed, forget, gather, one_seed
from chapters_lib.reproducibility import describe_machine, pick_device, source_commit

RETRIES = 20  # of a seed whose machine or process is lost


@dataclass(frozen=True)
class Task:
    """One seed's training, as it is sent to a machine.

    `basis`, `commit`: the data, the runs that it uses, and the sources: the machine must find the
    same.
    `environment`: where the folders are that all machines see.
    `first`: whether its model is to come back.
    """

    experiment: Experiment[Any, Any]
    seed: int
    device: str
    threads: int
    basis: Basis
    commit: str
    environment: dict[str, str]
    first: bool


def train(task: Task) -> Outcome | ChaptersError:
    """Train on this machine; return a problem rather than raise it, since Ray would wrap it in tracebacks."""
    os.environ.update(task.environment)
    torch.set_num_threads(task.threads)
    experiment, seed = task.experiment, task.seed
    folder = cache_root() / experiment.name
    try:
        device = pick_device(task.device)
        if (Basis.of(experiment), source_commit()) != (task.basis, task.commit):
            raise ChaptersError(
                f"{socket.gethostname()} finds other data, other runs or other sources: let all machines see the same"
            )
        with FileLock(folder / f"seed-{seed}.lock"):  # one that lost its node may still be at work
            fresh = folder / f"seed-{seed}.fresh"
            begun_anew = fresh.exists()
            fresh.unlink(missing_ok=True)
            checkpoint = task.basis.checkpoint(experiment, seed, folder)
            session = Session(device, checkpoint, "", seed, begun_anew)
            found = Outcome(*one_seed(experiment, session, checkpoint), describe_machine(device))
    except ChaptersError as error:
        return error
    return found if task.first else replace(found, model=nn.Identity())


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Give the module `ray`, connected to the cluster at an address, or to one of this machine alone.

    Raises `ChaptersError` if the package is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # an optional extra
    except ImportError:
        raise ChaptersError(
            "--engine ray needs the extra `cluster`: .venv/bin/python -m pip install -e '.[cluster]'"
        ) from None
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ChaptersError(
            f"no Ray cluster answers at {address} ({line}): start one by `ray start --head`"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


class Seeds:
    """The job of one experiment: a task for each of its seeds, then its record.

    `ray`: the connected module.
    `device`, `threads`: of each task, which gets as many processors; a GPU only if the experiment
    trains something.
    `fresh`: whether checkpoints of earlier trainings are forgotten.
    Raises `ChaptersError` if the experiment is being trained elsewhere, or data or runs that it
    uses are not there.
    """

    def __init__(
        self, ray: Any, experiment: Experiment[Any, Any], device: str, threads: int, fresh: bool
    ):
        self.ray, self.experiment, self.said = ray, experiment, ""
        self.start = time.monotonic()
        for needed in experiment.needs:
            runs.load(needed)
        runs.require_writable()
        with contextlib.ExitStack() as held:
            self.folder = held.enter_context(alone(experiment.name))
            self.basis, self.commit = Basis.of(experiment), source_commit()
            self.tasks = [self._begin(seed, device, threads, fresh) for seed in experiment.seeds]
            self.held = held.pop_all()

    def _begin(self, seed: int, device: str, threads: int, fresh: bool) -> Any:
        if fresh:
            forget(self.folder, seed)
            (self.folder / f"seed-{seed}.fresh").touch()
        idle = self.experiment.train is measure_nothing
        remote = self.ray.remote(
            num_cpus=threads,
            num_gpus=0 if device == "cpu" or idle else 1,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )(train)
        folders = {"DATA": root(), "RUNS": runs.root(), "CACHE": cache_root()}
        return remote.remote(
            Task(
                self.experiment,
                seed,
                "cpu" if idle else device,
                threads,
                self.basis,
                self.commit,
                {f"CHAPTERS_{name}": str(path.absolute()) for name, path in folders.items()},
                seed == self.experiment.seeds[0],
            )
        )

    def poll(self) -> bool | None:
        """Return whether all seeds were trained and recorded; None as long as one is at work."""
        ready, _ = self.ray.wait(
            self.tasks, num_returns=len(self.tasks), timeout=0, fetch_local=False
        )
        if len(ready) < len(self.tasks):
            return None
        name = self.experiment.name
        try:
            outcomes = self.ray.get(self.tasks)
            for found in outcomes:
                if isinstance(found, ChaptersError):
                    raise found
            run = gather(self.experiment, self.folder, self.basis, outcomes)
        except ChaptersError as error:
            self.said = f"{name}: failed ({error})"
            return False
        except self.ray.exceptions.RayTaskError:
            raise  # a mistake in the library, with its traceback
        except self.ray.exceptions.RayError as error:
            self.said = f"{name}: lost too often ({type(error).__name__})"
            return False
        self.said = f"{name}: recorded in {run.folder} after {elapsed(self.start)}"
        return True

    def stop(self) -> None:
        """Tell the tasks to stop."""
        for task in self.tasks:
            self.ray.cancel(task, force=True)

    def close(self) -> None:
        """Let others train the experiment."""
        self.held.close()
