"""Intervals against SciPy's own, against numbers by hand, and against how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from chapters_lib.evaluation.intervals import borrowed, paired, pooled, welch

A, B = (27.5, 21.0, 19.0, 23.6), (27.1, 22.0, 20.8)


def test_welch_is_scipys() -> None:
    found = welch(A, B)
    theirs = stats.ttest_ind(A, B, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.difference == pytest.approx(np.mean(A) - np.mean(B))
    assert found.sem == pytest.approx(math.sqrt(np.var(A, ddof=1) / 4 + np.var(B, ddof=1) / 3))
    narrow = welch(A, B, level=0.5)
    assert narrow.high - narrow.low < found.high - found.low


def test_paired_is_that_of_the_differences() -> None:
    a, b = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 1.0, 2.0])
    found = paired(a, b)
    assert found.difference == pytest.approx(3.5 / 3)
    sem = np.std([0.5, 1.0, 2.0], ddof=1) / math.sqrt(3)
    assert found.sem == pytest.approx(sem)
    assert found.high - found.difference == pytest.approx(stats.t.ppf(0.975, 2) * sem)


def test_what_pairs_share_goes_out() -> None:
    generator = np.random.default_rng(0)
    hard = 20 * generator.standard_normal(1000)
    a, b = (hard + generator.standard_normal(1000) for _ in range(2))
    assert paired(a, b).sem == pytest.approx(math.sqrt(2 / 1000), rel=0.1)
    assert welch(a, b).sem > 15 * paired(a, b).sem


@pytest.mark.parametrize("spread", [1.0, 5.0])
def test_welch_covers_as_often_as_it_says(spread: float) -> None:
    """Of 4,000 pairs of samples of three and five numbers, unequal in spread: 95 % within three standard errors."""
    generator = np.random.default_rng(1)
    covered = [
        not welch(generator.standard_normal(3), spread * generator.standard_normal(5)).clear
        for _ in range(4000)
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_one_training_borrows_the_spread_of_its_siblings() -> None:
    several = (2.052, 2.171, 1.703)
    found = borrowed((1.445,), several, several)
    pooled = stats.ttest_ind((1.445,), several).confidence_interval(
        0.95
    )  # one has no spread of its own
    assert (found.low, found.high) == pytest.approx((pooled.low, pooled.high))
    assert found.high - found.difference == pytest.approx(4.303 * found.sem, rel=1e-3)


def test_a_borrowed_spread_covers_as_often_as_it_says() -> None:
    """Of 4,000 times one number beside three, and one beside one, with the spread of three: 95 %."""
    generator = np.random.default_rng(2)
    drawn = generator.standard_normal((4000, 5))
    beside = [not borrowed(row[:1], row[2:], row[2:]).clear for row in drawn]
    single = [not borrowed(row[:1], row[1:2], row[2:]).clear for row in drawn]
    assert np.mean(beside) == pytest.approx(0.95, abs=0.015)
    assert np.mean(single) == pytest.approx(0.95, abs=0.015)


def test_a_pooled_spread_is_that_of_settings_around_their_own_means() -> None:
    """Of two settings alike in spread it is Student's of both; groups of one training add nothing."""
    a, b = (1.0, 2.0, 3.0), (11.0, 12.5, 13.0)
    found, student = pooled(a, b, [a, b, (7.0,)]), stats.ttest_ind(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((student.low, student.high))
    with pytest.raises(ValueError, match="no spread to pool"):
        pooled(a, b, [(1.0,), (2.0,)])


def test_only_what_excludes_zero_is_clear() -> None:
    assert welch((1.0, 1.1, 0.9), (2.0, 2.1, 1.9)).clear
    assert not welch((1.0, 2.0), (1.5, 2.5)).clear
    assert not paired((1.0, 1.0), (1.0, 1.0)).clear


def test_samples_without_spread_have_an_interval_of_no_width() -> None:
    assert welch((1.0, 1.0), (0.5, 0.5)) == (0.5, 0.0, 0.5, 0.5)


def test_one_number_has_no_interval() -> None:
    with pytest.raises(ValueError, match="no spread"):
        welch((1.0,), (1.0, 2.0))
    with pytest.raises(ValueError, match="no pairs"):
        paired((1.0, 2.0, 3.0), (1.0, 2.0))
    with pytest.raises(ValueError, match="no spread"):
        borrowed((1.0,), (1.0, 2.0), (1.0,))
