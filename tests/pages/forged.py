"""Records of a whole KMNIST and of a better colour set, forged from those at hand: for tests of what the book says."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings import board, colour
from chapters_lib.pages import gb_rbm_chains, model, run
from chapters_lib.recording import runs

ROOT = Path(__file__).parents[2]
OF_A_PART = re.compile(
    r"6,284|tenth|at hand|as many updates|1,225|updates in place of|10 %|of the 60,000"
)
LESSER = (
    "was not at hand",
    "were at hand",
    "of few crops",
    "of few characters",
    "house numbers, a stand-in",
    "a stand-in for SVHN:",
    "gan-house-numbers;",
)
NOT_WHOLE = (
    *LESSER,
    "could be had",
    "on the real crops)",
)
OF_CROPS = re.compile(
    r"[Cc]rops?\b|4,171|3,371|6,284|stand-in for SVHN"
)  # no word of them is said elsewhere
ABOUT_CROPS = ("data", "reproducibility")  # a section on them; a list of all records
CONTRADICTED = {  # by page: a finding that these records contradict
    "comparison": "claim-cmp-colour-firsts",
    "gb-rbm": "claim-rbm-more-units",
}
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
        board.entries,
        board.shown,
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
    """Return a folder of all records, and beside them those that SVHN would have.

    The real crops are recorded themselves: nothing has to be forged for them.
    """
    for recorded in (ROOT / "runs").iterdir():
        (folder / recorded.name).symlink_to(recorded)
    for needed in sorted(colour.SETS[name].needed - set(runs.names())):
        forge(folder, needed, name)
    return folder


def forge(folder: Path, needed: str, name: str) -> None:
    """Write a record with the numbers of the rendered set, the spread, weights and images of the real crops.

    Configuration, seeds and counts of images are those that a recording would have.
    """
    experiment = EXPERIMENTS[needed]
    kind = needed.removesuffix(f"-{name}")
    target, alike = folder / needed, ROOT / "runs" / f"{kind}-svhn-crops"
    if target.is_symlink():
        target.unlink()
    shutil.copytree(ROOT / "runs" / f"{kind}-{colour.CONTROL}", target)
    shutil.copy(alike / "panels.npz", target / "panels.npz")
    weights = load_file(alike / "model.safetensors")
    if shown := getattr(experiment.config, "shown_epochs", ()):  # fewer than of the crops
        weights["model.timeline"] = weights["model.timeline"][: len(shown)].contiguous()
    save_file(weights, target / "model.safetensors")
    record: dict[str, Any] = json.loads((target / "run.json").read_text(encoding="utf-8"))
    spread = json.loads((alike / "run.json").read_text(encoding="utf-8"))["metrics"]
    record["metrics"] = {
        key: spread_out(value, spread.get(key), len(experiment.seeds))
        for key, value in record["metrics"].items()
    }
    record |= {"name": needed, "config": asdict(experiment.config)}
    stated = record["provenance"]["data"]["train"]
    record["provenance"] |= {
        "seeds": list(experiment.seeds),
        "data": {
            split: {**stated, "name": name, "images": count}
            for split, count in IMAGES[name].items()
        },
    }
    header, *rows = (target / "history.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{seed},{row.partition(',')[2]}" for seed in experiment.seeds for row in rows]
    record["history_rows"] = len(rows)
    (target / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (target / "history.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def spread_out(value: float, spread: Any, trainings: int) -> Any:
    """Return a metric of as many trainings, which lie around it as those of `spread` around their mean."""
    if trainings == 1 or not isinstance(spread, dict):
        return value
    by = [one / spread["mean"] if spread["mean"] else 1.0 for one in spread["values"]]
    return runs.summarize([value * factor for factor in by[:trainings]])


def all_the_data(folder: Path) -> Path:
    """Return a folder of all records, those of KMNIST of the whole set, and SVHN beside house numbers."""
    better_colour(folder, "svhn")
    for name in runs.names():
        if "kmnist" in name and not name.endswith("-updates"):
            (folder / name).unlink()
            shutil.copytree(ROOT / "runs" / name, folder / name)
            make_whole(folder / name)
    of_16 = metrics_of(folder / "rbm-kmnist-16")["test_mse_pixel"]
    change(folder / "rbm-kmnist-256", "test_mse_pixel", of_16)
    nearest = metrics_of(folder / "gan-svhn")["fid_judge"]["mean"]
    change(
        folder / "vae-realnvp-svhn",
        "fid_judge",
        runs.summarize([nearest - 2, nearest - 1, nearest - 3]),
    )
    return folder


def metrics_of(record: Path) -> dict[str, Any]:
    """Return the metrics of a record."""
    found: dict[str, Any] = json.loads((record / "run.json").read_text(encoding="utf-8"))
    return dict(found["metrics"])


def change(record: Path, key: str, value: Any) -> None:
    """Give a metric of a record another value."""
    path = record / "run.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["metrics"][key] = value
    path.write_text(json.dumps(found), encoding="utf-8")
