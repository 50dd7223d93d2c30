"""The page on benchmarks shows what was recorded, and says so where nothing was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chapters_lib.pages import benchmarks as page
from chapters_lib.recording import benchmarks, runs


def contest(**changes: Any) -> dict[str, Any]:
    return {
        "key": "a",
        "title": "A",
        "against": "B",
        "unit": "image",
        "aim": 2.0,
        "precision": "float32",
        "threads": 1,
        "library": [1e-3, 2e-3, 4e-3],
        "other": [3e-3, 4e-3, 4e-3],
        "operations": 1e6,
        "limit": [1e9, 1e9, 2e9],
    } | changes


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What is recorded: written when the page is asked first."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(benchmarks, "record", lambda: found)
    yield found


def test_a_ratio_is_of_the_same_round_and_has_the_range_of_all() -> None:
    found = benchmarks.Contest(**contest())
    assert found.ratio == (1.0, 2.0, 3.0)
    assert found.share == pytest.approx(1e6 / 2e-3 / 1e9)


def test_what_is_shown(record: dict[str, Any], kept: dict[str, Any]) -> None:
    slow = contest(key="b", title="S", threads=2, other=[5e-4, 5e-4, 5e-4], operations=0)
    level = contest(key="c", title="L", other=[5e-4, 5e-3, 5e-3])
    record |= {"contests": [contest(), slow, level], "rounds": 3, "others": 0.126, "minutes": 2.0}
    page.numbers()
    assert (kept["contests"], kept["below"], kept["others"]) == ("3", "2", "0.13")
    assert kept["level"] == "L beside B (one thread)" and kept["slower"] == "S beside B (2 threads)"
    assert "row is left out" in kept["pythae"] and kept["page_said"] == ""
    record["page"] = {"name": "vae", "fresh": 41.7, "again": 6.2}
    page.numbers()
    assert kept["page_said"].startswith(" The page vae took 42 s to be run and set, and 6 s when")
    text = page.table_contests().data
    assert (
        "A, an image" in text
        and "4 ms → 2 ms" in text
        and "2.00 (1.00 to 3.00)" in text
        and "50 %" in text
    )
    assert text.count("\n* - ") == 4
    assert [len(ax.get_yticks()) for ax in page.ratios().axes] == [2, 1]


def test_where_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Any]
) -> None:
    monkeypatch.setenv("CHAPTERS_RUNS", str(tmp_path))
    benchmarks.record.cache_clear()
    page.numbers()
    assert kept["contests"] == "0" and page.table_contests().data == page.NOTHING
    page.ratios()
    benchmarks.record.cache_clear()


@pytest.mark.skipif(not (runs.root() / benchmarks.FILE).exists(), reason="nothing is measured yet")
def test_the_record_is_whole() -> None:
    """What `make bench` wrote holds both sides of every round."""
    path = runs.root() / benchmarks.FILE
    made = json.loads(path.read_text(encoding="utf-8"))
    for each in made["contests"]:
        found = benchmarks.Contest(**each)
        assert len(found.library) == len(found.other) == len(found.limit) <= made["rounds"]
        assert min(*found.library, *found.other, *found.limit) > 0
    assert {"date", "machine", "versions", "load_before"} <= made.keys()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.3456, "12.3 s"), (0.0123, "12.3 ms"), (2e-5, "20 µs"), (3e-8, "30 ns")],
)
def test_a_time_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert page.duration(seconds) == text


def test_the_explorers_times_stand_slowest_first(
    record: dict[str, Any], kept: dict[str, Any]
) -> None:
    page.numbers()
    assert kept["frames_said"] == ""
    assert "explorers.py" in page.table_frames().data
    record["frames"] = {
        "date": "1 May",
        "processor": "P",
        "medians": {"c-vae-classes": 16.7, "gan-gan": 40.0, "vae-plane": 16.7},
    }
    page.numbers()
    assert str(kept["frames_said"]).startswith("Measured on 1 May on P: 2 of 3 explorers reach")
    text = page.table_frames().data
    assert (
        text.index("40.0 ms") < text.index("16.7 ms")
        and "* - c-vae (classes), vae (plane)\n  - 16.7 ms" in text
    )


def test_a_missed_aim_beside_the_loader_is_told_in_numbers_of_the_record(
    record: dict[str, Any], kept: dict[str, Any]
) -> None:
    for aim, said in ((4.0, "would have to take 50 % less time (one thread)"), (2.0, "")):
        record["contests"] = [contest(key="vae-loader", aim=aim)]
        page.numbers()
        assert said in str(kept["loader_said"]) and bool(kept["loader_said"]) == bool(said)
