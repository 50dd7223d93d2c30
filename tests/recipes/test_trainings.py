"""Every training overfits one batch, and repeats under its seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from chapters_lib import checkpoint as saving
from chapters_lib import data
from chapters_lib.checkpoint import Checkpoint
from chapters_lib.data import Dataset, to_float
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recipes.vae import condition
from chapters_lib.recording.experiment import Experiment, Session
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History
from tests.conftest import use_data

VAES = [
    "vae-2d-mnist",
    "vae-fc-mnist",
    "vae-fashion-mnist",
    "cvae-fashion-mnist",
    "cvae-decoder-only-fashion-mnist",
]
GANS = ["gan-fc-mnist", "gan-fc-mnist-nonsaturating"]
DCGANS = ["dcgan-mnist", "dcgan-mnist-nonsaturating", "dcgan-half-mnist-float32"]
VAE_GANS = [
    "vaegan-fashion-mnist",
    "vaegan-fashion-mnist-paper",
    "vaegan-mnist",
    "vaegan-disl-fashion-mnist",
    "vaegan-conv-fashion-mnist",
]
NAMES = [
    "ae-fashion-mnist",
    "ae-normalized-mnist",
    "judge-mnist",
    "judge-fashion-mnist",
    *VAES,
    *GANS,
    *VAE_GANS,
]
SIZE = 16


@pytest.fixture(autouse=True)
def one_batch(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Every data set consists of the same 16 digits."""
    part = data.load("digits", "train").subset(torch.arange(SIZE))
    use_data(monkeypatch, lambda name, split: part)
    return part


def trained(
    name: str, seed: int = 0, checkpoint: Checkpoint | None = None, **changes: object
) -> tuple[Experiment, nn.Module, History]:
    experiment = EXPERIMENTS[name]
    cold = {"start": ""} if hasattr(experiment.config, "start") else {}  # from no recorded weights
    config = replace(experiment.config, **({"batch_size": SIZE} | cold | changes))
    seed_everything(seed)
    model = experiment.build(config)
    session = Session(torch.device("cpu"), checkpoint)
    return experiment, model, experiment.train(config, model, session)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ae-")])
def test_autoencoders_overfit_one_batch(one_batch: Dataset, name: str) -> None:
    """Two numbers an image are enough for 16 images: the error falls far below that of their mean."""
    _, model, history = trained(name, hidden=(128, 64), epochs=600, dropout=0.0, learning_rate=3e-3)
    spread = float(to_float(one_batch.images).var(0, unbiased=False).mean())
    assert history.column("train_mse")[0] > 0.8 * spread
    assert history.column("train_mse")[-1] < 0.1 * spread
    assert history.column("test_mse")[-1] < 0.1 * spread  # the same images, in evaluation mode
    assert model.training


@pytest.mark.parametrize("name", VAES)
def test_vaes_overfit_one_batch(one_batch: Dataset, name: str) -> None:
    """The bound falls, and the reconstruction's error far below that of the mean image."""
    changes = {"hidden": (128,), "dropout": 0.0, "input_dropout": 0.0, "validation": 0.0}
    experiment, model, history = trained(name, epochs=500, learning_rate=3e-3, **changes)
    config = replace(experiment.config, **changes)
    x, spread = to_float(one_batch.images), float(to_float(one_batch.images).var(0).mean())
    with torch.no_grad():
        error = (model.eval()(x, *condition(config, one_batch.labels)) - x).square().mean()
    assert float(error) < 0.3 * spread
    for column in ("train_negative_elbo", "train_eval_negative_elbo", "test_negative_elbo"):
        values = history.column(column)
        assert values[-5:].mean() < values[:5].mean() - 50, column


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("judge-")])
def test_judges_overfit_one_batch(one_batch: Dataset, name: str) -> None:
    _, model, history = trained(name, width=8, epochs=120, shift=0, mirror=False)
    assert history.column("train_cross_entropy")[0] > 1.5
    assert history.column("train_cross_entropy")[-1] < 0.05
    assert history.column("train_accuracy")[-1] == 1
    with torch.no_grad():
        right = model.eval()(to_float(one_batch.images)).argmax(1) == one_batch.labels
    assert right.double().mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_trainings_repeat_under_their_seed(name: str) -> None:
    """Bit for bit, history and weights; another seed ends elsewhere."""
    outcomes = []
    for seed in (0, 0, 1):
        _, model, history = trained(name, seed, batch_size=4, epochs=2)
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
        outcomes.append((model.state_dict(), rows))
    (weights, rows), (same_weights, same_rows), (other_weights, other_rows) = outcomes
    assert rows == same_rows and len(rows) == 2
    assert all(torch.equal(weights[k], same_weights[k]) for k in weights)
    assert rows != other_rows
    assert not torch.equal(next(iter(weights.values())), next(iter(other_weights.values())))


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_trained(name: str) -> None:
    """No layer is left out of the optimiser: each parameter moves, and none is lost."""
    experiment = EXPERIMENTS[name]
    config = replace(experiment.config, batch_size=4, epochs=2)
    seed_everything(0)
    before = {k: v.clone() for k, v in experiment.build(config).named_parameters()}
    _, model, _ = trained(name, batch_size=4, epochs=2)
    for key, value in model.named_parameters():
        assert value.isfinite().all() and not torch.equal(value, before[key]), key


NARROW = {"width": 4, "judged": False, "batch_size": 4, "epochs": 3, "dropout_epochs": 1}


@pytest.mark.parametrize("name", DCGANS)
def test_a_dcgan_killed_and_resumed_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Bit for bit, weights and history, in the precision that is recorded; every weight has moved."""
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)
    experiment, expected, history = trained(name, **NARROW)
    calls = 0

    def kill(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 14:  # two a step, four steps an epoch: in the middle of a step of the second
            raise KeyboardInterrupt

    handle = register_optimizer_step_pre_hook(kill)
    with pytest.raises(KeyboardInterrupt):
        trained(name, 0, Checkpoint(tmp_path / "seed-0.pt", "same"), **NARROW)
    handle.remove()
    _, model, resumed = trained(name, 1, Checkpoint(tmp_path / "seed-0.pt", "same"), **NARROW)
    for key, value in expected.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in h] for h in (history, resumed)
    ]
    assert rows[0] == rows[1] and len(rows[0]) == 3
    seed_everything(0)
    before = dict(experiment.build(replace(experiment.config, **NARROW)).named_parameters())
    for key, value in expected.named_parameters():
        assert not torch.equal(value, before[key]), key


def test_dropout_ends_when_it_is_said_to() -> None:
    """It is there in the first epoch's four steps (two networks each), and gone from the second on."""
    shares: list[float] = []
    config = replace(EXPERIMENTS["dcgan-mnist"].config, **NARROW)
    seed_everything(0)
    model = EXPERIMENTS["dcgan-mnist"].build(config)

    def note(*_: object) -> None:
        shares.append(max(m.p for m in model.modules() if isinstance(m, nn.Dropout)))

    handle = register_optimizer_step_pre_hook(note)
    EXPERIMENTS["dcgan-mnist"].train(config, model, Session(torch.device("cpu")))
    handle.remove()
    assert shares == [0.2] * 8 + [0.0] * 16
