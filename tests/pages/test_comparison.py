"""The comparison's page: its words, tables and figures follow the records, and so do its claims."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from chapters_lib.findings import board, in_colour, run
from chapters_lib.findings import compared as records
from chapters_lib.pages import comparison as page
from chapters_lib.pages import comparison_answer as answer
from chapters_lib.pages import comparison_digits as digits
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs


def kl(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(p > 0, p * np.log(p / q), 0).sum())


def divergences(p, q):
    m = (p + q) / 2
    return kl(p, q), (kl(p, m) + kl(q, m)) / 2, 2 * kl(m, p)


def recorded(seeds=2, **metrics):
    """Return runs of the three models with these metrics, a list of three for each key."""
    return {
        model: runs.Run(
            model, {}, {key: of[i] for key, of in metrics.items()}, {"seeds": range(seeds)}, None
        )
        for i, model in enumerate(MODELS)
    }


def test_inception_is_quoted_in_one_format_with_the_boards_save_where_only_another_is_recorded():
    key = records.inception("mnist")
    assert key == board.shown() == board.FLOAT32 and records.inception("colour") == board.EQUAL
    assert {f"gan_swept_{key}", f"specked_{key}"} <= set(run("specks-mnist").metrics)
    for part, name, of in (("mnist", "mnist", key), ("colour", "svhn-crops", board.LOW)):
        ends = (run(f"redrawn-{name}")[f"gan_{way}_{of}"] for way in ("drawn", "through"))
        assert " to ".join(f"{end:.3f}" for end in ends) in in_colour.grain(part, 3)
    real = board.real_images("mnist", key)
    assert f"{real[f'train_{key}']:.4f}" in page.table_board("mnist").data


def test_both_formats_are_named_where_colour_has_another():
    grey, coloured = records.protocol("mnist"), records.protocol("colour")
    assert "in float32" in grey and "in bfloat16" in coloured


def test_models_are_ranked_with_their_spread_and_gaps_with_their_intervals(monkeypatch):
    found = recorded(x=[runs.summarize(v) for v in ([9.0, 9.2], [1.0, 2.0], [1.5, 2.7])])
    monkeypatch.setattr(records, "of", lambda part: found)
    assert records.ranked("mnist", "x", 1) == (
        "VAE with flow 1.5 ± 0.5, GAN 2.1 ± 0.6, VAE 9.1 ± 0.1"
    )
    assert records.ranked("mnist", "y", 1) == "not recorded"
    assert records.gap("mnist", "x", (records.GAN, records.FLOW), 1).startswith("0.6 [−")
    assert records.differences("mnist") == ""
    assert records.trainings("mnist") == "two trainings of each model"
    single = recorded(1, x=[3.0, 1.0, 2.0])
    monkeypatch.setattr(records, "of", lambda part: single)
    assert records.ranked("mnist", "x", 1, lower=False) == "VAE 3.0, GAN 2.0, VAE with flow 1.0"
    assert "one training" in records.differences("mnist")


def test_findings_hold_for_the_records_and_for_no_others(monkeypatch, kept, claimed):
    answer.numbers()
    assert len(claimed) == 36 and all(verdict.holds for verdict in claimed.values())
    vae, flow, gan = records.of("mnist").values()
    monkeypatch.setattr(
        records, "of", lambda part: dict(zip(MODELS, (flow, vae, gan), strict=True))
    )
    answer.samples()
    failing = {key for key, verdict in claimed.items() if not verdict.holds}
    assert {"gan_level", "both_nearer", "seen_more", "seen_level", "inception_order"} <= failing


def test_the_terms_of_the_bound_are_told_where_there_is_a_spread(monkeypatch):
    keys = [f"test_{key}" for key in ("kl", "reconstruction", "negative_elbo")]
    keys += ["val_negative_elbo", "train_negative_elbo"]
    found = {key: [runs.summarize([1.0, 1.1])] * 3 for key in keys}
    monkeypatch.setattr(records, "of", lambda part: recorded(**found))
    assert in_colour.terms().startswith("The flow changes, on test images, the KL term by 0.0 nats")
    monkeypatch.setattr(records, "of", lambda part: recorded(1, test_kl=[1.0] * 3))
    assert in_colour.terms() == ""


def test_gaps_say_which_way_they_go():
    cells = [cell[4:] for cell in page.table_gaps().data.splitlines()[-3:-1]]
    flow, gan = (records.of("colour")[model] for model in MODELS[1:])
    for cell, key, scale in zip(cells, ("fid_judge", "test_kid"), (1, 1000), strict=True):
        gap = scale * (flow[key] - gan[key])
        assert cell.startswith(f"{gap:.2f} [".replace("-", "−")), key


def test_inception_tells_those_apart_whose_intervals_exclude_nothing(monkeypatch):
    far, near, nearer = (runs.Metric.of(v) for v in ([9.0, 9.2], [3.0, 3.1], [1.0, 1.1]))
    wide = runs.Metric.of([-90.0, 99.0])
    for found, said in (
        ((far, nearer, near), "Inception tells all three apart."),
        (
            (far, near, wide),
            "tells the VAE from the VAE with flow, but no other pair apart (95 % for all pairs together).",
        ),
        ((near, near, near), "shows no difference between them."),
        ((), ""),
    ):
        alone = dict(zip(MODELS, found, strict=False))
        monkeypatch.setattr(records, "from_nothing", lambda alone=alone: alone)
        assert in_colour.from_random_weights().endswith(said)
        assert bool(in_colour.spread()) == bool(found) == bool(in_colour.from_random_weights())


def test_recall_in_colour_is_held_against_its_price():
    found = recorded(recall_judge=[0.4, 0.6, 0.7])
    told = in_colour.faults(found)
    assert "the GAN covers most" in told["covers"] and "not more" in told["expected"]
    found = recorded(recall_judge=[0.7, 0.6, 0.4])
    told = in_colour.faults(found)
    assert "the VAE covers most" in told["covers"] and not told["expected"]
    assert in_colour.faults(recorded())["covers"] == ""


def test_lines_that_lose_are_named(kept):
    assert answer.losing("mnist") == "a loss is shown on VAE with flow, straight in $z$"


def test_prices_of_other_divergences_are_found(kept):
    p = np.append(np.full(100, 0.01), np.zeros(20))
    faulty = {
        "making up": np.append(0.95 * p[:100], np.full(20, 0.05 / 20)),
        "leaving out": np.append(np.repeat([1 / 95, 0], [95, 5]), np.zeros(20)),
    }
    digits.prices(divergences, p, faulty)
    with pytest.raises(AssertionError, match="both cost alike"):
        digits.prices(lambda p, q: (divergences(p, q)[0], 0.9, 0.0), p, faulty)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (lambda: page.table_board("mnist"), 5),
        (lambda: page.table_board("colour"), 6),
        (lambda: page.table_board("control"), 5),
        (page.table_likelihood, 7),
        (page.table_lines, 9),
        (page.table_nearest, 9),
        (page.table_specks, 5),
        (page.table_gaps, 7),
        (page.table_through, 7),
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
