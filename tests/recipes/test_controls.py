"""Controls measured from recorded weights: own classes, own rivals, modes of a discriminator, pairs, sharpness."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.evaluation import pairs
from chapters_lib.evaluation.likelihood import negative_iwae
from chapters_lib.evaluation.sharpness import roughness
from chapters_lib.experiments import EXPERIMENTS, naive_generation
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.moved_codes import move_codes
from chapters_lib.recipes import (
    autoencoder,
    class_codes,
    discriminator_modes,
    gan,
    likelihood_vae,
    moved_codes,
    paired_likelihood,
    rivals,
    sharpness,
    vae,
    vae_gan,
)
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.class_codes import ClassCodesConfig
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recipes.moved_codes import MovedCodesConfig
from chapters_lib.recipes.paired_likelihood import PairedConfig
from chapters_lib.recipes.rivals import RivalsConfig
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.recipes.vae_gan import VaeGanConfig

# C-VAE: own classes


def test_another_class_is_never_the_own_one() -> None:
    labels = torch.arange(10).repeat(900)
    other = class_codes.other_class(labels, 0)
    assert (other != labels).all() and set(other.tolist()) == set(range(10))
    step = torch.bincount((other - labels) % 10, minlength=10)
    assert step[0] == 0 and (step[1:] - 1000).abs().max() < 5 * math.sqrt(1000)
    assert torch.equal(other, class_codes.other_class(labels, 0))


def test_hits_of_codes_that_spell_their_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that reads the first pixel; codes decoded as their own class are hit, prior draws one in ten."""
    labels = data.load("digits", "test").labels

    def image_of(said: Tensor) -> Tensor:
        images = torch.zeros(len(said), 1, 28, 28, dtype=torch.uint8)
        images[:, 0, 0, 0] = said.to(torch.uint8)
        return images

    def decoded(config: ClassCodesConfig, name: str) -> dict[str, tuple[Tensor, Tensor]]:
        other = class_codes.other_class(labels, 0)
        torch.manual_seed(0)
        drawn = torch.where(torch.rand(len(labels)) < 0.5, labels, other)
        return {
            "own": (image_of(labels), labels),
            "other": (image_of(labels), other),
            "mean_own": (image_of(labels), labels),
            "mean_other": (image_of(other), other),
            "prior": (image_of(drawn), labels),
        }

    def judged(judge: object, images: Tensor) -> tuple[Tensor, Tensor]:
        read = images[:, 0, 0, 0].long().clamp(max=9)
        return torch.zeros(len(read), 1), torch.eye(10)[read]

    monkeypatch.setattr(class_codes, "decoded", decoded)
    monkeypatch.setattr(class_codes, "neighbours", lambda config: {})
    monkeypatch.setattr(class_codes, "readings", lambda config: {})
    monkeypatch.setattr(class_codes, "redrawn", lambda config: {})
    monkeypatch.setattr(class_codes, "brightness", lambda config: torch.zeros(10))
    monkeypatch.setattr(class_codes, "load_judge", lambda dataset: None)
    monkeypatch.setattr(class_codes, "features_and_probabilities", judged)
    found = class_codes.evaluate(ClassCodesConfig("digits"), torch.nn.Identity())
    assert found["cvae_own_hit"] == found["decoder_only_mean_other_hit"] == 1
    assert found["cvae_other_hit"] == 0 and found["cvae_own_less_other"] == 1
    prior = found["cvae_prior_hit"]
    assert prior == pytest.approx(0.5, abs=0.1)
    assert found["cvae_own_less_prior"] == pytest.approx(1 - prior)
    assert found["cvae_prior_less_mixture"] == pytest.approx(prior - 0.1)
    shares = class_codes.panels(ClassCodesConfig("digits"), torch.nn.Identity())
    assert shares["cvae_own"].tolist() == [1] * 10 and shares["cvae_other"].tolist() == [0] * 10


class Shining(torch.nn.Module):
    """A model whose first code unit is the image's brightness; its decoder reads nothing else."""

    def decoder(self, z: Tensor, *_: Tensor) -> torch.distributions.Independent:
        shown = z[:, :1, None, None].expand(-1, 1, 28, 28) / 100
        return torch.distributions.Independent(torch.distributions.Normal(shown, 1), 3)


