"""The modules of the page on a flow as prior: what they give, and that a claim notices another record."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chapters_lib.pages import realnvp_prior, run

TEXT = (Path(__file__).parents[2] / "book/realnvp-prior.md").read_text(encoding="utf-8")


def on_digits() -> None:
    """Give the page numbers as its run on digits does."""
    kls = {"N(0, I)": 12.4, "fitted": 11.2}
    realnvp_prior.on_digits(kls, {"N(0, I)": 284.9, "RealNVP": 284.7, "fitted": 283.5})
    terms = {"N(0, I)": (12.4, 12.3), "fitted": (10.8, 11.1), "list": (7.0, 14.9)}
    realnvp_prior.list_as_prior(terms, 1294)


def test_every_claim_holds_and_stands_in_the_text(kept, claimed):
    realnvp_prior.numbers()
    on_digits()
    assert [key for key, verdict in claimed.items() if not verdict.holds] == []
    marks = set(re.findall(r"`claim-flow-([a-z0-9-]+)`", TEXT))
    assert marks == {key.replace("_", "-") for key in claimed}


def test_every_number_of_the_text_is_given(kept, claimed):
    realnvp_prior.numbers()
    on_digits()
    used = set(re.findall(r"\{glue:text\}`flow-([a-z0-9-]+)", TEXT))
    assert used == {key.replace("_", "-") for key in kept}


def test_the_gains_add_up(kept, claimed):
    realnvp_prior.numbers()
    nlls = kept["gaussian_test_nll"], kept["realnvp_test_nll"]
    assert kept["gain"] == pytest.approx(nlls[0] - nlls[1])
    assert str(kept["gain_interval"]).startswith(f"{kept['gain']:.2f} [")


def test_a_gain_of_trainings_with_one_start_is_told_with_the_start(kept, claimed):
    realnvp_prior.numbers()
    assert str(kept["colour_gain"]).endswith(" from random weights")
    assert "errors of the last epochs' seed alone" in str(kept["colour_bound"])
    assert "in pairs of one seed" in str(kept["colour_bound"])
    assert kept["colour_start"] == "In colour, from rendered crops on,"


def test_a_claim_notices_another_record(kept, claimed, monkeypatch):
    """The flow's likelihoods in the other run's place, and the other way round."""
    flow, normal = run("vae-realnvp-mnist"), run("vae-gaussian-mnist")
    swapped = {
        "vae-realnvp-mnist": replace(flow, metrics=normal.metrics | {"flow_parameters": 0}),
        "vae-gaussian-mnist": replace(normal, metrics=flow.metrics),
    }
    monkeypatch.setattr(realnvp_prior, "run", lambda name: swapped.get(name) or run(name))
    monkeypatch.setattr(realnvp_prior, "check", lambda claim, true: None)
    realnvp_prior.numbers()
    for key in ("lower_nll", "below_wide", "reconstructs", "recognised", "nearer"):
        assert not claimed[key].holds, key


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (realnvp_prior.table_nll, 4),
        (realnvp_prior.table_parts, 4),
        (realnvp_prior.table_study, 12),
        (realnvp_prior.table_board, 6),
    ],
)
def test_tables_have_their_rows(table, rows):
    assert table().data.count("\n* - ") == rows


def test_learning_curves_have_names():
    left, right = realnvp_prior.loss().axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("epoch", "epoch")
    assert "nats" in left.get_ylabel()


def test_the_flow_turns_codes_into_noise():
    points, labels = realnvp_prior.codes("vae-realnvp-2d-mnist")
    with torch.no_grad():
        base = realnvp_prior.model("vae-realnvp-2d-mnist").prior.to_base(points)
    assert len(points) == len(labels) == realnvp_prior.SHOWN
    assert base.mean(0).abs().max() < 0.2
    assert (base.std(0) - 1).abs().max() < 0.2
