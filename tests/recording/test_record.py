"""Recording an experiment, and verifying its record."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from chapters_lib import data
from chapters_lib.data.published import TORCHVISION
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS, find
from chapters_lib.folders import cache_root, root
from chapters_lib.recording import record as recording
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Experiment, Metrics, Session
from chapters_lib.recording.record import record
from chapters_lib.recording.verifying import is_recorded, verify
from chapters_lib.reproducibility import source_commit
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders, use_data

CPU = torch.device("cpu")
SHORT = replace(tiny.EXPERIMENT, config=tiny.TinyConfig(epochs=1, batch_size=256))


@pytest.fixture
def run(quick: str) -> runs.Run:
    return record(SHORT, device=CPU)


def test_record_says_what_was_done(run: runs.Run, folders: Folders) -> None:
    assert run.folder == folders.runs / "tiny"
    assert run.config == {"dataset": "digits", "epochs": 1, "batch_size": 256}
    train = data.load("digits", "train")
    assert run.data_used["train"] == {"name": "digits", "images": 1438, "sha256": train.sha256}
    assert run.data_used["test"]["images"] == 359
    for key in (
        "library",
        "commit",
        "torch",
        "seeds",
        "device",
        "processor",
        "wall_seconds",
        "date",
        "threads",
    ):
        assert key in run.provenance
    assert run.provenance["seeds"] == [0] and run.provenance["device"] == "cpu"
    assert run["parameters"] == 784 * 24 + 24 + 24 * 2 + 24 * 784 + 784
    assert run["train_seconds"] > 0 and run["images_per_second"] > 0
    assert run.history.names == ["seed", "epoch", "train_mse", "seconds", "images", "drawn"]
    assert run.history.column("images").tolist() == [1438 // 256 * 256]  # in whole batches
    assert run["images_per_second"] == 1280 / run["train_seconds"]


def test_metrics_over_seeds(quick: str) -> None:
    """Three seeds differ, each stands in `values`, and one recorded alone is the same."""
    run = record(replace(SHORT, seeds=(0, 1, 2)), device=CPU)
    metric = run.metric("test_mse")
    assert len(set(metric.values)) == 3 and metric.mean == pytest.approx(np.mean(metric.values))
    assert run.history.column("seed").tolist() == [0, 1, 2]
    alone = record(replace(SHORT, name="alone", seeds=(1,)), device=CPU)
    assert alone["test_mse"] == metric.values[1]
    # the weights kept are the first seed's
    assert (
        tiny.evaluate(SHORT.config, run.restore(tiny.build(SHORT.config)))["test_mse"]
        == metric.values[0]
    )
    assert verify(replace(SHORT, seeds=(0, 1, 2)))[1] == []


def test_partial_set_is_recorded_with_its_count(quick: str, folders: Folders) -> None:
    from tests.data.test_loading import write_set

    write_set(folders, "kmnist", train=300, test=20)
    partial = replace(SHORT, config=tiny.TinyConfig("kmnist", 1, 100))
    run = record(partial, device=CPU)
    assert run.data_used["train"]["images"] == 300 and run.data_used["test"]["images"] == 20
    assert verify(partial)[1] == []


def test_half_precision(quick: str) -> None:
    """Metrics are those of the weights as stored, so that they can be verified to the last digit."""
    half = replace(SHORT, half_precision=True, tolerances={"test_mse": 0.0})
    run = record(half, device=CPU)
    stored = load_file(run.folder / "model.safetensors")
    assert stored["model.0.weight"].dtype == torch.float16
    assert verify(half) == (["test_mse", "parameters"], [])


def test_study_keeps_numbers_alone(quick: str) -> None:
    study = replace(SHORT, weights_stored=False)
    run = record(study, device=CPU)
    assert run.weights() == {} and run["test_mse"] > 0
    assert verify(study) == ([], [])


def test_what_trains_nothing_records_no_speed(quick: str) -> None:
    """A study of what is recorded has no seconds of training to divide by."""
    idle = replace(SHORT, train=lambda *_: History([{"epoch": 1, "seconds": 0.0}]))
    run = record(idle, device=CPU)
    assert set(run.metrics) == {"test_mse", "parameters"}
    assert run.provenance["wall_seconds"] == 0


# verify


def test_verify_agrees(run: runs.Run) -> None:
    checked, differences = verify(SHORT)
    assert checked == ["test_mse", "parameters"] and differences == []


def test_verify_moves_no_random_state(run: runs.Run) -> None:
    state = torch.get_rng_state()
    verify(SHORT)
    assert torch.equal(torch.get_rng_state(), state)


def test_verify_notices_a_changed_weight(run: runs.Run) -> None:
    path = run.folder / "model.safetensors"
    weights = load_file(path)
    weights["model.3.bias"][400] += 3.0
    save_file(weights, path)
    _, differences = verify(SHORT)
    assert [d.key for d in differences] == ["test_mse"]
    difference = differences[0]
    assert difference.recorded == run["test_mse"]
    assert abs(difference.recomputed - difference.recorded) > difference.tolerance


def edit(run: runs.Run, change) -> None:
    path = run.folder / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_verify_notices_a_changed_metric(run: runs.Run) -> None:
    edit(run, lambda content: content["metrics"].update(test_mse=run["test_mse"] * 1.01))
    assert [d.key for d in verify(SHORT)[1]] == ["test_mse"]
    edit(run, lambda content: content["metrics"].update(test_mse=run["test_mse"] * 1.0001))
    assert verify(SHORT)[1] == []
    loose = replace(SHORT, tolerances={"test_mse": 1.0})
    edit(run, lambda content: content["metrics"].update(test_mse=run["test_mse"] + 0.9))
    assert verify(loose)[1] == [] and len(verify(SHORT)[1]) == 1


def test_verify_notices_other_data(run: runs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    original = data.load

    def changed(name: str, split: str) -> data.Dataset:
        found = original(name, split)
        if split == "test":
            found.images[5, 0, 3, 3] += 1  # one grey level of one pixel
        return found

    use_data(monkeypatch, changed)
    with pytest.raises(
        ChaptersError, match="recorded on 359 test images of digits, other than the 359"
    ):
        verify(SHORT)


def test_verify_notices_another_configuration(run: runs.Run) -> None:
    with pytest.raises(ChaptersError, match="another configuration"):
        verify(replace(SHORT, config=tiny.TinyConfig(epochs=2, batch_size=256)))


def test_verify_notices_a_metric_that_was_not_recorded(run: runs.Run) -> None:
    def more(config: tiny.TinyConfig, model: nn.Module) -> dict[str, float]:
        return tiny.evaluate(config, model) | {"new": 1.0}

    with pytest.raises(ChaptersError, match="has no metric 'new'"):
        verify(replace(SHORT, evaluate=more))


def test_verify_notices_nan(run: runs.Run) -> None:
    with pytest.raises(ChaptersError, match="test_mse came out as nan"):
        verify(replace(SHORT, evaluate=lambda config, model: {"test_mse": float("nan")}))


def test_verify_takes_the_first_images_where_there_are_more_now(
    quick: str, folders: Folders
) -> None:
    """A set recorded in part verifies where the whole of it lies; other images do not."""
    from tests.data.test_loading import write_set

    write_set(folders, "kmnist", train=300, test=20)
    images, labels = data.load("kmnist", "train").images, data.load("kmnist", "train").labels
    partial = replace(SHORT, config=tiny.TinyConfig("kmnist", 1, 100))
    record(partial, device=CPU)
    write_set(folders, "kmnist", train=500, test=20)
    whole = data.load("kmnist", "train")
    assert torch.equal(whole.images[:300], images) and torch.equal(whole.labels[:300], labels)
    assert verify(partial) == (["test_mse", "parameters"], [])
    assert len(data.load("kmnist", "train")) == 500
    write_set(folders, "kmnist", train=200, test=20)
    with pytest.raises(ChaptersError, match="recorded on 300 train images of kmnist, other than"):
        verify(partial)


# what is refused


def test_metric_that_is_not_finite_is_not_recorded(quick: str, folders: Folders) -> None:
    bad = replace(SHORT, evaluate=lambda config, model: {"fid": float("inf")})
    with pytest.raises(ChaptersError, match="fid came out as inf; nothing was recorded"):
        record(bad, device=CPU)
    assert runs.names() == []


def test_needed_run_first(quick: str, folders: Folders) -> None:
    """A missing judge is noticed before the training, not after it."""
    with pytest.raises(ChaptersError, match=r"no run 'judge-mnist'.*train it with"):
        record(replace(SHORT, needs=("judge-mnist",)), device=CPU)
    assert not folders.cache.exists()


@pytest.mark.parametrize("which", ["runs", "cache"])
def test_unwritable_folders_first(quick: str, folders: Folders, which: str) -> None:
    getattr(folders, which).write_text("in the way", encoding="utf-8")
    trained = []
    watched = replace(SHORT, train=lambda *parts: trained.append(1))
    with pytest.raises(ChaptersError, match=f"cannot write.*CHAPTERS_{which.upper()}"):
        record(watched, device=CPU)
    assert not trained


def test_fresh_ignores_checkpoints(quick: str, folders: Folders) -> None:
    """Those of a study's parts too."""
    steps = []

    def train(config: tiny.TinyConfig, model: nn.Module, session: Session):
        assert session.checkpoint is not None
        part = Session(session.device, session.checkpoint.part("code-2"))
        steps.append((session.checkpoint.load() is None, part.checkpoint.load() is None))
        tiny.train(config, model, part)
        return tiny.train(config, model, session)

    both = replace(SHORT, train=train)
    for fresh in (False, False, True):
        record(both, device=CPU, fresh=fresh)
    assert steps == [(True, True), (False, False), (True, True)]