@pytest.fixture
def shining(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are recorded all shine; their second unit is idle."""

    def encode(model: object, x: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        loc = torch.stack([x.mean((1, 2, 3)) * 100, torch.zeros(len(x))], 1)
        return loc, torch.tensor([1e-3, 1.0]).expand_as(loc)

    its = VaeConfig("digits", latent=2)
    monkeypatch.setattr(class_codes.vae, "recorded", lambda name: (its, Shining()))
    monkeypatch.setattr(class_codes.likelihood, "encode", encode)
    monkeypatch.setattr(class_codes.vae, "decode", lambda its, model, z, y: model.decoder(z).mean)


def test_only_units_that_say_something_cost_when_drawn_anew(shining: None) -> None:
    found = class_codes.redrawn(ClassCodesConfig("digits"))
    assert found["vae_idle_redrawn"] == 0 and found["cvae_idle_redrawn_sem"] == 0
    assert found["vae_active_redrawn"] > 10 * found["vae_active_redrawn_sem"] > 0


def test_brightness_that_a_code_keeps_goes_along_to_every_class(shining: None) -> None:
    kept = class_codes.brightness(ClassCodesConfig("digits"))
    torch.testing.assert_close(kept, torch.ones(10, dtype=torch.float64))


def test_a_ratio_and_its_error() -> None:
    """Of means, with an error that a thousand repetitions have."""
    torch.manual_seed(0)
    part = 0.5 + 0.3 * torch.randn(1000, 400, dtype=torch.float64)
    whole = part + 0.5 + 0.2 * torch.randn(1000, 400, dtype=torch.float64)
    found = [class_codes.ratio(a, b) for a, b in zip(part, whole, strict=True)]
    shares, errors = zip(*found, strict=True)
    assert sum(shares) / 1000 == pytest.approx(0.5, abs=0.002)
    assert sum(errors) / 1000 == pytest.approx(float(torch.tensor(shares).std()), rel=0.1)


def test_kinds_of_codes_are_decoded_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    config = VaeConfig("digits", hidden=(8,), latent=3, conditional=True)
    torch.manual_seed(0)
    model = vae.build(config).eval()
    monkeypatch.setattr(vae, "recorded", lambda name: (config, model))
    found = class_codes.decoded(ClassCodesConfig("digits"), "any")
    test = data.load("digits", "test")
    for kind, (images, asked) in found.items():
        assert images.shape == test.images.shape, kind
        assert torch.equal(asked, test.labels) is not kind.endswith("other"), kind
    own, other = found["mean_own"][0], found["mean_other"][0]
    assert not torch.equal(own, other)
    assert not torch.equal(found["own"][0], own) and not torch.equal(
        found["own"][0], found["prior"][0]
    )


def test_units_are_read_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an idle unit's mean spells the class, and the active one knows nothing of it."""
    config = VaeConfig("digits", hidden=(8,), latent=11)
    monkeypatch.setattr(vae, "recorded", lambda name: (config, torch.nn.Identity()))

    def encode(_: object, images: Tensor) -> tuple[Tensor, Tensor]:
        train = data.load("digits", "train")
        labels = (train if len(images) == len(train) else data.load("digits", "test")).labels
        torch.manual_seed(len(images))
        told = 0.05 * torch.eye(10)[labels] + 0.005 * torch.randn(len(labels), 10)
        return torch.cat([torch.randn(len(labels), 1), told], 1), torch.ones(len(labels), 11)

    monkeypatch.setattr(class_codes.likelihood, "encode", encode)
    found = class_codes.readings(ClassCodesConfig("digits"))
    assert len(found) == 12
    for reader in class_codes.READERS:
        assert found[f"vae_idle_{reader}"] > 0.95 and found[f"vae_active_{reader}"] < 0.25


# VAE: draws moved to its codes


def test_moved_draws_lie_where_the_codes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes around (3, -2), of deviations 1 and 2: the decoder gets normal codes of these moments."""
    config = VaeConfig("digits", hidden=(8,), latent=2)
    seen: list[Tensor] = []

    def encode(_: object, images: Tensor) -> tuple[Tensor, Tensor]:
        torch.manual_seed(1)
        mean, part = torch.tensor([3.0, -2.0]), torch.tensor([0.6, 1.2])
        scale = torch.tensor([0.8, 1.6]).expand(len(images), 2)
        return mean + part * torch.randn(len(images), 2), scale

    def decode(_: VaeConfig, model: object, z: Tensor) -> Tensor:
        seen.append(z)
        return torch.zeros(len(z), 1, 28, 28, dtype=torch.uint8)

    monkeypatch.setattr(vae, "recorded", lambda name: (config, torch.nn.Identity()))
    monkeypatch.setattr(vae, "decode", decode)
    monkeypatch.setattr(moved_codes.likelihood, "encode", encode)
    monkeypatch.setattr(moved_codes, "load_judge", lambda dataset: Classifier(width=4).eval())
    found = moved_codes.evaluate(MovedCodesConfig("digits"), torch.nn.Identity())
    (z,) = seen
    assert len(z) == moved_codes.SAMPLES
    assert z.mean(0).tolist() == pytest.approx([3, -2], abs=0.2)
    assert z.std(0).tolist() == pytest.approx([1, 2], rel=0.1)
    assert found["code_mean_most"] == pytest.approx(3, abs=0.1)
    assert found["code_square_least"] == pytest.approx(4 + 4, abs=0.5)  # of the unit at -2
    assert found["code_square_most"] == pytest.approx(9 + 1, abs=0.5)
    assert {"fitted_normal_recognisable", "fitted_normal_fid_judge"} <= set(found)
    assert [found["code_shift_0"], found["code_shift_1"]] == pytest.approx([3, -2], abs=0.2)
    assert [found["code_stretch_0"], found["code_stretch_1"]] == pytest.approx([1, 2], rel=0.1)
    assert not any(key.startswith("correlated") for key in found)


def test_a_moved_vae_has_other_codes_and_the_same_images() -> None:
    """Shift and stretch stand in the weights: codes are mapped, reconstructions and images stay."""
    torch.manual_seed(0)
    config = VaeConfig("digits", hidden=(8, 6), latent=2, gaussian=True, frequency=1.5)
    model = vae.build(config).eval()
    mean, spread = torch.tensor([3.0, -2.0]), torch.tensor([0.5, 2.0])
    other, x = copy.deepcopy(model), torch.rand(5, 1, 28, 28)
    move_codes(other.encoder, other.decoder, mean, spread)
    with torch.no_grad():
        q, p = model.encoder(x), other.encoder(x)
        assert torch.allclose(p.mean, (q.mean - mean) / spread, atol=1e-5)
        assert torch.allclose(p.stddev, q.stddev / spread, atol=1e-5)
        z = torch.randn(5, 2)
        assert torch.allclose(
            other.decoder(z).mean, model.decoder(mean + spread * z).mean, atol=1e-5
        )
        assert torch.allclose(other(x), model(x), atol=1e-5)


def test_draws_with_covariances_have_those_of_the_codes() -> None:
    torch.manual_seed(0)
    mixed = torch.tensor([[2.0, 0.0], [-1.0, 0.5]])
    codes = torch.randn(5000, 2) @ mixed.T + torch.tensor([3.0, -2.0])
    z = moved_codes.correlated_normal_codes(20_000, codes)
    assert z.mean(0).tolist() == pytest.approx(codes.mean(0).tolist(), abs=0.05)
    assert torch.allclose(torch.cov(z.T), torch.cov(codes.T), atol=0.15)


# VAE-GAN: own rivals


def test_each_measure_has_its_own_rival() -> None:
    """Three images on a line, a measure that sees another order than the pixels'."""
    seen = torch.tensor([[0.0], [1.0], [5.0], [5.5]])
    labels = torch.tensor([0, 0, 1, 1])
    assert pairs.before_own_rival(seen, seen + 0.9, labels).all()  # the own class is no rival
    moved = seen + torch.tensor([[5.1], [3.9], [3.9], [4.6]])
    assert pairs.before_own_rival(seen, moved, labels).tolist() == [False, True, True, False]


def test_rivals_of_layers_are_shares_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RivalsConfig("digits", images=80, untrained=2)
    small = VaeGanConfig("digits", layer=2, discriminator_hidden=(12, 10), judged=False)
    trained = vae_gan.build(small).eval()
    monkeypatch.setattr(vae_gan, "recorded", lambda name: (small, trained))
    judge = Classifier(width=4)
    monkeypatch.setattr(rivals, "load_judge", lambda dataset: judge)
    state = torch.get_rng_state()
    found = rivals.evaluate(config, torch.nn.Identity())
    assert torch.equal(state, torch.get_rng_state())
    test = data.load("digits", "test")
    images, labels = test.images[:80], test.labels[:80]
    partners = pairs.alike(images, labels)
    measured = pairs.measured(images, partners, {"pixel": pairs.squared_error})["pixel"]
    shift = pairs.share_nearer(measured, partners, "shifted", "other")
    assert found["pixel_own_rival"] == found["pixel_pixel_rival"] == pytest.approx(shift)
    for name in ("full", "conv", "full_untrained", "conv_untrained", "judge"):
        assert 0 <= found[f"{name}_own_rival"] <= found[f"{name}_pixel_rival"] <= 1
        less = found[f"{name}_own_rival"] - found["pixel_own_rival"]
        assert found[f"{name}_less_pixel"] == pytest.approx(less)
    assert "full_untrained_own_rival_over_draws_sem" in found
    assert "full_own_rival_over_draws_sem" not in found


# DCGAN: modes


def test_dropout_moves_the_verdict_and_evaluation_mode_does_not() -> None:
    config = GanConfig("digits", convolutional=True, width=4, dropout=0.4, batch_size=16)
    torch.manual_seed(0)
    discriminator = gan.build(config).discriminator
    images = data.load("digits", "test").images[:64]
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    found = discriminator_modes.in_modes(config, discriminator, images, 0)
    assert set(found) == {"evaluation", "training", "dropout"}
    assert torch.equal(found["evaluation"], discriminator.probability(images / 255).detach())
    assert float(found["dropout"].std()) > 1.2 * float(found["training"].std())
    again = discriminator_modes.in_modes(config, discriminator, images, 0)
    assert all(torch.equal(found[mode], again[mode]) for mode in found)
    after = discriminator.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    shares = {part.p for part in discriminator.modules() if isinstance(part, torch.nn.Dropout)}
    assert shares == {0.4} and not discriminator.training


# RealNVP prior: pairs


def test_pairs_of_likelihoods(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the estimate of the record, on the same pixels; the paired error is far below the unpaired."""
    small = PriorConfig("digits", hidden=(16,), latent=3)
    made: list[torch.nn.Module] = []

    def recorded(name: str) -> tuple[PriorConfig, torch.nn.Module]:
        torch.manual_seed(len(made))
        made.append(likelihood_vae.build(small).eval())
        return small, made[-1]

    monkeypatch.setattr(likelihood_vae, "recorded", recorded)
    config = PairedConfig("digits", nll_samples=6, images=70)
    model = paired_likelihood.build(config)
    paired_likelihood.measure(config, model, None)
    x = likelihood_vae.observed(small, data.load("digits", "test"))[:70]
    expected = negative_iwae(made[0], x, num_samples=6, batch_size=20)
    torch.testing.assert_close(model.nll[0].double(), expected, rtol=1e-5, atol=0)
    found = paired_likelihood.evaluate(config, model)
    assert found["gain"] == pytest.approx(found["gaussian_nll"] - found["realnvp_nll"])
    assert found["gain_sem"] < found["gain_unpaired_sem"]
    kept = paired_likelihood.panels(config, model)
    assert kept["gain"].shape == (70,)
    assert float(kept["gain"].astype(float).mean()) == pytest.approx(found["gain"], abs=1e-2)


# naive generation: sharpness


def test_sharpness_is_measured_beside_real_images() -> None:
    config = AutoencoderConfig("digits", hidden=(16,))
    torch.manual_seed(0)
    model = autoencoder.build(config).eval()
    model.decoder[-3].weight.data.zero_()  # the same grey in every image, whatever its code
    model.decoder[-3].bias.data.zero_()
    found = sharpness.sharpness(config, model)
    test = data.load("digits", "test").images
    assert found["real_roughness"] == pytest.approx(float(roughness(test).mean()))
    assert found["edges_kept"] == found["standard_normal_roughness"] == 0
    model.decoder[-3].bias.data[::2] = 5  # and now stripes
    found = sharpness.sharpness(config, model)
    kept = found["training_codes_roughness"] / found["real_roughness"]
    assert found["edges_kept"] == pytest.approx(kept) and kept > 1


def test_the_controls_differ_from_what_they_control_in_one_thing() -> None:
    for base in naive_generation.DATA:
        a, b = (EXPERIMENTS[f"ae-{kind}{base.dataset}"].config for kind in ("", "normalized-"))
        large = 16 * base.batch_size
        short = EXPERIMENTS[f"ae-{base.dataset}-25-epochs"].config
        assert short == replace(a, epochs=b.epochs)
        wide = EXPERIMENTS[f"ae-{base.dataset}-25-epochs-batch-{large}"].config
        assert wide == replace(short, batch_size=large)
        batches = EXPERIMENTS[f"ae-normalized-{base.dataset}-batch-{large}"].config
        assert batches == replace(b, batch_size=large) == replace(wide, normalized=True)
        assert EXPERIMENTS[f"ae-normalized-{base.dataset}-again"].config == b
