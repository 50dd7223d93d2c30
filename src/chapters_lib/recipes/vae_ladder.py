"""A ladder of trainings without the KL term: growing data, growing capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from chapters_lib.data import to_float
from chapters_lib.models.vae import VAE
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig, bound, reconstruct, split
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.judging import SAMPLES
from chapters_lib.recording.study import Case, numbered, trained
from chapters_lib.training import History


@dataclass(frozen=True)
class LadderConfig:
    """Trainings of growing data and capacity without the KL term."""

    dataset: str
    rungs: tuple[VaeConfig, ...]


def rung_name(config: VaeConfig) -> str:
    """Return ``100-images-20-4``: images, hidden units and latent units of a rung."""
    images = config.images or "all"
    return f"{images}-images-{config.hidden[0]}-{config.latent}"


def rungs(config: LadderConfig) -> tuple[Case[VaeConfig], ...]:
    """Return the rungs as cases of a study; rows carry ``rung``, its number."""
    return numbered({rung_name(rung): rung for rung in config.rungs}, "rung")


def train_rung(config: VaeConfig, model: VAE, session: Session) -> History:
    """Train a rung; of a long training every nth row is kept, with the seconds and images of n epochs."""
    rows = vae.train(config, model, session).rows
    stride = max(1, len(rows) // 100)
    history = History()
    for at in range(0, len(rows), stride):
        passed = rows[at : at + stride]
        spent = {key: sum(row[key] for row in passed) for key in ("seconds", "images")}
        history.append({**rows[at], **spent})
    return history


def evaluate_ladder(cases: Sequence[Case[VaeConfig]], models: nn.ModuleDict) -> Metrics:
    """Measure both terms and the error of every rung on its own training images, at most 10,000 of them."""
    metrics: Metrics = {}
    for name, rung, model in trained(cases, models):
        training = split(rung)[0].first(SAMPLES)
        for key, value in bound(rung, model, training).items():
            metrics[f"train_{key}_{name}"] = value
        x = to_float(training.images)
        with torch.no_grad():
            metrics[f"train_mse_{name}"] = float((x - model(x)).square().mean())
    return metrics


def ladder_panels(cases: Sequence[Case[VaeConfig]], models: nn.ModuleDict) -> Panels:
    """Keep eight images of the smallest training set, and every rung's reconstruction of them."""
    shown = split(cases[0].config)[0].first(8)
    rows = []
    for _, rung, model in trained(cases, models):
        rows.append(reconstruct(rung, model, shown.images, shown.labels).numpy())
    return {"images": shown.images.numpy(), "reconstructions": np.stack(rows)}
