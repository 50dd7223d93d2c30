"""Each term against its equation, and each network's gradient against the paper's table and the stated formula."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from chapters_lib.models.vae import fully_connected
from chapters_lib.models.vae_gan import VAEGAN, convolutional, fully_connected_discriminator
from chapters_lib.objectives.adversarial import discriminator_loss, nonsaturating_loss
from chapters_lib.objectives.vae_gan import (
    RECONSTRUCTION,
    SAMPLE,
    feature_likeness,
    fooling_loss,
    gan_value,
    network_losses,
    vae_gan_terms,
)

REAL = torch.tensor([-3.0, 0.0, 0.4, 8.0], dtype=torch.float64)
FAKE = torch.tensor([-30.0, -1.0, 0.0, 2.0], dtype=torch.float64)
OTHER = torch.tensor([0.3, -0.5, 1.0], dtype=torch.float64)
NETWORKS = ("encoder", "decoder", "discriminator")


def log_d(logits: Tensor) -> Tensor:
    return (1 / (1 + (-logits).exp())).log()


# terms by hand


def test_likeness_is_the_gaussians_score_without_its_constant() -> None:
    """Eqs. 6 and 7: −log N(Dis_l(x) | Dis_l(x̃), I), less (d/2) log 2π."""
    a, b = torch.randn(2, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    score = Independent(Normal(b, torch.ones(5, 7, dtype=torch.float64)), 1).log_prob(a)
    expected = -score.mean() - 7 / 2 * math.log(2 * math.pi)
    assert float(feature_likeness(a, b)) == pytest.approx(float(expected), rel=1e-6)


def test_likeness_of_identical_images_is_zero() -> None:
    d = fully_connected_discriminator((9, 8))
    x = torch.rand(4, 1, 28, 28)
    for layer in range(3):
        seen, again = (d.layer_and_features(image, layer)[0] for image in (x, x.clone()))
        assert float(feature_likeness(seen, again).detach()) == 0
        other = d.layer_and_features(x.flip(3), layer)[0]
        assert float(feature_likeness(seen, other).detach()) > 0.1


def test_the_value_is_eq_5_and_eq_10() -> None:
    two = log_d(REAL).mean() + (1 - log_d(FAKE).exp()).log().mean()
    three = two + (1 - log_d(OTHER).exp()).log().mean()
    torch.testing.assert_close(gan_value(REAL, FAKE), two, rtol=1e-9, atol=0)
    torch.testing.assert_close(gan_value(REAL, FAKE, OTHER), three, rtol=1e-9, atol=0)
    torch.testing.assert_close(gan_value(REAL, FAKE), -discriminator_loss(REAL, FAKE))


def test_the_value_where_nobody_can_tell() -> None:
    """Ascended over one constant logit: D = 1/2 and −2 log 2 for Eq. 5, D = 1/3 and −3 log 3 + 2 log 2 for Eq. 10."""
    grid = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    for count, best in ((1, -2 * math.log(2)), (2, 2 * math.log(2) - 3 * math.log(3))):
        values = torch.stack([gan_value(a[None], *[a[None]] * count) for a in grid])
        assert float(values.max()) == pytest.approx(best, abs=1e-6)
        at = float(grid[values.argmax()].sigmoid())
        assert at == pytest.approx(1 / (1 + count), abs=1e-3)


def test_what_fools_is_the_drawn_part_of_the_value() -> None:
    torch.testing.assert_close(
        fooling_loss(FAKE, OTHER), gan_value(REAL, FAKE, OTHER) - log_d(REAL).mean()
    )
    torch.testing.assert_close(
        fooling_loss(FAKE, OTHER, saturating=False),
        nonsaturating_loss(FAKE) + nonsaturating_loss(OTHER),
    )


@pytest.mark.parametrize("saturating", [True, False])
def test_fooling_pushes_every_logit_up(saturating: bool) -> None:
    """Slopes −D, or −(1 − D), each over the number of images."""
    logits = FAKE.clone().requires_grad_()
    (slope,) = torch.autograd.grad(fooling_loss(logits, saturating=saturating), logits)
    probability = log_d(FAKE).exp()
    expected = -(probability if saturating else 1 - probability) / len(FAKE)
    torch.testing.assert_close(slope, expected)


@pytest.mark.parametrize("drawn", [RECONSTRUCTION, SAMPLE])
def test_noise_reaches_the_discriminator_alone_and_both_sides_of_the_likeness_alike(
    drawn: str,
) -> None:
    """Where every code is decoded alike, an image differs by its noise and nothing else."""
    it = model()
    nn.init.zeros_(it.decoder.net[0].weight)
    clean, noisy = (
        (torch.manual_seed(1), vae_gan_terms(it, images(), layer=0, drawn=(drawn,), noise=noise))[1]
        for noise in (0.0, 0.5)
    )
    torch.testing.assert_close(noisy.likeness, clean.likeness)  # of pixels: the noise cancels
    torch.testing.assert_close(noisy.prior, clean.prior)
    of_real = noisy.value - noisy.fooling, clean.value - clean.fooling
    assert not torch.isclose(*of_real)
    assert not torch.isclose(noisy.fooling, clean.fooling)


def test_every_image_that_the_discriminator_sees_has_noise_of_the_stated_size() -> None:
    """An image and its reconstruction the same, a sample its own: within five standard errors of 0.5."""
    it, x = model(), images()
    nn.init.zeros_(it.decoder.net[0].weight)
    always = it.decoder(torch.zeros(6, 3)).mean
    seen: list[Tensor] = []
    it.discriminator.stages[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    vae_gan_terms(it, x, noise=0.5)
    noise, same, other = (
        (got - image).detach() for got, image in zip(seen, (x, always, always), strict=True)
    )
    torch.testing.assert_close(noise, same)
    for part in (noise, other):
        assert float(part.std()) == pytest.approx(0.5, abs=5 * 0.5 / (2 * x.numel()) ** 0.5)
    assert abs(float((noise * other).mean())) < 5 * 0.25 / x.numel() ** 0.5


def test_an_unknown_routing() -> None:
    terms = vae_gan_terms(model(), images(), layer=None)
    with pytest.raises(ValueError, match="no routing 'both': paper or joint"):
        network_losses(terms, routing="both")


# gradients


def model(kind: str = "fully connected") -> VAEGAN:
    torch.manual_seed(0)
    if kind == "convolutional":
        return convolutional(latent=3, width=2)
    vae = fully_connected(hidden=(9,), latent=3, activation=nn.Tanh)
    return VAEGAN(vae, fully_connected_discriminator((8, 7)))


def images() -> Tensor:
    draw = torch.Generator().manual_seed(5)
    return torch.rand(6, 1, 28, 28, generator=draw)


def gradient(loss: Tensor, module: nn.Module) -> list[Tensor]:
    """Return the gradient by each of a module's parameters; zeros where none flows."""
    return list(
        torch.autograd.grad(
            loss,
            list(module.parameters()),
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
    )


def flows(loss: Tensor, module: nn.Module) -> bool:
    """Return whether gradient reaches every layer of a module; fail if it reaches only some of them."""
    weights = [name.endswith("weight") for name, _ in module.named_parameters()]
    reached = [
        bool(slope.abs().sum() > 0)
        for slope, weight in zip(gradient(loss, module), weights, strict=True)
        if weight
    ]
    assert all(reached) or not any(reached)
    return reached[0]


TABLE = {
    "prior": (True, False, False),
    "likeness": (True, True, None),  # of the discriminator only the layers up to l: left out
    "value": (True, True, True),
    "fooling": (True, True, True),
}


def test_where_autograd_would_send_each_term() -> None:
    """The table's first half: which networks a term depends on, before the routing limits it."""
    it = model()
    terms = vae_gan_terms(it, images(), layer=2)
    for term, row in TABLE.items():
        for network, expected in zip(NETWORKS, row, strict=True):
            if expected is not None:
                assert flows(getattr(terms, term), getattr(it, network)) is expected
    alone = vae_gan_terms(it, images(), layer=2, drawn=(SAMPLE,))
    assert not flows(alone.value, it.encoder)  # samples owe nothing to the encoder


def stated(it: VAEGAN, x: Tensor, seed: int, layer: int | None, drawn: tuple[str, ...]) -> dict:
    """Eqs. 4, 5, 7 and 10 written out, with the noise of `vae_gan_terms` under the same seed."""
    torch.manual_seed(seed)
    q = it.encoder(x)
    z = q.mean + q.stddev * torch.randn(q.mean.shape)
    x_tilde = it.decoder(z).mean
    d = it.discriminator
    probability = {"real": d.probability(x), RECONSTRUCTION: d.probability(x_tilde)}
    if SAMPLE in drawn:
        z_p = torch.randn(len(x), z.shape[1])
        probability[SAMPLE] = d.probability(it.decoder(z_p).mean)
    kl = (q.mean**2 + q.stddev**2 - 1 - 2 * q.stddev.log()).sum(1) / 2
    likeness = torch.zeros(())
    if layer is not None:
        upto = nn.Sequential(*d.stages[:layer])
        gap = upto(x).flatten(1) - upto(x_tilde).flatten(1)
        likeness = (gap**2).sum(1).mean() / 2
    gan = probability["real"].log().mean()
    for kind in drawn:
        gan = gan + (1 - probability[kind]).log().mean()
    return {"prior": kl.mean(), "likeness": likeness, "gan": gan}


BOTH, ONE = (RECONSTRUCTION, SAMPLE), (RECONSTRUCTION,)


@pytest.mark.parametrize("kind", ["fully connected", "convolutional"])
@pytest.mark.parametrize(
    ("layer", "drawn"), [(None, ONE), (None, (SAMPLE,)), (0, BOTH), (2, BOTH), (2, ONE)]
)
@pytest.mark.parametrize("routing", ["paper", "joint"])
def test_each_networks_gradient_is_that_of_the_stated_formula(
    kind: str, layer: int | None, drawn: tuple[str, ...], routing: str
) -> None:
    """Encoder, decoder (Eq. 9), discriminator: autograd of the equations, term by term, and nothing else."""
    it, x, gamma = model(kind), images(), 0.3
    torch.manual_seed(11)
    losses = network_losses(vae_gan_terms(it, x, layer=layer, drawn=drawn), gamma, routing)
    copy = deepcopy(it)
    formula = stated(copy, x, 11, layer, drawn)
    expected = {
        "encoder": formula["prior"] + formula["likeness"],
        "decoder": gamma * formula["likeness"] + formula["gan"],
        "discriminator": -formula["gan"],
    }
    if routing == "joint":
        expected["encoder"] = expected["encoder"] + formula["gan"]
    for network in NETWORKS:
        found = gradient(getattr(losses, network), getattr(it, network))
        wanted = gradient(expected[network], getattr(copy, network))
        scale = max(float(w.abs().max()) for w in wanted)
        assert scale > 0
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5 * scale)


