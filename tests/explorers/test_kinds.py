"""The explorers beside the plane: two models on the same draws, a class and a code, a walk."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chapters_lib import explorers
from chapters_lib.explorers import dense, many
from chapters_lib.models.gan import fully_connected
from chapters_lib.models.layers import residual_mlp
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.models.vae import BernoulliDecoder
from chapters_lib.models.vae import fully_connected as vae

from .opened import Shown
from .test_explorers import run_rounded

CLASSES = tuple("0123456789")


def text_of(name: str, record: dict) -> str:
    return explorers.registered(name, {"classes": CLASSES, **record})


def decoder(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
    )


@torch.no_grad()
def same(shown: Shown, name: str, text: str, network: nn.Module, codes: Tensor) -> None:
    """The canvas has torch's grey values: of the rounded weights to one, of the true ones to four."""
    drawn = shown.drawn(name, codes)
    assert np.abs(drawn - 255 * run_rounded(network, codes, text).numpy()).max() <= 1
    assert np.abs(drawn - 255 * network(codes).flatten(1).numpy()).max() <= 4


@pytest.fixture
def naive(shown: Shown) -> Shown:
    chance = np.random.default_rng(0)
    texts = {
        name: explorers.export_decoder(
            decoder(seed),
            scale * chance.normal(size=(300, 2)) + 1,
            np.arange(300) % 10,
            CLASSES,
            name=name,
        )
        for seed, (name, scale) in enumerate({"plain": 5, "normalised": 1}.items())
    }
    shown.holds(texts, model="autoencoder", dataset="digits")
    assert shown.open('data-play="naive" data-models="plain normalised"').errors == []
    assert shown.window.evaluate("document.querySelectorAll('.pl-plane').length") == 1
    shown.window.click(".pl-load")  # the second is loaded when it is asked for
    shown.window.evaluate("new Promise((resolve) => setTimeout(resolve, 300))")
    return shown


def test_both_models_get_the_same_draws(naive: Shown) -> None:
    titles = """[...document.querySelectorAll(".pl-strip")].map((strip) => [...strip.children].map((b) => b.title))"""
    plain, normalised = naive.window.evaluate(titles)
    assert len(plain) == 12 and plain == normalised  # N(0, I) to begin with
    buttons = naive.window.evaluate(
        "[...document.querySelectorAll('.pl-bar button')].map((b) => b.textContent)"
    )
    for i, name in enumerate(buttons, 1):
        naive.window.click(f".pl-bar button:nth-of-type({i})")
        drawn = naive.window.evaluate(titles)
        assert drawn != [plain, normalised] and (drawn[0] == drawn[1]) == (name == "N(0, I)")
        plain, normalised = drawn


def test_the_planes_move_apart_and_are_round(naive: Shown) -> None:
    before = naive.window.evaluate(
        "[...document.querySelectorAll('.pl-readout b')].map((b) => b.textContent)"
    )
    second = ".pl-half:nth-child(2) .pl-plane"
    naive.window.drag(second, (-30, -30), (30, 30))
    after = naive.window.evaluate(
        "[...document.querySelectorAll('.pl-readout b')].map((b) => b.textContent)"
    )
    assert after[0] == before[0] and after[1] != before[1]
    naive.window.click(".pl-half:first-child .pl-strip button:nth-child(2)")
    title = naive.window.evaluate("document.querySelector('.pl-strip button:nth-child(2)').title")
    assert naive.window.text(".pl-readout b") == title
    lengths = """(() => { const p = new play.Plane({ equal: true }); document.querySelector(".play").append(p.canvas);
        p.show({ view: [[-9, -1], [3, 2]] }); const [x, y] = p.toPixel([0, 0]), [u, v] = p.toPixel([1, 1]);
        p.canvas.remove(); return [u - x, y - v]; })()"""
    right, up = naive.window.evaluate(lengths)
    assert abs(right / up - 1) < 0.05


@pytest.fixture
def conditional() -> nn.Module:
    torch.manual_seed(0)
    return dense.image_of(vae(hidden=[80], latent=6, classes=10).decoder)


