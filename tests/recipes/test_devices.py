"""Every training on a device that is not the CPU: no tensor left behind, no step that waits, the same weights."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import nn

from chapters_lib import data
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.judging import judging_on
from chapters_lib.reproducibility import seed_everything
from tests import far_device
from tests.conftest import use_data

SMALL: dict[str, dict[str, Any]] = {
    "ae-normalized-mnist": {"hidden": (8,)},
    "judge-fashion-mnist": {"width": 2},
    "vae-fc-mnist": {"hidden": (8,)},
    "gan-fc-mnist": {"width": 8},
    "dcgan-half-mnist-float32": {"width": 2},
    "vaegan-fashion-mnist": {"hidden": (8,), "discriminator_hidden": (8, 8)},
    "vae-realnvp-mnist": {"hidden": (8,), "flow_hidden": (8,)},
    "rbm-kmnist-16": {"hidden": 4},
}


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    part = data.load("digits", "train").subset(torch.arange(64))
    use_data(monkeypatch, lambda name, split: part)
    for name, module in list(sys.modules.items()):  # and as few samples
        if name.startswith("chapters_lib.recipes.") and hasattr(module, "SAMPLES"):
            monkeypatch.setattr(module, "SAMPLES", 40)


def trained(
    name: str, device: torch.device, batch_size: int = 16
) -> tuple[nn.Module, list[dict[str, float]], list[str]]:
    """Return the model, the history without times, and what waited for the device."""
    experiment = EXPERIMENTS[name]
    changes = {"batch_size": batch_size, "epochs": 2, "start": "", "precision": "float32"}
    known = {part.name for part in fields(experiment.config)}
    changes = {key: value for key, value in (changes | SMALL[name]).items() if key in known}
    config = replace(experiment.config, **changes)
    with far_device.used() as waits:
        seed_everything(0)
        model = experiment.build(config).to(device)
        waits.clear()
        rows = experiment.train(config, model, Session(device)).rows
        waited = list(waits)
        model.cpu()
    return model, [{**row, "seconds": 0.0} for row in rows], waited


def measured(name: str, device: torch.device) -> dict[str, float]:
    """Return the end metrics of an untrained model and of the recorded judge, few samples of it judged."""
    experiment = EXPERIMENTS[name]
    few: dict[str, Any] = {
        "nll_samples": 4,
        "nll_images": 20,
        "iwae_samples": 3,
        "temperatures": 5,
        "ais_chains": 4,
    }
    if name.startswith("rbm"):  # whose statistics are of the set that it names
        few |= {"dataset": "digits", "judged": False}
    known = {part.name for part in fields(experiment.config)}
    changes = {key: value for key, value in (few | SMALL[name]).items() if key in known}
    config = replace(experiment.config, **changes)
    seed_everything(0)
    model = experiment.build(config).eval()
    with far_device.used(), judging_on(device):
        return replace(experiment, config=config).measure(model, device)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_metrics_measured_on_another_device(name: str) -> None:
    """No tensor is mixed with one of the other side, and all numbers are those of the CPU."""
    here = measured(name, far_device.CPU)
    there = measured(name, far_device.device())
    assert there == pytest.approx(here, rel=1e-3, abs=1e-5) and len(here) > 3


# The engine of gradients counts the devices once, at the first gradient of a process: these need one of their own.
ALONE = "CHAPTERS_FAR_DEVICE"
alone = pytest.mark.skipif(ALONE not in os.environ, reason="runs in a process of its own, below")


# Over 20 s: each operation of that device is a call of Python.
@pytest.mark.slow
def test_trainings_on_another_device_in_a_process_of_their_own() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        [*command, "-k", "a_training_on_another_device"],
        env=os.environ | {ALONE: "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.startswith("." * len(SMALL) + " "), done.stdout


@alone
@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_training_on_another_device(name: str) -> None:
    """It ends as on the CPU but for rounding; and with twice the steps, numbers are asked for no more often."""
    model, rows, waits = trained(name, far_device.CPU)
    there, rows_there, waits_there = trained(name, far_device.device())
    assert not waits and waits_there
    for row, row_there in zip(rows, rows_there, strict=True):
        assert row_there == pytest.approx(row, rel=1e-3)
    weights = model.state_dict()
    for key, value in there.state_dict().items():
        torch.testing.assert_close(value.float(), weights[key].float(), rtol=0.01, atol=1e-3)
    assert sorted(trained(name, far_device.device(), 8)[2]) == sorted(waits_there)


def test_the_device_tells_a_tensor_that_was_left_behind() -> None:
    with far_device.used() as waits:
        there = torch.ones(3).to(far_device.device())
        assert (there + 1).device == far_device.device() and not waits
        with pytest.raises(RuntimeError, match="add: tensors on two devices"):
            there + torch.ones(3)
        assert float(there.sum()) == 3 and waits == ["aten::_local_scalar_dense"]
