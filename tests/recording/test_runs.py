"""The record of a run: whole or not at all."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders

FILES = ["history.csv", "model.safetensors", "panels.npz", "run.json"]


def model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def save(version: int = 1, name: str = "toy", **changes: Any) -> runs.Run:
    parts: dict[str, Any] = {
        "config": {"hidden": [4, 3], "version": version},
        "metrics": {
            "test_mse": 0.25 * version,
            "test_mse_sem": 0.01,
            "kl": runs.summarize([1.0, 2.0]),
        },
        "provenance": tiny.PROVENANCE,
        "history": History([{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": 0.1 * version}]),
        "weights": runs.half(model(version).state_dict()),
        "panels": {"images": np.full((2, 1, 2, 2), version, np.uint8), "nan": np.array([np.nan])},
    }
    return runs.save(name, **(parts | changes))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def record(folders: Folders) -> Path:
    """The folder of a whole record, version 1."""
    return save(1).folder


@pytest.fixture
def intact(folders: Folders, record: Path) -> Iterator[None]:
    """After the test the record of before must be there, byte for byte, and nothing beside it."""
    before = contents(record)
    yield
    assert contents(record) == before
    assert os.listdir(folders.runs) == ["toy"]
    assert runs.load("toy")["test_mse"] == 0.25


# round trip


def test_round_trip(folders: Folders) -> None:
    saved = save(1)
    run = runs.load("toy")
    assert run == saved and run.folder == folders.runs / "toy"
    assert sorted(contents(run.folder)) == FILES and runs.names() == ["toy"]
    assert run.config == {"hidden": [4, 3], "version": 1}
    assert run.history.rows == [{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": 0.1}]
    assert set(run.panels) == {"images", "nan"} and run.panels["images"].dtype == np.uint8
    assert (run.panels["images"] == 1).all() and np.isnan(run.panels["nan"]).all()
    assert oct((run.folder / "model.safetensors").stat().st_mode)[-3:] == "644"


def test_metrics(folders: Folders) -> None:
    run = save(1)
    assert run["test_mse"] == 0.25
    assert run.metric("test_mse") == runs.Metric(0.25, 0.01, (0.25,))
    assert run.metric("kl") == runs.Metric(1.5, 0.5, (1.0, 2.0)) and run["kl"] == 1.5
    assert math.isnan(run.metric("test_mse_sem").sem)
    with pytest.raises(ChaptersError, match=r"no metric 'test_msе'|no metric 'tset_mse'.*test_mse"):
        run.metric("tset_mse")


def test_summarize() -> None:
    values = np.random.default_rng(0).normal(size=5).tolist()
    found = runs.summarize(values)
    assert isinstance(found, dict)
    mean = sum(values) / 5
    assert found["mean"] == pytest.approx(mean, rel=1e-14) and found["values"] == values
    s = math.sqrt(sum((v - mean) ** 2 for v in values) / 4)
    assert found["sem"] == pytest.approx(s / math.sqrt(5), rel=1e-14)
    assert runs.summarize([2]) == 2.0


def test_weights_are_rounded_to_half_and_no_further(folders: Folders) -> None:
    run, source = save(1), model(1)
    restored = run.restore(model(2))
    assert not restored.training
    for name, value in source.state_dict().items():
        back = restored.state_dict()[name]
        assert back.dtype == value.dtype
        assert torch.equal(back, value.half().float() if value.is_floating_point() else value)
    # once rounded, a second round trip changes nothing
    again = save(2, weights=runs.half(restored.state_dict()))
    for name, value in restored.state_dict().items():
        assert torch.equal(again.weights("model")[name], value)
    size = (run.folder / "model.safetensors").stat().st_size
    full = save(3, weights={f"model.{n}": v for n, v in source.state_dict().items()})
    assert size < (full.folder / "model.safetensors").stat().st_size
    assert torch.equal(full.weights("model")["0.weight"], source.state_dict()["0.weight"])


def test_prefix_tells_networks_apart(folders: Folders) -> None:
    weights = runs.half(model(1).state_dict(), "generator") | runs.half(
        model(2).state_dict(), "judge"
    )
    run = save(1, weights=weights)
    assert torch.equal(
        run.weights("judge")["0.bias"], model(2).state_dict()["0.bias"].half().float()
    )
    assert set(run.weights()) == set(weights)


def test_no_object_is_stored(folders: Folders) -> None:
    """An array of Python objects would have to be pickled: it is not written, or not read."""
    with pytest.raises((ChaptersError, ValueError)):
        run = save(1, panels={"objects": np.array([{}, []], dtype=object)})
        _ = run.panels


def test_nan_metric_is_not_written(intact: None) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save(2, metrics={"test_mse": math.nan})


# what goes wrong on reading


def test_missing_run(record: Path) -> None:
    with pytest.raises(ChaptersError, match=r"no run 'tyo' in .*did you mean toy"):
        runs.load("tyo")
    with pytest.raises(ChaptersError, match="train it with `python -m chapters_lib train zzz`"):
        runs.load("zzz")


def test_no_runs_at_all(folders: Folders) -> None:
    assert runs.names() == []
    with pytest.raises(ChaptersError, match="no run 'toy'"):
        runs.load("toy")


@pytest.mark.parametrize("file", FILES)
def test_half_written(record: Path, file: str) -> None:
    (record / file).unlink()
    with pytest.raises(ChaptersError, match=f"run 'toy' is incomplete .{file} missing"):
        runs.load("toy")


def test_file_lost_after_loading(record: Path) -> None:
    run = runs.load("toy")
    (record / "panels.npz").unlink()
    with pytest.raises(ChaptersError, match="is incomplete"):
        _ = run.panels


def change(record: Path, **changes: Any) -> None:
    path = record / "run.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )


@pytest.mark.parametrize("version", [runs.FORMAT + 1, 0, "1"])
def test_another_format(record: Path, version: object) -> None:
    change(record, format=version)
    with pytest.raises(
        ChaptersError, match=f"has format {version}, this library reads {runs.FORMAT}"
    ):
        runs.load("toy")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1, 2]", "null", '{"format": 1}', "\udcff", '{"format": 1, "name": "toy"'],
)
def test_damaged_json(record: Path, text: str) -> None:
    (record / "run.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ChaptersError, match=r"run.json is damaged"):
        runs.load("toy")


@pytest.mark.parametrize("changes", [{"metrics": []}, {"config": None}, {"name": "other"}])
def test_json_of_something_else(record: Path, changes: dict) -> None:
    change(record, **changes)
    with pytest.raises(ChaptersError, match=r"run.json is damaged"):
        runs.load("toy")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("data", value) for value in (None, [], {"train": {"name": "mnist"}}, {"train": 3})),
        *(("date", value) for value in (None, 3, "yesterday")),
        ("seeds", None),
    ],
)
def test_provenance_that_no_list_could_read(record: Path, key: str, value: object) -> None:
    change(record, provenance=tiny.PROVENANCE | {key: value})
    with pytest.raises(ChaptersError, match=r"run.json is damaged"):
        runs.load("toy")


@pytest.mark.parametrize("value", ["0.02", None, [1.0], {"mean": 1.0}])
def test_a_metric_that_is_no_number(record: Path, value: object) -> None:
    change(record, metrics={"test_mse": value})
    with pytest.raises(ChaptersError, match=r"run.json is damaged"):
        runs.load("toy")


READ: dict[str, Callable[[runs.Run], object]] = {
    "history.csv": lambda run: run.history,
    "panels.npz": lambda run: run.panels,
    "model.safetensors": lambda run: run.weights(),
}


@pytest.mark.parametrize("file", READ)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.35, 0.6, 0.99])
def test_cut_off(record: Path, file: str, share: float) -> None:
    path = record / file
    whole = path.read_bytes()
    path.write_bytes(whole[: min(int(len(whole) * share), len(whole) - 1)])
    with pytest.raises(
        ChaptersError, match=rf"{file} is damaged .*: restore it, or train it anew"
    ) as e:
        READ[file](runs.load("toy"))
    assert "\n" not in str(e.value)


def test_history_cut_at_the_end_of_a_line(record: Path) -> None:
    """A whole last line does not make a whole history: the record says how many rows it has."""
    path = record / "history.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) > 2
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(ChaptersError, match=r"history.csv is damaged"):
        READ["history.csv"](runs.load("toy"))


def test_changed_bytes(record: Path) -> None:
    """Whatever byte of the panels is overturned, the result is what it was, or one clear line."""
    path = record / "panels.npz"
    whole, expected = path.read_bytes(), runs.load("toy").panels
    noticed = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            found = runs.load("toy").panels
        except ChaptersError as error:
            noticed += 1
            assert "damaged" in str(error)
        else:
            for name in set(found) & set(expected):
                assert found[name].tobytes() == expected[name].tobytes()
    assert noticed > len(whole) / 3


def test_changed_header_of_weights(record: Path) -> None:
    path = record / "model.safetensors"
    whole = path.read_bytes()
    for place in range(0, 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(ChaptersError, match=r"damaged|do not fit"):
            runs.load("toy").restore(model())


@pytest.mark.parametrize(
    "other",
    [
        nn.Linear(4, 3),
        nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)),
        nn.Sequential(nn.Linear(4, 3)),
    ],
)
def test_weights_that_do_not_fit(record: Path, other: nn.Module) -> None:
    with pytest.raises(ChaptersError, match="the weights of run 'toy' do not fit this") as caught:
        runs.load("toy").restore(other)
    assert "\n" not in str(caught.value)


# what goes wrong on writing


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Let no file grow beyond `limit` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


LARGE = {
    "weights": {"weights": {"model.weight": torch.zeros(40_000)}},
    "panels": {"panels": {"images": np.random.default_rng(0).integers(0, 256, 160_000, np.uint8)}},
    "history": {"history": History([{"epoch": i, "loss": i / 7} for i in range(8000)])},
    "config": {"config": {"text": "x" * 160_000}},
}


@pytest.mark.parametrize("part", LARGE)
def test_full_disk(intact: None, part: str) -> None:
    with (
        small_files(50_000),
        pytest.raises(
            ChaptersError, match=r"cannot write run 'toy' .*: free some disk space"
        ) as caught,
    ):
        save(2, **LARGE[part])
    assert "\n" not in str(caught.value)


def failing(original: Callable, call: int, error: BaseException) -> Callable:
    """Return `original`, except that its call number `call` raises `error` instead."""
    count = 0

    def replacement(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            raise error
        return original(*args, **kwargs)

    return replacement


STEPS = {
    "temporary folder": (runs.tempfile, "mkdtemp", 1),
    "weights": (runs, "save_file", 1),
    "panels": (np, "savez_compressed", 1),
    "history": (History, "to_csv", 1),
    "json": (Path, "write_text", 1),
    "old one aside": (Path, "rename", 1),
    "new one in": (Path, "rename", 2),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_in_each_step(
    intact: None, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    holder, name, call = STEPS[step]
    expected = ChaptersError if isinstance(error, OSError) else KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(holder, name, failing(getattr(holder, name), call, error))
        with pytest.raises(expected):
            save(2)


def test_failure_of_safetensors(intact: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "save_file", failing(runs.save_file, 1, SafetensorError("I/O error")))
    with pytest.raises(ChaptersError, match="I/O error"):
        save(2)


def killed(work: Callable[[], object]) -> int:
    """Run `work` in a forked process, which ends without any clean-up when it asks for it; return its status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("step", [*STEPS, "old one away"])
