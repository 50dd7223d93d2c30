"""What is no pixel has no likelihood of pixels: it is said, and not taken for a learning rate that is too high."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from chapters_lib.data import batches
from chapters_lib.data.standardised import standardise
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.likelihood import elbo_terms, negative_iwae
from chapters_lib.models.discretised import DiscretisedLogistic
from chapters_lib.models.vae import BernoulliImage, fully_connected
from chapters_lib.objectives.elbo import elbo, negative_elbo, path_elbo
from chapters_lib.training import fit

PIXELS = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0))
SCORES = torch.zeros(8, 1, 4, 4)


def vae() -> torch.nn.Module:
    torch.manual_seed(0)
    return fully_connected(hidden=(6,), latent=2, image_shape=(1, 4, 4)).eval()


LIKELIHOODS: dict[str, Callable[[Tensor], object]] = {
    "Bernoulli": lambda x: BernoulliImage(SCORES).log_prob(x),
    "discretised": lambda x: DiscretisedLogistic(SCORES, SCORES).log_prob(x),
    "elbo": lambda x: elbo(vae(), x),
    "path_elbo": lambda x: path_elbo(vae(), x),
    "elbo_terms": lambda x: elbo_terms(vae(), x),
    "negative_iwae": lambda x: negative_iwae(vae(), x, num_samples=2),
}
WRONG = {
    "standardised": standardise(PIXELS)[0],
    "bytes": (255 * PIXELS).round(),
    "not a number": PIXELS.where(PIXELS > 0.1, torch.nan),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_no_pixels_no_likelihood(name: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^the pixels reach from \S+ to \S+: .*\[0, 1\].*$"):
        LIKELIHOODS[name](WRONG[wrong])


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_rounding_is_no_fault(name: str) -> None:
    LIKELIHOODS[name](2 * (PIXELS - 0.5).clamp(-0.25, 0.25) * (1 + 1e-6) + 0.5)


class Twice:
    """An epoch of two batches of the same images."""

    def __init__(self, images: Tensor):
        self.images = images

    def __len__(self) -> int:
        return 2

    def __iter__(self):
        return iter([(self.images,)] * 2)


def train(images: Tensor) -> None:
    model = vae()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(x: Tensor) -> dict[str, Tensor]:
        loss = negative_elbo(elbo(model, x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    fit(step, Twice(images), epochs=1, state={"model": model, "optimizer": optimizer})


def test_a_training_on_them_says_so() -> None:
    with pytest.raises(ValueError, match="the pixels reach from"):
        train(WRONG["standardised"])


@pytest.mark.parametrize("wrong", WRONG)
def test_where_a_step_must_not_wait_they_are_found_at_the_end_of_the_epoch(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "KNOWN_AT_ONCE", ())
    with pytest.raises(
        ChaptersError, match=r"loss became nan at step 1 of epoch 1.* look at the data"
    ):
        train(WRONG[wrong])
    assert torch.equal(batches.as_pixels(PIXELS), PIXELS)
