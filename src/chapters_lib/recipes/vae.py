"""Variational autoencoders, conditional ones among them: how one is trained, measured and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, to_float
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.evaluation.likeness import likeness
from chapters_lib.models.layers import device_of
from chapters_lib.models.vae import VAE, fully_connected
from chapters_lib.models.vae_gan import convolutional_vae
from chapters_lib.objectives.elbo import elbo, negative_elbo
from chapters_lib.recording.experiment import Metrics, Panels, Session, restored
from chapters_lib.recording.judging import JUDGED, SAMPLES, judged, judged_scores, load_judge
from chapters_lib.reproducibility import generator
from chapters_lib.training import History, fit

CLASSES = 10


@dataclass(frozen=True)
class VaeConfig:
    """A variational autoencoder's numbers."""

    dataset: str
    hidden: tuple[int, ...] = (400,)
    latent: int = 20
    activation: str = "ReLU"  # the class of torch.nn between two layers
    dropout: float = 0.0  # of the encoder's hidden units
    input_dropout: float = 0.0  # of input pixels
    frequency: float = 0.0  # of the sines that the decoder begins with; 0 for none
    gaussian: bool = False  # a Gaussian decoder with a learned scale, else Bernoulli
    conditional: bool = False  # the class is given to the decoder
    encoder_sees_class: bool = True  # and to the encoder
    beta: float = 1.0  # weight of the KL term
    warm_up: int = 0  # epochs over which that weight rises from 0
    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"  # or "cosine", to 0 at the last step, or "one-cycle"
    clip: float = 0.0  # largest norm of the gradient; 0 for no limit
    precision: str = "float32"  # of the matrix products while training
    images: int = 0  # train on that many images only, the classes in proportion; 0 for all
    validation: float = 0.0  # share of the train split held out of training
    iwae_samples: int = 0  # K of test_negative_iwae; 0 leaves it out
    probed: bool = False  # whether codes are probed for the class
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    convolutional: bool = False  # encoder and decoder of the convolutional VAE-GAN
    width: int = 32  # of the convolutional networks
    beta1: float = 0.9  # of Adam


def build(config: VaeConfig) -> VAE:
    """Make the untrained model."""
    if config.convolutional:
        made = convolutional_vae(latent=config.latent, width=config.width)
        return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return build_fully_connected(config)


def build_fully_connected(config: VaeConfig) -> VAE:
    """Make the untrained model of fully connected networks."""
    return fully_connected(
        hidden=config.hidden,
        latent=config.latent,
        activation=getattr(nn, config.activation),
        dropout=config.dropout,
        input_dropout=config.input_dropout,
        frequency=config.frequency,
        gaussian=config.gaussian,
        classes=CLASSES if config.conditional else 0,
        encoder_sees_class=config.encoder_sees_class,
    )


recorded = partial(restored, VaeConfig, build)  # of a run's name


def condition(config: VaeConfig, labels: Tensor) -> tuple[Tensor, ...]:
    """Return what the model is given beside an image.

    That is nothing, or its class one-hot, shape (N, 10).
    """
    if not config.conditional:
        return ()
    return (F.one_hot(labels, CLASSES).float(),)


