"""Records of a whole KMNIST and of a better colour set, forged from those at hand: for tests of what the book says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from chapters_lib.pages import colour, evaluation_board, gb_rbm_chains, model, run
from chapters_lib.recording import runs

ROOT = Path(__file__).parents[2]
OF_A_PART = re.compile(
    r"6,284|tenth|at hand|as many updates|1,225|updates in place of|10 %|of the 60,000"
)
LESSER = (
    "was not at hand",
    "house numbers, a stand-in",
    "a stand-in for SVHN:",
    "gan-house-numbers;",
)
IMAGES = {
    "svhn": {"train": 73_257, "test": 26_032},
    "svhn-crops": {"train": 3_371, "val": 300, "test": 500},
}
WHOLE = {"name": "kmnist", "images": 60_000, "sha256": "f" * 64}


def forget() -> None:
    """Forget the records that were read."""
    for cached in (
        run,
        model,
        gb_rbm_chains.chains_of,
        evaluation_board.entries,
        evaluation_board.shown,
    ):
        cached.cache_clear()  # fmt: skip


def shifted(key: str, value: Any) -> Any:
    """Return a metric a little off: errors and distances less, densities more, shares as they are."""
    by = 0.97 if "mse" in key or "fid" in key else 1.01 if "density" in key else 1.0
    if not isinstance(value, dict):
        return value * by
    values = [by * one for one in value["values"]]
    return value | {"mean": by * value["mean"], "sem": by * value["sem"], "values": values}


def whole_kmnist(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, anew: tuple[str, ...] = ()
) -> list[str]:
    """Copy the records of KMNIST, those named `anew` (else all but the second reading) as of 60,000 images.

    Return the names of all. The second reading is left as it was, as it would be where nobody recorded it anew.
    """
    names = [name for name in runs.names() if "kmnist" in name]
    for name in names:
        shutil.copytree(runs.root() / name, folder / name)
        if name in anew if anew else not name.endswith("-updates"):
            make_whole(folder / name)
    monkeypatch.setenv("CHAPTERS_RUNS", str(folder))
    forget()
    return names


def make_whole(record: Path) -> None:
    """Let a record of KMNIST be of 60,000 images."""
    path = record / "run.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["provenance"]["data"]["train"] = WHOLE
    found["metrics"] = {key: shifted(key, value) for key, value in found["metrics"].items()}
    path.write_text(json.dumps(found), encoding="utf-8")


def better_colour(folder: Path, name: str) -> Path:
    """Return a folder of all records, and beside them those on house numbers under another set's name.

    The real crops are recorded themselves: nothing has to be forged for them.
    """
    for recorded in (ROOT / "runs").iterdir():
        (folder / recorded.name).symlink_to(recorded)
    for needed in sorted(colour.SETS[name].needed - set(runs.names())):
        if (folder / needed).is_symlink():
            (folder / needed).unlink()
        shutil.copytree(ROOT / "runs" / needed.replace(name, colour.CONTROL), folder / needed)
        path = folder / needed / "run.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record["name"] = needed
        record["config"]["dataset"] = name
        if stated := record["provenance"].get("data"):
            other = stated["train"]
            record["provenance"]["data"] = {
                split: {**other, "name": name, "images": count}
                for split, count in IMAGES[name].items()
            }
        path.write_text(json.dumps(record), encoding="utf-8")
    return folder


def all_the_data(folder: Path) -> Path:
    """Return a folder of all records, those of KMNIST of the whole set, and SVHN beside house numbers."""
    better_colour(folder, "svhn")
    for name in runs.names():
        if "kmnist" in name and not name.endswith("-updates"):
            (folder / name).unlink()
            shutil.copytree(ROOT / "runs" / name, folder / name)
            make_whole(folder / name)
    return folder
