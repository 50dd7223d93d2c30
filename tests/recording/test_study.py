"""The one study loop: every case from the same seed, whatever stands before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from chapters_lib.checkpoint import Checkpoint
from chapters_lib.recording.experiment import Metrics, Session
from chapters_lib.recording.record import record
from chapters_lib.recording.study import Case, build_cases, numbered, study, train_cases, trained
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders

CPU = torch.device("cpu")
CASES = numbered({"short": tiny.TinyConfig(epochs=1), "0.5-long": tiny.TinyConfig(epochs=2)})


@dataclass(frozen=True)
class Pair:
    dataset: str
    epochs: tuple[int, ...]


def cases(config: Pair) -> tuple[Case[tiny.TinyConfig], ...]:
    return numbered(
        {f"{n}-epochs": tiny.TinyConfig(epochs=n, batch_size=256) for n in config.epochs}
    )


def evaluate(found: tuple[Case[tiny.TinyConfig], ...], models: nn.ModuleDict) -> Metrics:
    return {
        f"test_mse_{name}": tiny.evaluate(config, model)["test_mse"]
        for name, config, model in trained(found, models)
    }


PAIR = study(
    "pair",
    "tests",
    "two lengths",
    Pair("digits", (1, 2)),
    cases,
    build=tiny.build,
    train=tiny.train,
    evaluate=evaluate,
    seeds=(0, 1),
)


def run(
    found, seed: int = 0, checkpoint: Checkpoint | None = None
) -> tuple[nn.ModuleDict, History]:
    seed_everything(seed)
    models = build_cases(found, tiny.build)
    return models, train_cases(found, models, Session(CPU, checkpoint, seed=seed), tiny.train)


def weights(models: nn.ModuleDict, name: str) -> torch.Tensor:
    return models[name].get_parameter("0.weight")


def test_the_order_of_the_cases_is_of_no_account() -> None:
    """A case alone, first or last: the same weights, bit for bit."""
    whole, _ = run(CASES)
    turned, _ = run(CASES[::-1])
    alone, _ = run(CASES[1:])
    assert torch.equal(weights(whole, "0_5-long"), weights(turned, "0_5-long"))
    assert torch.equal(weights(whole, "0_5-long"), weights(alone, "0_5-long"))
    assert torch.equal(weights(whole, "short"), weights(turned, "short"))


def test_another_seed_is_another_training() -> None:
    one, _ = run(CASES[:1], seed=0)
    other, _ = run(CASES[:1], seed=1)
    assert not torch.equal(weights(one, "short"), weights(other, "short"))


def test_rows_carry_their_mark() -> None:
    _, history = run(CASES)
    assert history.column("case").tolist() == [0, 1, 1]
    assert history.column("epoch").tolist() == [1, 1, 2]
    marked = (replace(CASES[0], mark={"code": 8}),)
    assert run(marked)[1].column("code").tolist() == [8]


def test_cases_have_checkpoints_of_their_own(folders: Folders) -> None:
    checkpoint = Checkpoint(folders.cache / "seed-0.pt", "same")
    whole, history = run(CASES, checkpoint=checkpoint)
    kept = sorted(path.name for path in folders.cache.iterdir())
    assert kept == ["seed-0.0.5-long.pt", "seed-0.short.pt"]
    again, rows = run(CASES, checkpoint=checkpoint)  # nothing is trained again
    assert torch.equal(weights(whole, "short"), weights(again, "short"))
    assert rows.rows == history.rows


def test_a_study_is_recorded_over_seeds(folders: Folders) -> None:
    found = record(PAIR, device=CPU, progress=False)
    metric = found.metric("test_mse_2-epochs")
    assert len(set(metric.values)) == 2 and found.weights() == {}
    alone = record(replace(PAIR, name="alone", config=Pair("digits", (2,))), device=CPU)
    assert alone.metric("test_mse_2-epochs").values == metric.values
    assert found["test_mse_2-epochs"] < found["test_mse_1-epochs"]


@pytest.mark.parametrize("name", ["gamma-0.01", "plain"])
def test_a_name_with_a_dot_is_a_module(name: str) -> None:
    models = build_cases(numbered({name: tiny.TinyConfig()}), tiny.build)
    assert [found for found, _, _ in trained(numbered({name: tiny.TinyConfig()}), models)] == [name]
