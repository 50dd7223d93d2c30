"""What the page on the Gaussian–Bernoulli RBM shows of its records, and that its claims can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from chapters_lib.pages import gb_rbm, gb_rbm_chains, gb_rbm_small, run
from chapters_lib.recording.runs import Run


@pytest.mark.parametrize(
    ("draw", "panels"),
    [(gb_rbm.components, 1), (gb_rbm.curves, 4), (gb_rbm.use, 2), (gb_rbm_small.bias, 2)],
)
def test_axes_are_labelled(draw, panels: int) -> None:
    figure = draw()
    assert isinstance(figure, Figure) and len(figure.axes) == panels
    assert all(ax.get_xlabel() or ax.get_ylabel() for ax in figure.axes)


def test_every_machine_has_its_two_panels_of_reconstructions() -> None:
    titles = [ax.get_title() or ax.get_title("left") for ax in gb_rbm.reconstructions().axes]
    assert len(set(titles)) == 12 and titles[0] == "M = 16, train, 25 epochs"


@pytest.mark.parametrize(
    ("table", "rows", "columns"),
    [
        (gb_rbm.table_errors, 7, 9),
        (gb_rbm.table_standardisation, 6, 3),
        (gb_rbm_chains.table_samples, 8, 7),
        (gb_rbm_chains.table_log_z, 7, 8),
    ],
)
def test_tables_are_whole(table, rows: int, columns: int) -> None:
    lines = table().data.splitlines()
    assert sum(line.startswith("* - ") for line in lines) == rows
    assert sum(line.startswith(("* - ", "  - ")) for line in lines) == rows * columns


def test_the_exact_direction_is_the_gradient_and_many_steps_come_near_it() -> None:
    theta, points = 0.3 * torch.ones(8, dtype=torch.float64), gb_rbm_small.data()
    exact = gb_rbm_small.direction(theta, points, None)
    for i, slope in enumerate(exact):
        step = 1e-4 * torch.eye(8, dtype=torch.float64)[i]
        ends = [gb_rbm_small.log_likelihood(theta + sign * step) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(float(slope), abs=1e-6)
    off = [float((gb_rbm_small.direction(theta, points, k) - exact).norm()) for k in (1, 5, 40)]
    assert off[0] > off[1] > 1e6 * off[2]


def test_sampling_that_adds_no_error_contradicts_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(name: str) -> Run:
        return replace(run(name), metrics=run(name).metrics | {"test_mse_gibbs5": 0.1})

    gb_rbm.numbers()
    monkeypatch.setattr(gb_rbm, "run", changed)
    with pytest.raises(AssertionError, match="64_updates: sampling adds error"):
        gb_rbm.numbers()


def test_a_log_density_that_rises_to_the_end_contradicts_the_text() -> None:
    measured = np.array([[50, 0.5, -900.0], [100, 0.3, -800.0], [150, 0.2, -810.0]])
    assert len(gb_rbm_small.digits_run(measured, 0.5, -900.0).axes) == 2
    measured[2, 2] = -790.0
    with pytest.raises(AssertionError, match="does not rise to the end"):
        gb_rbm_small.digits_run(measured, 0.5, -900.0)
