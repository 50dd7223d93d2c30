"""The VAEs of the RealNVP chapter on a few digits: what they see, how they are trained, and what is measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Dataset, to_float
from chapters_lib.evaluation import likelihood
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.experiments.realnvp_prior import STUDY, label
from chapters_lib.models.layers import count_parameters
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.recipes import likelihood_vae
from chapters_lib.recipes.likelihood_vae import (
    VAE,
    PriorConfig,
    binarised,
    build,
    observed,
    split,
)
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Session
from chapters_lib.reproducibility import generator, seed_everything
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders, use_data

TINY = PriorConfig(
    "digits", hidden=(16,), latent=3, flow_hidden=(8,), epochs=2, batch_size=64,
    precision="float32", validation=0.2, nll_samples=20, nll_images=50,
    shown_epochs=(0, 2), judged=False,
)  # fmt: skip
FLOW = replace(TINY, couplings=4)
PATH = replace(FLOW, path_gradient=True)
RECIPE = replace(FLOW, hidden=(16, 16), residual=True, path_gradient=True)
BOTH = pytest.mark.parametrize(
    "config", [TINY, FLOW, RECIPE], ids=["normal", "flow", "residual, path gradient"]
)


def trained(config: PriorConfig, seed: int = 0) -> tuple[VAE, History]:
    seed_everything(seed)
    model = build(config)
    history = likelihood_vae.train_followed(config, model, Session(torch.device("cpu")))
    return model, history


def few_digits(monkeypatch: pytest.MonkeyPatch, count: int) -> Dataset:
    part = data.load("digits", "train").subset(torch.arange(count))
    use_data(monkeypatch, lambda name, split: part)
    return part


# what is seen


def test_pixels_are_drawn_by_their_grey_value() -> None:
    """With a seed always the same way, without one anew at each call."""
    x = torch.linspace(0, 1, 11).repeat(20_000, 1).view(20_000, 1, 1, 11)
    drawn = binarised(x, 3)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    error = (x[0] * (1 - x[0]) / 20_000).sqrt()
    assert bool(((drawn.mean(0) - x[0]).abs() <= 5 * error).all())
    state = torch.get_rng_state()
    assert torch.equal(binarised(x, 3), drawn) and torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(binarised(x, 4), drawn)
    assert not torch.equal(binarised(x), binarised(x))


def test_held_out_and_test_images_are_binarised_by_the_one_seed() -> None:
    """Every likelihood of the book is of these pixels: another draw moves it by a tenth of a nat."""
    test = data.load("digits", "test")
    drawn = torch.bernoulli(to_float(test.images), generator=torch.Generator().manual_seed(20))
    assert torch.equal(observed(PriorConfig("digits"), test), drawn)
    assert torch.equal(observed(PriorConfig("digits", width=8), test), to_float(test.images))


def test_training_images_are_drawn_anew_and_test_images_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few_digits(monkeypatch, 80)
    seen: list[Tensor] = []
    original = likelihood_vae.elbo

    def watched(model: VAE, x: Tensor):
        seen.append(x.clone())
        return original(model, x)

    monkeypatch.setattr(likelihood_vae, "elbo", watched)
    trained(replace(TINY, epochs=2, batch_size=len(split(TINY)[0])))
    first, second = seen
    assert set(first.unique().tolist()) == {0.0, 1.0}
    lit = {tuple(x.flatten().tolist()) for x in first} & {
        tuple(x.flatten().tolist()) for x in second
    }
    assert len(lit) < 5  # the same images, other draws
    test = data.load("digits", "test")
    assert torch.equal(observed(TINY, test), observed(FLOW, test))


def test_colour_is_seen_as_it_is() -> None:
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    shown = observed(replace(TINY, width=8), Dataset("svhn", "test", images, torch.arange(4)))
    assert torch.equal(shown, to_float(images))


def test_validation_images_are_not_trained_on() -> None:
    training, held = split(TINY)
    whole = data.load("digits", "train")
    assert len(training) + len(held) == len(whole)
    assert abs(len(held) / len(whole) - 0.2) < 0.01
    assert torch.equal(split(FLOW)[1].images, held.images)


# training


@BOTH
def test_the_bound_falls_on_one_batch(config: PriorConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    few_digits(monkeypatch, 40)
    config = replace(config, hidden=(64,), epochs=150, batch_size=28, learning_rate=3e-3)
    model, history = trained(config)
    for column in ("train_negative_elbo", "train_eval_negative_elbo", "val_negative_elbo"):
        assert history.column(column)[0] > history.column(column).min() + 50, column
    assert model.training


@BOTH
def test_trainings_repeat_under_their_seed(
    config: PriorConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_digits(monkeypatch, 40)
    outcomes = []
    for seed in (0, 0, 1):
        model, history = trained(replace(config, batch_size=8), seed)
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
        outcomes.append((model.state_dict(), rows))
    (weights, rows), (same, same_rows), (_, other_rows) = outcomes
    assert rows == same_rows and rows != other_rows
    assert all(torch.equal(weights[k], same[k]) for k in weights)


@BOTH
def test_every_weight_is_trained(config: PriorConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    few_digits(monkeypatch, 40)
    seed_everything(0)
    before = {k: v.clone() for k, v in build(config).named_parameters()}
    model, _ = trained(replace(config, batch_size=8))
    for key, value in model.named_parameters():
        assert value.isfinite().all() and not torch.equal(value, before[key]), key


def test_the_gradient_along_the_path_is_taken_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    few_digits(monkeypatch, 40)
    whole, path = (trained(replace(c, epochs=1, batch_size=8))[0].encoder for c in (FLOW, PATH))
    for one, other in zip(whole.parameters(), path.parameters(), strict=True):
        assert not torch.equal(one, other)


def test_both_priors_start_from_the_same_encoder_and_decoder() -> None:
    """And from the same new images, since the flow begins as the identity."""
    seed_everything(0)
    plain = build(TINY)
    seed_everything(0)
    flow = build(FLOW)
    for key, value in plain.state_dict().items():
        assert torch.equal(flow.state_dict()[key], value), key
    first, second = (
        likelihood_vae.samples(c, m.eval(), 9) for c, m in ((TINY, plain), (FLOW, flow))
    )
    assert torch.equal(first, second)


def test_warm_up_weighs_the_kl(monkeypatch: pytest.MonkeyPatch) -> None:
    few_digits(monkeypatch, 80)
    weights: list[float] = []
    original = likelihood_vae.negative_elbo

    def watched(terms, beta: float = 1.0):
        weights.append(beta)
        return original(terms, beta)

    monkeypatch.setattr(likelihood_vae, "negative_elbo", watched)
    trained(replace(TINY, epochs=6, batch_size=28, warm_up=4))
    assert weights[:9] == [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1]
    assert set(weights[8:]) == {1.0}


def test_the_time_line_keeps_samples_of_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    few_digits(monkeypatch, 40)
    model, _ = trained(replace(FLOW, batch_size=8))
    assert model.timeline.shape == (2, 16, 1, 28, 28)
    assert torch.equal(model.timeline[1], likelihood_vae.samples(FLOW, model.eval(), 16))
    seed_everything(0)
    assert torch.equal(model.timeline[0], likelihood_vae.samples(FLOW, build(FLOW), 16))


def test_following_the_samples_does_not_change_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few_digits(monkeypatch, 40)
    monkeypatch.setattr(likelihood_vae, "SAMPLES", 20)
    monkeypatch.setattr(likelihood_vae, "distance_to_training", lambda dataset: lambda images: 1.5)
    config = replace(FLOW, batch_size=8, followed_every=2)
    alone, _ = trained(config)
    followed, history = trained(replace(config, judged=True))
    weights = followed.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in alone.state_dict().items())
    assert [row.get("train_fid_judge") for row in history] == [None, 1.5]


# what is measured


@BOTH
def test_metrics_agree_with_each_other(config: PriorConfig) -> None:
    seed_everything(0)
    model = build(replace(config, shown_epochs=())).eval()
    with torch.no_grad():
        for weight in model.prior.parameters():
            weight += 0.2 * torch.randn_like(weight)
    metrics = likelihood_vae.evaluate(config, model)
    assert metrics == likelihood_vae.evaluate(config, model)
    for part in ("train", "val", "test"):
        total = metrics[f"{part}_reconstruction"] + metrics[f"{part}_kl"]
        assert metrics[f"{part}_negative_elbo"] == pytest.approx(total)
    parts = metrics["test_mutual_information"] + metrics["test_marginal_kl"]
    assert parts == pytest.approx(metrics["test_kl"], abs=0.05)
    assert metrics["test_mutual_information"] <= math.log(len(data.load("digits", "test"))) + 1e-6
    assert metrics["flow_parameters"] == count_parameters(model.prior)
    assert metrics["test_nll_k_1"] > metrics["test_nll"]
    assert "test_bits_per_dimension" not in metrics
    assert 1 <= metrics["test_nll_effective_samples"] <= 20
    x = observed(config, data.load("digits", "test"))[:50]
    direct = likelihood.negative_iwae(model, x, num_samples=20, batch_size=likelihood_vae.PARTS)
    assert metrics["test_nll"] == pytest.approx(float(direct.mean()), abs=1e-4)
    assert metrics["test_nll_sem"] == pytest.approx(float(direct.std()) / 50**0.5, abs=1e-4)


def test_new_images_come_of_the_models_own_prior() -> None:
    seed_everything(0)
    model = build(FLOW).eval()
    assert isinstance(model.prior, RealNVP)
    with torch.no_grad():
        for weight in model.prior.parameters():
            weight += 0.5 * torch.randn_like(weight)
        noise = torch.randn(5, 3, generator=generator(7))
        expected = model.decoder(model.prior.to_code(noise)).mean
    drawn = likelihood_vae.samples(FLOW, model, 5, seed=7)
    torch.testing.assert_close(drawn.float() / 255, expected, rtol=0, atol=0.5 / 255 + 1e-6)
    assert not torch.equal(drawn, likelihood_vae.decode(model, noise))


@pytest.mark.parametrize("name", ["vae-gaussian-mnist", "vae-realnvp-house-numbers"])
def test_the_images_evaluated_afterwards_are_those_that_are_judged(name: str) -> None:
    """By the command `evaluate`, through the experiment's one sampler: the same images at every call."""
    experiment = EXPERIMENTS[name]
    seed_everything(0)
    model = experiment.build(experiment.config).eval()
    (prefix,) = experiment.samples
    drawn = experiment.samples[prefix](experiment.config, model, 7)
    assert prefix == "" and len(drawn) == 7 and drawn.dtype == torch.uint8
    assert torch.equal(drawn, likelihood_vae.samples(experiment.config, model, 7))


