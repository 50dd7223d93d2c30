"""What single bright pixels do to the distances: taken from one model's samples, and put onto another's."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation.specks import specks, with_specks_of, without_specks
from chapters_lib.models.gan import GAN
from chapters_lib.recipes import comparing, gan
from chapters_lib.recipes.comparing import ComparedModelsConfig
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recording import scoreboard
from chapters_lib.recording.experiment import Metrics, Panels
from chapters_lib.recording.judging import judged_scores

SHOWN = 8  # images that are kept for a figure
PRECISION = "bfloat16"  # of the network that measures a convolutional GAN after its training


@dataclass(frozen=True)
class SpecksConfig:
    """Whose specks are moved, and how the distances are found."""

    dataset: str
    speckled: str = "gan"  # the model whose specks they are
    clean: str = "vae-realnvp"  # the model onto whose samples they are put
    images: int = scoreboard.SAMPLES
    precision: str = "float32"  # of the Inception network


def drawn(config: SpecksConfig) -> dict[str, Tensor]:
    """Return as many samples of each compared model, uint8: those that are judged."""
    count = ComparedModelsConfig(config.dataset, images=config.images)
    models = comparing.recorded(config.dataset)
    return {name: comparing.drawn_by(model, count).images for name, model in models.items()}


def evaluate_gan(config: GanConfig, model: GAN) -> Metrics:
    """Measure a GAN and all that the three models are compared by, and the share of its samples with a speck."""
    metrics = gan.evaluate(config, model)
    test = data.load(config.dataset, "test").images[: scoreboard.SAMPLES]
    drawn = gan.samples(config, model, len(test))
    net = scoreboard.network(precision=PRECISION)
    real, new = scoreboard.features(net, test), scoreboard.features(net, drawn, keep=False)
    metrics |= scoreboard.judged(config.dataset, test, drawn) | scoreboard.distances(net, real, new)
    return metrics | {"speckled_share": speckled(drawn)}


def few_samples(config: GanConfig, model: GAN) -> Panels:
    """Keep a GAN's first samples, uint8 (8, 1, H, W)."""
    return {"samples": gan.samples(config, model, SHOWN).numpy()}


def speckled(images: Tensor) -> float:
    """Return the share of uint8 images, shape (N, 1, H, W), with a speck."""
    return float(specks(images).flatten(1).any(1).double().mean())


def changed(config: SpecksConfig, samples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the two sets in which only specks have changed, by name."""
    donors = samples[config.speckled]
    return {
        f"{config.speckled}_swept": without_specks(donors),
        "specked": with_specks_of(samples[config.clean], donors),
    }


def evaluate(config: SpecksConfig, _: nn.Module) -> Metrics:
    """Count specks in each model's samples and in test images; measure the two changed sets as samples are.

    ``…_speckled_share`` is the share of images with a speck, ``…_specks`` the mean number in an
    image.
    """
    net = scoreboard.network(precision=config.precision)
    test = data.load(config.dataset, "test").images[: config.images]
    samples = drawn(config)
    metrics: Metrics = {}
    for name, images in (samples | {"test": test}).items():
        found = specks(images).flatten(1).sum(1).double()
        metrics[f"{name}_speckled_share"] = speckled(images)
        metrics[f"{name}_specks"] = float(found.mean())
    real = scoreboard.features(net, test)
    for name, images in changed(config, samples).items():
        scores = judged_scores(config.dataset, images)
        metrics |= {f"{name}_{key}": value for key, value in scores.items()}
        metrics |= scoreboard.judged(config.dataset, test, images, f"{name}_")
        new = scoreboard.features(net, images, keep=False)
        metrics |= scoreboard.distances(net, real, new, f"{name}_")
    return metrics


def panels(config: SpecksConfig, _: nn.Module) -> Panels:
    """Keep the first pairs of samples that exchange specks, before and after: uint8 (8, 1, H, W)."""
    samples = drawn(config)
    has_some = specks(samples[config.speckled]).flatten(1).any(1).nonzero().flatten()[:SHOWN]
    sets = {name: samples[name] for name in (config.speckled, config.clean)}
    return {name: x[has_some].numpy() for name, x in (sets | changed(config, samples)).items()}
