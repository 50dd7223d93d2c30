"""Draws moved to a variational autoencoder's own codes: what its decoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.judge import scores
from chapters_lib.recipes import vae
from chapters_lib.recipes.autoencoder import fitted_normal_codes, standard_normal_codes
from chapters_lib.recording.experiment import Metrics
from chapters_lib.recording.judging import JUDGED, SAMPLES, load_judge


@dataclass(frozen=True)
class MovedCodesConfig:
    """Whose codes the draws are moved to."""

    dataset: str
    run: str = ""  # a recorded VAE of this data set; empty for ``vae-2d-…``
    correlated: bool = False  # whether draws with the codes' covariances are judged, too


def correlated_normal_codes(count: int, codes: Tensor, seed: int = 0) -> Tensor:
    """Draw normals with the mean and the whole covariance of `codes`."""
    root = torch.linalg.cholesky(torch.cov(codes.T.double())).float()
    standard = standard_normal_codes(count, codes.shape[1], seed)
    return codes.mean(0) + standard @ root.T


def evaluate(config: MovedCodesConfig, _: nn.Module) -> Metrics:
    """Judge the decoder's means at normal codes with the moments of the training codes.

    The codes are one draw from each q(z|x); ``fitted_normal_…`` are of their mean and variance a
    unit, as the autoencoder's are, ``correlated_normal_…`` of all their covariances.
    ``code_shift_…`` and ``code_stretch_…`` are that mean and deviation, where there are two units.
    ``code_mean_…`` is E(µ) and ``code_square_…`` E(µ² + σ²) with the dropout of training, of the
    unit with the least and with the most: 0 and 1 where a loss with a KL term is stationary.
    """
    its, model = vae.recorded(config.run or f"vae-2d-{config.dataset}")
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    loc, scale = likelihood.encode(model, *vae.inputs(its, training))
    codes = loc + scale * vae.prior_codes(its, len(loc))
    moments = {"shift": codes.mean(0), "stretch": codes.std(0)} if its.latent == 2 else {}
    drawn = {"fitted_normal_": fitted_normal_codes(SAMPLES, codes)}
    if config.correlated:
        drawn["correlated_normal_"] = correlated_normal_codes(SAMPLES, codes)
    judge = load_judge(config.dataset)
    judged: Metrics = {}
    for prefix, z in drawn.items():
        judged |= scores(judge, vae.decode(its, model, z), test.images, prefix)
    model.train()  # with the dropout under which the loss is minimised
    loc, scale = likelihood.encode(model, *vae.inputs(its, training))
    mean, square = loc.mean(0), (loc**2 + scale**2).mean(0)
    return judged | {
        **{f"code_{key}_{j}": float(v) for key, of in moments.items() for j, v in enumerate(of)},
        "code_mean_least": float(mean.min()),
        "code_mean_most": float(mean.max()),
        "code_square_least": float(square.min()),
        "code_square_most": float(square.max()),
    }


CODES = (
    *("mean_least", "mean_most", "square_least", "square_most"),
    *("shift_0", "shift_1", "stretch_0", "stretch_1"),
)
TOLERANCES = {  # those of every judged run
    f"{of}_normal_{key}": JUDGED[key]
    for of in ("fitted", "correlated")
    for key in ("recognisable", "class_entropy", "fid_judge")
} | {f"code_{key}": 0.02 for key in CODES}