def test_other_data_start_anew(quick: str, folders: Folders) -> None:
    """A finished training is not taken for one of other images under the same name."""
    from tests.data.test_loading import write_set

    partial = replace(SHORT, config=tiny.TinyConfig("kmnist", 1, 100))
    done: list[int] = []
    handle = register_optimizer_step_pre_hook(lambda *_: done.append(1))
    for images, steps in ((300, 3), (200, 2)):
        write_set(folders, "kmnist", train=images, test=20)
        done.clear()
        run = record(partial, device=CPU)
        assert run.data_used["train"]["images"] == images and len(done) == steps
    handle.remove()


def test_another_needed_run_starts_anew(quick: str, folders: Folders) -> None:
    """A training that starts from recorded weights is not finished by one that started from others."""
    child = replace(SHORT, name="child", needs=("tiny",))
    done: list[int] = []
    handle = register_optimizer_step_pre_hook(lambda *_: done.append(1))
    counts, used = [], []
    for seed in (0, 0, 1):
        record(replace(SHORT, seeds=(seed,)), device=CPU)
        done.clear()
        used.append(record(child, device=CPU).provenance["used"]["tiny"])
        counts.append(len(done))
    handle.remove()
    assert counts == [5, 0, 5] and used[0] == used[1] != used[2]
    weights = (runs.load("tiny").folder / "model.safetensors").read_bytes()
    assert used[2]["sha256"] == hashlib.sha256(weights).hexdigest()