def test_bits_are_reported_of_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8)
    part = Dataset("svhn", "test", images, torch.arange(12) % 2)
    use_data(monkeypatch, lambda name, split: part)
    config = replace(FLOW, dataset="svhn", width=8, nll_images=4, validation=0.5, shown_epochs=())
    metrics = likelihood_vae.evaluate(config, build(config).eval())
    assert metrics["test_bits_per_dimension"] == pytest.approx(
        metrics["test_nll"] / (3072 * math.log(2))
    )


def test_the_control_has_as_many_weights_as_the_flows_model() -> None:
    """Not fewer, and at most one in a hundred more; the pair itself differs by the flow alone."""
    gaussian, flow, wide = (
        EXPERIMENTS[f"vae-{name}-mnist"] for name in ("gaussian", "realnvp", "gaussian-wide")
    )
    counts = [count_parameters(e.build(e.config)) for e in (gaussian, flow, wide)]
    model = flow.build(flow.config)
    assert counts[1] - counts[0] == count_parameters(model.prior) > 0
    assert counts[1] <= counts[2] <= 1.01 * counts[1]
    assert replace(flow.config, couplings=0) == gaussian.config
    assert replace(wide.config, hidden=gaussian.config.hidden) == gaussian.config
    assert gaussian.config.nll_samples == 5000 and gaussian.config.nll_images == 0
    assert len(gaussian.seeds) == len(flow.seeds) == 3


