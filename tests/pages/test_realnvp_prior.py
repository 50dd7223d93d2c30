"""The modules of the page on a flow as prior: what they give, and that they do not claim what is not so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from chapters_lib.models.vae import StandardNormal
from chapters_lib.pages import Page, realnvp_prior, run
from chapters_lib.pages import realnvp_prior_digits as on_digits
from chapters_lib.pages import realnvp_prior_samples as drawn
from chapters_lib.pages import realnvp_prior_study as study


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | float]:
    """What the page is given, by its keys."""
    found: dict[str, str | float] = {}
    monkeypatch.setattr(Page, "keep", lambda self, **values: found.update(values))
    return found


def test_the_gain_is_the_difference_of_the_two_likelihoods(kept):
    realnvp_prior.numbers()
    assert kept["gain"] == pytest.approx(kept["gaussian_test_nll"] - kept["realnvp_test_nll"])
    assert kept["refit_gain"] + kept["second_gain"] == pytest.approx(kept["gain_bound"])


def test_the_study_and_the_samples_stand_as_the_text_says(kept):
    study.numbers()
    drawn.numbers()
    assert kept["study_epochs"] == 10
    assert kept["realnvp_share"] > kept["gaussian_share"]


def test_a_record_that_contradicts_the_text_stops_the_build(kept, monkeypatch):
    """The flow's likelihoods in the other run's place, and the other way round."""
    flow, normal = run("vae-realnvp-mnist"), run("vae-gaussian-mnist")
    swapped = {
        "vae-realnvp-mnist": replace(flow, metrics=normal.metrics),
        "vae-gaussian-mnist": replace(normal, metrics=flow.metrics),
    }
    monkeypatch.setattr(realnvp_prior, "run", lambda name: swapped.get(name) or run(name))
    with pytest.raises(AssertionError, match="lower one in every pair of seeds"):
        realnvp_prior.numbers()


def test_marks_are_met_or_missed(kept, monkeypatch):
    monkeypatch.setattr(realnvp_prior, "MARKS", {"standard normal": 80.0, "flow": 90.0})
    realnvp_prior.numbers()
    normal, flow, _ = kept["verdicts"].split(", ")
    assert normal.startswith("the standard normal misses its mark by ")
    assert flow.startswith("the flow meets its mark with ") and flow.endswith(" to spare")


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (realnvp_prior.table_nll, 4),
        (realnvp_prior.table_parts, 6),
        (realnvp_prior.table_published, 7),
        (study.table_study, 12),
        (study.table_without, 6),
        (drawn.table_board, 6),
    ],
)
def test_tables_have_their_rows(table, rows):
    assert table().data.count("\n* - ") == rows


def test_learning_curves_have_names():
    left, right = realnvp_prior.loss().axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("epoch", "epoch")
    assert "nats" in left.get_ylabel()


def test_the_standard_normal_integrates_to_one():
    codes = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
    assert on_digits.integral(StandardNormal(2)(), codes, cells=200) == pytest.approx(1, abs=0.01)


def test_a_list_that_does_not_win_on_its_own_images_is_noticed(kept):
    terms = {"N(0, I)": (12.4, 12.3), "fitted": (10.8, 11.1), "list": (7.0, 14.9)}
    on_digits.list_as_prior(terms, 1294)
    assert kept["list_spread"] == pytest.approx(7.9)
    with pytest.raises(AssertionError, match="best on training images"):
        on_digits.list_as_prior(terms | {"fitted": (6.0, 11.1)}, 1294)
