"""The page on reproducibility: every run stands in its tables."""

from dataclasses import replace

import pytest

from chapters_lib.pages import reproducibility as page
from chapters_lib.recording import runs


def test_every_run_and_metric_has_a_row():
    assert page.table_runs().data.count("\n* - ") == 1 + len(runs.names())
    metrics = [key for run in page.records() for key in run.metrics if not key.endswith("_sem")]
    assert page.table_metrics().data.count("\n* - ") == 1 + len(metrics)


def test_machines_are_counted():
    rows = page.table_machines().data.split("\n* - ")[2:]
    counts = [int(row.removesuffix("\n```").split("\n")[-1].removeprefix("  - ")) for row in rows]
    assert sum(counts) == len(runs.names())


def test_amendments_name_their_runs(monkeypatch):
    one, other, *_ = page.records()
    amended = {"amended": {"a, b": "measured anew"}}
    found = [replace(run, provenance=run.provenance | amended) for run in (one, other)]
    monkeypatch.setattr(page, "records", lambda: found)
    row = f"* - `a`, `b`\n  - measured anew\n  - `{one.name}`, `{other.name}`"
    assert row in page.table_amended().data
    monkeypatch.setattr(page, "records", lambda: [])
    assert page.table_amended().data == "*Nothing is recorded yet.*"


@pytest.mark.parametrize(
    ("mean", "sem", "text"),
    [
        (1234.5678, 12.3, "1,235 ± 12"),
        (0.01234, 0.00056, "0.01234 ± 0.00056"),
        (60000.0, float("nan"), "60,000"),
        (0.123456, float("nan"), "0.1235"),
        (2.5, 1e-12, "2.5"),
    ],
)
def test_digits_are_those_that_the_error_supports(mean, sem, text):
    assert page._value(runs.Metric(mean, sem, (mean,))) == text
