"""The Gaussian-Bernoulli RBM: how one is trained by contrastive divergence, measured and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Batches, Dataset
from chapters_lib.data.batches import Rounds
from chapters_lib.data.standardised import Standardised, standardise, standardised, statistics
from chapters_lib.evaluation.ais import annealed_log_z, exact_log_z
from chapters_lib.evaluation.judge import scores, to_bytes
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.models.rbm import GaussianBernoulliRBM, HiddenChain
from chapters_lib.objectives.contrastive_divergence import contrastive_divergence
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.recording.judging import SAMPLES, judged, load_judge
from chapters_lib.reproducibility import generator
from chapters_lib.training import History, fit

FULL_EPOCH = 468  # whole batches of 128 in 60,000 images
CHAINS = 200  # that are followed from noise, and as many from data
WATCHED = 2_000  # images of each split that the learning curves are measured on


@dataclass(frozen=True)
class RBMConfig:
    """A machine's numbers."""

    hidden: int
    dataset: str = "kmnist"
    steps: int = 5  # n of CD-n
    epochs: int = 25
    updates_per_epoch: int | None = None  # None: one pass over the images that there are
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    weight_sd: float = 0.01
    global_statistics: bool = False  # standardise by the train split's, not by each batch's own
    sample_steps: int = 200  # Gibbs steps from noise to a judged sample
    temperatures: int = 3_000  # of annealed importance sampling
    ais_chains: int = 400
    judged: bool = True


def prepare(config: RBMConfig, dataset: Dataset) -> Standardised:
    """Standardise a whole split as this experiment does."""
    given = statistics(config.dataset) if config.global_statistics else None
    return standardised(dataset, config.batch_size, given)


def build(config: RBMConfig) -> GaussianBernoulliRBM:
    """Make the untrained machine."""
    return GaussianBernoulliRBM(visible=784, hidden=config.hidden, weight_sd=config.weight_sd)


