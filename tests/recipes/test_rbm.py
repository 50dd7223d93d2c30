"""Standardised batches, epochs of a set length, and the chapter's experiment from end to end on digits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from chapters_lib import data
from chapters_lib.data.batches import Rounds
from chapters_lib.data.standardised import standardise, standardised
from chapters_lib.evaluation.ais import exact_log_z, state_probabilities
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.recipes import exact_draws
from chapters_lib.recipes import rbm as gb_rbm
from chapters_lib.recipes.exact_draws import ExactDrawsConfig
from chapters_lib.recipes.rbm import RBMConfig
from chapters_lib.recording import verifying
from chapters_lib.recording.record import record

TINY = RBMConfig(
    8,
    dataset="digits",
    epochs=2,
    sample_steps=3,
    temperatures=20,
    ais_chains=10,
    judged=False,
)
CPU = torch.device("cpu")


def test_a_batch_is_standardised_by_one_mean_and_one_deviation() -> None:
    x = torch.rand(16, 784)
    v, mean, sd = standardise(x)
    assert abs(float(v.mean())) < 1e-6 and float(v.std()) == pytest.approx(1, abs=1e-5)
    assert mean.shape == sd.shape == ()
    torch.testing.assert_close(mean + sd * v, x)


def test_a_split_goes_to_standardised_units_and_back() -> None:
    digits = data.load("digits", "test")
    x = data.to_float(digits.images).flatten(1)
    part = standardised(digits, 128)
    assert len(digits) % 128  # the last batch is a smaller one
    torch.testing.assert_close(part.pixels(part.v), x, atol=1e-6, rtol=0)
    torch.testing.assert_close(part.v[128:256], standardise(x[128:256])[0])
    torch.testing.assert_close(part.v[256:], standardise(x[256:])[0])
    given = (torch.tensor(0.2), torch.tensor(0.5))
    torch.testing.assert_close(standardised(digits, 128, given).v, (x - 0.2) / 0.5)


def test_pixels_are_clipped() -> None:
    part = standardised(data.load("digits", "test"))
    assert float(part.pixels(torch.full_like(part.v, 9.0)).max()) == 1


def test_rounds_make_the_asked_number_of_whole_batches() -> None:
    digits = data.load("digits", "test")
    rounds = Rounds(digits, 100, 11, CPU)
    batches = list(rounds)
    assert len(rounds) == len(batches) == 11
    assert {len(x) for x, _ in batches} == {100}
    whole = len(digits) // 100
    seen = torch.cat([x for x, _ in batches[:whole]]).flatten(1)
    assert (
        len(seen.unique(dim=0)) >= len(seen) - 2
    )  # one pass repeats no image (two digits are equal)


def test_rounds_keep_their_order_whatever_is_drawn_between() -> None:
    rounds = Rounds(data.load("digits", "test"), 100, 9, CPU)
    torch.manual_seed(1)
    plain = [y for _, y in rounds]
    torch.manual_seed(1)
    disturbed = []
    for _, y in rounds:
        torch.rand(17)
        disturbed.append(y)
    assert all(torch.equal(a, b) for a, b in zip(plain, disturbed, strict=True))


def test_rounds_of_one_pass_are_the_plain_batches() -> None:
    """On the whole data set the variant by updates is the sheet's training, batch for batch."""
    digits = data.load("digits", "test")
    plain = data.Batches(digits, 100)
    torch.manual_seed(2)
    first = [y for _, y in plain]
    torch.manual_seed(2)
    second = [y for _, y in Rounds(digits, 100, len(plain), CPU)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_sheets_numbers_stand() -> None:
    for hidden in (16, 64, 256):
        config = EXPERIMENTS[f"rbm-kmnist-{hidden}"].config
        assert config == RBMConfig(hidden)
        assert (config.steps, config.epochs, config.batch_size) == (5, 25, 128)
        assert (config.learning_rate, config.weight_decay, config.weight_sd) == (1e-3, 0.0, 0.01)
        variant = EXPERIMENTS[f"rbm-kmnist-{hidden}-updates"].config
        assert variant == replace(config, updates_per_epoch=60_000 // 128)


def test_an_untrained_machine_starts_as_the_sheet_says() -> None:
    torch.manual_seed(0)
    model = gb_rbm.build(RBMConfig(64))
    assert float(model.weight.detach().std()) == pytest.approx(0.01, rel=0.02)
    assert not model.visible_bias.any() and not model.hidden_bias.any()
    assert bool((model.scale == 1).all())


@pytest.mark.parametrize(
    "config", [TINY, replace(TINY, updates_per_epoch=14), replace(TINY, global_statistics=True)]
)
def test_recorded_verified_and_repeated(folders, config: RBMConfig) -> None:
    experiment = replace(
        EXPERIMENTS["rbm-kmnist-16"], name="tiny", config=config, needs=(), seeds=(0, 1)
    )
    run = record(experiment, device=CPU)
    checked, differences = verifying.verify(experiment)
    assert not differences and "test_mse_gibbs5" in checked
    assert run.metric("test_mse").values[0] != run.metric("test_mse").values[1]
    assert run["test_pca_mse"] < run["test_mean_image_mse"]
    falling = run.history.where("seed", 0).column("test_mse")
    assert falling[-1] < falling[0]
    assert run.history.column("images").tolist() == [128 * (config.updates_per_epoch or 11)] * 4
    again = record(experiment, device=CPU, fresh=True)
    assert again.metric("test_mse").values == run.metric("test_mse").values


def test_states_of_a_small_machine_have_the_probabilities_of_its_energy() -> None:
    torch.manual_seed(0)
    model = GaussianBernoulliRBM(visible=3, hidden=4, weight_sd=0.7).requires_grad_(False)
    model.hidden_bias.normal_()
    states, p = state_probabilities(model)
    v = torch.randn(5, 3)
    density = sum(
        (float(q) * torch.distributions.Normal(model.visible_mean(h[None]), 1).log_prob(v).sum(1).exp()
         for h, q in zip(states, p, strict=True)), torch.zeros(5))  # fmt: skip
    assert float(p.sum()) == pytest.approx(1)
    torch.testing.assert_close(density.log(), -model.free_energy(v) - exact_log_z(model))


def test_exact_draws_are_judged_as_chains_are(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = GaussianBernoulliRBM(visible=784, hidden=8, weight_sd=0.3)
    seen: list[torch.Tensor] = []

    def scores(_: object, images: torch.Tensor, test: torch.Tensor) -> dict[str, float]:
        seen.append(images)
        return {}

    monkeypatch.setattr(exact_draws, "restored", lambda *_: (TINY, model))
    monkeypatch.setattr(exact_draws, "load_judge", lambda _: None)
    monkeypatch.setattr(exact_draws, "scores", scores)
    config = ExactDrawsConfig("tiny", dataset="digits", draws=300)
    found = exact_draws.evaluate(config, torch.nn.Identity())
    assert seen[0].shape == (300, 1, 28, 28) and seen[0].dtype == torch.uint8
    assert 1 <= found["distinct_states"] <= 200 and 1 <= found["effective_states"] <= 256
    assert exact_draws.evaluate(config, torch.nn.Identity()) == found
    assert torch.equal(*seen)


def test_samples_are_images_and_repeat(folders) -> None:
    torch.manual_seed(0)
    model = GaussianBernoulliRBM(visible=784, hidden=8, weight_sd=0.3)
    first, second = (gb_rbm.fantasies(TINY, model, 5) for _ in range(2))
    assert first.shape == (5, 1, 28, 28) and first.dtype == torch.uint8
    assert torch.equal(first, second)
    assert not torch.equal(first, gb_rbm.fantasies(TINY, model, 5, seed=1))
