"""The pair that the reader trains: its first rounds are PyTorch's; its rates, buttons and data can be moved."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chapters_lib.models.gan import frozen
from chapters_lib.objectives.adversarial import discriminator_loss, minmax_loss, nonsaturating_loss
from tests.explorers.opened import in_node, opened

ROUNDS, BATCH, WIDTH = 10, 32, 16
TRAIN = """
require(STATIC + "/play/gan-model.js");
const { Network, Pair } = playGan, flat = (list) => Float64Array.from(list.flat());
const [G, D] = ["generator", "discriminator"].map((name) => {
  const { widths, activations, weights } = given[name], network = new Network(widths, activations);
  network.layers.forEach((layer, i) => { layer.weight.set(flat(weights[i][0])); layer.bias.set(weights[i][1]); });
  return network;
});
const pair = new Pair(G, D), take = (lists) => () => flat(lists.shift());
const losses = Array.from({ length: given.rounds }, () =>
  pair.round({ real: take(given.real), noise: take(given.noise) }, given));
const of = (network) => network.layers.map(({ weight, bias }) => [[...weight], [...bias]]);
console.log(JSON.stringify({ losses, generator: of(G), discriminator: of(D) }));
"""


def body(*widths: int, activation: type[nn.Module]) -> list[nn.Module]:
    """Linear layers, each but the last followed by the activation."""
    parts: list[nn.Module] = []
    for pair in pairwise(widths):
        parts += [nn.Linear(*pair), activation()]
    return parts[:-1]


def networks(kind: str) -> tuple[nn.Sequential, nn.Sequential]:
    """The generator and the discriminator of one of the page's two pairs, in float64; logits of shape (B, 1)."""
    torch.manual_seed(3)
    activation, size, noise = {"ring": (nn.ReLU, 2, 4), "line": (nn.Tanh, 1, 1)}[kind]
    critic = nn.Sequential(*body(size, WIDTH, WIDTH, 1, activation=activation))
    generator = nn.Sequential(*body(noise, WIDTH, WIDTH, size, activation=activation))
    if kind == "ring":
        generator.append(nn.Sigmoid())
    return generator.double(), critic.double()


def layers(network: nn.Module) -> list[nn.Linear]:
    return [part for part in network.modules() if isinstance(part, nn.Linear)]


def weights(network: nn.Module) -> list[Any]:
    return [[layer.weight.tolist(), layer.bias.tolist()] for layer in layers(network)]


def in_torch(
    g: nn.Module,
    d: nn.Module,
    real: list[Tensor],
    noise: list[Tensor],
    k: int,
    loss: Any,
    rates: Any,
) -> Tensor:
    """Algorithm 1 with the library's losses and torch's own Adam; return both losses of each round."""
    adam_g, adam_d = (
        torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.999))
        for network, rate in zip((g, d), rates, strict=True)
    )
    losses = []
    for _ in range(ROUNDS):
        for _ in range(k):
            of_d = discriminator_loss(d(real.pop(0))[:, 0], d(g(noise.pop(0)).detach())[:, 0])
            adam_d.zero_grad()
            of_d.backward()
            adam_d.step()
        with frozen(d):
            of_g = loss(d(g(noise.pop(0)))[:, 0])
            adam_g.zero_grad()
            of_g.backward()
        adam_g.step()
        losses.append([of_d.item(), of_g.item()])
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize("kind", ["ring", "line"])
@pytest.mark.parametrize("saturating", [True, False])
@pytest.mark.parametrize("k", [1, 3])
def test_the_first_ten_rounds_are_torchs(kind: str, saturating: bool, k: int, tmp_path: Path):
    generator, critic = networks(kind)
    sizes, bent = {"ring": ((4, 2), "relu"), "line": ((1, 1), "tanh")}[kind]
    real = [torch.randn(BATCH, sizes[1]).double() for _ in range(ROUNDS * k)]
    noise = [torch.randn(BATCH, sizes[0]).double() for _ in range(ROUNDS * (k + 1))]
    rates = [1e-2, 3e-2]  # large: a slip would be seen
    last = "sigmoid" if kind == "ring" else "identity"
    given = {
        "rounds": ROUNDS, "k": k, "saturating": saturating, "rates": rates,
        "real": [x.tolist() for x in real], "noise": [z.tolist() for z in noise],
        "generator": {"widths": [sizes[0], WIDTH, WIDTH, sizes[1]],
                      "activations": [bent, bent, last], "weights": weights(generator)},
        "discriminator": {"widths": [sizes[1], WIDTH, WIDTH, 1],
                          "activations": [bent, bent, "identity"], "weights": weights(critic)},
    }  # fmt: skip
    page = in_node(TRAIN, given, tmp_path)
    loss = minmax_loss if saturating else nonsaturating_loss
    expected = in_torch(generator, critic, real, noise, k, loss, rates)
    torch.testing.assert_close(torch.tensor(page["losses"]).double(), expected, atol=1e-4, rtol=0)
    for name, network in (("generator", generator), ("discriminator", critic)):
        for (weight, bias), layer in zip(page[name], layers(network), strict=True):
            after = torch.tensor(weight).double().view_as(layer.weight)
            torch.testing.assert_close(after, layer.weight.data, atol=1e-4, rtol=0)
            torch.testing.assert_close(
                torch.tensor(bias).double(), layer.bias.data, atol=1e-4, rtol=0
            )


