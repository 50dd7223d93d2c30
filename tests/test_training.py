"""The loop, its history, and checkpoints that resume bit for bit."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from chapters_lib import checkpoint
from chapters_lib.checkpoint import Checkpoint
from chapters_lib.errors import ChaptersError
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History, fit


class Killed(BaseException):
    """What stands for a kill inside the process: nothing in the library catches it."""


class Numbers:
    """Seven batches of three shuffled numbers, which draw once more while they are handed out."""

    def __len__(self) -> int:
        return 7

    def __iter__(self) -> Iterator[tuple[Tensor]]:
        order = torch.randperm(21)
        for part in order.split(3):
            yield (part.double() + torch.rand(3, dtype=torch.float64),)


class Course:
    """A small training that depends on every random state, and can be killed at a given step."""

    def __init__(self, folder: Path, kill_at: int | None = None, identity: str = "same"):
        seed_everything(0)
        self.model = nn.Linear(1, 1, dtype=torch.float64)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 0.1)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.97)
        self.checkpoint = Checkpoint(folder / "seed-0.pt", identity)
        self.kill_at = kill_at
        self.steps = 0

    def step(self, x: Tensor) -> dict[str, Tensor]:
        if self.steps == self.kill_at:
            raise Killed
        self.steps += 1
        noise = random.random() + np.random.standard_normal() + torch.randn(())  # noqa: NPY002
        loss = (self.model(x[:, None]) - noise).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return {"loss": loss.detach(), "noise": noise.detach()}

    def run(self, epochs: int = 3) -> History:
        return fit(
            self.step,
            Numbers(),
            epochs=epochs,
            checkpoint=self.checkpoint,
            after_epoch=lambda epoch: {"drawn": random.random() + float(torch.rand(()))},
            state={"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule},
        )


def outcome(course: Course, history: History) -> tuple:
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
    return (
        course.model.state_dict()["weight"].item(),
        course.model.state_dict()["bias"].item(),
        rows,
    )


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a checkpoint be written at every epoch's end, however short the epoch."""
    monkeypatch.setattr(checkpoint, "SAVE_EVERY_SECONDS", 0.0)


# the loop


def test_fit_goes_through_every_batch_of_every_epoch() -> None:
    seen: list[float] = []

    def step(x: Tensor) -> dict[str, Tensor]:
        seen.extend(x.floor().tolist())
        return {"mean": x.floor().mean()}

    history = fit(step, Numbers(), epochs=3, after_epoch=lambda epoch: {"twice": 2.0 * epoch})
    assert [sorted(seen[i : i + 21]) for i in (0, 21, 42)] == [list(range(21))] * 3
    assert history.column("epoch").tolist() == [1, 2, 3]
    assert history.column("twice").tolist() == [2, 4, 6]
    assert history.column("mean").tolist() == pytest.approx([10, 10, 10])
    assert history.names == ["epoch", "mean", "seconds", "images", "twice"]
    assert history.column("images").tolist() == [21, 21, 21]
    assert (history.column("seconds") > 0).all()


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fit(lambda x: {"mean": x.mean()}, Numbers(), epochs=1, progress="a label")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kill_at", range(1, 21))
def test_killed_anywhere_it_ends_the_same(tmp_path: Path, kill_at: int) -> None:
    whole = Course(tmp_path / "whole")
    expected = outcome(whole, whole.run())
    killed = Course(tmp_path / "killed", kill_at)
    with pytest.raises(Killed):
        killed.run()
    seed_everything(1234)  # what the next process happens to start from
    resumed = Course(tmp_path / "killed")
    assert outcome(resumed, resumed.run()) == expected
    # the steps since the last epoch's end are done again, no more
    assert resumed.steps == 21 - kill_at // 7 * 7


def test_killed_many_times(tmp_path: Path) -> None:
    whole = Course(tmp_path / "whole")
    expected = outcome(whole, whole.run())
    for kill_at in (3, 9, 6, 8):  # within the first epoch, the second, the second again, the third
        killed = Course(tmp_path / "killed", kill_at)
        with pytest.raises(Killed):
            killed.run()
    resumed = Course(tmp_path / "killed")
    assert outcome(resumed, resumed.run()) == expected
    assert resumed.steps == 7


def test_short_epochs_are_not_all_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand epochs of a hundred images would spend their time writing; the last one is kept."""
    saves: list[int] = []
    monkeypatch.setattr(checkpoint, "SAVE_EVERY_SECONDS", 60.0)
    course = Course(tmp_path)
    keep = course.checkpoint.keep

    def counted(parts, rows) -> None:
        saves.append(len(rows))
        keep(parts, rows)

    monkeypatch.setattr(course.checkpoint, "keep", counted)
    course.run(epochs=5)
    assert saves == [1, 5]


def test_killed_after_the_epoch(tmp_path: Path) -> None:
    """Between an epoch's last step and its checkpoint: its measurement is made again, from the same state."""
    whole = Course(tmp_path / "whole")
    expected = outcome(whole, whole.run())

    def die(epoch: int) -> dict[str, float]:
        raise Killed

    killed = Course(tmp_path / "killed")
    state = {"model": killed.model, "optimizer": killed.optimizer, "schedule": killed.schedule}
    with pytest.raises(Killed):
        fit(
            killed.step,
            Numbers(),
            epochs=3,
            checkpoint=killed.checkpoint,
            after_epoch=die,
            state=state,
        )
    resumed = Course(tmp_path / "killed")
    assert outcome(resumed, resumed.run()) == expected


def test_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first = Course(tmp_path)
    expected = outcome(first, first.run())
    again = Course(tmp_path)
    assert outcome(again, again.run()) == expected and again.steps == 0


