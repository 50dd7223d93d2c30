"""The comparison's page: its words, tables and figures follow the records, and so do its claims."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from chapters_lib.pages import comparison as page
from chapters_lib.pages import comparison_answer as answer
from chapters_lib.pages import comparison_digits as digits
from chapters_lib.pages import comparison_records as records
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs


def kl(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(p > 0, p * np.log(p / q), 0).sum())


def divergences(p, q):
    m = (p + q) / 2
    return kl(p, q), (kl(p, m) + kl(q, m)) / 2


def recorded(**metrics):
    """Return runs of the three models with these metrics, a list of three for each key."""
    return {
        model: runs.Run(model, {}, {key: of[i] for key, of in metrics.items()}, {}, None)
        for i, model in enumerate(MODELS)
    }


def test_an_order_says_where_trainings_overlap(monkeypatch):
    found = recorded(x=[runs.summarize(v) for v in ([3.0, 4.0], [1.0, 2.0], [1.5, 2.5])])
    monkeypatch.setattr(records, "of", lambda part: found)
    monkeypatch.setattr(records, "trainings", lambda part: 2)
    assert records.order("mnist", "x", 1) == "VAE with flow 1.5 ~ GAN 2.0 < VAE 3.5"
    assert records.order("mnist", "x", 1, lower=False) == "VAE 3.5 > GAN 2.0 ~ VAE with flow 1.5"
    monkeypatch.setattr(records, "trainings", lambda part: 1)
    assert records.order("mnist", "x", 1) == "VAE with flow 1.5, GAN 2.0, VAE 3.5"


def test_faults_are_those_of_precision_and_recall(monkeypatch):
    found = recorded(precision_judge=[0.7, 0.9, 0.8], recall_judge=[0.8, 0.6, 0.605])
    monkeypatch.setattr(records, "of", lambda part: found)
    first, second = answer.faults("mnist").split("; ")
    assert "more precise and covers less, which is what" in first
    assert "less precise and covers as much, which is not what" in second
    del found["gan"].metrics["recall_judge"]
    assert answer.faults("mnist") == ""


def test_claims_hold_for_the_records_and_for_no_others(monkeypatch):
    claims = answer.claims_of_samples() | answer.claims_of_look() | answer.claims_of_lines()
    assert all(claims.values())
    vae, flow, gan = records.of("mnist").values()
    monkeypatch.setattr(
        records, "of", lambda part: dict(zip(MODELS, (flow, vae, gan), strict=True))
    )
    claims = answer.claims_of_samples()
    assert not claims["the likelihood is the flow's, in every pair of trainings"]
    assert not claims["by Inception the flow's is first, the GAN's last"]
    assert claims["the GAN is the slowest"]


def test_colour_is_svhn_once_all_of_it_is_recorded(monkeypatch):
    whole = {"judge-svhn", "compared-svhn", *(f"{model}-svhn" for model in MODELS)}
    for names, expected in ((whole, "svhn"), (whole - {"gan-svhn"}, "house-numbers")):
        monkeypatch.setattr(runs, "names", lambda names=names: sorted(names))
        assert records.dataset.__wrapped__("colour") == expected


def test_prices_of_other_divergences_are_found():
    p = np.append(np.full(100, 0.01), np.zeros(20))
    faulty = {
        "making up": np.append(0.95 * p[:100], np.full(20, 0.05 / 20)),
        "leaving out": np.append(np.repeat([1 / 95, 0], [95, 5]), np.zeros(20)),
    }
    digits.prices(divergences, p, faulty)
    with pytest.raises(AssertionError, match="both cost alike"):
        digits.prices(lambda p, q: (divergences(p, q)[0], 0.9), p, faulty)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (lambda: page.table_board("mnist"), 5),
        (lambda: page.table_board("colour"), 5),
        (page.table_likelihood, 7),
        (page.table_lines, 9),
        (page.table_nearest, 9),
        (page.table_specks, 5),
    ],
)
def test_tables_have_a_row_for_each_model(table, rows):
    text = table().data
    assert text.count("\n* - ") == rows and "nan" not in text


@pytest.mark.parametrize("draw", [lambda: page.curves("mnist"), page.distances])
def test_curves_say_what_they_show(draw):
    figure = draw()
    assert all(ax.get_xlabel() == "epoch" and ax.get_title() for ax in figure.axes)
    assert figure.axes[0].get_ylabel()
    plt.close(figure)
