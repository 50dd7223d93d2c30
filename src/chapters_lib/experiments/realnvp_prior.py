"""The experiments of the page RealNVP prior: the pair, its control, the planes, the study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chapters_lib.recipes import likelihood_vae, paired_likelihood
from chapters_lib.recipes.likelihood_vae import (
    PriorConfig,
    PriorStudyConfig,
    evaluate_candidates,
    experiment,
)
from chapters_lib.recipes.paired_likelihood import PairedConfig
from chapters_lib.recording.experiment import Experiment
from chapters_lib.recording.study import numbered, study

CHAPTER = "realnvp-prior"
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
STUDIED = replace(GAUSSIAN, epochs=10, shown_epochs=(), nll_samples=0, judged=False)
WITHOUT: dict[
    str, dict[str, Any]
] = {  # what the runs have, each left out in turn, then all at once
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


EXPERIMENTS = (
    experiment("vae-gaussian-mnist", CHAPTER, "VAE under N(0, I), binarised", GAUSSIAN),
    experiment("vae-realnvp-mnist", CHAPTER, "the same under a RealNVP prior", REALNVP),
    *(
        experiment(
            f"{name}-{4 * EPOCHS}-epochs",
            CHAPTER,
            f"{name} for four times as long",
            replace(config, epochs=4 * EPOCHS, shown_epochs=(), judged=False),
            seeds=(0,),
            weights_stored=False,
        )
        for name, config in (("vae-realnvp-mnist", REALNVP), ("vae-gaussian-mnist", GAUSSIAN))
    ),
    experiment(
        "vae-gaussian-wide-mnist",
        CHAPTER,
        "control: N(0, I), and as many weights as with the flow",
        WIDE,
        seeds=(0,),
        weights_stored=False,
    ),
    experiment(
        "vae-gaussian-mnist-refitted",
        CHAPTER,
        "encoder and decoder of vae-gaussian-mnist, and a flow fitted to its codes",
        REFITTED,
        seeds=(0,),
        weights_stored=False,
    ),
    *(
        experiment(
            f"vae-{prior}-2d-mnist",
            CHAPTER,
            f"two latent units, for pictures: {prior} prior",
            replace(PLANE, couplings=couplings),
            seeds=(0,),
        )
        for prior, couplings in (("gaussian", 0), ("realnvp", 8))
    ),
    Experiment(
        "nll-pairs-mnist",
        CHAPTER,
        "−log p(x) of the same test images under both priors, in pairs",
        PairedConfig(),
        paired_likelihood.build,
        paired_likelihood.measure,
        paired_likelihood.evaluate,
        paired_likelihood.panels,
        seeds=(0,),
        needs=tuple(paired_likelihood.MODELS.values()),
        weights_stored=False,
    ),
    study(
        "vae-realnvp-mnist-tuning",
        CHAPTER,
        "latent units and epochs by validation −ELBO, in short trainings",
        STUDY,
        lambda config: numbered({label(c): c for c in config.candidates}, "candidate"),
        build=likelihood_vae.build,
        train=likelihood_vae.train_followed,
        evaluate=evaluate_candidates,
    ),
)
