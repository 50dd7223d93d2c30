"""The page on the DCGAN: its figures have named axes, its tables their rows, its formulas hold of the layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from chapters_lib import figures
from chapters_lib.models.layers import count_parameters, output_shapes
from chapters_lib.pages import dcgan_pretraining as page
from chapters_lib.pages import dcgan_probe as probe
from chapters_lib.recording.runs import Run


@pytest.fixture(autouse=True)
def style() -> None:
    figures.use_style()


def rows(table: Any) -> int:
    return table.data.count("\n* - ")


@pytest.mark.parametrize("draw", [page.training, probe.shares])
def test_curves_have_words_on_their_axes(draw: Any) -> None:
    figure = draw()
    assert isinstance(figure, Figure)
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)


def test_tables_have_a_row_a_model() -> None:
    assert rows(page.table_scores()) == 1 + 5
    assert rows(probe.table_probe()) == 1 + len(probe.KINDS) + 2


def test_the_shapes_are_the_sheets() -> None:
    assert {part: found for part, (found, _) in page.shapes().items()} == page.SHEET
    field, jump, fields = 1, 1, []
    for layer in page.full_width().discriminator.body.modules():
        if isinstance(layer, nn.Conv2d):
            field, jump = field + (layer.kernel_size[0] - 1) * jump, layer.stride[0] * jump
            fields.append(field)
    assert fields == [4, 10, 18, 34]


def test_the_counts_are_the_exercises() -> None:
    pair, w = page.full_width(), page.CONFIG.width
    by_hand = 17 * w + (32 + 72 + 288) * w**2 + 28 * w + 128 * w + 1
    assert count_parameters(pair.discriminator) == by_hand
    assert count_parameters(pair.generator) == 19600 * w + 164.5 * w**2 + 19.5 * w + 1


def test_the_formulas_give_the_layers_sizes() -> None:
    pair = page.full_width()
    bodies: Any = (
        (pair.generator.body, torch.randn(2, 100)),
        (pair.discriminator.body, torch.rand(2, 1, 28, 28)),
    )
    for body, x in bodies:
        n = x.shape[-1]
        for layer, shape in output_shapes(body, x):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                h, s, o = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
                back = isinstance(layer, nn.ConvTranspose2d)
                assert shape[-1] == (s * (n - 1) + h - 2 * o if back else (n + 2 * o - h) // s + 1)
            n = shape[-1]


def test_the_generators_layers_are_transposes() -> None:
    for layer in page.full_width().generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            weight = layer.weight.detach().double()
            y = torch.randn(1, layer.in_channels, 7, 7, dtype=torch.float64)
            x = torch.randn(1, layer.out_channels, 14, 14, dtype=torch.float64)
            left = (F.conv2d(x, weight, stride=2, padding=1) * y).sum()
            right = (x * F.conv_transpose2d(y, weight, stride=2, padding=1)).sum()
            assert torch.allclose(left, right, rtol=1e-10)


def test_kernels_of_four_cover_evenly() -> None:
    counts = {
        kernel: sorted(count[2:-2, 2:-2].unique()) for kernel, (count, _) in probe.cover().items()
    }
    assert counts == {3: [1, 2, 4], 4: [4]}


def test_a_record_that_says_otherwise_is_marked(
    monkeypatch: pytest.MonkeyPatch, marks: dict[str, bool]
) -> None:
    whole = page.run

    def worse(name: str) -> Run:
        found = whole(name)
        changed = found.metrics | {"discriminator_accuracy": 0.9}
        return replace(found, metrics=changed) if name == page.MINMAX else found

    page.numbers(), probe.numbers()
    assert all(marks.values()), marks
    monkeypatch.setattr(page, "run", worse)
    page.numbers()
    assert [key for key, holds in marks.items() if not holds] == ["alone"]
