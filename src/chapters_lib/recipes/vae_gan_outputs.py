"""The VAE-GAN that starts from a trained VAE, followed by its losses and by what the discriminator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.models.moved_codes import move_codes
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.elbo import kl_to_prior
from chapters_lib.objectives.vae_gan import (
    RECONSTRUCTION,
    SAMPLE,
    feature_likeness,
    fooling_loss,
    gan_value,
)
from chapters_lib.recipes import vae_gan
from chapters_lib.recipes.vae_gan import TOLERANCES, VaeGanConfig, split, start_from, train
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.judging import judged
from chapters_lib.training import History

SEEN = 2_000  # images of each split that are followed


@torch.no_grad()
def seen(config: VaeGanConfig, model: VAEGAN, x: Tensor, prefix: str) -> Metrics:
    """Return losses and mean outputs of the discriminator on images, in evaluation mode, at drawn codes.

    The discriminator sees them with as much noise as in training.
    """
    d, layer = model.discriminator, config.layer or 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the same noise after every epoch
        q = model.encoder(x)
        z = q.rsample()
        again, new = model.decoder(z).mean, model.decoder(model.draw_codes(len(x))).mean
        added, other = config.noise * torch.randn_like(x), config.noise * torch.randn_like(x)
    (kept, features), (kept_again, features_again), (_, features_new) = (
        d.layer_and_features(images, layer) for images in (x + added, again + added, new + other)
    )
    real, rebuilt, drawn = (d.logits(h) for h in (features, features_again, features_new))
    logits = {RECONSTRUCTION: rebuilt, SAMPLE: drawn}
    against = [logits[kind] for kind in config.drawn]
    found = {
        "prior": kl_to_prior(q, model.prior(), z).mean(),
        "likeness": feature_likeness(kept, kept_again),
        "value": gan_value(real, *against),
        "fooling": fooling_loss(*against, saturating=config.saturating),
        "error": (x - again).square().mean(),
        "d_real": real.sigmoid().mean(),
        "d_reconstruction": rebuilt.sigmoid().mean(),
        "d_sample": drawn.sigmoid().mean(),
    }
    return {f"{prefix}_{name}": float(value) for name, value in found.items()}


def mean_and_spread(model: VAEGAN, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each code unit over images and q(z|x), in evaluation mode."""
    was_training = model.training
    loc, scale = vae_gan.encode(model, images)
    model.train(was_training)
    return loc.mean(0), (loc.var(0, correction=0) + scale.square().mean(0)).sqrt()


def train_from(
    vae: Mapping[str, Tensor], config: VaeGanConfig, model: VAEGAN, session: Session
) -> History:
    """Train a VAE-GAN whose encoder and decoder begin with a VAE's weights; follow it on both splits.

    Row 0 is of the VAE's weights and the untrained discriminator.
    """
    start_from(model, vae)
    if config.moved:
        move_codes(model.encoder, model.decoder, *mean_and_spread(model, split(config)[0].images))
    parts = {"train": split(config)[0], "test": data.load(config.dataset, "test")}
    images = {name: to_float(part.images[:SEEN]) for name, part in parts.items()}

    def after_epoch(_: int) -> Metrics:
        model.eval()
        found: Metrics = {}
        for name, x in images.items():
            found |= seen(config, model, x, name)
        model.train()
        return found

    first = {"epoch": 0, "seconds": 0.0, "images": 0.0, **after_epoch(0)}
    return History([first, *train(config, model, session, after_epoch)])


def train_from_recorded(config: VaeGanConfig, model: VAEGAN, session: Session) -> History:
    """Train from the weights of the recorded VAE that the configuration names."""
    return train_from(runs.load(config.start).weights("model"), config, model, session)


def drawn_panels(config: VaeGanConfig, model: VAEGAN) -> Panels:
    """Keep of ten random test images the reconstructions from drawn codes, and ten samples, uint8."""
    kept = vae_gan.panels(replace(config, layer=None), model)
    return {key: kept[key] for key in ("drawn_reconstructions", "samples")}


experiment = judged(
    vae_gan.build,
    train_from_recorded,
    vae_gan.evaluate,
    vae_gan.panels,
    samples={"": vae_gan.samples},
    tolerances=TOLERANCES,
)
