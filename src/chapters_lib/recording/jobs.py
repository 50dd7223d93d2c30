"""Several trainings side by side, what they need first: each in a process of its own, or however else it is done."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root
from chapters_lib.recording.record import elapsed

PAUSE = 0.2  # seconds between two looks at what is running


class Job(Protocol):
    """Work that has been begun."""

    said: str  # what is to be told of it once it has ended

    def poll(self) -> bool | None:
        """Return whether it went well; None as long as it is at work."""

    def stop(self) -> None:
        """Tell it to stop."""

    def close(self) -> None:
        """Wait until it has ended, and let go of what it held."""


class Process:
    """A command in a process of its own, which writes to a file in the cache.

    With `quoted`, what it says is all that it wrote.
    """

    def __init__(self, name: str, command: list[str], quoted: bool = False):
        self.name, self.quoted, self.said = name, quoted, ""
        self.log = cache_root() / f"{name}.{'said' if quoted else 'log'}"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.output = self.log.open("wb")
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.STDOUT)

    def poll(self) -> bool | None:
        """Return whether it went well; None as long as it is at work."""
        if (status := self.process.poll()) is None:
            return None
        text = self.log.read_text(encoding="utf-8", errors="replace").strip()
        if self.quoted:
            self.said = text
        elif status == 0:
            self.said = f"{self.name}: done in {elapsed(self.start)}"
        else:
            last = text.splitlines()[-1] if text else f"status {status}"
            self.said = f"{self.name}: failed ({last}); all it said is in {self.log}"
        return status == 0

    def stop(self) -> None:
        """Tell it to stop."""
        self.process.terminate()

    def close(self) -> None:
        """Wait until it has ended."""
        self.process.wait()
        self.output.close()


def run(
    names: Sequence[str],
    needs: Mapping[str, Sequence[str]],
    begin: Callable[[str], Job],
    workers: int,
    say: Callable[[str], None] = print,
    *,
    quiet: bool = False,
) -> dict[str, bool]:
    """Begin the job of every name, so many at a time; return by name whether it went well.

    A name waits for those among its needs that are run here, and is left out, as failed, if one of
    them failed. Interrupted, all jobs are told to stop, and waited for: the same command then goes on
    from their checkpoints. With `quiet`, nothing is said of a beginning.
    """
    waiting, running = list(names), dict[str, Job]()
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
                    try:
                        running[name] = begin(name)
                        if not quiet:
                            say(f"{name}: begun, {len(done)} of {len(names)} done")
                    except ChaptersError as error:
                        done[name] = False
                        say(f"{name}: failed ({error})")
            for name, job in list(running.items()):
                if (well := job.poll()) is not None:
                    job.close()
                    del running[name]
                    done[name] = well
                    say(job.said)
            time.sleep(PAUSE)
    finally:
        for job in running.values():
            job.stop()
        for job in running.values():
            job.close()
    return done
