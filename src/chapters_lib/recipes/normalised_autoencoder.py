"""The autoencoder whose code units are normalised, so that codes can be drawn from N(0, 1)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.judge import SURE, features_and_probabilities, scores
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.classifier import Classifier
from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.autoencoder import (
    AutoencoderConfig,
    chosen_codes,
    decode,
    encode,
    reconstruction_mse,
    standard_normal_codes,
)
from chapters_lib.recording.experiment import Metrics, Session
from chapters_lib.recording.judging import SAMPLES, load_judge
from chapters_lib.training import History


@torch.no_grad()
def use_population_moments(model: Autoencoder, images: Tensor) -> None:
    """Let the code's moments be those of all `images`, uint8 (N, C, H, W).

    They take the place of the running averages over the last few batches of
    training: what Ioffe and Szegedy (2015) average over many batches in
    Algorithm 2 is here one pass.
    """
    layer = cast(nn.BatchNorm1d, model.encoder[-1])
    assert layer.running_mean is not None and layer.running_var is not None
    codes = encode(model, images)  # by the running averages: undo them
    codes = codes.to(layer.running_mean.device)
    scale = (layer.running_var + layer.eps).sqrt()
    layer.running_mean += scale * codes.mean(0)
    layer.running_var.copy_((scale * codes.std(0)).square() - layer.eps)


def train(config: AutoencoderConfig, model: Autoencoder, session: Session) -> History:
    """Train as the plain autoencoder is trained, then normalise by the moments over the train split."""
    history = autoencoder.train(config, model, session)
    use_population_moments(model, data.load(config.dataset, "train").images)
    return history


def evaluate(config: AutoencoderConfig, model: Autoencoder) -> Metrics:
    """Measure the errors, the test codes' moments and distance from N(0, I), and judge samples from N(0, I).

    Keys ``training_codes_…`` are of samples decoded from training codes instead;
    ``thin_recognisable`` and ``dense_recognisable`` of those samples from N(0, I) that fall
    into the quarter of the cells of equal probability which hold fewest, or most, of the
    training codes.
    """
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    codes = encode(model, test.images)
    variance = codes.var(0)
    metrics = {
        "train_mse": reconstruction_mse(model, training),
        "test_mse": reconstruction_mse(model, test),
        "code_mean_abs_max": float(codes.mean(0).abs().max()),
        "code_var_min": float(variance.min()),
        "code_var_max": float(variance.max()),
        "code_ks_max": float(code_statistics.kolmogorov_distance(codes).max()),
        "code_correlation": code_statistics.correlation(codes),
        "code_empty_mass": code_statistics.empty_mass(codes),
        "code_cell_tv": code_statistics.cell_total_variation(codes),
    }
    if config.judged:
        judge, training_codes = load_judge(config.dataset), encode(model, training.images)
        z = standard_normal_codes(SAMPLES, config.code)
        samples = decode(model, z)
        metrics |= scores(judge, samples, test.images)
        again = decode(model, chosen_codes(SAMPLES, training_codes))
        metrics |= scores(judge, again, test.images, "training_codes_")
        metrics |= by_density(judge, samples, z, training_codes)
    return metrics


def by_density(judge: Classifier, samples: Tensor, z: Tensor, codes: Tensor) -> Metrics:
    """Return the recognisable share of samples where `codes` are thinnest and where they are densest.

    Each is a quarter of the 400 cells of equal probability under N(0, I), so about a quarter
    of the samples.
    """
    _, probabilities = features_and_probabilities(judge, samples)
    sure = (probabilities.amax(1) >= SURE).double()
    by_share = code_statistics.cell_shares(codes).flatten().argsort(stable=True)
    quarter, cell = len(by_share) // 4, code_statistics.cell_index(z)
    return {
        "thin_recognisable": float(sure[torch.isin(cell, by_share[:quarter])].mean()),
        "dense_recognisable": float(sure[torch.isin(cell, by_share[-quarter:])].mean()),
    }


TOLERANCES = autoencoder.TOLERANCES | {
    "thin_recognisable": 4e-3,
    "dense_recognisable": 4e-3,
    "code_correlation": 1e-4,
}
