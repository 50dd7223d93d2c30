"""The numbers: every named experiment of the book, one module a page."""

from __future__ import annotations

import difflib
from typing import Any

from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import (
    autoencoder,
    c_vae,
    comparison,
    dcgan_pretraining,
    evaluation,
    gan,
    gb_rbm,
    naive_generation,
    realnvp_prior,
    svhn_crops,
    vae,
    vae_gan,
)
from chapters_lib.recording.experiment import Experiment

PAGES = (
    evaluation,  # its judges are what the others need
    autoencoder,
    naive_generation,
    vae,
    c_vae,
    gan,
    dcgan_pretraining,
    vae_gan,
    gb_rbm,
    realnvp_prior,
    comparison,
    svhn_crops,  # of the same page
)
EXPERIMENTS: dict[str, Experiment[Any, Any]] = {
    experiment.name: experiment for page in PAGES for experiment in page.EXPERIMENTS
}


def find(name: str) -> Experiment[Any, Any]:
    """Return the experiment called `name`. Raises `ChaptersError` if there is none; the nearest names are given."""
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else "`python -m chapters_lib list` shows all"
        )
        raise ChaptersError(f"unknown experiment {name!r}: {hint}")
    return EXPERIMENTS[name]
