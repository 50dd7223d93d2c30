"""A record drawn anew within its own spread: every page still says what it finds, and most findings hold.

Each run with several trainings gets new ones: metrics are drawn together from the covariance of its
trainings, as a recording with other seeds would find them. Single trainings stay as they are. The
trainings that a page does itself get another seed.

A short form runs by default; `CHAPTERS_REDRAWS=40` draws as often as the design asks for, and trains on every page.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from chapters_lib import figures, pages, reproducibility
from chapters_lib.findings.verdicts import Verdict
from chapters_lib.pages import Page
from chapters_lib.recording import runs
from tests.test_page_sources import CELL, ROOT

SOURCES = Path(pages.__file__).parent
DRAWS = int(os.environ.get("CHAPTERS_REDRAWS", "2"))
OFTEN = max(1, DRAWS // 20)  # a finding may be contradicted in one draw of twenty
SHIFT = 1000  # of the seeds of a page's own trainings
SLOW = {  # they draw from weights, which stay
    ("gan", "_of_samples"),
    ("c_vae_codes", "numbers"),
    ("gb_rbm_chains", "_mixing"),
    ("comparison_answer", "_find_density"),
}
TRAINING = sorted(
    path.stem
    for path in (ROOT / "book").glob("*.md")
    if "seed_everything(" in path.read_text(encoding="utf-8")
)
if "CHAPTERS_REDRAWS" not in os.environ:
    TRAINING = ["autoencoder"]


def _finds(node: ast.stmt) -> bool:
    """Whether a function without required arguments claims findings of the record."""
    if not isinstance(node, ast.FunctionDef) or len(node.args.args) > len(node.args.defaults):
        return False
    return any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "claims"
        for call in ast.walk(node)
    )


FINDING = [
    (path.stem, node.name)
    for path in sorted(SOURCES.glob("*.py"))
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and _finds(node) and (path.stem, node.name) not in SLOW
]


def redrawn(source: Path, target: Path, seed: int) -> Path:
    """Write a record whose trainings are drawn anew from those of another, and return its folder."""
    generator = np.random.default_rng(seed)
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        stated = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        several = {k: v for k, v in stated["metrics"].items() if isinstance(v, dict)}
        place = target / folder.name
        place.mkdir(parents=True)
        for file in folder.iterdir():
            if file.name != "run.json":
                (place / file.name).symlink_to(file)
        if several:
            count = len(next(iter(several.values()))["values"])
            mixed = generator.standard_normal((count, count)) / np.sqrt(max(count - 1, 1))
            for metric in several.values():
                values = np.array(metric["values"], dtype=float)
                drawn = values.mean() + mixed @ (values - values.mean())
                spread = float(drawn.std(ddof=1) / np.sqrt(count)) if count > 1 else metric["sem"]
                metric.update(values=drawn.tolist(), mean=float(drawn.mean()), sem=spread)
        (place / "run.json").write_text(json.dumps(stated), encoding="utf-8")
    return target


def forget() -> None:
    """Forget every run that a page has read."""
    for name, module in list(sys.modules.items()):
        if name.startswith("chapters_lib."):
            for thing in vars(module).values():
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()


@pytest.fixture
def findings(monkeypatch):
    """Return what calls every page's findings, and returns them by page and key."""
    found: dict[tuple[str, str], Verdict] = {}

    def claims(self: Page, **verdicts: Verdict) -> None:
        found.update({(self.prefix, self.key(key)): verdict for key, verdict in verdicts.items()})

    def all_of(root: Path) -> dict[tuple[str, str], Verdict]:
        monkeypatch.setenv("CHAPTERS_RUNS", str(root))
        forget()
        found.clear()
        for module, function in FINDING:
            getattr(importlib.import_module(f"chapters_lib.pages.{module}"), function)()
        return dict(found)

    monkeypatch.setattr(Page, "claims", claims)
    monkeypatch.setattr(Page, "keep", lambda self, **values: None)
    yield all_of
    forget()


def test_every_page_speaks_of_any_record_and_its_findings_hold(findings, tmp_path):
    """In every draw nothing fails; no finding is contradicted in more than one draw of twenty."""
    source = runs.root()
    recorded = findings(source)
    assert len(recorded) > 100 and all(verdict.holds for verdict in recorded.values())
    shares, contradicted = [], Counter[tuple[str, str]]()
    for seed in range(DRAWS):
        found = findings(redrawn(source, tmp_path / f"{seed}", seed))
        assert found.keys() == recorded.keys()
        shares.append(sum(not verdict.holds for verdict in found.values()) / len(found))
        contradicted.update(key for key, verdict in found.items() if verdict.contradicted)
    assert max(shares) > 0, "a draw that moves nothing tests nothing"
    assert np.mean(shares) < 0.1, f"findings marked in each draw: {shares}"
    often = {key: times for key, times in contradicted.items() if times > OFTEN}
    assert not often, f"contradicted in so many of {DRAWS} draws: {often}"


# Over 20 s: what the page trains is trained.
@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINING)
def test_a_page_speaks_of_its_own_trainings_from_other_seeds(findings, monkeypatch, name):
    """Its cells run, and each finding of theirs is borne out or marked; none stops the page."""
    found: dict[str, Verdict] = {}
    monkeypatch.setattr(reproducibility, "seed_everything", reproducibility.seed_everything)
    pages.shift_seeds(SHIFT)
    monkeypatch.setattr(figures, "use_style", lambda: None)
    monkeypatch.setattr(Page, "own_claims", lambda self, /, **verdicts: found.update(verdicts))
    space: dict[str, object] = {}
    for cell in CELL.findall((ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")):
        exec(compile(cell, f"{name}.md", "exec"), space)
    assert all(verdict.measured for verdict in found.values() if not verdict.holds)