def test_the_study_chooses_on_validation_images_alone() -> None:
    names = [label(candidate) for candidate in STUDY.candidates]
    assert len(set(names)) == len(names)
    assert all(c.validation > 0 and not c.nll_samples and not c.judged for c in STUDY.candidates)


def test_a_refitted_prior_leaves_encoder_and_decoder_alone(
    monkeypatch: pytest.MonkeyPatch, folders: Folders
) -> None:
    """They are those of the record, and nothing but the flow moves."""
    few_digits(monkeypatch, 40)
    start = build(TINY)
    runs.save(
        "start",
        config={},
        metrics={},
        provenance=tiny.PROVENANCE,
        history=History(),
        weights=runs.half(start.state_dict()),
        panels={},
    )
    seed_everything(1)
    before = {k: v.clone() for k, v in build(FLOW).prior.named_parameters()}
    model, _ = trained(replace(FLOW, batch_size=8, start="start"), seed=1)
    for key, value in start.named_parameters():
        torch.testing.assert_close(model.get_parameter(key), value.half().float(), rtol=0, atol=0)
        assert not model.get_parameter(key).requires_grad
    for key, value in model.prior.named_parameters():
        assert not torch.equal(value, before[key]), key
    refitted = EXPERIMENTS["vae-gaussian-mnist-refitted"]
    assert refitted.config.start in refitted.needs
    changed = {"start", "epochs", "nll_samples", "shown_epochs"}
    flow = EXPERIMENTS["vae-realnvp-mnist"].config
    assert all(
        value == getattr(refitted.config, key)
        for key, value in vars(flow).items()
        if key not in changed
    )