def test_under_the_papers_routing_the_basic_loss_gives_the_encoder_the_prior_alone() -> None:
    """Its gradient does not see the discriminator or the decoder; jointly minimised, it does."""
    it, x = model(), images()
    other = deepcopy(it)
    with torch.no_grad():
        for p in [*other.decoder.parameters(), *other.discriminator.parameters()]:
            p.add_(0.5 * torch.randn_like(p))
    for routing, same in (("paper", True), ("joint", False)):
        found = []
        for one in (it, other):
            torch.manual_seed(1)
            losses = network_losses(vae_gan_terms(one, x, layer=None), routing=routing)
            found.append(torch.cat([g.flatten() for g in gradient(losses.encoder, one.encoder)]))
        assert torch.equal(*found) is same


def test_gamma_weighs_in_the_decoder_alone() -> None:
    it, x = model(), images()
    terms = vae_gan_terms(it, x, layer=2)
    small, large = network_losses(terms, 0.1), network_losses(terms, 10.0)
    assert torch.equal(small.encoder, large.encoder)
    assert torch.equal(small.discriminator, large.discriminator)
    torch.testing.assert_close(large.decoder - small.decoder, 9.9 * terms.likeness)


def test_no_likeness_reaches_the_discriminator() -> None:
    """With and without L_llike its gradient is the same, though the term depends on its layers."""
    it, x = model(), images()
    slopes = []
    for layer in (None, 1, 2):
        torch.manual_seed(2)
        terms = vae_gan_terms(it, x, layer=layer)
        slopes.append(gradient(network_losses(terms).discriminator, it.discriminator))
    assert flows(terms.likeness, nn.Sequential(*it.discriminator.stages))
    for other in slopes[1:]:
        assert all(torch.equal(a, b) for a, b in zip(slopes[0], other, strict=True))


@pytest.mark.parametrize("routing", ["paper", "joint"])
def test_eq_8_without_likeness_is_the_basic_loss(routing: str) -> None:
    it, x = model(), images()
    torch.manual_seed(3)
    full = vae_gan_terms(it, x, layer=2)
    torch.manual_seed(3)
    basic = vae_gan_terms(it, x, layer=None)
    assert float(full.likeness.detach()) > 0.1 and float(basic.likeness) == 0
    without = full._replace(likeness=torch.zeros(()))
    for a, b in zip(
        network_losses(without, 0.2, routing), network_losses(basic, 0.7, routing), strict=True
    ):
        assert torch.equal(a, b)
