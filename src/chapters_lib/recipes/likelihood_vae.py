"""VAEs for data that their likelihood is one of, under N(0, I) or a RealNVP prior: trained, measured, shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, to_float
from chapters_lib.data.augmentation import augmented, on_levels
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.aggregate import kl_parts
from chapters_lib.evaluation.judge import to_bytes
from chapters_lib.models.discretised import convolutional
from chapters_lib.models.layers import count_parameters, device_of, mlp, residual_mlp
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import VAE, BernoulliDecoder, GaussianEncoder, StandardNormal
from chapters_lib.objectives.elbo import elbo, negative_elbo, path_elbo
from chapters_lib.recipes import timeline
from chapters_lib.recipes.timeline import SHOWN, with_timeline
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session, restored
from chapters_lib.recording.judging import (
    JUDGED,
    SAMPLES,
    distance_to_training,
    judged,
    judged_scores,
)
from chapters_lib.recording.study import Case, trained
from chapters_lib.reproducibility import generator
from chapters_lib.training import AfterEpoch, History, fit

BINARISATION_SEED = 20  # of the one draw of the held-out and of the test images
SIDE = 28


@dataclass(frozen=True)
class PriorConfig:
    """The numbers of a variational autoencoder for data that its likelihood is one of."""

    dataset: str
    hidden: tuple[int, ...] = (500, 500)  # of the fully connected pair, with layer normalisation
    residual: bool = False  # whether its layers between two hidden ones add to what they are given
    width: int = 0  # above 0: a convolutional pair for colour, discretised logistic pixels
    latent: int = 40
    couplings: int = 0  # of the prior's flow; 0 for N(0, I)
    flow_hidden: tuple[int, ...] = (128, 128)  # of each coupling's network
    path_gradient: bool = False  # of the encoder through the code alone, as `path_elbo` has it
    warm_up: int = 0  # epochs over which the weight of the KL term rises from 0
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 1e-3  # at its peak; it falls to 0 along a cosine
    clip: float = 100.0  # largest norm of the gradient
    precision: str = "bfloat16"  # of the matrix products while training
    validation: float = 1 / 12  # share of the train split held out of training
    nll_samples: int = 5000  # K of test_nll
    nll_images: int = 0  # the first so many of the test split; 0 for all
    shown_epochs: tuple[int, ...] = ()  # after which the time line keeps samples; 0 is before any
    followed_every: int = 10  # epochs between two distances of 10,000 samples to training images
    start: str = ""  # a run whose first encoder and decoder are taken, and left as they are
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    begun: str = ""  # a run whose first weights training begins from
    shift: int = 0  # colour images are moved by up to this many pixels each way while training
    colour: float = 0.0  # how far their contrast and brightness are changed, too


def build(config: PriorConfig) -> VAE:
    """Make the untrained model; encoder and decoder are drawn first, so that a flow does not change them."""
    widths = (SIDE**2, *config.hidden)
    prior = StandardNormal(config.latent)
    if config.width:
        vae = convolutional(latent=config.latent, width=config.width, prior=prior)
    else:
        layers = residual_mlp if config.residual else partial(mlp, norm=True)
        encoder = GaussianEncoder(layers([*widths, 2 * config.latent]))
        decoder = BernoulliDecoder(layers([config.latent, *reversed(widths)]))
        vae = VAE(encoder, decoder, prior)
    if config.couplings:
        vae.prior = RealNVP(config.latent, config.couplings, config.flow_hidden)
    shape = (3, 32, 32) if config.width else (1, SIDE, SIDE)
    return with_timeline(vae, len(config.shown_epochs), shape)


def split(config: PriorConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split; they are disjoint."""
    return data.training_split(config.dataset, config.validation)


def binarised(x: Tensor, seed: int | None = None) -> Tensor:
    """Return pixels that are 1 with the probability of their grey value, else 0; same shape.

    Without a seed they come of torch's own generator: anew at every call, as in training.
    """
    return torch.bernoulli(x, generator=None if seed is None else generator(seed))


def observed(config: PriorConfig, dataset: Dataset) -> Tensor:
    """Return images as the likelihood takes them: binarised once, by a fixed seed, or colour on its 256 levels."""
    x = to_float(dataset.images)
    return x if config.width else binarised(x, BINARISATION_SEED)


def seen(config: PriorConfig, x: Tensor) -> Tensor:
    """Return a batch as training takes it: binarised anew, or in colour moved and recoloured at random."""
    if not config.width:
        return binarised(x)
    changed = config.shift or config.colour
    return on_levels(augmented(x, config.shift, config.colour)) if changed else x


