"""The VAE-GANs: how the three networks are trained, measured and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, to_float
from chapters_lib.evaluation import likelihood, pairs
from chapters_lib.evaluation.judge import features_and_probabilities, to_bytes
from chapters_lib.evaluation.likeness import likeness
from chapters_lib.models import vae_gan as models
from chapters_lib.models.layers import device_of
from chapters_lib.models.vae import fully_connected
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.elbo import gaussian_kl
from chapters_lib.objectives.vae_gan import (
    RECONSTRUCTION,
    SAMPLE,
    NetworkLosses,
    network_losses,
    vae_gan_terms,
)
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session, restored
from chapters_lib.recording.judging import (
    JUDGED,
    SAMPLES,
    distance_to_training,
    judged,
    judged_scores,
    load_judge,
)
from chapters_lib.reproducibility import generator
from chapters_lib.training import AfterEpoch, History, fit


@dataclass(frozen=True)
class VaeGanConfig:
    """A VAE-GAN's numbers."""

    dataset: str
    routing: str = "paper"  # Algorithm 1 of the paper; or "joint", the minimisation of the stated L
    layer: int | None = None  # l of L_llike, from 1; 0 for pixels; None for the basic loss
    gamma: float = 1.0  # weight of L_llike for the decoder
    drawn: tuple[str, ...] = (RECONSTRUCTION, SAMPLE)  # against the real images in L_GAN
    saturating: bool = True  # the decoder descends log(1 − D), as L_GAN says; else −log D
    hidden: tuple[int, ...] = (400,)
    latent: int = 20
    activation: str = "ReLU"  # of encoder and decoder
    frequency: float = 0.0  # of the sines that the decoder begins with; 0 for none
    input_dropout: float = 0.0  # of the encoder's input pixels
    discriminator_hidden: tuple[int, ...] = (256, 256, 256)
    noise: float = 0.0  # standard deviation of that on each image which the discriminator sees
    convolutional: bool = False
    width: int = 32  # of the convolutional networks
    start: str = ""  # run of a VAE whose encoder and decoder the training starts from
    moved: bool = False  # whether that VAE's codes are first moved to mean 0 and second moment 1
    epochs: int = 20
    portion: float = 1.0  # of a pass over the training images that makes an epoch
    batch_size: int = 128
    learning_rate: float = 5e-4  # of encoder and decoder
    discriminator_rate: float = 5e-4
    beta1: float = 0.5  # of the three Adams
    precision: str = "bfloat16"  # of the matrix products and convolutions while training
    validation: float = 0.0  # share of the train split held out of training
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge
    followed_every: int = 1  # epochs between two looks at samples and reconstructions


def build(config: VaeGanConfig) -> VAEGAN:
    """Make the untrained model."""
    make = convolutional_networks if config.convolutional else fully_connected_networks
    return make(config)


def convolutional_networks(config: VaeGanConfig) -> VAEGAN:
    """Make the untrained model of three convolutional networks."""
    model = models.convolutional(latent=config.latent, width=config.width)
    for network in (model.encoder, model.decoder, model.discriminator):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def fully_connected_networks(config: VaeGanConfig) -> VAEGAN:
    """Make the untrained model of three fully connected networks."""
    vae = fully_connected(
        hidden=config.hidden,
        latent=config.latent,
        activation=getattr(nn, config.activation),
        frequency=config.frequency,
        input_dropout=config.input_dropout,
    )
    return VAEGAN(vae, models.fully_connected_discriminator(config.discriminator_hidden))


recorded = partial(restored, VaeGanConfig, build)  # of a run's name


def start_from(model: VAEGAN, vae: Mapping[str, Tensor]) -> None:
    """Give encoder and decoder the weights of a trained VAE of the same layers, its state by name.

    A Gaussian decoder's mean is made as a Bernoulli decoder's; its learned scale is left out.
    """
    weights = {
        key.replace("decoder.net.0.", "decoder.net.", 1): value
        for key, value in vae.items()
        if key != "decoder.log_scale"
    }
    own = {key for key in model.state_dict() if not key.startswith("discriminator.")}
    if own != set(weights):
        raise ValueError(f"the VAE has not the layers of this model: {sorted(own ^ set(weights))}")
    model.load_state_dict(weights, strict=False)


def split(config: VaeGanConfig) -> tuple[Dataset, Dataset]:
    """Return the images trained on and those held out of the train split, if any; they are disjoint."""
    return data.training_split(config.dataset, config.validation)


class Portion:
    """The first batches of a pass over the images: an epoch that is less than one."""

    def __init__(self, batches: Batches, share: float):
        self.batches = batches
        self.length = max(1, round(share * len(batches)))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for number, batch in enumerate(self.batches, 1):
            yield batch
            if number == self.length:
                return


PAIRED = 1_000  # test images of which pairs are made
FOLLOWED = 2_000  # training images whose reconstructions are followed
SHOWN = 10  # test images in the panels
NETWORKS = ("encoder", "decoder", "discriminator")


