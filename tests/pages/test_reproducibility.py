"""The page on reproducibility: every run stands in its lists, on the site with every metric."""

import csv
import re
from dataclasses import replace

import pytest

from chapters_lib.pages import reproducibility as page
from chapters_lib.recording import listing, runs


def test_every_run_has_a_fold_on_the_site_alone():
    site = page.table_runs().data
    assert site.startswith("````{only} builder_html")
    assert re.findall(r'<details id="run-(.*?)"', site) == list(runs.names())
    assert "\n\n" not in page.folds()  # a raw block in Markdown ends at none, but be sure


def test_every_metric_stands_on_the_site_and_in_the_csv():
    metrics = [(run.name, key) for run in listing.records() for key in listing.keys(run)]
    assert page.folds().count("<tr data-metric=") == len(metrics)
    header, *rows = csv.reader(listing.metrics_csv().splitlines())
    assert [(row[0], row[1]) for row in rows] == metrics
    one = dict(zip(header, rows[0], strict=True))
    recorded = runs.load(one["run"]).metric(one["metric"])
    assert float(one["mean"]) == recorded.mean
    assert tuple(map(float, one["values"].split())) == recorded.values


@pytest.mark.parametrize(
    ("config", "share"),
    [
        ({"epochs": 3}, 0),
        ({"validation": 0.2}, 0.2),
        ({"base": {"validation": 0.2}, "sizes": [1]}, 0.2),
        ({"cases": [{"validation": 0.0}, {"validation": 0.1}]}, 0.1),
    ],
)
def test_what_is_held_out_is_found_in_a_study_too(config, share):
    assert listing.held_out(config) == share


def test_images_held_out_are_not_counted_as_trained_on():
    (run,) = (run for run in listing.records() if run.name == "gan-mnist")
    assert listing.facts(run)["Training images"] == "55,000 of 60,000"


def test_a_set_that_holds_out_its_own_images_was_trained_on_whole():
    told = {run.name: listing.facts(run)["Training images"] for run in listing.records()}
    assert told["gan-svhn-crops"] == "3,371"
    assert told["compared-mnist"] == "–"  # nothing is trained there


def test_machines_are_counted():
    rows = page.table_machines().data.split("\n* - ")[2:]
    counts = [int(row.removesuffix("\n```").split("\n")[-1].removeprefix("  - ")) for row in rows]
    assert sum(counts) == len(runs.names())


def test_amendments_name_few_runs_and_count_many(monkeypatch):
    one, other, *_ = listing.records()
    amended = {"amended": {"a, b": "measured anew"}}
    found = [replace(run, provenance=run.provenance | amended) for run in (one, other)]
    monkeypatch.setattr(listing, "records", lambda: found)
    row = f"* - `a`, `b`\n  - measured anew\n  - `{one.name}`, `{other.name}`"
    assert row in page.table_amended().data
    monkeypatch.setattr(listing, "records", lambda: found * 2)
    assert "  - 4 runs" in page.table_amended().data
    monkeypatch.setattr(listing, "records", lambda: [])
    assert page.table_runs().data == "*Nothing is recorded yet.*"


@pytest.mark.parametrize(
    ("mean", "sem", "text"),
    [
        (1234.5678, 12.3, ("1,235", "12")),
        (0.01234, 0.00056, ("0.01234", "0.00056")),
        (60000.0, float("nan"), ("60,000", "")),
        (0.123456, float("nan"), ("0.1235", "")),
        (2.5, 1e-12, ("2.5", "")),
    ],
)
def test_digits_are_those_that_the_error_supports(mean, sem, text):
    assert listing.value(runs.Metric(mean, sem, (mean,))) == text


def test_a_standard_error_says_what_it_is_over():
    assert listing.over(runs.Metric(1.0, 0.1, (0.9, 1.1))) == "2 trainings"
    assert listing.over(runs.Metric(1.0, 0.1, (1.0,))) == "one training's estimate"
    assert listing.over(runs.Metric(1.0, float("nan"), (1.0,))) == ""
