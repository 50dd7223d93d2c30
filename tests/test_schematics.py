"""Schematics: every word can be read and no two lie on each other, arrows end where they should."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import combinations

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from chapters_lib import figures
from chapters_lib.figures import schematics
from chapters_lib.figures.schematics import autoencoders
from chapters_lib.figures.schematics.adversarial import NONE, ROUTING, STOPPED
from chapters_lib.figures.schematics.language import Sketch
from chapters_lib.objectives.vae_gan import network_losses, vae_gan_terms
from chapters_lib.recipes import vae_gan as recipe


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with mpl.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def words(figure: Figure) -> list[Text]:
    return [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]


@pytest.mark.parametrize("name", schematics.__all__)
def test_every_schematic_can_be_read(name: str) -> None:
    """Words have 9 points or more, lie on the sheet, and none lies on another."""
    figure: Figure = getattr(schematics, name)()
    figure.savefig(io.BytesIO(), format="svg")
    assert figure.get_size_inches()[0] <= 7
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = {}
    for text in words(figure):
        assert float(text.get_fontsize()) >= 9, text.get_text()
        box = text.get_window_extent(canvas.get_renderer())
        low, high = figure.transFigure.inverted().transform(box.get_points())
        assert low.min() >= 0 and high.max() <= 1, text.get_text()
        boxes[text] = box
    for a, b in combinations(boxes, 2):
        assert not boxes[a].overlaps(boxes[b]), (a.get_text(), b.get_text())


def test_a_stopped_gradient_ends_at_a_bar_and_another_at_a_head() -> None:
    sketch = Sketch(1.0)
    sketch.gradient([(2, 0.5), (1, 0.5)], "red", stopped=True)
    bar = np.asarray(sketch.axes.lines[-1].get_xydata())
    np.testing.assert_allclose(bar.mean(0), [1, 0.5])
    np.testing.assert_allclose(bar[:, 0], 1)  # across the way
    sketch.gradient([(2, 0.5), (1, 0.5)], "red")
    (head,) = sketch.axes.patches
    np.testing.assert_allclose(np.asarray(head.get_path().vertices)[0], [1, 0.5])


def test_the_narrow_side_of_a_network_is_where_it_is_said_to_be() -> None:
    sketch = Sketch(2.0)
    for narrows in (True, False):
        sketch.network(1, 1, "f", narrows=narrows)
        corners = np.asarray(sketch.axes.patches[-1].get_path().vertices)[:4]
        left, right = (np.ptp(corners[corners[:, 0] == x, 1]) for x in (0.525, 1.475))
        assert (left > right) == narrows


def test_the_curved_sheet_is_nearer_to_its_cloud_than_any_flat_one() -> None:
    points = autoencoders.cloud()
    flat, curved = (
        float(np.square(points - autoencoders.projected(points, flat=flat)).sum())
        for flat in (True, False)
    )
    assert curved < flat / 2


def test_the_routing_drawn_is_the_one_trained() -> None:
    """A term moves a network if and only if that network's loss contains it; a stopped one depends on it as well."""

    config = recipe.VaeGanConfig("digits", layer=1, hidden=(8,), latent=2, judged=False)
    config = recipe.VaeGanConfig(**{**vars(config), "discriminator_hidden": (8, 8)})
    model = recipe.build(config)
    terms = vae_gan_terms(model, torch.rand(4, 1, 28, 28), layer=1)
    losses = network_losses(terms, gamma=0.5)
    for term, fates in ROUTING.items():
        for network, fate in fates.items():
            weights = list(getattr(model, network).parameters())
            slopes = torch.autograd.grad(
                getattr(terms, term), weights, retain_graph=True, allow_unused=True
            )
            reaches = any(s is not None and bool(s.abs().sum() > 0) for s in slopes)
            assert reaches == (fate != NONE), (term, network)
            source = terms.fooling if term == "value" and network != "discriminator" else None
            part = getattr(terms, term) if source is None else source
            moved = torch.autograd.grad(
                getattr(losses, network), part, retain_graph=True, allow_unused=True
            )
            assert (moved[0] is not None) == (fate not in (NONE, STOPPED)), (term, network)


@pytest.mark.parametrize("name", schematics.__all__)
def test_an_svg_of_it_has_no_id_twice(name: str) -> None:
    buffer = io.StringIO()
    getattr(schematics, name)().savefig(buffer, format="svg")
    ids = re.findall(r'(?<![\w:])id="([^"]+)"', buffer.getvalue())
    assert len(ids) > 10 and len(ids) == len(set(ids))