def gradients(
    losses: NetworkLosses,
    model: VAEGAN,
) -> dict[str, tuple[Tensor, ...]]:
    """Return each network's gradient of its own loss.

    There are three backward passes over one graph. Nothing is stepped
    between them, so all three are at the weights that made the losses.
    """
    return {
        name: torch.autograd.grad(
            getattr(losses, name),
            list(getattr(model, name).parameters()),
            retain_graph=True,
        )
        for name in NETWORKS
    }


def laid_out(slope: Tensor, parameter: Tensor) -> Tensor:
    """Return a gradient in its parameter's order of memory: the fused step reads both by their place in it."""
    if slope.stride() == parameter.stride():
        return slope
    return torch.empty_like(parameter).copy_(slope)


def train(
    config: VaeGanConfig, model: VAEGAN, session: Session, after_epoch: AfterEpoch | None = None
) -> History:
    """Repeat Algorithm 1 of Larsen et al. 2016 with three Adams, or its jointly minimised variant.

    The rates fall to 0 along a cosine. The history holds the terms; `after_epoch` may measure more.
    """
    training, _ = split(config)
    batches = Portion(Batches(training, config.batch_size, device=session.device), config.portion)
    optimizers = {
        name: torch.optim.Adam(
            getattr(model, name).parameters(),
            config.discriminator_rate if name == "discriminator" else config.learning_rate,
            betas=(config.beta1, 0.999),
            fused=True,
        )
        for name in NETWORKS
    }
    schedules = {
        name: torch.optim.lr_scheduler.CosineAnnealingLR(o, config.epochs * len(batches))
        for name, o in optimizers.items()
    }
    low = config.precision == "bfloat16"

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        with torch.autocast(session.device.type, torch.bfloat16, enabled=low):
            terms = vae_gan_terms(
                model,
                x,
                layer=config.layer,
                drawn=config.drawn,
                saturating=config.saturating,
                noise=config.noise,
            )
        losses = network_losses(terms, config.gamma, config.routing)
        for name, slopes in gradients(losses, model).items():  # all three, then the steps
            for parameter, slope in zip(getattr(model, name).parameters(), slopes, strict=True):
                parameter.grad = laid_out(slope, parameter)
        for name in NETWORKS:
            optimizers[name].step()
            schedules[name].step()
        return {key: term.detach() for key, term in terms._asdict().items()}

    model.train()
    return fit(
        step,
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state={
            "model": model,
            **optimizers,
            **{f"{name}_schedule": schedule for name, schedule in schedules.items()},
        },
    )


def train_followed(config: VaeGanConfig, model: VAEGAN, session: Session) -> History:
    """Train, and follow samples and reconstructions every few epochs.

    ``train_fid_judge`` is of 10,000 samples, ``train_agreement`` of 2,000 reconstructions of
    training images; of a training that starts from a recorded VAE, also before its first step,
    as epoch 0.
    """
    if config.start:
        start_from(model, runs.load(config.start).weights("model"))
    if not config.judged:
        return train(config, model, session)
    follow, start = follower(config), History()
    if config.start:
        start.append({"epoch": 0, "seconds": 0.0, "images": 0.0, **follow(model)})

    def after_epoch(epoch: int) -> dict[str, float]:
        return follow(model) if epoch % config.followed_every == 0 else {}

    return History([*start, *train(config, model, session, after_epoch)])


def follower(config: VaeGanConfig) -> Callable[[VAEGAN], Metrics]:
    """Return what measures a model under training on training images, and leaves it in training mode."""
    judge, distance = load_judge(config.dataset), distance_to_training(config.dataset)
    images = data.load(config.dataset, "train").images[:FOLLOWED]
    label = features_and_probabilities(judge, images)[1].argmax(1)

    def follow(model: VAEGAN) -> Metrics:
        drawn = samples(config, model, SAMPLES)
        again = features_and_probabilities(judge, reconstruct(model, images))[1].argmax(1)
        model.train()
        return {
            "train_fid_judge": distance(drawn),
            "train_agreement": float((again == label).double().mean()),
        }

    return follow


def samples(config: VaeGanConfig, model: VAEGAN, count: int, seed: int = 0) -> Tensor:
    """Return new images, uint8 (count, 1, 28, 28): the decoder's means at codes from N(0, I), in evaluation mode."""
    return decode(model, torch.randn(count, config.latent, generator=generator(seed)))


@torch.no_grad()
def decode(model: VAEGAN, z: Tensor) -> Tensor:
    """Return the images of codes, uint8 (N, 1, 28, 28), in evaluation mode, which the model is left in."""
    model.eval()
    device = device_of(model)
    return torch.cat([to_bytes(model.decoder(c.to(device)).mean).cpu() for c in z.split(1000)])