FOLLOWED = 2_000  # images on which the bound is followed after each epoch
WARM_START = 0.05  # share of the updates over which the learning rate rises
PARTS = 20  # NLL by so many batches of images, each encoded once
recorded = partial(restored, PriorConfig, build)  # of a run's name


def train(
    config: PriorConfig,
    model: VAE,
    session: Session,
    after_epoch: AfterEpoch | None = None,
) -> History:
    """Minimise −ELBO by Adam.

    Binary images are drawn anew from the grey ones at every step.
    """
    training, _ = split(config)
    device = session.device
    batches = Batches(training, config.batch_size, device=device)
    rate = config.learning_rate
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    steps = config.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        rate,
        total_steps=steps + 1,
        pct_start=WARM_START,
        cycle_momentum=False,
    )
    estimate = path_elbo if config.path_gradient else elbo
    warm_up = config.warm_up * len(batches)
    low = config.precision == "bfloat16"

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        x = seen(config, x)
        beta = min(1.0, schedule.last_epoch / warm_up if warm_up else 1.0)
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            terms = estimate(model, x)
        optimizer.zero_grad()
        negative_elbo(terms, beta).backward()
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


def train_watched(
    config: PriorConfig,
    model: VAE,
    session: Session,
    distance: Callable[[Tensor], float] | None = None,
) -> History:
    """Train, keep samples on the time line, and follow the bound and a distance of samples.

    After each epoch −ELBO is measured in evaluation mode on 2,000 training images and on the
    held-out ones, both binarised once; every few epochs the distance of 10,000 samples.
    """
    training, held = split(config)
    followed = {"train_eval": training.first(FOLLOWED), "val": held}

    def after_epoch(epoch: int) -> dict[str, float]:
        model.eval()
        keep_samples(config, model, epoch)
        found = {
            f"{name}_negative_elbo": sum(bound(config, model, part, draws=1).values())
            for name, part in followed.items()
        }
        if distance is not None and epoch % config.followed_every == 0:
            found["train_fid_judge"] = distance(samples(config, model, SAMPLES))
        model.train()
        return found

    keep_samples(config, model, 0)
    return train(config, model, session, after_epoch)


def train_followed(config: PriorConfig, model: VAE, session: Session) -> History:
    """Train as `train_watched` does, with the judge's distance to 10,000 training images.

    Encoder and decoder are another run's where the configuration names one to start from; all
    weights where it names one to begin with.
    """
    if config.start:
        take_and_freeze(model, runs.load(config.start))
    if config.begun:
        take(model, runs.load(config.begun), ("encoder", "decoder", "prior"))
    distance = distance_to_training(config.dataset) if config.judged else None
    return train_watched(config, model, session, distance)


def take_and_freeze(model: VAE, run: runs.Run) -> None:
    """Give a model the recorded encoder and decoder of a run, and let no training move them."""
    take(model, run, ("encoder", "decoder"))
    model.encoder.requires_grad_(False)
    model.decoder.requires_grad_(False)


def take(model: nn.Module, run: runs.Run, parts: Sequence[str]) -> None:
    """Give parts of a model the weights that a run recorded of them."""
    for name in parts:
        run.restore(model.get_submodule(name), f"model.{name}")
    model.train()


def bound(config: PriorConfig, model: VAE, dataset: Dataset, draws: int = 5) -> Metrics:
    """Return the means over a data set of −log p(x|z) and of the KL term, in nats an image."""
    terms = likelihood.elbo_terms(model, observed(config, dataset), draws=draws)
    return {
        "reconstruction": -float(terms.log_likelihood.double().mean()),
        "kl": float(terms.kl.double().mean()),
    }


@torch.no_grad()
def prior_codes(model: VAE, noise: Tensor) -> Tensor:
    """Return the codes that standard normal noise, shape (N, latent), becomes under the model's prior."""
    if not isinstance(model.prior, RealNVP):
        return noise
    return model.prior.to_code(noise.to(device_of(model))).cpu()


@torch.no_grad()
def decode(model: VAE, z: Tensor) -> Tensor:
    """Return the decoder's mean images of codes, uint8 (N, C, H, W)."""
    parts = (part.to(device_of(model)) for part in z.split(1000))
    return torch.cat([to_bytes(model.decoder(part).mean).cpu() for part in parts])


def samples(config: PriorConfig, model: VAE, count: int, seed: int = 0) -> Tensor:
    """Return new images, uint8 (count, C, H, W): the decoder's means at codes drawn from the prior.

    Equal seeds are equal noise, whatever the prior makes of it.
    """
    noise = torch.randn(count, config.latent, generator=generator(seed))
    return decode(model, prior_codes(model, noise))


