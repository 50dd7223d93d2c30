"""A finding is tested with the tolerance that the spread over trainings gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from chapters_lib import pages
from chapters_lib.evaluation.intervals import Interval, paired
from chapters_lib.findings import verdicts
from chapters_lib.findings.words import interval
from chapters_lib.pages import Page
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Metric, Run

LOW = Metric(1.0, 0.1, (0.9, 1.0, 1.1))
HIGH = Metric(2.0, 0.1, (1.9, 2.0, 2.1))
WIDE = Metric(1.5, 0.9, (0.2, 1.2, 3.1))
ONE = Metric.of([1.4])
PAIR = {"low": LOW, "high": HIGH}


def test_a_clear_difference_is_one_and_a_wide_spread_is_none() -> None:
    assert verdicts.less(LOW, HIGH).holds and not verdicts.less(HIGH, LOW).holds
    assert verdicts.greater(HIGH, LOW).holds and not verdicts.greater(WIDE, LOW).holds
    assert verdicts.level(WIDE, LOW).holds and not verdicts.level(LOW, HIGH).holds


def test_what_is_no_longer_shown_is_open_and_the_other_way_round_contradicts() -> None:
    assert verdicts.greater(WIDE, LOW).open and not verdicts.greater(WIDE, LOW).contradicted
    assert verdicts.less(HIGH, LOW).contradicted and not verdicts.less(HIGH, LOW).open
    near = Metric(1.3, 0.06, (1.2, 1.3, 1.4))  # 0.3 away, and an interval reaches 0.23
    assert verdicts.level(near, LOW).open and verdicts.level(HIGH, LOW).contradicted
    assert verdicts.above(LOW, 1.3).open and verdicts.above(LOW, 2.0).contradicted
    assert verdicts.below(ONE, 1.0).contradicted, "one training has no interval"
    unsettled, wrong = verdicts.greater(WIDE, LOW), verdicts.less(HIGH, LOW)
    assert verdicts.both(verdicts.less(LOW, HIGH), unsettled).open
    assert verdicts.both(unsettled, wrong).contradicted
    assert (~unsettled).open and (~wrong).holds


def test_there_are_words_for_each_outcome() -> None:
    words = ("less", "level", "more")
    assert (
        verdicts.outcome(LOW, HIGH, words) == "less"
        and verdicts.outcome(HIGH, LOW, words) == "more"
    )
    assert verdicts.outcome(WIDE, LOW, words) == "level"
    assert verdicts.outcome(LOW, ONE, words, spread=LOW) == "level"


def test_one_training_needs_a_spread() -> None:
    with pytest.raises(ValueError, match="two of each"):
        verdicts.less(LOW, ONE)
    assert verdicts.less(LOW, Metric(1.6, float("nan"), (1.6,)), spread=LOW).holds
    assert verdicts.level(
        LOW, ONE, spread=LOW
    ).holds  # three and a half standard errors are not enough
    assert verdicts.level(LOW, ONE, spread=WIDE).holds


def test_marks_and_pairs() -> None:
    assert verdicts.below(LOW, 1.5).holds and not verdicts.below(LOW, 0.5).holds
    assert verdicts.above(LOW, 0.5).holds and not verdicts.above(LOW, 1.5).holds
    found = paired([1.0, 2.0, 3.1], [0.0, 1.0, 2.0])
    assert verdicts.shown(found, sign=1).holds and not verdicts.shown(found, sign=0).holds


def test_a_gap_is_what_two_standard_errors_leave() -> None:
    def at(mean: float) -> Metric:
        return Metric(mean, 0.1, (mean,))

    assert verdicts.apart(at(2.0), at(1.0)).low == pytest.approx(1 - 0.2 * 2**0.5)
    assert verdicts.apart(at(1.2), at(1.0)).low < 0 < verdicts.apart(at(1.4), at(1.0)).low


def test_what_was_measured_is_told() -> None:
    told = verdicts.less(LOW, HIGH, digits=1).measured
    assert told.startswith("1.0 ± 0.1 against 2.0 ± 0.1, difference −1.0 [−1.")


def test_a_page_glues_nothing_where_a_claim_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, display: given.update({name: value}))
    Page("p").claims(low_first=verdicts.less(LOW, HIGH), high_first=verdicts.less(HIGH, LOW))
    Page("p").claims(wide=verdicts.greater(WIDE, LOW))
    Page("p").own_claims(toy=~verdicts.less(LOW, HIGH))
    assert given["claim-p-low-first"] == ""
    assert given["claim-p-high-first"].startswith(verdicts.OTHERWISE)
    assert given["claim-p-toy"].startswith(verdicts.OWN)
    assert given["claim-p-wide"].startswith(verdicts.OPEN)


def test_no_name_of_a_claim_means_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(pages, "glue", lambda name, value, display: given.update({name: value}))
    lost = verdicts.less(HIGH, LOW)
    Page("p").of("part").claims(own=lost, self=lost)
    assert given.keys() == {"claim-p-part-own", "claim-p-part-self"}
    assert all(mark.startswith(verdicts.OTHERWISE) for mark in given.values())


def test_a_clear_difference_may_be_told_without_its_sign() -> None:
    found = Interval.about(-1.0, 0.25)
    assert interval(found, 1) == "−1.0 [−1.5, −0.5]"
    assert interval(found, 1, bare=True) == "1.0 [0.5, 1.5]"
    unclear = Interval.about(-1.0, 0.75)
    assert interval(unclear, 1, bare=True) == interval(unclear, 1) == "−1.0 [−2.5, 0.5]"


def test_trainings_of_a_run_are_held_against_each_other_one_by_one() -> None:
    metrics = {k: {"mean": m.mean, "sem": m.sem, "values": m.values} for k, m in PAIR.items()}
    found = Run("a", {}, metrics, {}, Path()).gap("high", "low")
    assert found.values == pytest.approx((1.0, 1.0, 1.0)) and found.sd == pytest.approx(0)
    assert LOW.times(10).values == pytest.approx((9, 10, 11))
    assert Metric.of(HIGH.values).sd == pytest.approx(0.1)


def test_the_shipped_records_are_the_present_ones(tmp_path, monkeypatch) -> None:
    """After recording a run on purpose: read its page, mend what it contradicts, then `ship`."""
    stands = (runs.root() / "SHIPPED.json").read_text(encoding="utf-8")
    for name in runs.names():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_bytes((runs.root() / name / "run.json").read_bytes())
    monkeypatch.setenv("CHAPTERS_RUNS", str(tmp_path))
    assert runs.ship().read_text(encoding="utf-8") == stands
