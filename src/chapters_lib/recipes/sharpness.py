"""How sharp the autoencoders' images are: reconstructions and new images beside real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from chapters_lib import data
from chapters_lib.evaluation.intervals import paired
from chapters_lib.evaluation.sharpness import roughness
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.autoencoder import (
    AutoencoderConfig,
    chosen_codes,
    decode,
    encode,
    standard_normal_codes,
)
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import SAMPLES

Measured = Callable[[AutoencoderConfig, Autoencoder], Metrics]


@dataclass(frozen=True)
class BlurConfig:
    """Of which data set the recorded pair A and B is compared."""

    dataset: str


def sharpness(config: AutoencoderConfig, model: Autoencoder) -> Metrics:
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


def evaluate_blur(config: BlurConfig, _: nn.Module) -> Metrics:
    """Measure the sharpness of A (``a_``) and of B (``b_``), which has normalised code units, as they are recorded.

    ``b_less_a_roughness`` is the difference of B's reconstructions and A's of the same test images.
    """
    test = data.load(config.dataset, "test").images
    metrics: Metrics = {}
    of_image = {}
    for name, run in {"a": f"ae-{config.dataset}", "b": f"ae-normalized-{config.dataset}"}.items():
        its, model = autoencoder.recorded(run)
        metrics |= {f"{name}_{key}": value for key, value in sharpness(its, model).items()}
        of_image[name] = roughness(decode(model, encode(model, test)))
    less = paired(of_image["b"], of_image["a"])
    return metrics | {"b_less_a_roughness": less.difference, "b_less_a_roughness_sem": less.sem}