@pytest.mark.parametrize("when", ["trained", "measured", "drawn"])
def test_a_run_recorded_anew_meanwhile(
    quick: str, folders: Folders, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Nothing is recorded of what was built on one run and judged by another under its name."""
    monkeypatch.setattr(recording, "source_commit", lambda: "abc")
    record(SHORT, device=CPU)

    def then(name: str, part):
        def called(*arguments):
            found = part(*arguments)
            if when == name:
                record(replace(SHORT, seeds=(7,)), device=CPU)
            return found

        return called

    child = replace(
        SHORT, name="child", needs=("tiny",), train=then("trained", tiny.train),
        evaluate=then("measured", tiny.evaluate), panels=then("drawn", tiny.panels),
    )  # fmt: skip
    with pytest.raises(
        ChaptersError, match="child needs was recorded anew meanwhile; nothing was rec"
    ):
        record(child, device=CPU)
    assert "child" not in runs.names()


class Measuring:
    """Measure as the tiny experiment does, and be killed at the `killed_at`th time."""

    def __init__(self, killed_at: int = 0):
        self.killed_at = killed_at
        self.done = 0

    def __call__(self, config: tiny.TinyConfig, model: nn.Module) -> Metrics:
        self.done += 1
        if self.done == self.killed_at:
            raise KeyboardInterrupt
        return tiny.evaluate(config, model)


@pytest.mark.parametrize(
    ("commit", "then", "again"),
    [("abc", "abc", 2), ("abc", "def", 3), ("abc+", "abc+", 3), ("", "", 3)],
)
def test_what_was_measured_before_a_kill_is_kept(
    quick: str,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    commit: str,
    then: str,
    again: int,
) -> None:
    """By the same committed sources alone, and only until the run is recorded."""
    three = replace(SHORT, seeds=(0, 1, 2))
    expected = record(replace(three, name="whole"), device=CPU).metric("test_mse").values
    monkeypatch.setattr(recording, "source_commit", lambda: commit)
    with pytest.raises(KeyboardInterrupt):
        record(replace(three, evaluate=Measuring(killed_at=2)), device=CPU)
    monkeypatch.setattr(recording, "source_commit", lambda: then)
    monkeypatch.setattr(recording, "describe_machine", lambda device: {"processor": "another"})
    rest = Measuring()
    run = record(replace(three, evaluate=rest), device=CPU)
    assert rest.done == again and run.metric("test_mse").values == expected
    assert run.provenance["processor"] == "another"
    assert not list(folders.cache.rglob("*measured*"))


def test_another_configuration_starts_anew(run: runs.Run, quick: str) -> None:
    longer = record(replace(SHORT, config=tiny.TinyConfig(epochs=2, batch_size=256)), device=CPU)
    assert len(longer.history) == 2


# the experiments of the book


def test_names_and_chapters() -> None:
    assert all(name == experiment.name for name, experiment in EXPERIMENTS.items())
    assert len(EXPERIMENTS) >= 8
    needs = {name: experiment.needs for name, experiment in EXPERIMENTS.items()}
    assert set(TopologicalSorter(needs).static_order()) == set(EXPERIMENTS)  # no circles, all known
    for experiment in EXPERIMENTS.values():
        assert (
            experiment.summary
            and experiment.chapter
            and len(set(experiment.seeds)) == len(experiment.seeds)
        )
        hash(experiment.config)  # frozen: an experiment's numbers cannot change while it runs
        json.dumps(asdict(experiment.config))


def test_unknown_experiment() -> None:
    with pytest.raises(ChaptersError, match="unknown experiment 'ae-mnits': did you mean ae-mnist"):
        find("ae-mnits")
    with pytest.raises(ChaptersError, match="list` shows all"):
        find("zzzzzz")


def test_cache_is_outside_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPTERS_CACHE", raising=False)
    monkeypatch.delenv("CHAPTERS_RUNS", raising=False)
    assert cache_root().name == ".cache" and cache_root().parent == runs.root().parent
    assert (cache_root().parent / "pyproject.toml").exists() or cache_root().parent == Path.cwd()


@dataclass(frozen=True)
class Unserialisable:
    dataset: str = "digits"


def test_commit_is_known_inside_git() -> None:
    if not (runs.root().parent / ".git").exists():
        pytest.skip("no checkout")
    commit = source_commit().rstrip("+")
    assert len(commit) >= 7 and int(commit, 16) >= 0


def recorded() -> list[str]:
    """The recorded runs that can be verified within seconds."""
    return [name for name in runs.names() if name in ("ae-digits", "ae-normalized-mnist")]


@pytest.mark.parametrize("name", recorded())
def test_recorded_runs_verify(name: str) -> None:
    experiment: Experiment = find(name)
    dataset = experiment.config.dataset
    folder = root() / TORCHVISION.get(dataset, dataset) / "raw"
    if dataset != "digits" and not any(folder.glob("t10k-*")):  # a failed download leaves it empty
        pytest.skip(f"no {dataset} in {root()}: set CHAPTERS_DATA")
    checked, differences = verify(experiment)
    assert checked and differences == []


def test_recorded_runs_are_small_and_known() -> None:
    """All records together stay below 100 MB, and each is of an experiment that still exists."""
    total = sum(path.stat().st_size for path in runs.root().rglob("*") if path.is_file())
    assert total < 100e6
    for name in runs.names():
        run = runs.load(name)
        assert name in EXPERIMENTS
        assert is_recorded(find(name).config, run.config), name
        assert len(run.history) and sorted(os.listdir(run.folder)) == sorted(runs._FILES)


@dataclass(frozen=True)
class Inner:
    """Numbers of a part."""

    width: int = 3
    later: float = 0.0


@dataclass(frozen=True)
class Outer:
    """Numbers that hold others."""

    sizes: tuple[int, ...] = (1, 2)
    part: Inner = Inner()
    parts: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("config", "recorded", "same"),
    [
        (Outer(), {"sizes": [1, 2], "part": {"width": 3, "later": 0.0}}, True),
        (Outer(), {"sizes": [1, 2], "part": {"width": 3}}, True),
        (Outer(part=Inner(later=1.0)), {"sizes": [1, 2], "part": {"width": 3}}, False),
        (Outer(), {"sizes": [1, 2], "part": {"width": 4}}, False),
        (Outer(), {"sizes": [2, 1], "part": {"width": 3}}, False),
        (Outer(), {"sizes": [1, 2], "part": {"width": 3}, "gone": 1}, False),
        (Outer(), {"sizes": [1, 2], "part": None}, False),
        (Outer(parts=(Inner(5),)), {"sizes": [1, 2], "parts": [{"width": 5}]}, True),
        (Outer(parts=(Inner(5),)), {"sizes": [1, 2], "parts": [{"width": 6}]}, False),
        (Outer(parts=(Inner(5),)), {"sizes": [1, 2], "parts": []}, False),
        (Outer(parts=(Inner(5),)), {"sizes": [1, 2]}, False),
    ],
)
def test_a_field_that_came_later_has_its_default_in_older_records(
    config: Outer, recorded: dict[str, object], same: bool
) -> None:
    """Anything else that differs is another configuration."""
    assert is_recorded(config, recorded) is same