def split(config: VaeConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split, if any; they are disjoint."""
    return data.training_split(config.dataset, config.validation, config.images)


def make_schedule(
    config: VaeConfig, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the learning rate's course over `steps` updates."""
    schedules = torch.optim.lr_scheduler
    if config.schedule == "one-cycle":
        return schedules.OneCycleLR(
            optimizer, config.learning_rate, total_steps=steps + 1, pct_start=0.1
        )
    if config.schedule == "cosine":
        return schedules.CosineAnnealingLR(optimizer, steps)
    if config.schedule != "constant":
        raise ValueError(f"no schedule {config.schedule!r}: constant, cosine or one-cycle")
    return schedules.LambdaLR(optimizer, lambda _: 1.0)


PROBED = 20_000  # training codes that a probe is fitted on
PERPLEXITIES = (30, 100)
FOLLOWED = 2_000  # images on which the bound is followed after each epoch


def followed_parts(config: VaeConfig, training: Dataset, held: Dataset) -> dict[str, Dataset]:
    """Return the images followed while training, by their name in the history."""
    few = min(FOLLOWED, len(training))
    other = {"val": held} if held else {"test": data.load(config.dataset, "test").first(few)}
    return {"train_eval": training.first(few)} | other


def train(config: VaeConfig, model: VAE, session: Session) -> History:
    """Minimise β KL − log p(x|z) by Adam.

    After each epoch −ELBO is measured in evaluation mode on 2,000 training
    images (``train_eval_negative_elbo``), and on the validation images or,
    where none are held out, on as many test images, which are plotted and
    choose nothing; fewer are followed where fewer are trained on.
    """
    training, held = split(config)
    device = session.device
    batch_size = min(config.batch_size, len(training))
    batches = Batches(training, batch_size, device=device)
    steps = config.epochs * len(batches)
    rate = config.learning_rate
    betas, weights = (config.beta1, 0.999), model.parameters()
    optimizer = torch.optim.Adam(weights, rate, betas, fused=True)
    schedule = make_schedule(config, optimizer, steps)
    warm_up = config.warm_up * len(batches)
    low = config.precision == "bfloat16"
    followed = followed_parts(config, training, held)

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        ramp = schedule.last_epoch / warm_up if warm_up else 1.0
        beta = config.beta * min(1.0, ramp)
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            terms = elbo(model, x, *condition(config, y))
        loss = negative_elbo(terms, beta)
        optimizer.zero_grad()
        loss.backward()
        if config.clip:
            nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        schedule.step()
        reconstruction = -terms.log_likelihood.detach().mean()
        kl = terms.kl.detach().mean()
        return {
            "train_reconstruction": reconstruction,
            "train_kl": kl,
            "train_negative_elbo": reconstruction + kl,
        }

    def after_epoch(_: int) -> dict[str, float]:
        model.eval()
        found = {}
        for name, part in followed.items():
            terms = bound(config, model, part, draws=1)
            found[f"{name}_negative_elbo"] = float(sum(terms.values()))
        model.train()
        return found

    model.train()
    return fit(
        step,
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state=dict(model=model, optimizer=optimizer, schedule=schedule),
    )


def inputs(config: VaeConfig, dataset: Dataset) -> tuple[Tensor, ...]:
    """Return a data set as the model takes it: images in [0, 1], and the one-hot class where it is given."""
    return (to_float(dataset.images), *condition(config, dataset.labels))


def bound(config: VaeConfig, model: VAE, dataset: Dataset, draws: int = 5) -> Metrics:
    """Return the means over a data set of −log p(x|z) and of the KL term, in nats an image."""
    terms = likelihood.elbo_terms(model, *inputs(config, dataset), draws=draws)
    return {
        "reconstruction": -float(terms.log_likelihood.double().mean()),
        "kl": float(terms.kl.double().mean()),
    }


def balanced_labels(count: int) -> Tensor:
    """Return labels 0 to 9 in turn, int64, shape (count,)."""
    return torch.arange(count) % CLASSES


@torch.no_grad()
def decode(config: VaeConfig, model: VAE, z: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the decoder's mean images of codes, uint8 (N, 1, 28, 28); a conditional one takes labels."""
    labels = balanced_labels(len(z)) if labels is None else labels
    given, device = (z, *condition(config, labels)), device_of(model)
    parts = zip(*(part.split(2000) for part in given), strict=True)
    made = (model.decoder(*(one.to(device) for one in part)).mean for part in parts)
    return torch.cat([to_bytes(images) for images in made]).cpu()


def prior_codes(config: VaeConfig, count: int, seed: int = 0) -> Tensor:
    """Draw codes from N(0, I), shape (count, latent), by a generator of its own."""
    return torch.randn(count, config.latent, generator=generator(seed))


def samples(config: VaeConfig, model: VAE, count: int, seed: int = 0) -> Tensor:
    """Return new images, uint8 (count, 1, 28, 28): the decoder's means at codes drawn from the prior."""
    return decode(config, model, prior_codes(config, count, seed))


@torch.no_grad()
def reconstruct(config: VaeConfig, model: VAE, images: Tensor, labels: Tensor) -> Tensor:
    """Return the decoder's mean at the mean code of uint8 images, uint8 of the same shape."""
    given = (to_float(images), *condition(config, labels))
    return to_bytes(model(*(part.to(device_of(model)) for part in given))).cpu()


def evaluate(config: VaeConfig, model: VAE) -> Metrics:
    """Measure the bound on all parts of the data, and judge new images.

    All in nats an image and at KL weight 1, whatever the model was trained with;
    ``…_reconstruction`` is −log p(x|z), and with ``…_kl`` it sums to ``…_negative_elbo``.
    ``test_mse`` is of reconstructions from the mean code, per pixel. ``train_fid_judge`` is
    the samples' distance to 10,000 training images: what a weight may be chosen by.
    """
    training, held = split(config)
    test = data.load(config.dataset, "test")
    parts = {"train": training.first(SAMPLES), "test": test} | ({"val": held} if held else {})
    metrics: Metrics = {}
    for name, part in parts.items():
        terms = bound(config, model, part)
        metrics |= {f"{name}_{key}": value for key, value in terms.items()}
        metrics[f"{name}_negative_elbo"] = sum(terms.values())
    metrics |= code_metrics(config, model, test)
    if config.probed:
        metrics |= class_in_codes(config, model)
    if config.iwae_samples:
        iwae = likelihood.negative_iwae(
            model, *inputs(config, test), num_samples=config.iwae_samples
        )
        metrics["test_negative_iwae"] = float(iwae.mean())
        metrics["test_negative_iwae_sem"] = float(iwae.std() / math.sqrt(len(iwae)))
    if config.judged:
        metrics |= judged_scores(config.dataset, samples(config, model, SAMPLES))
    if config.gaussian:
        metrics["decoder_scale"] = float(model.get_parameter("decoder.log_scale").detach().exp())
    return metrics


def evaluate_likeness(config: VaeConfig, model: VAE) -> Metrics:
    """Measure what `evaluate` does, and the reconstructions as a VAE-GAN's are: of mean codes, and of drawn ones."""
    test, judge = data.load(config.dataset, "test"), load_judge(config.dataset)
    loc, scale = likelihood.encode(model, *inputs(config, test))
    noise = prior_codes(config, len(test))
    again, drawn = (decode(config, model, z, test.labels) for z in (loc, loc + scale * noise))
    from_drawn = likeness(judge, test.images, drawn)
    return (
        evaluate(config, model)
        | likeness(judge, test.images, again)
        | {f"drawn_{key}": from_drawn[key] for key in ("agreement", "agreement_shuffled")}
    )


def code_metrics(config: VaeConfig, model: VAE, test: Dataset) -> Metrics:
    """Measure the reconstructions from mean codes, and how the codes use the latent units."""
    loc, scale = likelihood.encode(model, *inputs(config, test))
    with torch.no_grad():
        x, *y = inputs(config, test)
        parts = zip(*(whole.split(2000) for whole in (x, loc, *y)), strict=True)
        moved = ([one.to(device_of(model)) for one in part] for part in parts)
        error = torch.cat(
            [(part - model.decoder(z, *c).mean).square().mean((1, 2, 3)) for part, z, *c in moved]
        )
    metrics = {
        "test_mse": float(error.mean()),
        "active_units": float(likelihood.active_units(loc)),
    }
    if config.latent == 2:
        drawn = loc + scale * torch.randn(loc.shape, generator=generator(0))
        metrics["standard_normal_empty_mass"] = code_statistics.empty_mass(drawn)
        metrics["standard_normal_cell_tv"] = code_statistics.cell_total_variation(drawn)
    return metrics


def class_in_codes(config: VaeConfig, model: VAE) -> Metrics:
    """Measure how much of the class the codes hold: probes fitted on training codes, read on test codes."""
    from chapters_lib.evaluation import probe  # scikit-learn takes a second to import

    training, test = split(config)[0].first(PROBED), data.load(config.dataset, "test")
    codes = [likelihood.encode(model, *inputs(config, part)) for part in (training, test)]
    return probe.class_in_codes(codes[0], training.labels, codes[1], test.labels)


def panels(config: VaeConfig, model: VAE) -> Panels:
    """Keep random test images; with two latent units, the codes of the test set; if probed, their t-SNE maps."""
    test = data.load(config.dataset, "test")
    chosen = torch.randperm(len(test), generator=generator(0))[:20]
    found: dict[str, Any] = {
        # uint8 (20, 1, 28, 28); the first ten are the autoencoder's
        "images": test.images[chosen].numpy(),
        "labels": test.labels[chosen].numpy(),
        "chosen": chosen.numpy(),
    }
    if config.latent == 2:
        loc, scale = likelihood.encode(model, *inputs(config, test))
        found |= {
            "test_codes": loc.numpy().astype(np.float32),
            "test_scales": scale.numpy().astype(np.float16),
            "test_labels": test.labels.numpy().astype(np.uint8),
        }
    if config.probed:
        from chapters_lib.evaluation import manifold

        loc, _ = likelihood.encode(model, *inputs(config, test))
        for perplexity in PERPLEXITIES:
            placed, divergence = manifold.tsne(loc, perplexity=perplexity)
            found[f"tsne_{perplexity}"] = placed.numpy().astype(np.float16)  # (10,000, 2)
            found[f"tsne_{perplexity}_kl"] = np.float64(divergence)  # in nats
        found["test_labels"] = test.labels.numpy().astype(np.uint8)
    return found


TOLERANCES = {
    **JUDGED,
    "standard_normal_empty_mass": 5e-3,
    "standard_normal_cell_tv": 5e-3,
    **{
        f"{of}{key}": tolerance
        for of in ("", "z_", "active_")
        for key, tolerance in {
            "silhouette": 2e-3,
            "probe_train_accuracy": 2e-3,
            "probe_test_accuracy": 2e-3,
            "knn_test_accuracy": 2e-3,
            "quadratic_test_accuracy": 2e-3,
            "class_information": 5e-3,
            "quadratic_information": 5e-3,
        }.items()
    },
}

experiment = judged(build, train, evaluate, panels, samples={"": samples}, tolerances=TOLERANCES)