def test_a_class_and_a_code(shown: Shown, conditional: nn.Module) -> None:
    text = text_of("cvae", many.conditional(conditional, 6, 10))
    shown.holds({"cvae": text}, model="C-VAE", dataset="digits")
    assert shown.open('data-play="classes" data-models="cvae"').errors == []
    same(
        shown,
        "cvae",
        text,
        conditional,
        torch.cat([torch.randn(100, 6), torch.eye(10).repeat(10, 1)], 1),
    )
    strip = (
        "[...document.querySelectorAll('.pl-classes canvas')].map((canvas) => canvas.toDataURL())"
    )
    before = shown.window.evaluate(strip)
    assert len(set(before)) == 10
    zero = torch.cat([torch.zeros(10, 6), torch.eye(10)], 1)
    with torch.no_grad():
        meant = 255 * run_rounded(conditional, zero, text)
    shown.window.click(".pl-legend button:nth-child(4)")
    assert np.abs(np.array(shown.window.pixels(".pl-image")) - meant[3].numpy()).max() <= 1
    assert shown.window.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 2
    shown.window.drag(".pl-plane", (0, 0), (90, -90))
    moved = shown.window.evaluate(strip)
    assert all(a != b for a, b in zip(before, moved, strict=True))
    shown.window.press(".pl-plane", "Home")
    assert shown.window.evaluate(strip) == before
    shown.window.click(".pl-bar button")  # draws z anew
    assert shown.window.evaluate(strip) != before


def test_principal_directions_change_images_most(conditional: nn.Module) -> None:
    parts, _ = dense.layers(conditional)
    found = many.principal(parts, 6, 10)
    torch.testing.assert_close(found @ found.T, torch.eye(2), atol=1e-5, rtol=0)
    linear = nn.Sequential(nn.Linear(4, 9, bias=False), nn.Unflatten(1, (1, 3, 3)))
    with torch.no_grad():
        linear[0].weight.copy_(torch.eye(9, 4) * torch.tensor([1.0, 5.0, 3.0, 9.0]))
    found = many.principal(dense.layers(linear)[0], 3, 1)  # of these, the last number is the class
    torch.testing.assert_close(found, torch.eye(3)[[1, 2]])


def test_a_walk_between_two_codes(shown: Shown) -> None:
    torch.manual_seed(0)
    network = dense.image_of(fully_connected(noise=12, width=40).generator.eval())
    text = text_of("gan", many.generator(network, 12))
    shown.holds({"gan": text}, model="GAN", dataset="digits")
    assert shown.open('data-play="walk" data-model="gan"').errors == []
    same(shown, "gan", text, network, torch.randn(100, 12))

    def images() -> list[list[int]]:
        return [shown.window.pixels(f".pl-half:nth-child({i}) .pl-image") for i in (1, 2)]

    middle = images()
    shown.window.press(".play input", "Home")
    assert images()[0] == images()[1] != middle[0]  # both begin at the first code
    shown.window.press(".play input", "ArrowRight")
    assert shown.window.evaluate("document.querySelector('.play input').ariaValueText") == "0.01"
    shown.window.click(".pl-walk button:last-child")
    assert shown.window.text(".pl-slider output") == "1.00"
    shown.window.click(".pl-bar button")
    assert images()[0] == images()[1]
    shown.window.evaluate("new Promise((resolve) => setTimeout(resolve, 600))")
    assert "length is straight" in shown.window.text(".pl-spoken")


@pytest.fixture
def pair(shown: Shown) -> tuple[Shown, dict[str, nn.Module], dict[str, str], RealNVP]:
    """A residual decoder without a flow, and one behind a flow."""
    torch.manual_seed(0)
    prior, networks, texts = RealNVP(6, 4, (16,)), {}, {}
    for part in prior.parameters():
        nn.init.normal_(part, std=0.2)
    for name, flow in (("plain", None), ("flow", prior)):
        net = BernoulliDecoder(residual_mlp([6, 40, 40, 784]))
        for part in net.modules():
            if isinstance(part, nn.LayerNorm):
                nn.init.normal_(part.weight), nn.init.normal_(part.bias)
        networks[name] = dense.image_of(net)
        texts[name] = text_of(name, many.generator(networks[name], 6, flow))
    shown.holds(texts, model="VAE", dataset="digits")
    assert shown.open('data-play="beside" data-models="plain flow"').errors == []
    return shown, networks, texts, prior


