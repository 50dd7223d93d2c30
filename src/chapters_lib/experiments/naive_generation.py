"""The autoencoder whose code units are normalised, so that codes can be drawn from N(0, 1)."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from chapters_lib import data
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.judge import scores
from chapters_lib.experiments import autoencoder
from chapters_lib.experiments.autoencoder import (
    SAMPLES,
    AutoencoderConfig,
    decode,
    encode,
    reconstruction_mse,
    standard_normal_codes,
)
from chapters_lib.experiments.base import Metrics
from chapters_lib.experiments.judge import load_judge


def evaluate(config: AutoencoderConfig, model: nn.Module) -> Metrics:
    """Measure the errors, the test codes' moments and distance from N(0, I), and judge samples from N(0, I)."""
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
    }
    if config.judged:
        samples = decode(model, standard_normal_codes(SAMPLES, config.code))
        metrics |= scores(load_judge(config.dataset), samples, test.images)
    return metrics


EXPERIMENTS = tuple(
    autoencoder.experiment(
        f"ae-normalized-{config.dataset}",
        "naive-generation",
        f"autoencoder with normalised code units on {config.dataset}",
        replace(config, normalized=True),
        evaluate=evaluate,
    )
    for config in (autoencoder.FASHION, autoencoder.MNIST)
)
