"""All benchmarks in one go, written to runs/benchmarks.json, which the book's page on them shows: `make bench`.

    python benchmarks/bench.py [--rounds 5] [--threads 1 2] [--images 12800] [--no-page] [--to FILE]

The two sides of a contest take turns within each round, so that whatever else the machine does falls on both. The
product of two matrices is timed in the same rounds: what share of its speed the library reaches says how much there
is left to gain. The machine should do nothing else meanwhile; how much it did is written down.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from contests import Contest, Work, contests, repeated
from torch.utils.flop_counter import FlopCounterMode

from chapters_lib.recording import runs
from chapters_lib.reproducibility import describe_machine, source_commit

ROOT = Path(__file__).resolve().parents[1]
PAGE = "naive-generation"  # the page whose build is timed
SIDE = 1536  # of the matrices
VERSIONS = ("torch", "numpy", "pythae")


def seconds_a_unit(work: Work) -> float:
    start = time.perf_counter()
    units = work()
    return (time.perf_counter() - start) / units


def product_speed(precision: str) -> float:
    """Return the floating-point operations a second of a product of two large matrices."""
    a = torch.randn(SIDE, SIDE).to(getattr(torch, precision))
    a @ a
    return 2 * SIDE**3 / seconds_a_unit(repeated(lambda: a @ a, 3))


def operations(work: Work) -> float:
    """Return the floating-point operations of a unit, those of products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        units = work()
    return counter.get_total_flops() / units


def measured(contest: Contest, rounds: int, threads: int) -> dict[str, Any]:
    """Return what the record says of a contest: seconds a unit of both sides, round by round."""
    flops = operations(contest.library)  # which also warms up
    contest.other()
    library, other, limit = [], [], []
    for number in range(min(rounds, contest.turns)):
        sides = [(library, contest.library), (other, contest.other)]
        for times, work in sides if number % 2 else reversed(sides):
            times.append(seconds_a_unit(work))
        limit.append(product_speed(contest.precision))
    ratios = sorted(q / p for p, q in zip(library, other, strict=True))
    share = flops / (statistics.median(library) * statistics.median(limit))
    print(
        f"{contest.title:<32} {contest.against:<30} {threads} thread(s): {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}), {100 * share:.0f} % of the limit",
        flush=True,
    )
    return {
        "key": contest.key,
        "title": contest.title,
        "against": contest.against,
        "unit": contest.unit,
        "aim": contest.aim,
        "precision": contest.precision,
        "threads": threads,
        "library": library,
        "other": other,
        "operations": flops,
        "limit": limit,
    }


def page_build() -> dict[str, Any]:
    """Return the seconds that one page takes to be run and set, and again when nothing has changed."""
    with tempfile.TemporaryDirectory() as folder:
        toc = Path(folder) / "_toc.yml"
        toc.write_text(f"format: jb-book\nroot: book/{PAGE}\n", encoding="utf-8")
        program = "from jupyter_book.cli.main import main; main()"
        command = [sys.executable, "-c", program, "build", str(ROOT), "--toc", str(toc)]
        command += ["--path-output", folder, "-q"]
        took = []
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(
                command,
                cwd=ROOT,
                env=os.environ | {"CHAPTERS_TOC": str(toc)},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            took.append(time.perf_counter() - start)
    print(f"page {PAGE}: {took[0]:.1f} s, and {took[1]:.1f} s when nothing has changed", flush=True)
    return {"name": PAGE, "fresh": took[0], "again": took[1]}


def busy() -> tuple[float, float] | None:
    """Return seconds of processor time of the whole machine so far, and those of this process; None without /proc."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    user, nice, system, _, _, irq, soft, *_ = (int(part) for part in line.split()[1:])
    own = os.times()
    ours = own.user + own.system + own.children_user + own.children_system
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK"), ours


def versions() -> dict[str, str]:
    found = {}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name} is not installed: pip install -e '.[bench]'; its row is left out")
    return found


def bench(threads: Sequence[int], rounds: int, images: int, page: bool) -> dict[str, Any]:
    start, before = time.perf_counter(), busy()
    record: dict[str, Any] = {
        "date": f"{datetime.date.today()}",
        "commit": source_commit(),
        "machine": describe_machine(torch.device("cpu")),
        "versions": versions(),
        "rounds": rounds,
        "load_before": os.getloadavg()[0],
        "contests": [],
    }
    for count in threads:
        torch.set_num_threads(count)
        for contest in contests(images):
            record["contests"].append(measured(contest, rounds, count))
    if page:
        record["page"] = page_build()
    after, took = busy(), time.perf_counter() - start
    if before and after:
        whole, ours = after[0] - before[0], after[1] - before[1]
        record["others"] = max(0.0, whole - ours) / took  # processors that other work kept busy
    record["minutes"] = took / 60
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    cores = os.cpu_count() or 1
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores}))
    parser.add_argument("--images", type=int, default=12_800)
    parser.add_argument("--no-page", action="store_true", help="leave out the build of a page")
    parser.add_argument("--to", type=Path, default=runs.root() / "benchmarks.json")
    options = parser.parse_args()
    record = bench(options.threads, options.rounds, options.images, not options.no_page)
    if options.to.exists():  # what explorers.py measured stays
        before = json.loads(options.to.read_text(encoding="utf-8"))
        record |= {"frames": before["frames"]} if "frames" in before else {}
    options.to.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    told = f", others kept {record['others']:.2f} processors busy" if "others" in record else ""
    print(f"{record['minutes']:.1f} minutes{told}; written to {options.to}")


if __name__ == "__main__":
    main()