def test_the_density_of_samples_is_that_of_the_noise_carried_over(tmp_path: Path) -> None:
    """Through the identity q is N(0, 1); through a doubling, N(0, 4)."""
    program = """
require(STATIC + "/play/gan-model.js");
const through = (slope) => { const g = new playGan.Network([1, 1], ["identity"]);
  g.layers[0].weight[0] = slope; g.layers[0].bias[0] = 0; return [...playGan.LINE.drawn(g, -4, 4, 80)]; };
console.log(JSON.stringify([through(1), through(-2)]));"""
    found = torch.tensor(in_node(program, {}, tmp_path))
    x = torch.linspace(-4, 4, 81)
    for density, deviation in zip(found, (1.0, 2.0), strict=True):
        normal = torch.distributions.Normal(0.0, deviation)
        expected = normal.cdf(x).diff() / 0.1
        torch.testing.assert_close(density, expected, atol=2e-3, rtol=0)


def test_the_best_discriminator_on_the_ring_is_that_of_numpy(tmp_path: Path) -> None:
    """p/(p + q) on a grid, both densities seen through the kernel, and the line on which it is one half."""
    cells, count = 80, 300
    program = """
require(STATIC + "/play/gan-model.js");
const { RING, crossings } = playGan, best = RING.best(Float64Array.from(given.samples.flat()), given.cells);
console.log(JSON.stringify({ best: [...best], line: crossings(best, given.cells, 0.5), kernel: RING.kernel }));"""
    rng = np.random.default_rng(3)
    angles = np.arange(8) * np.pi / 4
    centres = 0.5 + 0.35 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    samples = centres[rng.integers(0, 3, count)] + rng.normal(0, 0.03, (count, 2))  # of three only
    found = in_node(program, {"samples": samples.tolist(), "cells": cells}, tmp_path)
    along = (np.arange(cells) + 0.5) / cells
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)

    def density(points: np.ndarray, deviation: float) -> np.ndarray:
        squares = ((grid[:, None] - points) ** 2).sum(axis=2) / deviation**2
        return np.exp(-squares / 2).mean(axis=1) / (2 * np.pi * deviation**2)

    p, q = density(centres, np.hypot(0.025, found["kernel"])), density(samples, found["kernel"])
    best = np.array(found["best"], dtype=float)
    known = p + q > 0.11
    assert 0.1 < known.mean() < 0.6 and np.isnan(best[p + q < 0.09]).all()
    np.testing.assert_allclose(best[known], (p / (p + q))[known], atol=1e-3)
    ends = np.array(found["line"]).reshape(-1, 2)
    at = [np.clip(np.floor(ends).astype(int) + step, 0, cells - 1) for step in (0, 1)]
    corners = [
        best[y * cells + x] for y in (at[0][:, 1], at[1][:, 1]) for x in (at[0][:, 0], at[1][:, 0])
    ]
    assert len(ends) > 20
    assert (np.nanmin(corners, axis=0) <= 0.5).all() and (np.nanmax(corners, axis=0) >= 0.5).all()


def test_bad_rates_collapse_and_good_ones_cure(tmp_path: Path) -> None:
    program = """
require(STATIC + "/play/gan-model.js");
const { RING, randomness } = playGan, random = randomness(1), pair = RING.pair(random), found = [];
const source = { real: () => RING.draw(random, RING.batch), noise: () => random.normals(4 * RING.batch) };
for (const [rates, rounds] of [[[1e-2, 1e-4], 500], [[1e-3, 3e-3], 1500]]) {
  for (let i = 0; i < rounds; i++) pair.round(source, { rates });
  found.push(RING.found(pair.generator.forward(random.normals(8000))));
}
console.log(JSON.stringify(found));"""
    collapsed, cured = in_node(program, {}, tmp_path)
    assert collapsed <= 2
    assert cured >= 6


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 390])
def test_a_reader_trains_a_pair(width: int, tmp_path: Path) -> None:
    rounds = "Number($('.pl-readout b').textContent.match(/Round (\\d+)/)[1])"
    with opened("gan", tmp_path, width=width) as page:
        assert page.evaluate(rounds) == 0
        page.click(".pl-run")
        page.until(f"{rounds} > 5")
        page.press(".pl-run", "Enter")  # a pause
        page.until("$('.pl-run').textContent === 'Train'")
        at = page.evaluate(rounds)
        page.press(".pl-bar:nth-of-type(3) button:nth-of-type(2)", " ")  # a hundred more
        page.until(f"{rounds} === {at + 100}")
        page.press(".pl-slider input", "ArrowRight")
        assert page.evaluate("$('.pl-slider input').getAttribute('aria-valuetext')") == "0.003"
        page.click(".pl-bar:nth-of-type(3) button:nth-of-type(4)")  # rates that collapse
        assert page.evaluate("$$('.pl-slider output').map((n) => n.textContent)") == [
            "0.01", "0.0001", "1",
        ]  # fmt: skip
        shown = "$('canvas').toDataURL()"
        page.evaluate(f"window.before = {shown}; 0")
        page.click("input[type=checkbox]")  # without the optimum's line
        assert page.evaluate(f"{shown} !== before")
        page.press("select", "ArrowDown")  # the line
        assert page.evaluate("$('input[type=checkbox]').offsetWidth") == 0
        page.until("/p\\/\\(p \\+ q\\)/.test($('.pl-readout b').textContent)")
        assert page.evaluate(rounds) == 0
        page.until("$('.pl-spoken').textContent.startsWith('Round 0')")