def train(config: RBMConfig, model: GaussianBernoulliRBM, session: Session) -> History:
    """Follow CD-n by Adam; watch reconstruction and free energy on some images of both splits."""
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    batches: Batches = Batches(training, config.batch_size, device=session.device)
    if config.updates_per_epoch:
        batches = Rounds(training, config.batch_size, config.updates_per_epoch, session.device)
    optimizer = torch.optim.Adam(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    given = statistics(config.dataset) if config.global_statistics else None

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        v = x.flatten(1)
        v = (v - given[0]) / given[1] if given else standardise(v)[0]
        gradients = contrastive_divergence(model, v, config.steps)
        for name, parameter in model.named_parameters():
            parameter.grad = gradients[name]
        optimizer.step()
        return {"weight_gradient": gradients["weight"].square().mean().sqrt()}

    watched = {
        split: prepare(config, part.subset(torch.arange(min(WATCHED, len(part))))).v.to(
            session.device
        )
        for split, part in (("train", training), ("test", test))
    }

    @torch.no_grad()
    def after_epoch(_: int) -> dict[str, float]:
        row: dict[str, float] = {}
        for split, v in watched.items():
            row[f"{split}_mse"] = float((v - model.reconstruct(v)).square().mean())
            row[f"{split}_free_energy"] = float(model.free_energy(v).mean())
        return row

    return fit(
        step,
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state={"model": model, "optimizer": optimizer},
    )


@torch.no_grad()
def reconstruct_by_gibbs(
    model: GaussianBernoulliRBM, v: Tensor, steps: int, draw: torch.Generator
) -> Tensor:
    """Return E[v | h] for the last h of a sampled chain of `steps` Gibbs steps that starts at v."""
    return model.visible_mean(model.sample_hidden(model.gibbs(v, steps - 1, draw), draw))


@torch.no_grad()
def fantasies(config: RBMConfig, model: GaussianBernoulliRBM, count: int, seed: int = 0) -> Tensor:
    """Return samples as uint8 images: E[v | h] after a Gibbs chain from standard normal noise, in pixels.

    The mean is shown, not a draw from p(v | h), whose noise of σ = 1 is as wide as the data themselves.
    """
    draw = generator(seed)
    noise = torch.randn(count, len(model.scale), generator=draw)
    h = HiddenChain.of(model).run(model.sample_hidden(noise, draw), config.sample_steps, draw)
    return pictures(config, model, h)


def pictures(config: RBMConfig, model: GaussianBernoulliRBM, h: Tensor) -> Tensor:
    """Return E[v | h] in pixels, uint8 images."""
    mean, sd = statistics(config.dataset)
    images = (mean + sd * model.visible_mean(h)).clamp(0, 1)
    return to_bytes(images.unflatten(1, (1, 28, 28)))


@torch.no_grad()
def evaluate(config: RBMConfig, model: GaussianBernoulliRBM) -> Metrics:
    """Measure reconstruction in both units, PCA beside it, log Z, the data's log-density, and judge samples.

    The chains are run on the CPU wherever the model was trained: each of their draws is one of a CPU generator.
    """
    model = model.cpu()
    splits = {split: data.load(config.dataset, split) for split in ("train", "test")}
    ready = {split: prepare(config, dataset) for split, dataset in splits.items()}
    pca = fit_pca(ready["train"].v, config.hidden)
    annealed = annealed_log_z(
        model,
        temperatures=config.temperatures,
        chains=config.ais_chains,
        generator=generator(0),
    )
    metrics: Metrics = {
        "log_z_ais": annealed.log_z,
        "log_z_ais_spread": annealed.spread,
        "log_z_ais_effective_chains": annealed.effective_chains,
    }
    log_z = annealed.log_z
    if config.hidden <= 16:
        metrics["log_z_exact"] = log_z = exact_log_z(model)
    normal = 784 / 2 * np.log(2 * np.pi)
    for split, part in ready.items():
        v = part.v
        chain = reconstruct_by_gibbs(model, v, 5, generator(1))
        for name, v_hat in (("mse", model.reconstruct(v)), ("mse_gibbs5", chain)):
            metrics[f"{split}_{name}"] = float((v - v_hat).square().mean())
            error = part.pixels(v) - part.pixels(v_hat)
            metrics[f"{split}_{name.replace('mse', 'mse_pixel')}"] = float(error.square().mean())
        metrics[f"{split}_pca_mse"] = pca.mse(v)
        metrics[f"{split}_mean_image_mse"] = pca.mse(v, 0)
        metrics[f"{split}_free_energy"] = float(model.free_energy(v).double().mean())
        metrics[f"{split}_log_density"] = -metrics[f"{split}_free_energy"] - log_z
        metrics[f"{split}_normal_log_density"] = -784 / 2 * pca.mse(v, 0) - normal
    use = model.hidden_probability(ready["test"].v)
    metrics["hidden_use_min"] = float(use.mean(0).min())
    metrics["hidden_use_max"] = float(use.mean(0).max())
    metrics["hidden_sd_min"] = float(use.std(0).min())
    if config.judged:
        images = fantasies(config, model, SAMPLES)
        metrics |= scores(load_judge(config.dataset), images, splits["test"].images)
    return metrics


@torch.no_grad()
def panels(config: RBMConfig, model: GaussianBernoulliRBM) -> Panels:
    """Keep ten images of each split and how they were standardised, PCA's view of them, and the units' use."""
    kept: Panels = {}
    training = data.load(config.dataset, "train")
    pca = fit_pca(prepare(config, training).v, config.hidden)
    for split in ("train", "test"):
        dataset = data.load(config.dataset, split)
        part = prepare(config, dataset)
        chosen = torch.randperm(len(dataset), generator=generator(0))[:10]
        kept |= {
            f"{split}_images": dataset.images[chosen].numpy(),  # uint8 (10, 1, 28, 28)
            f"{split}_mean": part.mean[chosen].numpy(),
            f"{split}_sd": part.sd[chosen].numpy(),
        }
    v = part.v[chosen]
    error_free = Standardised(v, part.mean[chosen], part.sd[chosen])
    kept["pca_test_images"] = to_bytes(
        error_free.pixels(pca.decode(pca.encode(v)).float()).unflatten(1, (1, 28, 28))
    ).numpy()
    use = model.hidden_probability(part.v)
    kept["hidden_use"] = use.mean(0).numpy()
    kept["hidden_sd"] = use.std(0).numpy()
    kept["test_free_energy"] = model.free_energy(part.v[:WATCHED]).numpy()
    kept["statistics"] = torch.stack(statistics(config.dataset)).numpy()
    return kept


# Chains draw many thousand times: one rounding that differs turns a draw, and the rest of a chain with it.
TOLERANCES = {
    "recognisable": 0.02,
    "class_entropy": 0.02,
    "fid_judge": 2.0,
    "log_z_ais": 1.0,
    "log_z_ais_spread": 1.0,
    "log_z_ais_effective_chains": 100.0,
    "train_log_density": 1.0,
    "test_log_density": 1.0,
}

experiment = judged(build, train, evaluate, panels, samples={"": fantasies}, tolerances=TOLERANCES)


class Mixing(NamedTuple):
    """What 200 chains from noise and as many from ten images do: a row a mark, which is a number of steps."""

    noise: Tensor  # free energies along the chains, in nats
    data: Tensor
    home: Tensor  # whether a chain from an image is nearer to it than to the other nine
    distinct: int  # hidden states at the end of the chains from noise


def follow_chains(
    rbm: GaussianBernoulliRBM, images: Tensor, marks: Sequence[int], draw: torch.Generator
) -> Mixing:
    """Run the chains of a machine, from noise and from ten standardised images."""
    chain, origin = HiddenChain.of(rbm), torch.arange(CHAINS) % 10

    def follow(begin: Tensor) -> tuple[Tensor, Tensor, int]:
        h, done = rbm.sample_hidden(begin, draw), 0
        energies, home = [], []
        for mark in marks:
            h, done = chain.run(h, mark - done, draw), mark
            energies.append(rbm.free_energy(rbm.sample_visible(h, draw)))
            nearest = (rbm.visible_mean(h)[:, None] - images).square().sum(2).argmin(1)
            home.append((nearest == origin).double())
        return torch.stack(energies), torch.stack(home), len(h.unique(dim=0))

    noise, _, distinct = follow(torch.randn(CHAINS, 784, generator=draw))
    data, home, _ = follow(images.repeat(CHAINS // 10, 1))
    return Mixing(noise, data, home, distinct)