@torch.no_grad()
def test_behind_a_flow_images_and_densities_are_torchs(pair) -> None:
    shown, networks, texts, prior = pair
    u = torch.randn(100, 6)
    same(shown, "plain", texts["plain"], networks["plain"], u)
    drawn, z = shown.drawn("flow", u), prior.to_code(u)
    rounded = run_rounded(networks["flow"], u, texts["flow"], prior)
    assert np.abs(drawn - 255 * rounded.numpy()).max() <= 1
    assert np.abs(drawn - 255 * networks["flow"](z).flatten(1).numpy()).max() <= 4
    found = shown.window.evaluate(f"""play.model("flow").then((model) =>
        {z.tolist()}.map((z) => play.density(model, z)))""")
    torch.testing.assert_close(torch.tensor(found), prior().log_prob(z), atol=2e-2, rtol=0)
    normal = shown.window.evaluate(f"{u.tolist()}.map((z) => play.density({{}}, z))")
    expected = torch.distributions.Normal(0, 1).log_prob(u).sum(1)
    torch.testing.assert_close(torch.tensor(normal), expected, atol=1e-4, rtol=0)


def test_decoders_side_by_side_take_the_same_walk(pair) -> None:
    shown = pair[0]
    said = "[...document.querySelectorAll('.pl-readout')].map((node) => node.innerText)"
    assert len(shown.window.evaluate(said)) == 1  # the second is loaded when it is asked for
    assert re.fullmatch(r"Load its decoder \(\d\.\d MB\)", shown.window.text(".pl-load"))
    shown.window.click(".pl-load")
    shown.window.evaluate("new Promise((resolve) => setTimeout(resolve, 300))")
    straight = shown.window.evaluate(said)
    assert len(straight) == 2
    images = "[...document.querySelectorAll('.pl-upright canvas')].map((node) => node.toDataURL())"
    before = shown.window.evaluate(images)
    shown.window.click(
        ".pl-switch button:nth-child(3)"
    )  # among the codes: another way for the flow alone
    among = shown.window.evaluate(images)
    assert among[0] == before[0] and among[1] != before[1]
    shown.window.click(".pl-switch button:nth-child(2)")
    assert shown.window.evaluate(said)[0] != straight[0]  # on the sphere the draw is longer
    shown.window.press(".play input", "Home")
    first = shown.window.evaluate(images)
    shown.window.click(".pl-named:nth-of-type(2) button:nth-of-type(4)")  # another first end
    assert all(a != b for a, b in zip(first, shown.window.evaluate(images), strict=True))
    shown.window.evaluate("new Promise((resolve) => setTimeout(resolve, 600))")
    assert "On the sphere, at 0.00 of the way" in shown.window.text(".pl-spoken")


def test_who_asks_for_less_motion_is_taken_to_the_end(shown: Shown) -> None:
    shown.holds({})
    shown.open('data-play="walk" data-model="gan"')
    steps = "(() => { const seen = []; play.animate((t) => seen.push(t), 0.1); return seen; })()"
    assert shown.window.evaluate(steps) == []
    asked = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    shown.window.call("Emulation.setEmulatedMedia", features=asked)
    try:
        assert shown.window.evaluate(steps) == [1]
    finally:
        shown.window.call("Emulation.setEmulatedMedia", features=[])


def test_an_arc_changes_length_evenly(shown: Shown) -> None:
    shown.holds({})
    shown.open('data-play="walk" data-model="gan"')
    arc = "[0, 0.25, 0.5, 1].map((t) => play.walks.arc([3, 0, 0], [0, 0, 5], t))"
    found = torch.tensor(shown.window.evaluate(arc), dtype=torch.float64)
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([3, 3.5, 4, 5], dtype=torch.float64))
    angle = torch.atan2(found[:, 2], found[:, 0]) / (torch.pi / 2)
    torch.testing.assert_close(angle, torch.tensor([0, 0.25, 0.5, 1], dtype=torch.float64))