@torch.no_grad()
def encode(model: VAEGAN, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and standard deviations of q(z|x) of uint8 images, in evaluation mode."""
    model.eval()
    return likelihood.encode(model, to_float(images))


def reconstruct(model: VAEGAN, images: Tensor, *, drawn: bool = False) -> Tensor:
    """Return the images of the codes of uint8 images: mean codes, or codes drawn from q(z|x) by a fixed seed."""
    loc, scale = encode(model, images)
    noise = torch.randn(loc.shape, generator=generator(0)) if drawn else torch.zeros(loc.shape)
    return decode(model, loc + scale * noise)


def evaluate(config: VaeGanConfig, model: VAEGAN) -> Metrics:
    """Judge 10,000 new images and the reconstructions of the 10,000 test images.

    ``test_kl`` is the mean of KL(q(z|x) ‖ p(z)), in nats. Reconstructions are from the mean
    code; those from drawn codes have the prefix ``drawn_``. ``train_fid_judge`` is the samples'
    distance to 10,000 training images.
    """
    test = data.load(config.dataset, "test")
    loc, scale = encode(model, test.images)
    again = reconstruct(model, test.images)
    metrics: Metrics = {
        "test_kl": float(gaussian_kl(loc, scale).double().mean()),
        "active_units": float(likelihood.active_units(loc)),
    }
    if not config.judged:
        error = (to_float(test.images) - to_float(again)).square().mean()
        return metrics | {"test_mse": float(error)}
    judge = load_judge(config.dataset)
    metrics |= likeness(judge, test.images, again)
    from_drawn = likeness(judge, test.images, reconstruct(model, test.images, drawn=True))
    metrics |= {f"drawn_{key}": from_drawn[key] for key in ("agreement", "agreement_shuffled")}
    drawn = samples(config, model, SAMPLES)
    metrics |= judged_scores(config.dataset, drawn)
    if config.layer is not None:
        for name, ranked in ranking(config, model, test, PAIRED)[1].items():
            for key, share in ranked.items():
                metrics[f"{key}_{name}"] = share
    return metrics


def ranking(
    config: VaeGanConfig, model: VAEGAN, test: Dataset, count: int
) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """Measure pairs of alike images, made of the first test images, by pixels, by Dis_l and by the judge.

    Returns measured, shares: by measure ("pixel", "layer", "judge"): the numbers, shape (4, count),
    rows in the order of `evaluation.pairs.alike`; and the shares of images whose shifted copy is
    nearer than a blurred one, a noisy one, or the nearest image of another class.
    """
    judge, layer = load_judge(config.dataset), config.layer or 0

    @torch.no_grad()
    def by_layer(a: Tensor, b: Tensor) -> Tensor:
        moved = (to_float(x.to(device_of(model))) for x in (a, b))
        seen = [model.discriminator.layer_and_features(x, layer)[0] for x in moved]
        return (seen[0] - seen[1]).square().sum(1).cpu() / 2

    def by_judge(a: Tensor, b: Tensor) -> Tensor:
        seen = [features_and_probabilities(judge, x)[0] for x in (a, b)]
        return (seen[0] - seen[1]).square().sum(1)

    images, labels = test.images[:count], test.labels[:count]
    partners = pairs.alike(images, labels)
    by: dict[str, pairs.Measure] = {
        "pixel": pairs.squared_error,
        "layer": by_layer,
        "judge": by_judge,
    }
    found = pairs.measured(images, partners, by)
    shares = {
        name: {
            f"shift_before_{other}": pairs.share_nearer(values, partners, "shifted", other)
            for other in partners
            if other != "shifted"
        }
        for name, values in found.items()
    }
    return found, shares


def panels(config: VaeGanConfig, model: VAEGAN) -> Panels:
    """Keep ten random test images, their reconstructions (mean and drawn codes), and ten samples, uint8.

    With a feature term also pairs of alike images: ``paired`` (10, 1, 28, 28) and their partners
    ``pairs`` (4, 10, 1, 28, 28), for the figure; ``pairs_pixel``, ``pairs_layer`` and
    ``pairs_judge``, shape (4, 1000), of the first thousand test images.
    """
    test = data.load(config.dataset, "test")
    chosen = torch.randperm(len(test), generator=generator(0))[:SHOWN]
    images = test.images[chosen]
    kept = {
        "images": images.numpy(),
        "labels": test.labels[chosen].numpy(),
        "chosen": chosen.numpy(),
        "reconstructions": reconstruct(model, images).numpy(),
        "drawn_reconstructions": reconstruct(model, images, drawn=True).numpy(),
        "samples": samples(config, model, SHOWN).numpy(),
    }
    if config.layer is not None and config.judged:
        found, _ = ranking(config, model, test, PAIRED)
        partners = pairs.alike(test.images[:PAIRED], test.labels[:PAIRED])
        kept["pairs"] = np.stack([p[:SHOWN].numpy() for p in partners.values()])
        kept["paired"] = test.images[:SHOWN].numpy()
        kept |= {f"pairs_{name}": v.numpy().astype(np.float32) for name, v in found.items()}
    return kept


TOLERANCES = {
    **JUDGED,
    **{
        f"shift_before_{k}_{m}": 3e-3
        for k in ("blurred", "noisy", "other")
        for m in ("pixel", "layer", "judge")
    },
    **{f"{d}agreement{s}": 2e-3 for d in ("", "drawn_") for s in ("", "_shuffled")},
}

experiment = judged(
    build, train_followed, evaluate, panels, samples={"": samples}, tolerances=TOLERANCES
)