def test_killed_in_each_step(
    folders: Folders, record: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A kill lets nothing be put right: the last record, or the new one, is whole all the same."""
    old = contents(record)
    holder, name, call = (STEPS | {"old one away": (shutil, "rmtree", 1)})[step]
    original, count = getattr(holder, name), 0

    def die(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            os._exit(9)
        return original(*args, **kwargs)

    monkeypatch.setattr(holder, name, die)
    assert killed(lambda: save(2)) == 9
    monkeypatch.undo()
    for key, path in (("RUNS", folders.runs), ("CACHE", folders.cache), ("DATA", folders.data)):
        monkeypatch.setenv(f"CHAPTERS_{key}", str(path))

    run = runs.load("toy")
    if step == "old one away":
        assert run.config["version"] == 2
    else:
        assert contents(run.folder) == old
    assert runs.names() == ["toy"]
    assert run.restore(model()) is not None and len(run.history) == 2
    # the next training writes its record and clears away what was left
    assert save(3).config["version"] == 3
    assert os.listdir(folders.runs) == ["toy"]


def test_saving_leaves_runs_of_similar_names(folders: Folders) -> None:
    save(1, name="toy")
    save(1, name="toy-large")
    (folders.runs / ".toy-large.abc").mkdir()
    save(2, name="toy")
    assert sorted(os.listdir(folders.runs)) == [".toy-large.abc", "toy", "toy-large"]
    assert runs.names() == ["toy", "toy-large"]


def test_unwritable_folder(folders: Folders) -> None:
    folders.runs.write_text("in the way", encoding="utf-8")
    with pytest.raises(ChaptersError, match="cannot write"):
        save(1)
    with pytest.raises(ChaptersError, match="CHAPTERS_RUNS"):
        runs.require_writable()


def test_writable_folder(folders: Folders) -> None:
    runs.require_writable()
    assert os.listdir(folders.runs) == []
