"""What the chapter on the flow quotes of runs that were recorded anew, against the history."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chapters_lib.experiments.realnvp_prior import GAUSSIAN, WITHOUT
from chapters_lib.pages.realnvp_prior import FIRST_ATTEMPT, FIRST_COMMIT

ROOT = Path(__file__).resolve().parents[1]
RUNS = ("vae-gaussian-mnist", "vae-realnvp-mnist")


def recorded_then(name: str) -> dict[str, Any]:
    """Return the record at the commit that the page's module names."""
    if not shutil.which("git"):
        pytest.skip("no git on this machine")
    shown = subprocess.run(
        ["git", "show", f"{FIRST_COMMIT}:runs/{name}/run.json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if shown.returncode:
        pytest.skip("a checkout without this history")
    record: dict[str, Any] = json.loads(shown.stdout)
    return record


@pytest.mark.parametrize("number", range(2), ids=RUNS)
def test_the_first_attempt_is_quoted_as_it_was_recorded(number: int) -> None:
    """Its numbers, and that it is what the table calls "without all three" at the full budget."""
    then = recorded_then(RUNS[number])
    for key, values in FIRST_ATTEMPT.items():
        assert values[number] == pytest.approx(then["metrics"][key]["mean"], abs=5e-5)
    left_out = {
        key: list(v) if isinstance(v, tuple) else v for key, v in WITHOUT["all-three"].items()
    }
    assert {key: then["config"].get(key, False) for key in left_out} == left_out
    assert then["config"]["epochs"] == GAUSSIAN.epochs and len(then["provenance"]["seeds"]) == 3