def keep_samples(config: PriorConfig, model: VAE, epoch: int) -> None:
    """Put samples of fixed noise on the time line, if `epoch` is one of those shown."""
    if epoch in config.shown_epochs:
        timeline.keep(model, config.shown_epochs, epoch, samples(config, model, SHOWN))


def nll(config: PriorConfig, model: VAE, images: Tensor) -> Metrics:
    """Return −log p(x) by importance sampling, in nats an image, with its standard error over images.

    ``…_k_k`` are what fewer draws would have given, from the same weights in groups;
    ``nll_effective_samples`` is the median over images of (Σ w)²/Σ w².
    """
    draw, count = generator(0), config.nll_samples
    fewer = [k for k in (1, 50, 500) if k < count and count % k == 0]
    rows: dict[int, list[Tensor]] = {k: [] for k in (*fewer, count)}
    effective = []
    for part in images.split(PARTS):
        log_w = likelihood.log_weights(model, part, num_samples=count, generator=draw)
        for k, value in likelihood.by_samples(log_w, list(rows)).items():
            rows[k].append(value)
        effective.append(likelihood.effective_samples(log_w))
    found = {k: torch.cat(values) for k, values in rows.items()}
    whole = found[count]
    sem = float(whole.std() / math.sqrt(len(whole)))
    metrics = {"nll": float(whole.mean()), "nll_sem": sem}
    metrics |= {f"nll_k_{k}": float(found[k].mean()) for k in fewer}
    metrics["nll_effective_samples"] = float(torch.cat(effective).median())
    if config.width:
        dimensions = images[0].numel()
        metrics["bits_per_dimension"] = likelihood.bits_per_dimension(metrics["nll"], dimensions)
        metrics["bits_per_dimension_sem"] = likelihood.bits_per_dimension(sem, dimensions)
    return metrics


def evaluate(config: PriorConfig, model: VAE) -> Metrics:
    """Measure the bound on all parts of the data, the NLL and the parts of the KL on test images; judge new images.

    In nats an image. ``test_mutual_information`` and ``test_marginal_kl`` sum to the KL term
    of the test images up to the error of its draws, and are of *their* aggregated posterior
    (`evaluation.aggregate.kl_parts`). ``flow_parameters`` is the share of ``parameters`` that
    is the prior's.
    """
    training, held = split(config)
    test = data.load(config.dataset, "test")
    metrics: Metrics = {"flow_parameters": float(count_parameters(model.prior))}
    for name, part in {"train": training.first(SAMPLES), "val": held, "test": test}.items():
        terms = bound(config, model, part)
        metrics |= {f"{name}_{key}": value for key, value in terms.items()}
        metrics[f"{name}_negative_elbo"] = sum(terms.values())
    loc, scale = likelihood.encode(model, observed(config, test))
    metrics["active_units"] = float(likelihood.active_units(loc))
    device = device_of(model)
    found = kl_parts(loc.to(device), scale.to(device), model.prior())
    metrics |= {f"test_{key}": value for key, value in found._asdict().items()}
    if config.nll_samples:
        measured = observed(config, test)[: config.nll_images or None]
        metrics |= {f"test_{key}": value for key, value in nll(config, model, measured).items()}
    if config.judged:
        metrics |= judged_scores(config.dataset, samples(config, model, SAMPLES))
    return metrics


def panels(config: PriorConfig, model: VAE) -> Panels:
    """Keep random test images; with two latent units, the codes of the test set."""
    test = data.load(config.dataset, "test")
    chosen = torch.randperm(len(test), generator=generator(0))[:20]
    found = {
        "images": test.images[chosen].numpy(),  # uint8 (20, C, H, W)
        "labels": test.labels[chosen].numpy(),
    }
    if config.latent == 2:
        loc, scale = likelihood.encode(model, observed(config, test))
        found |= {
            "test_codes": loc.numpy().astype(np.float32),
            "test_scales": scale.numpy().astype(np.float16),
            "test_labels": test.labels.numpy().astype(np.uint8),
        }
    return found


TOLERANCES = {
    **JUDGED,
    "test_nll": 0.01,
    "test_nll_effective_samples": 5.0,
}

experiment = judged(
    build, train_followed, evaluate, panels, samples={"": samples}, tolerances=TOLERANCES
)


@dataclass(frozen=True)
class PriorStudyConfig:
    """Candidates that are trained on the same part of the train split and compared on the rest of it."""

    dataset: str
    candidates: tuple[PriorConfig, ...]


def evaluate_candidates(cases: Sequence[Case[PriorConfig]], models: nn.ModuleDict) -> Metrics:
    """Measure −ELBO of every candidate on the validation images. The test set is not touched."""
    return {
        f"val_negative_elbo_{name}": sum(bound(config, model, split(config)[1]).values())
        for name, config, model in trained(cases, models)
    }
