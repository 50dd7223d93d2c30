"""Every named experiment of the book: its numbers, and the functions that run it."""

from __future__ import annotations

import difflib

from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import (
    autoencoder,
    autoencoder_study,
    c_vae,
    class_codes,
    compared,
    comparison,
    dcgan,
    dcgan_study,
    discriminator_modes,
    gan_chapter,
    gb_rbm,
    judge,
    measuring,
    naive_generation,
    paired_likelihood,
    realnvp_prior,
    rivals,
    specks,
    tuning,
    vae_chapter,
    vae_gan_chapter,
)
from chapters_lib.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for chapter in (
        judge,
        autoencoder,
        autoencoder_study,
        naive_generation,
        vae_chapter,
        tuning,
        c_vae,
        class_codes,
        gb_rbm,
        gan_chapter,
        dcgan,
        dcgan_study,
        discriminator_modes,
        vae_gan_chapter,
        rivals,
        measuring,
        realnvp_prior,
        paired_likelihood,
        comparison,
        compared,
        specks,
    )
    for experiment in chapter.EXPERIMENTS
}


def find(name: str) -> Experiment:
    """Return the experiment called `name`.

    Raises
    ------
    ChaptersError
        if there is none; the nearest names are given.
    """
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else "`python -m chapters_lib list` shows all"
        )
        raise ChaptersError(f"unknown experiment {name!r}: {hint}")
    return EXPERIMENTS[name]
