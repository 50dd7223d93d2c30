"""How quickly the explorers follow: the median time from frame to frame while one is dragged, runs or trains.

    python benchmarks/explorers.py [--to FILE]

prints a table of what the browser tests measure, and adds it to runs/benchmarks.json. The machine should do nothing
else meanwhile. A browser that shows 60 pictures a second needs 16.7 ms for each.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch

from chapters_lib.recording import runs
from chapters_lib.reproducibility import describe_machine

ROOT = Path(__file__).resolve().parents[1]
TESTS = ["tests/explorers/test_every.py", "-k", "frames"]


def frames() -> dict[str, float]:
    """Return milliseconds from frame to frame, medians, by page and explorer; nothing where no browser is."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={found}"]
        subprocess.run([*command, *TESTS], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        tests = ElementTree.parse(found).iter("testcase")
        return {
            test.get("name", "").partition("[")[2].rstrip("]"): float(each.get("value", "nan"))
            for test in tests
            for each in test.iter("property")
            if each.get("name") == "median_frame_ms"
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=runs.root() / "benchmarks.json")
    options = parser.parse_args()
    found = frames()
    for name, median in sorted(found.items(), key=lambda each: -each[1]):
        print(f"{name:<32} {median:6.1f} ms {1000 / median:6.1f} frames a second")
    if not found:
        raise SystemExit("nothing was measured: is a Chromium installed?")
    path: Path = options.to
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    processor = describe_machine(torch.device("cpu"))["processor"]
    record["frames"] = {
        "date": f"{datetime.date.today()}",
        "processor": processor,
        "medians": found,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
