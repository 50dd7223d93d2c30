"""What is to be trained and why, in which order, and how long so many machines would take."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from chapters_lib import data
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recording import planning, runs
from chapters_lib.recording.planning import Task
from chapters_lib.recording.record import record
from chapters_lib.recording.verifying import same_data
from tests.conftest import Folders, use_data

CPU = torch.device("cpu")


def chain(quick: str) -> dict[str, planning.Experiment]:
    """An experiment, one that needs it, and one that needs that."""
    first = EXPERIMENTS[quick]
    second = replace(first, name="second", needs=(quick,))
    return {
        quick: first,
        "third": replace(first, name="third", needs=("second",)),
        "second": second,
    }


def test_needs_come_first(quick: str) -> None:
    known = chain(quick)
    assert planning.ordered(["third"], known) == ["third"]
    assert planning.ordered(["third"], known, with_needs=True) == [quick, "second", "third"]
    assert planning.ordered(["third", quick], known) == [quick, "third"]


def test_why_a_record_is_stale(
    quick: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = chain(quick)
    assert planning.why_stale(known[quick]) == "not recorded"
    record(known[quick], device=CPU, progress=False)
    record(known["second"], device=CPU, progress=False)
    assert planning.why_stale(known[quick]) == planning.why_stale(known["second"]) == ""
    longer = replace(known[quick], config=replace(known[quick].config, epochs=9))
    assert planning.why_stale(longer) == "another configuration"
    whole = data.load

    def fewer(name: str, split: str) -> data.Dataset:
        return whole(name, split).first(200)

    use_data(monkeypatch, fewer)
    assert planning.why_stale(known[quick]) == "200 train images of digits, recorded 1438"


def test_a_need_recorded_anew_makes_stale(quick: str, folders: Folders) -> None:
    known = chain(quick)
    record(known[quick], device=CPU, progress=False)
    record(known["second"], device=CPU, progress=False)
    record(replace(known[quick], seeds=(7,)), device=CPU, progress=False)
    assert planning.why_stale(known["second"]) == f"{quick} was recorded anew"
    (folders.runs / quick / "run.json").write_text("{", encoding="utf-8")
    assert planning.why_stale(known[quick]) == "its record is damaged"
    second = planning.tasks(["third"], known, with_needs=True)
    assert [task.name for task in second] == [quick, "second", "third"]


def test_what_uses_a_stale_run_is_to_be_trained_too(quick: str, folders: Folders) -> None:
    known = chain(quick)
    record(known[quick], device=CPU, progress=False)
    record(known["second"], device=CPU, progress=False)
    known[quick] = replace(known[quick], config=replace(known[quick].config, epochs=9))
    found = {task.name: task for task in planning.tasks(["second"], known, with_needs=True)}
    assert found["second"].why == f"{quick} is to be trained"
    assert found["second"].seconds == runs.load("second").provenance["wall_seconds"]


def test_machines_share_the_work() -> None:
    todo = [
        Task("a", "", 3.0, ()),
        Task("b", "", 2.0, ("a",)),
        Task("c", "", 4.0, ()),
        Task("d", "", math.nan, ()),
    ]
    assert planning.makespan(todo, 1) == 9.0
    assert planning.makespan(todo, 2) == 7.0 or planning.makespan(todo, 2) == 5.0
    assert planning.makespan(todo, 3) == 5.0


def test_a_rendered_set_is_known_by_name_and_number() -> None:
    digits = data.load("digits", "test")
    stated = {"name": "digits", "images": len(digits), "sha256": "of another machine"}
    assert not same_data(digits, stated)
    rendered = replace(digits, name="house-numbers")
    assert same_data(rendered, stated) and not same_data(rendered.first(9), stated)
