"""Further seeds: as if all had been trained at once; nothing is added that was not trained and measured alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from chapters_lib import data
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import further, runs, scoreboard
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.further import evaluate_further, record_further
from chapters_lib.recording.record import origins, record
from chapters_lib.recording.scoreboard import amend
from chapters_lib.recording.verifying import verify
from tests import tiny
from tests.conftest import use_data

CPU = torch.device("cpu")
SHORT = replace(tiny.EXPERIMENT, config=tiny.TinyConfig(epochs=1, batch_size=256))


def untimed(run: runs.Run) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]


@pytest.mark.parametrize("half", [False, True])
def test_seeds_trained_later_are_as_if_trained_at_once(quick: str, half: bool) -> None:
    experiment = replace(SHORT, half_precision=half)
    one = record(replace(experiment, seeds=(0,)), device=CPU)
    first, before = one.weights(), one.provenance
    some = record_further(experiment, (1,), device=CPU)
    run = record_further(experiment, (2,), device=CPU)
    at_once = record(replace(experiment, name="all", seeds=(0, 1, 2)), device=CPU)
    assert run.metric("test_mse") == at_once.metric("test_mse")
    assert run["parameters"] == at_once["parameters"]
    assert untimed(run) == untimed(at_once)
    assert all(torch.equal(first[key], value) for key, value in run.weights().items())
    assert (run.panels["images"] == at_once.panels["images"]).all()
    assert verify(experiment)[1] == []
    assert run.provenance["seeds"] == [0, 1, 2] and some.provenance["seeds"] == [0, 1]
    assert [part["seeds"] for part in run.provenance["further"]] == [[1], [2]]
    for part in run.provenance["further"]:
        assert {"commit", "processor", "date", "threads", "wall_seconds"} <= set(part)
    seconds = run.provenance["wall_seconds"] - before["wall_seconds"]
    added = sum(part["wall_seconds"] for part in run.provenance["further"])
    assert seconds == pytest.approx(added) and added > 0
    kept = {key: run.provenance[key] for key in ("commit", "date", "data")}
    assert kept == {key: before[key] for key in kept}


def test_what_was_measured_afterwards_stays(quick: str) -> None:
    amend(record(SHORT, device=CPU), {"fid_inception768": 3.0}, {})
    run = record_further(SHORT, (1,), device=CPU)
    assert run["fid_inception768"] == 3.0 and len(run.metric("test_mse").values) == 2


def drawn(config: object, model: torch.nn.Module, count: int) -> torch.Tensor:
    """Return images that tell one model from another."""
    noise = torch.rand(count, 784, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return (255 * model(noise).clamp(0, 1)).byte().view(-1, 1, 28, 28)


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Experiment[Any, Any]:
    """An experiment whose samples are measured by the mean of their pixels."""

    def measured(experiment: Any, run: Any, model: Any, net: Any) -> Any:
        test = data.load("digits", "test")
        images = experiment.samples[""](experiment.config, model, 10)
        return {"precision_judge": float(images.float().mean())}, test, len(test)

    monkeypatch.setattr(scoreboard, "measured", measured)
    return replace(SHORT, samples={"": drawn})


def test_further_seeds_are_evaluated_as_if_each_was_the_first(
    quick: str,
    drawing: Experiment[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    refused: Callable[..., str],
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "tiny", drawing)
    alone = []
    for seed in (2, 1, 0):
        record(replace(drawing, seeds=(seed,)), device=CPU)
        alone.insert(0, scoreboard.evaluate(drawing, None)["precision_judge"])
    before = record_further(drawing, (1, 2), device=CPU)
    assert main(["evaluate", "tiny", "--judge-only", "--further"]) == 0
    run = runs.load("tiny")
    assert run.metric("precision_judge").values == pytest.approx(alone) and len(set(alone)) == 3
    assert run.provenance["afterwards"]["further"]["seeds"] == [1, 2]
    others = {key: value for key, value in run.metrics.items() if key != "precision_judge"}
    assert others == {k: v for k, v in before.metrics.items() if k != "precision_judge"}
    again = scoreboard.evaluate(drawing, None)  # the first alone: the others stay
    assert again.metric("precision_judge").values == run.metric("precision_judge").values
    further.require_same(run, 1, run.history.where("seed", 1))
    with pytest.raises(ChaptersError, match="seed 1 of tiny does not end as recorded"):
        further.require_same(run, 1, run.history.where("seed", 2))


def test_further_seeds_are_evaluated_after_the_first(
    quick: str, drawing: Experiment[Any, Any]
) -> None:
    record(replace(drawing, seeds=(0, 1)), device=CPU)
    with pytest.raises(ChaptersError, match="no further seed, or its first"):
        evaluate_further(drawing, None, device=CPU)


def test_a_study_without_weights_has_further_seeds_too(quick: str) -> None:
    study = replace(SHORT, weights_stored=False)
    record(study, device=CPU)
    run = record_further(study, (3,), device=CPU)
    assert run.weights() == {} and len(run.metric("test_mse").values) == 2


@pytest.mark.parametrize("seeds", [(0,), (1, 1)])
def test_no_seed_counts_twice(quick: str, seeds: tuple[int, ...]) -> None:
    record(SHORT, device=CPU)
    with pytest.raises(ChaptersError, match="already"):
        record_further(SHORT, seeds, device=CPU)


def test_another_configuration_or_other_data_are_refused(
    quick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ChaptersError, match="no run 'tiny'"):
        record_further(SHORT, (1,), device=CPU)
    record(SHORT, device=CPU)
    other = replace(SHORT, config=tiny.TinyConfig(epochs=2, batch_size=256))
    with pytest.raises(ChaptersError, match="another configuration"):
        record_further(other, (1,), device=CPU)
    part = data.load("digits", "train").subset(torch.arange(300))
    use_data(monkeypatch, lambda name, split: part)
    with pytest.raises(ChaptersError, match="use the same data"):
        record_further(SHORT, (1,), device=CPU)
    assert runs.load("tiny").provenance["seeds"] == [0]


def test_another_judge_or_other_measures_are_refused(quick: str) -> None:
    record(replace(SHORT, name="judge"), device=CPU)
    needy = replace(SHORT, needs=("judge",))
    record(needy, device=CPU)
    record(replace(SHORT, name="judge", seeds=(5,)), device=CPU)
    with pytest.raises(ChaptersError, match="judge was recorded anew"):
        record_further(needy, (1,), device=CPU)
    record(SHORT, device=CPU)
    more = replace(SHORT, evaluate=lambda c, m: tiny.evaluate(c, m) | {"new": 1.0})
    with pytest.raises(ChaptersError, match="recorded without new"):
        record_further(more, (1,), device=CPU)
    assert "new" not in runs.load("tiny").metrics


def test_a_needed_run_that_changes_meanwhile_is_noticed(
    quick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(replace(SHORT, name="judge"), device=CPU)
    needy = replace(SHORT, needs=("judge",))
    record(needy, device=CPU)
    asked: list[object] = []

    def changing(needs: tuple[str, ...]) -> dict[str, object]:
        asked.append(needs)
        return origins(needs) if len(asked) == 1 else {"judge": "another"}

    monkeypatch.setattr(further, "origins", changing)
    with pytest.raises(ChaptersError, match="judge was recorded anew"):
        record_further(needy, (1,), device=CPU)
    assert runs.load("tiny").provenance["seeds"] == [0]


def test_by_the_command_line(
    quick: str, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "tiny", SHORT)
    assert main(["train", "tiny"]) == 0
    assert main(["train", "tiny", "--seeds", "1,4"]) == 0
    assert runs.load("tiny").provenance["seeds"] == [0, 1, 4]
    assert "has seed 4 already" in refused("train", "tiny", "--seeds", "4")
    with pytest.raises(SystemExit):
        main(["train", "tiny", "--seeds", "a,1"])
