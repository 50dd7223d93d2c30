"""The named experiments of the chapter RealNVP prior: the pair, its control, the planes, the study, and colour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from chapters_lib import data
from chapters_lib.experiments import judge, learned_prior
from chapters_lib.experiments.autoencoder_study import no_panels
from chapters_lib.experiments.base import Experiment, Metrics, Session
from chapters_lib.experiments.learned_prior import experiment
from chapters_lib.experiments.prior_config import PriorConfig, build, split
from chapters_lib.models.vae import VAE
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History

EPOCHS = 80
GAUSSIAN = PriorConfig(
    "mnist",
    hidden=(400, 400, 400),
    residual=True,
    path_gradient=True,
    learning_rate=3e-3,
    epochs=EPOCHS,
    shown_epochs=tuple(range(0, EPOCHS + 1, 10)),
)
REALNVP = replace(GAUSSIAN, couplings=8)
WIDE = replace(GAUSSIAN, hidden=(439, 439, 439))  # as many weights as encoder, decoder and flow
REFITTED = replace(
    REALNVP, start="vae-gaussian-mnist", epochs=20, nll_samples=500, shown_epochs=()
)  # fmt: skip
PLANE = PriorConfig(
    "mnist", hidden=(128, 128), latent=2, epochs=20, nll_samples=500, nll_images=1000,
    flow_hidden=(64, 64),
)  # fmt: skip
COLOUR = PriorConfig(
    "house-numbers",
    width=32,
    latent=64,
    epochs=20,
    nll_samples=500,
    nll_images=1000,
    shown_epochs=(0, 10, 20),
)
COLOUR_SETS = tuple(name for name in ("house-numbers", "svhn") if name in data.CLASSES)
SEEDS = {"house-numbers": (0,)}  # one training on the stand-in; three on other sets
JUDGES = {found.config.dataset for found in judge.EXPERIMENTS}


@dataclass(frozen=True)
class PriorStudyConfig:
    """Candidates that are trained on the same part of the train split and compared on the rest of it."""

    dataset: str
    candidates: tuple[PriorConfig, ...]


STUDIED = replace(GAUSSIAN, epochs=10, shown_epochs=(), nll_samples=0, judged=False)
WITHOUT: dict[str, dict[str, Any]] = {  # what the runs have, each left out in turn, then all at once
    "plain-layers": {"hidden": (500, 500), "residual": False},
    "whole-gradient": {"path_gradient": False},
    "smaller-rate": {"learning_rate": 1e-3},
}
WITHOUT["all-three"] = {k: v for left_out in WITHOUT.values() for k, v in left_out.items()}
STUDY = PriorStudyConfig(
    "mnist",
    (
        *(
            replace(STUDIED, latent=latent, couplings=couplings)
            for couplings in (0, 8)
            for latent in (20, 40, 80)
        ),
        *(replace(STUDIED, couplings=8, epochs=epochs) for epochs in (20, 40)),
        replace(STUDIED, latent=20, couplings=0, epochs=EPOCHS),
        *(
            replace(STUDIED, couplings=couplings, **changes)
            for couplings in (0, 8)
            for changes in WITHOUT.values()
        ),
    ),
)


def label(config: PriorConfig) -> str:
    """Return a candidate's name: ``40-units-8-couplings-10-epochs``, or ``flow-plain-layers`` without residual ones."""
    prior = "flow" if config.couplings else "normal"
    for name, changes in WITHOUT.items():
        if config == replace(STUDIED, couplings=config.couplings, **changes):
            return f"{prior}-{name}"
    return f"{config.latent}-units-{config.couplings}-couplings-{config.epochs}-epochs"


def build_candidates(config: PriorStudyConfig) -> nn.ModuleDict:
    """Make the untrained candidates."""
    return nn.ModuleDict({label(candidate): build(candidate) for candidate in config.candidates})


def train_candidates(config: PriorStudyConfig, models: nn.Module, session: Session) -> History:
    """Train one candidate after the other, each from the same seed; rows carry the candidate's number."""
    assert isinstance(models, nn.ModuleDict)
    history = History()
    for number, candidate in enumerate(config.candidates):
        seed_everything(0)
        name = label(candidate)
        part = Session(
            session.device,
            session.checkpoint and session.checkpoint.part(name),
            session.progress and f"{session.progress} {name}",
        )
        for row in learned_prior.train(candidate, models[name], part):
            history.append({"candidate": number, **row})
    return history


def evaluate_candidates(config: PriorStudyConfig, models: nn.Module) -> Metrics:
    """Measure −ELBO of every candidate on the validation images. The test set is not touched."""
    assert isinstance(models, nn.ModuleDict)
    metrics: Metrics = {}
    for candidate in config.candidates:
        model = models[label(candidate)].cpu().eval()
        assert isinstance(model, VAE)
        _, held = split(candidate)
        found = learned_prior.bound(candidate, model, held)
        metrics[f"val_negative_elbo_{label(candidate)}"] = sum(found.values())
    return metrics


EXPERIMENTS = (
    experiment("vae-gaussian-mnist", "realnvp-prior", "VAE under N(0, I), binarised", GAUSSIAN),
    experiment("vae-realnvp-mnist", "realnvp-prior", "the same under a RealNVP prior", REALNVP),
    experiment(
        "vae-gaussian-wide-mnist",
        "realnvp-prior",
        "control: N(0, I), and as many weights as with the flow",
        WIDE,
        seeds=(0,),
        weights_stored=False,
    ),
    experiment(
        "vae-gaussian-mnist-refitted",
        "realnvp-prior",
        "encoder and decoder of vae-gaussian-mnist, and a flow fitted to its codes",
        REFITTED,
        seeds=(0,),
        needs=("judge-mnist", REFITTED.start),
        weights_stored=False,
    ),
    *(
        experiment(
            f"vae-{prior}-2d-mnist",
            "realnvp-prior",
            f"two latent units, for pictures: {prior} prior",
            replace(PLANE, couplings=couplings),
            seeds=(0,),
        )
        for prior, couplings in (("gaussian", 0), ("realnvp", 8))
    ),
    Experiment(
        "vae-realnvp-mnist-tuning",
        "realnvp-prior",
        "latent units and epochs by validation −ELBO, in short trainings",
        STUDY,
        build_candidates,
        train_candidates,
        evaluate_candidates,
        no_panels,
        seeds=(0,),
        weights_stored=False,
    ),
    *(
        experiment(
            f"vae-{prior}-{name}",
            "comparison",
            f"convolutional VAE in colour on {name}: {prior} prior",
            replace(COLOUR, dataset=name, couplings=couplings, judged=name in JUDGES),
            seeds=SEEDS.get(name, (0, 1, 2)),
        )
        for name in COLOUR_SETS
        for prior, couplings in (("gaussian", 0), ("realnvp", 8))
    ),
)
