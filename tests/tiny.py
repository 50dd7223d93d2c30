"""An experiment of seconds whose result depends on every random state; also as a process: python -m tests.tiny …"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import checkpoint, data
from chapters_lib.data import Batches
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording.experiment import Experiment, Metrics, Panels, Session
from chapters_lib.training import History, fit

PAUSE = float(os.environ.get("TINY_PAUSE", "0"))  # seconds a step, to be caught in the middle
GATE = os.environ.get("TINY_GATE", "")  # a file without which no second epoch comes to its end
PROVENANCE: dict[str, Any] = {
    "date": "2026-01-01",
    "data": {},
    "seeds": [0],
}  # as little as a record needs
NAN_AT: int | None = None  # the step, counted over the process, whose loss is not a number


@dataclass(frozen=True)
class TinyConfig:
    dataset: str = "digits"
    epochs: int = 4
    batch_size: int = 32


def build(config: TinyConfig) -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 24), nn.BatchNorm1d(24), nn.Dropout(0.1), nn.Linear(24, 784)
    )


def train(config: TinyConfig, model: nn.Module, session: Session) -> History:
    optimizer = torch.optim.Adam(model.parameters(), 1e-2, fused=True)
    batches = Batches(data.load(config.dataset, "train"), config.batch_size, device=session.device)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-2, total_steps=config.epochs * len(batches) + 1
    )
    steps = 0

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        nonlocal steps
        steps += 1
        time.sleep(PAUSE)
        x = x.flatten(1)
        noise = np.random.normal() + torch.randn_like(x) * random.random()  # noqa: NPY002
        loss = (model(x + 0.1 * noise) - x).square().mean()
        if steps == NAN_AT:
            loss = loss * float("nan")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return {"train_mse": loss.detach()}

    def after_epoch(epoch: int) -> dict[str, float]:
        while epoch == 2 and GATE and not Path(GATE).exists():
            time.sleep(0.05)
        return {"drawn": random.random() + np.random.rand() + float(torch.rand(()))}  # noqa: NPY002

    model.train()
    return fit(
        step,
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        state={"model": model, "optimizer": optimizer, "schedule": schedule},
    )


@torch.no_grad()
def evaluate(config: TinyConfig, model: nn.Module) -> Metrics:
    x = data.to_float(data.load(config.dataset, "test").images).flatten(1)
    return {"test_mse": float((model(x) - x).square().mean())}


def panels(config: TinyConfig, model: nn.Module) -> Panels:
    return {"images": data.load(config.dataset, "test").images[:3].numpy()}


EXPERIMENT = Experiment(
    "tiny",
    "tests",
    "a linear autoencoder with noise from everywhere",
    TinyConfig(),
    build=build,
    train=train,
    evaluate=evaluate,
    panels=panels,
    seeds=(0,),
    half_precision=False,  # so that weights can be compared bit for bit
)


def save_often(put: Callable[[Any, str, Any], None]) -> None:
    """Let a checkpoint be written at every epoch's end, however short the epoch."""
    put(checkpoint, "SAVE_EVERY_SECONDS", 0.0)


if __name__ == "__main__":
    from chapters_lib.command_line import main

    EXPERIMENTS["tiny"] = EXPERIMENT
    save_often(setattr)
    sys.exit(main())