def test_another_identity_starts_anew(tmp_path: Path) -> None:
    Course(tmp_path, identity="one").run()
    other = Course(tmp_path, identity="two")
    other.run()
    assert other.steps == 21


def test_parts_have_checkpoints_of_their_own(tmp_path: Path) -> None:
    whole = Checkpoint(tmp_path / "seed-0.pt", "same")
    part = whole.part("code-3")
    assert part.path == tmp_path / "seed-0.code-3.pt"
    part.save({"x": 1})
    assert whole.load() is None and (part.load() or {})["x"] == 1
    assert part.identity != whole.identity


# what goes wrong


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("bad_step", [1, 2, 3, 7, 9])
def test_loss_that_is_not_finite(tmp_path: Path, bad: float, bad_step: int) -> None:
    course = Course(tmp_path)
    good = course.step

    def step(x: Tensor) -> dict[str, Tensor]:
        losses = good(x)
        if course.steps == bad_step:
            losses["loss"] = losses["loss"] * bad
            nn.init.constant_(course.model.weight, bad)  # as a step along such a gradient would
        return losses

    course.step = step  # type: ignore[method-assign]
    epoch, step_of_epoch = divmod(bad_step - 1, 7)
    with pytest.raises(
        ChaptersError, match=f"loss became {bad} at step {step_of_epoch + 1} of epoch {epoch + 1}"
    ):
        course.run()
    saved = course.checkpoint.load()
    assert (saved is None) == (bad_step <= 7)
    if saved:
        assert saved["state"]["model"]["weight"].isfinite().all()
    # cured, it goes on from there and ends as if nothing had happened
    whole = Course(tmp_path / "whole")
    expected = outcome(whole, whole.run())
    cured = Course(tmp_path)
    assert outcome(cured, cured.run()) == expected


def test_weights_that_are_not_finite_are_not_kept(tmp_path: Path) -> None:
    """A finite loss can have an infinite gradient: the checkpoint of the step before must survive it."""
    course = Course(tmp_path)
    good = course.step

    def step(x: Tensor) -> dict[str, Tensor]:
        losses = good(x)
        if course.steps == 14:  # the last of an epoch
            nn.init.constant_(course.model.bias, math.nan)
        return losses

    course.step = step  # type: ignore[method-assign]
    with pytest.raises(ChaptersError, match=r"the weight bias is no longer finite in epoch 2"):
        course.run()
    saved = course.checkpoint.load()
    assert saved and len(saved["history"]) == 1
    assert saved["state"]["model"]["bias"].isfinite().all()


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_damaged_checkpoint(tmp_path: Path, cut: int) -> None:
    Course(tmp_path).run()
    path = tmp_path / "seed-0.pt"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ChaptersError, match=r"seed-0.pt cannot be read .*: delete it") as caught:
        Course(tmp_path).run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[1, 2], {"x": 1}, "text"])
def test_checkpoint_of_something_else(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "seed-0.pt")
    with pytest.raises(ChaptersError, match="cannot be read"):
        Course(tmp_path).run()


def test_checkpoint_runs_no_code(tmp_path: Path) -> None:
    """A checkpoint is read as data: an object that would run something is refused."""
    torch.save({"identity": partial(print, "run")}, tmp_path / "seed-0.pt")
    with pytest.raises(ChaptersError, match="cannot be read"):
        Course(tmp_path).run()


def test_checkpoint_of_another_model(tmp_path: Path) -> None:
    Course(tmp_path).run()
    course = Course(tmp_path)
    course.model = nn.Linear(2, 1, dtype=torch.float64)
    with pytest.raises(ChaptersError, match="does not fit this training"):
        course.run()


def test_failed_save_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Checkpoint(tmp_path / "seed-0.pt", "same")
    place.save({"x": 1})

    def full(state: object, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ChaptersError, match=r"No space left on device.*free some disk space"):
        place.save({"x": 2})
    loaded = place.load()
    assert loaded is not None and loaded["x"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["seed-0.pt"]


def test_unwritable_checkpoint_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ChaptersError, match="cannot write the checkpoint"):
        Checkpoint(tmp_path / "file" / "seed-0.pt", "same").save({})


# history

finite = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.dictionaries(st.sampled_from(["epoch", "a", "b", "seed"]), finite, min_size=1), min_size=1
)


@given(rows=rows)
def test_history_round_trip(tmp_path_factory, rows: list[dict[str, float]]) -> None:
    """Every float64 comes back as it was, and a missing value stays missing."""
    path = tmp_path_factory.mktemp("history") / "history.csv"
    History(rows).to_csv(path)
    back = History.from_csv(path)
    assert back.rows == rows and back.names == History(rows).names
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == back.names


def test_history_columns() -> None:
    history = History([{"seed": 0, "a": 1.5}, {"seed": 1, "a": 2.5, "b": 3.0}])
    assert history.column("a").tolist() == [1.5, 2.5]
    assert math.isnan(history.column("b")[0]) and history.column("b")[1] == 3
    assert history.where("seed", 1).rows == [{"seed": 1, "a": 2.5, "b": 3.0}]
    assert len(history) == 2 and history.column("a").dtype == np.float64
    with pytest.raises(ChaptersError, match="no column 'c' in this history: there are seed, a, b"):
        history.column("c")


def test_history_is_its_own_copy() -> None:
    row = {"a": 1.0}
    history = History([row])
    row["a"] = 2.0
    assert history.rows == [{"a": 1.0}]


@pytest.mark.parametrize("text", ["a,b\n1,2", "a,b\n1\n", "a,b\n1,2,3\n", "a,b\n1,x\n"])
def test_damaged_history(tmp_path: Path, text: str) -> None:
    (tmp_path / "history.csv").write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, TypeError)):
        History.from_csv(tmp_path / "history.csv")
