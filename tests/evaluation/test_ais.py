"""log Z by enumeration, by integration and by annealed importance sampling."""

from __future__ import annotations

import math

import pytest
import torch

from chapters_lib.evaluation.ais import annealed_log_z, exact_log_z, hidden_states
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.reproducibility import generator


def machine(visible: int, hidden: int, weight_sd: float) -> GaussianBernoulliRBM:
    torch.manual_seed(3)
    rbm = GaussianBernoulliRBM(visible=visible, hidden=hidden, weight_sd=weight_sd).double()
    with torch.no_grad():
        rbm.visible_bias.normal_()
        rbm.hidden_bias.normal_()
        rbm.scale.uniform_(0.7, 1.3)
    return rbm


def test_hidden_states_are_all_of_them() -> None:
    states = hidden_states(3)
    assert states.shape == (8, 3)
    assert states.unique(dim=0).shape == (8, 3)
    assert states[6].tolist() == [0, 1, 1]


def test_enumeration_agrees_with_integration() -> None:
    """log Z = log ∫ exp(−F(v)) dv over a plane."""
    rbm = machine(2, 4, 0.6)
    line = torch.linspace(-15, 15, 601, dtype=torch.float64)
    with torch.no_grad():
        log_mass = (-rbm.free_energy(torch.cartesian_prod(line, line))).logsumexp(0)
    assert exact_log_z(rbm) == pytest.approx(
        float(log_mass) + 2 * math.log(float(line[1] - line[0])), abs=1e-5
    )


def test_without_weights_log_z_is_known() -> None:
    """Independent units: (D/2) log 2π + Σ log σ_i + Σ log(1 + e^α_j), whichever way."""
    rbm = machine(5, 3, 0.0)
    expected = (
        2.5 * math.log(2 * math.pi)
        + float(rbm.scale.log().sum())
        + float(torch.nn.functional.softplus(rbm.hidden_bias.detach()).sum())
    )
    assert exact_log_z(rbm) == pytest.approx(expected, abs=1e-9)
    found = annealed_log_z(rbm, temperatures=2000, chains=500, generator=generator(0))
    assert found.log_z == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("weight_sd", [0.2, 0.5])
def test_annealing_agrees_with_enumeration(weight_sd: float) -> None:
    """Within three of its own standard errors (about 1 run in 400 is not), which are small here."""
    rbm = machine(20, 10, weight_sd)
    found = annealed_log_z(rbm, temperatures=1500, chains=400, generator=generator(1))
    assert found.low <= exact_log_z(rbm) <= found.high
    assert found.high - found.low < 1.0
    assert found.low < found.log_z < found.high
    assert 1 <= found.effective_chains <= 400


def test_three_temperatures_are_enough_for_an_unbiased_mean() -> None:
    """The mean weight is Z/Z_0 however few the temperatures, if each step leaves its own one's density as it is.

    With many chains its error is small; steps at the temperature before would miss by several times that.
    """
    rbm = machine(6, 4, 0.4)
    found = annealed_log_z(rbm, temperatures=3, chains=200_000, generator=generator(4))
    assert found.low <= exact_log_z(rbm) <= found.high
    assert found.high - found.low < 0.04


def test_few_temperatures_spread_more() -> None:
    rbm = machine(20, 10, 0.5)
    few, many = (
        annealed_log_z(rbm, temperatures=t, chains=200, generator=generator(2)) for t in (10, 1000)
    )
    assert few.spread > 2 * many.spread
    assert few.effective_chains < many.effective_chains


def test_two_chains_may_leave_no_lower_end() -> None:
    """Where one chain carries the mean its error is about the mean itself: 0 lies within three of it."""
    found = annealed_log_z(machine(20, 10, 0.5), temperatures=1, chains=2, generator=generator(0))
    assert found.spread > 1 and found.effective_chains < 1.5
    assert found.low == -math.inf and found.log_z < found.high < found.log_z + math.log(4)


def test_too_many_units_are_refused() -> None:
    with pytest.raises(ValueError, match="too many to enumerate"):
        exact_log_z(GaussianBernoulliRBM(visible=2, hidden=25))
