"""The autoencoder whose code units are normalised, so that codes can be drawn from N(0, 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from chapters_lib import data, runs
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.intervals import paired
from chapters_lib.evaluation.judge import SURE, features_and_probabilities, scores
from chapters_lib.evaluation.sharpness import roughness
from chapters_lib.experiments import autoencoder
from chapters_lib.experiments.autoencoder import (
    TOLERANCES,
    AutoencoderConfig,
    chosen_codes,
    decode,
    encode,
    reconstruction_mse,
    standard_normal_codes,
)
from chapters_lib.experiments.autoencoder_study import no_panels
from chapters_lib.experiments.base import Experiment, Metrics, Session
from chapters_lib.experiments.judge import SAMPLES, load_judge
from chapters_lib.experiments.measuring import build as build_nothing
from chapters_lib.experiments.measuring import measure_nothing
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.classifier import Classifier
from chapters_lib.training import History

EPOCHS = 25  # of B
Measured = Callable[[AutoencoderConfig, nn.Module], Metrics]


@torch.no_grad()
def use_population_moments(model: nn.Module, images: Tensor) -> None:
    """Let the code's normalisation use the moments over all `images`, uint8 (N, C, H, W).

    They take the place of the running averages over the last few batches of training: what
    Ioffe and Szegedy (2015) average over many batches in Algorithm 2 is here one pass.
    """
    assert isinstance(model, Autoencoder)
    layer = model.encoder[-1]
    assert isinstance(layer, nn.BatchNorm1d)
    assert layer.running_mean is not None and layer.running_var is not None
    codes = encode(model, images)  # by the running averages: undo them
    scale = (layer.running_var + layer.eps).sqrt()
    layer.running_mean += scale * codes.mean(0)
    layer.running_var.copy_((scale * codes.std(0)).square() - layer.eps)


def train(config: AutoencoderConfig, model: nn.Module, session: Session) -> History:
    """Train as the plain autoencoder is trained, then normalise by the moments over the train split."""
    history = autoencoder.train(config, model, session)
    use_population_moments(model, data.load(config.dataset, "train").images.to(session.device))
    return history


def evaluate(config: AutoencoderConfig, model: nn.Module) -> Metrics:
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


def sharpness(config: AutoencoderConfig, model: nn.Module) -> Metrics:
    """Measure the roughness of test images, of their reconstructions, and of images of training codes and of N(0, I).

    ``edges_kept`` is the reconstructions' in shares of the test images' own.
    """
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    codes = encode(model, training.images)
    sets = {
        "real": test.images,
        "reconstructed": decode(model, encode(model, test.images)),
        "training_codes": decode(model, chosen_codes(SAMPLES, codes)),
        "standard_normal": decode(model, standard_normal_codes(SAMPLES, config.code)),
    }
    found = {f"{name}_roughness": float(roughness(x).mean()) for name, x in sets.items()}
    return found | {"edges_kept": found["reconstructed_roughness"] / found["real_roughness"]}


def with_sharpness(measured: Measured) -> Measured:
    """Return a function that measures what `measured` does, and `sharpness`."""
    return lambda config, model: measured(config, model) | sharpness(config, model)


@dataclass(frozen=True)
class BlurConfig:
    """Of which data set the recorded pair A and B is compared."""

    dataset: str


def recorded(dataset: str) -> dict[str, tuple[AutoencoderConfig, nn.Module]]:
    """Return configuration and model of the recorded A, without normalised units, and B, with them."""
    known = {e.name: e for e in (*autoencoder.EXPERIMENTS, *EXPERIMENTS)}
    found = {}
    for name, run in {"a": f"ae-{dataset}", "b": f"ae-normalized-{dataset}"}.items():
        with torch.random.fork_rng(devices=[]):
            model = autoencoder.build(known[run].config)
        found[name] = (known[run].config, runs.load(run).restore(model))
    return found


def evaluate_blur(config: BlurConfig, _: nn.Module) -> Metrics:
    """Measure the sharpness of both, and the difference of B's reconstructions and A's of the same test images."""
    test = data.load(config.dataset, "test").images
    metrics: Metrics = {}
    of_image = {}
    for name, (its, model) in recorded(config.dataset).items():
        metrics |= {f"{name}_{key}": value for key, value in sharpness(its, model).items()}
        of_image[name] = roughness(decode(model, encode(model, test)))
    less = paired(of_image["b"], of_image["a"])
    return metrics | {"b_less_a_roughness": less.difference, "b_less_a_roughness_sem": less.sem}


def _normalized(name: str, summary: str, config: AutoencoderConfig, **parts: Any) -> Experiment:
    return autoencoder.experiment(
        name,
        "naive-generation",
        summary,
        replace(config, normalized=True, epochs=EPOCHS),
        train=train,
        samples={"": autoencoder.draw},
        tolerances=TOLERANCES
        | {"thin_recognisable": 4e-3, "dense_recognisable": 4e-3, "code_correlation": 1e-4},
        **({"evaluate": evaluate} | parts),
    )


def _controls(config: AutoencoderConfig) -> tuple[Experiment, ...]:
    """Return the controls of B's blur: A for as many epochs, and both with batches sixteen times as large."""
    large, short = 16 * config.batch_size, replace(config, epochs=EPOCHS)
    plain = {"evaluate": with_sharpness(autoencoder.evaluate), "weights_stored": False}
    return (
        autoencoder.experiment(
            f"ae-{config.dataset}-{EPOCHS}-epochs",
            "naive-generation",
            f"control: A for as many epochs as B, on {config.dataset}",
            short,
            **plain,
        ),
        autoencoder.experiment(
            f"ae-{config.dataset}-{EPOCHS}-epochs-batch-{large}",
            "naive-generation",
            f"control: the same in batches of {large}",
            replace(short, batch_size=large),
            **plain,
        ),
        _normalized(
            f"ae-normalized-{config.dataset}-batch-{large}",
            f"control: B in batches of {large}, whose moments jitter a quarter as much",
            replace(config, batch_size=large),
            evaluate=with_sharpness(evaluate),
            weights_stored=False,
        ),
        _normalized(
            f"ae-normalized-{config.dataset}-again",
            "control: B as it is recorded, three trainings whose sharpness is measured",
            config,
            evaluate=with_sharpness(evaluate),
            weights_stored=False,
        ),
    )


DATA = (autoencoder.FASHION, autoencoder.MNIST)
EXPERIMENTS: tuple[Experiment, ...] = (
    *(
        _normalized(
            f"ae-normalized-{config.dataset}",
            f"autoencoder with normalised code units on {config.dataset}",
            config,
        )
        for config in DATA
    ),
    *(control for config in DATA for control in _controls(config)),
    *(
        Experiment(
            f"naive-blur-{config.dataset}",
            "naive-generation",
            f"how sharp A's and B's images of {config.dataset} are beside real ones",
            BlurConfig(config.dataset),
            build_nothing,
            measure_nothing,
            evaluate_blur,
            no_panels,
            seeds=(0,),
            needs=(f"ae-{config.dataset}", f"ae-normalized-{config.dataset}"),
            weights_stored=False,
        )
        for config in DATA
    ),
)
