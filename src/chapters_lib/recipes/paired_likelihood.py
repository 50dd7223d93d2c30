"""The flow's gain image by image: −log p(x) of the same binary images under both priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.intervals import paired
from chapters_lib.recipes import likelihood_vae
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.reproducibility import generator
from chapters_lib.training import History

MODELS = {"gaussian": "vae-gaussian-mnist", "realnvp": "vae-realnvp-mnist"}
PARTS = 20  # images whose weights are held at a time


@dataclass(frozen=True)
class PairedConfig:
    """How many weights an image's estimate takes: fewer than in the two records, whose means stand there."""

    dataset: str = "mnist"
    nll_samples: int = 200
    images: int = 0  # the first so many of the test split; 0 for all


class Estimates(nn.Module):
    """−log p(x) of every image under each model, in nats, filled in by `measure`: float32 (models, N)."""

    nll: Tensor

    def __init__(self, models: int, images: int):
        super().__init__()
        self.register_buffer("nll", torch.zeros(models, images))


def build(config: PairedConfig) -> Estimates:
    """Make room for the estimates."""
    return Estimates(len(MODELS), len(_images(config)))


def _images(config: PairedConfig) -> Tensor:
    return data.load(config.dataset, "test").images[: config.images or None]


def estimated(config: PairedConfig, name: str) -> Tensor:
    """Return −L_K of each image under a recorded model, in nats, float64; the same noise for both models."""
    its, model = likelihood_vae.recorded(name)
    x = likelihood_vae.observed(its, data.load(config.dataset, "test"))[: config.images or None]
    draw, parts = generator(0), []
    for part in x.split(PARTS):
        log_w = likelihood.log_weights(model, part, num_samples=config.nll_samples, generator=draw)
        parts.append(likelihood.negative_log_mean(log_w))
    return torch.cat(parts)


def measure(config: PairedConfig, model: Estimates, session: Session) -> History:
    """Fill in the estimates of both models; nothing is trained."""
    for row, name in enumerate(MODELS.values()):
        model.nll[row] = estimated(config, name).float()
    return History([{"epoch": 1, "seconds": 0.0}])


def evaluate(config: PairedConfig, model: Estimates) -> Metrics:
    """Measure the mean difference of the same images, and its standard error beside that of unpaired images.

    ``gain`` is positive where the flow's model gives the images more; ``better_share`` the share
    of the images to which it does.
    """
    gaussian, realnvp = model.nll.cpu().double()
    gain = paired(gaussian, realnvp)
    errors = {
        f"{name}_nll_sem": float(found.std()) / len(found) ** 0.5
        for name, found in (("gaussian", gaussian), ("realnvp", realnvp))
    }
    return errors | {
        "gaussian_nll": float(gaussian.mean()),
        "realnvp_nll": float(realnvp.mean()),
        "gain": gain.difference,
        "gain_sem": gain.sem,
        "gain_unpaired_sem": sum(sem**2 for sem in errors.values()) ** 0.5,
        "correlation": float(np.corrcoef(gaussian.numpy(), realnvp.numpy())[0, 1]),
        "better_share": float((realnvp < gaussian).double().mean()),
    }


def panels(config: PairedConfig, model: Estimates) -> Panels:
    """Keep the estimates: float16 gains, float32 −log p(x) under the flow, one an image."""
    gaussian, realnvp = model.nll.cpu()
    return {
        "gain": (gaussian - realnvp).numpy().astype(np.float16),
        "realnvp_nll": realnvp.numpy().astype(np.float32),
    }
