from __future__ import annotations

import pytest
import torch

from chapters_lib import data
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.recipes.autoencoder import encode
from chapters_lib.recipes.normalised_autoencoder import use_population_moments
from chapters_lib.reproducibility import seed_everything


def test_population_moments_make_codes_standard_and_shift_nothing_else() -> None:
    seed_everything(0)
    images = data.load("digits", "train").images
    model = Autoencoder(hidden=(32,), normalized=True)
    model.train()
    for part in images.split(100)[:3]:  # running averages after three batches: far off
        model(part.float() / 255)
    before = encode(model, images)
    use_population_moments(model, images)
    after = encode(model, images)
    assert after.mean(0).abs().max() < 1e-5
    assert after.var(0).tolist() == pytest.approx([1, 1], rel=1e-4)
    standardised = (before - before.mean(0)) / before.std(0)
    torch.testing.assert_close(after, standardised, rtol=1e-3, atol=1e-3)
