"""Trainings in processes of their own: in order, going on after a failure, stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from chapters_lib.errors import ChaptersError
from chapters_lib.recording import jobs
from tests.conftest import Folders, heed_interrupts


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def processes(programs: dict[str, str]) -> Callable[[str], jobs.Job]:
    return lambda name: jobs.Process(name, command(programs[name]))


def test_each_waits_for_what_it_needs(folders: Folders) -> None:
    said: list[str] = []
    programs = {
        "b": "print(open('a').read())",
        "a": "import time; time.sleep(0.5); open('a', 'w').write('x')",
    }
    folders.cache.mkdir()
    before = os.getcwd()
    os.chdir(folders.cache)
    try:
        done = jobs.run(["b", "a"], {"b": ["a"]}, processes(programs), 2, said.append)
    finally:
        os.chdir(before)
    assert done == {"a": True, "b": True}
    assert said[0] == "a: begun, 0 of 2 done" and said[2] == "b: begun, 1 of 2 done"
    assert (folders.cache / "b.log").read_text(encoding="utf-8").strip() == "x"


def test_a_failure_leaves_out_what_needs_it_and_no_more(folders: Folders) -> None:
    said: list[str] = []
    programs = {"a": "raise SystemExit('no such data')", "b": "0", "c": "0"}
    done = jobs.run(["a", "b", "c"], {"b": ["a"]}, processes(programs), 1, said.append)
    assert done == {"a": False, "b": False, "c": True}
    assert any(text.startswith("a: failed (no such data); all it said is in") for text in said)
    assert "b: left out, since a failed" in said


def test_what_cannot_be_begun_has_failed(folders: Folders) -> None:
    def begin(name: str) -> jobs.Job:
        if name == "a":
            raise ChaptersError("it is being trained")
        return jobs.Process(name, command("print('well')"), quoted=True)

    said: list[str] = []
    assert jobs.run(["a", "b"], {}, begin, 2, said.append, quiet=True) == {"a": False, "b": True}
    assert said == ["a: failed (it is being trained)", "well"]


def test_interrupted_it_stops_all_of_them(folders: Folders) -> None:
    program = (
        "import sys\n"
        "from chapters_lib.recording import jobs\n"
        "nap = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "begin = lambda name: jobs.Process(name, nap)\n"
        "jobs.run(['a', 'b'], {}, begin, 2, lambda text: print(text, flush=True))\n"
    )
    process = subprocess.Popen(
        command(program),
        env=folders.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    assert all("begun" in line for line in lines)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert time.monotonic() - start < 30
    left = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, encoding="utf-8", check=False
    )
    assert left.stdout == ""
