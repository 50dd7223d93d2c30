"""The page on the GAN: its tables and figures come from the records, and a claim follows its record."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from chapters_lib import data, figures
from chapters_lib.objectives.adversarial import minmax_loss
from chapters_lib.pages import gan as page
from chapters_lib.recipes import gan
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.runs import Run
from chapters_lib.reproducibility import seed_everything

CELL = re.compile(r"^```\{code-cell\} python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RATES = {"learning_rate": 1e-3, "discriminator_rate": 5e-4}


@pytest.fixture(autouse=True)
def style() -> None:
    figures.use_style()


def test_tables_have_a_row_a_model() -> None:
    assert page.table_board().data.count("\n* - ") > len(page.BEFORE)


@pytest.mark.parametrize("draw", [page.slopes, page.loss_and_distance])
def test_curves_have_words_on_their_axes(draw: Any) -> None:
    figure = draw()
    assert isinstance(figure, Figure)
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)


def test_a_ring_that_was_not_cured_is_marked(marks: dict[str, bool]) -> None:
    centres, samples = torch.rand(8, 2), torch.rand(20, 2)

    def stages(cured: int) -> dict[str, dict[str, Any]]:
        ends = {"healthy": (8, 1.3), "collapsed": (2, 1.386), "cured": (cured, 1.3)}
        ends["not cured"] = (2, 1.386)
        return {
            name: {"samples": samples, "found": found, "near": 0.9, "d_loss": loss}
            for name, (found, loss) in ends.items()
        }

    page.ring(stages(8), centres)
    assert marks == {"ring": True, "ring_loss": True}
    page.ring(stages(2), centres)
    assert not marks["ring"]


@pytest.mark.parametrize(
    ("name", "key", "value", "claim"),
    [
        (page.COLLAPSE, "fid_judge", 1.0, "collapse_far"),
    ],
)
def test_a_record_that_says_otherwise_is_marked(
    monkeypatch: pytest.MonkeyPatch,
    marks: dict[str, bool],
    name: str,
    key: str,
    value: float,
    claim: str,
) -> None:
    whole = page.run

    def changed(asked: str) -> Run:
        found = whole(asked)
        return replace(found, metrics=found.metrics | {key: value}) if asked == name else found

    page._of_scores(), page._of_curves(), page._of_collapse(), page._of_sureness()
    assert all(marks.values()), marks
    monkeypatch.setattr(page, "run", changed)
    page._of_scores(), page._of_collapse()
    assert [key for key, holds in marks.items() if not holds] == [claim]


@pytest.mark.parametrize(("distance", "said"), [(0.1, "nearer"), (9.0, "farther")])
def test_the_words_on_both_losses_follow_the_record(
    monkeypatch: pytest.MonkeyPatch, kept: dict[str, Any], distance: float, said: str
) -> None:
    page._of_scores()
    assert kept["other_said"] == "so no difference is shown"
    record = page.run(page.OTHER)
    other = replace(record, metrics=record.metrics | {"fid_judge": distance})
    whole = page.run
    monkeypatch.setattr(page, "run", lambda name: other if name == page.OTHER else whole(name))
    page._of_scores()
    assert kept["other_said"] == f"so it is the {said}"


def defined_in(page: Path) -> dict[str, Any]:
    """Return what the code cells of a page import and define; nothing else of them is run."""
    names: dict[str, Any] = {}
    for cell in CELL.findall(page.read_text(encoding="utf-8")):
        for node in ast.parse(cell.split("---\n")[-1]).body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
                exec(compile(ast.Module([node], []), str(page), "exec"), names)
    return names


@pytest.mark.parametrize("steps", [1, 3])
def test_the_page_and_the_recipe_train_to_the_same_weights(steps: int) -> None:
    names = defined_in(Path(__file__).parents[2] / "book" / "gan.md")
    size: Any = {"noise": 16, "width": 64, "epochs": 2, "batch_size": 64, "judged": False}
    config = gan.GanConfig("digits", discriminator_steps=steps, **size, **RATES)
    seed_everything(0)
    theirs = gan.build(config)
    gan.train(config, theirs, Session(torch.device("cpu")))

    seed_everything(0)
    ours = gan.build(config).train()
    digits = data.Batches(data.load("digits", "train"), 64 * steps)
    rounds = (batch for _ in range(2) for batch in digits)
    names["algorithm_1"](ours, rounds, minmax_loss, tuple(RATES.values()))
    pairs = zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
