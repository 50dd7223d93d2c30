"""Several trainings side by side, each in a process of its own, what they need first."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chapters_lib.folders import cache_root
from chapters_lib.recording.record import elapsed

PAUSE = 0.2  # seconds between two looks at the processes


@dataclass
class _Job:
    process: subprocess.Popen[bytes]
    log: Path
    output: IO[bytes]
    start: float


def run(
    names: Sequence[str],
    needs: Mapping[str, Sequence[str]],
    command: Callable[[str], list[str]],
    workers: int,
    say: Callable[[str], None] = print,
) -> dict[str, bool]:
    """Run the command of every name, so many at a time; return by name whether it went well.

    A name waits for those among its needs that are run here, and is left out, as failed, if one of
    them failed. Each process writes to ``NAME.log`` in the cache. Interrupted, all processes are told
    to stop, and waited for: the same command then goes on from their checkpoints.
    """
    waiting, running = list(names), dict[str, _Job]()
    done: dict[str, bool] = {}
    try:
        while waiting or running:
            for name in list(waiting):
                first = [need for need in needs.get(name, ()) if need in names]
                if lost := [need for need in first if done.get(need) is False]:
                    waiting.remove(name)
                    done[name] = False
                    say(f"{name}: left out, since {lost[0]} failed")
                elif len(running) < workers and all(need in done for need in first):
                    waiting.remove(name)
                    running[name] = _begin(name, command(name))
                    say(f"{name}: begun, {len(done)} of {len(names)} done")
            for name, job in list(running.items()):
                if (status := job.process.poll()) is not None:
                    job.output.close()
                    del running[name]
                    done[name] = status == 0
                    say(f"{name}: {_end(status, job)}")
            time.sleep(PAUSE)
    finally:
        for job in running.values():
            with contextlib.suppress(ProcessLookupError):
                job.process.terminate()
        for job in running.values():
            job.process.wait()
            job.output.close()
    return done


def _begin(name: str, command: list[str]) -> _Job:
    log = cache_root() / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    output = log.open("wb")
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    return _Job(process, log, output, time.monotonic())


def _end(status: int, job: _Job) -> str:
    if status == 0:
        return f"done in {elapsed(job.start)}"
    lines = job.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"failed ({lines[-1] if lines else f'status {status}'}); all it said is in {job.log}"
