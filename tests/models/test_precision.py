"""Networks may compute in bfloat16: what a loss takes of them is in single precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from chapters_lib.models import discretised, gan
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import VAE, fully_connected
from chapters_lib.objectives.elbo import elbo, path_elbo
from chapters_lib.objectives.vae_gan import feature_likeness

SMALL = {"hidden": (6,), "latent": 4, "image_shape": (3, 32, 32)}
MODELS: dict[str, Callable[[], VAE]] = {
    "Bernoulli": lambda: fully_connected(**SMALL),
    "Gaussian": lambda: fully_connected(**SMALL, gaussian=True),
    "discretised": lambda: discretised.convolutional(latent=4, width=8, prior=RealNVP(4, 2, (4,))),
}


@pytest.mark.parametrize("kind", MODELS)
def test_codes_pixels_and_scores(kind: str) -> None:
    torch.manual_seed(0)
    model, x = MODELS[kind](), torch.rand(3, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.encoder.net(x.flatten(1)).dtype == torch.bfloat16
        q = model.encoder(x)
        p = model.decoder(q.mean)
        found = (q.mean, q.stddev, p.mean, *elbo(model, x), *path_elbo(model, x))
    assert [part.dtype for part in found] == [torch.float32] * 7


def test_shifts_of_a_flow_and_images_of_a_generator() -> None:
    flow, pair = RealNVP(4, 2, (4,)), gan.fully_connected(noise=3, width=4)
    with torch.autocast("cpu", torch.bfloat16):
        found = (
            *flow.layers()[0].scale_and_shift(torch.randn(5, 2)),
            pair.generator(torch.randn(5, 3)),
        )
    assert [part.dtype for part in found] == [torch.float32] * 3


def test_likeness_of_layers() -> None:
    """Summed up in single precision: half of 1,000 squares of 1 + 1/128 (bfloat16 has eight bits)."""
    a = torch.full((2, 1000), 1 + 1 / 128).bfloat16()
    found = feature_likeness(a, torch.zeros_like(a))
    assert float(found) == pytest.approx(500 * (1 + 1 / 128) ** 2, rel=1e-6)
