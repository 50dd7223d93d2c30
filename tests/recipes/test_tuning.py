"""The study: it goes on where it stopped, is shared, keeps off the test set, and its best choice is what is trained."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chapters_lib import command_line, data
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.experiments.vae import search
from chapters_lib.recipes import tuning
from chapters_lib.recipes.tuning import TuningConfig
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Session
from tests import postgresql
from tests.conftest import Folders, needs_extra, use_data

BASE = VaeConfig("digits", hidden=(8,), latent=2, validation=0.2, judged=False)
# Of eight short trainings.
SPACE = {"epochs": (1, 2), "schedule": ("constant", "cosine"), "warm_up": (0, 1)}
SESSION = Session(torch.device("cpu"))


def study(trials: int) -> TuningConfig:
    return TuningConfig("digits", BASE, trials, **SPACE)


@pytest.fixture(autouse=True)
def small(folders: Folders) -> None:
    """A study in a folder of the test's own."""


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[VaeConfig]:
    """The configurations that were trained, of which none is: the bound is made of the choice."""
    configs: list[VaeConfig] = []

    def bound(config: VaeConfig, device: torch.device, progress: str = "", seed: int = 0) -> float:
        configs.append(config)
        return 300 - config.epochs - 0.5 * (config.schedule == "cosine") + 0.1 * config.warm_up

    monkeypatch.setattr(tuning, "validation_bound", bound)
    return configs


def storage(folder: Path) -> str:
    return f"sqlite:///{folder / 'study.sqlite3'}"


def run(trials: int, url: str | None = None) -> list[dict[str, float]]:
    return tuning.train(study(trials), torch.nn.Module(), SESSION, url).rows


def test_a_trial_is_a_training_without_test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two real ones: any look at the test set would raise."""
    load = data.load
    asked: list[str] = []

    def train_alone(name: str, split: str) -> data.Dataset:
        asked.append(split)
        return {"train": load(name, "train")}[split]

    use_data(monkeypatch, train_alone)
    rows = run(2)
    assert set(asked) == {"train"} and len(rows) == 2
    metrics = tuning.evaluate(study(2), torch.nn.Module())
    assert metrics["val_negative_elbo"] == min(row["val_negative_elbo"] for row in rows)
    for row in rows:
        choice = {
            "epochs": int(row["epochs"]),
            "schedule": SPACE["schedule"][int(row["schedule"])],
            "warm_up": int(row["warm_up"]),
        }
        found = tuning.validation_bound(replace(BASE, **choice), torch.device("cpu"))
        assert found == row["val_negative_elbo"] and math.isfinite(found)
        assert row["seconds"] > 0


def test_different_choices_are_tried_once(tried: list[VaeConfig]) -> None:
    """And nothing else of the configuration is touched."""
    rows = run(4)
    assert len(rows) == len(tried) == len(set(tried)) == 4
    assert [row["trial"] for row in rows] == list(range(4))
    assert {replace(c, epochs=50, schedule="constant", warm_up=0) for c in tried} == {BASE}
    best = min(rows, key=lambda row: row["val_negative_elbo"])
    assert tuning.evaluate(study(4), torch.nn.Module()) == {
        "val_negative_elbo": best["val_negative_elbo"],
        "best_epochs": best["epochs"],
        "best_schedule": best["schedule"],
        "best_warm_up": best["warm_up"],
    }


def test_more_trials_than_choices_are_refused(tried: list[VaeConfig]) -> None:
    """Else it would look for a ninth choice for ever."""
    with pytest.raises(ChaptersError, match="9 trials, but 8 different choices"):
        run(9)
    assert tried == []


def test_a_stopped_study_goes_on(
    tried: list[VaeConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Finished trials are kept, to the last digit, and none of them is trained again."""
    whole = tuning.validation_bound

    def stopped(config: VaeConfig, *arguments: object) -> float:
        if len(tried) == 3:
            raise KeyboardInterrupt
        return whole(config, *arguments)

    monkeypatch.setattr(tuning, "validation_bound", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(5, storage(tmp_path))
    assert len(tried) == 3
    monkeypatch.setattr(tuning, "validation_bound", whole)
    rows = run(5, storage(tmp_path))
    assert len(tried) == len(set(tried)) == 5 and len(rows) == 5
    assert run(5, storage(tmp_path)) == rows and len(tried) == 5
    assert run(3, storage(tmp_path)) == rows[:3] and len(tried) == 5


def test_processes_share_a_storage(tried: list[VaeConfig], tmp_path: Path) -> None:
    """Two that have it open see each other's trials."""
    one, other = (
        tuning.open_study(storage(tmp_path), tuning.study_name(study(4))) for _ in range(2)
    )
    run(4, storage(tmp_path))
    assert len(tuning.finished(one)) == len(tuning.finished(other)) == 4
    assert [t.params for t in tuning.finished(one)] == [t.params for t in tuning.finished(other)]
    run(5, storage(tmp_path))
    assert len(tuning.finished(one)) == 5 and len(tried) == 5
    assert len(run(2)) == 2 and len(tried) == 7  # the default storage is another


@pytest.mark.slow
def test_machines_share_a_server(
    tried: list[VaeConfig], folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one: three that search at the same time, and one that comes later, end with the same trials."""
    needs_extra("psycopg")
    with postgresql.server() as url:
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(run, [6] * 3, [url] * 3))
        done = len(tried)
        assert len(set(tried)) >= 6 and done < 3 * 6  # together, not each for itself
        assert run(6, url) == found[0] == found[1] == found[2] and len(tried) == done
        assert tuning.evaluate(study(6), torch.nn.Module(), url)["val_negative_elbo"] == min(
            row["val_negative_elbo"] for row in found[0]
        )
        on_digits(monkeypatch)
        assert main(["tune", "--trials", "6", "--storage", url]) == 0 and len(tried) == done
        assert len(runs.load(tuning.RECORD).history) == 6
    assert not (folders.cache / "tuning.sqlite3").exists()
    with pytest.raises(ChaptersError, match="cannot open the study at postgresql"):
        tuning.open_study(url)  # the server is gone


def test_a_password_is_not_told() -> None:
    url = "nonsense://someone:secret@host/database"
    with pytest.raises(ChaptersError) as caught:
        tuning.open_study(url)
    assert "secret" not in str(caught.value) and "someone:***@host" in str(caught.value)


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ChaptersError, match="not installed; PostgreSQL's is in the extra"):
        tuning.open_study("postgresql+psycopg://someone@host/database")


def test_other_images_or_another_base_are_another_study(
    tried: list[VaeConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = storage(tmp_path)
    run(2, url)
    other = replace(study(2), base=replace(BASE, hidden=(9,)))
    tuning.train(other, torch.nn.Module(), SESSION, url)
    assert len(tried) == 4 and {config.hidden for config in tried[2:]} == {(9,)}
    run(3, url)
    assert len(tried) == 5
    load = data.load
    monkeypatch.setattr(
        data, "load", lambda name, split: load(name, split).subset(torch.arange(300))
    )
    run(1, url)
    assert len(tried) == 6


def test_a_fresh_study_forgets_its_trials(tried: list[VaeConfig], tmp_path: Path) -> None:
    url = storage(tmp_path)
    for fresh, trained in ((True, 2), (False, 2), (True, 4)):
        rows = tuning.train(study(2), torch.nn.Module(), replace(SESSION, fresh=fresh), url)
        assert len(rows) == 2 and len(tried) == trained
    assert {row["images"] for row in rows} == {1024 * row["epochs"] for row in rows}


def test_the_default_storage_is_below_the_cache(folders: Folders) -> None:
    tuning.open_study()
    assert (folders.cache / "tuning.sqlite3").exists()


def test_storages_that_cannot_be_opened(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_text("no database" * 100, encoding="utf-8")
    for url in (
        f"sqlite:///{tmp_path / 'missing' / 'study.sqlite3'}",
        f"sqlite:///{damaged}",
        "nonsense",
    ):
        with pytest.raises(ChaptersError, match="cannot open the study at") as caught:
            tuning.open_study(url)
        line = str(caught.value)
        assert "\n" not in line and url in line and "--storage sqlite:///FILE" in line


def test_a_cache_that_cannot_be_written(folders: Folders) -> None:
    folders.cache.write_text("in the way", encoding="utf-8")
    with pytest.raises(ChaptersError, match="cannot open the study at"):
        tuning.open_study()


def test_nothing_held_out_to_tune_by() -> None:
    with pytest.raises(ChaptersError, match="hold images out"):
        tuning.validation_bound(replace(BASE, validation=0.0), torch.device("cpu"))


def on_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        command_line,
        "search",
        lambda trials, storage: replace(search(trials, storage), config=study(trials)),
    )


def test_command(
    tried: list[VaeConfig],
    folders: Folders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_digits(monkeypatch)
    assert main(["tune", "--trials", "3", "--storage", storage(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith(f"{tuning.RECORD}: recorded in {folders.runs}")
    found = runs.load(tuning.RECORD)
    assert len(found.history) == len(tried) == 3
    assert found["val_negative_elbo"] == found.history.column("val_negative_elbo").min()
    assert found.config["trials"] == 3 and found.config["epochs"] == [1, 2]
    assert main(["tune", "--trials", "3", "--storage", storage(tmp_path)]) == 0
    assert len(tried) == 3


def test_command_without_a_storage_it_can_write(
    tried: list[VaeConfig],
    refused: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_digits(monkeypatch)
    url = f"sqlite:///{tmp_path / 'missing' / 'study.sqlite3'}"
    assert url in refused("tune", "--trials", "1", "--storage", url)
    assert tried == [] and runs.names() == []


def test_the_best_choice_is_what_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the study as it is recorded; and of the conditional models, which take it over."""
    monkeypatch.delenv("CHAPTERS_RUNS")
    if not {tuning.RECORD, "vae-fashion-mnist"} <= set(runs.names()):
        pytest.skip("the study or the model that it tunes is not recorded")
    found = runs.load(tuning.RECORD)
    best = min(found.history.rows, key=lambda row: row["val_negative_elbo"])
    assert best["val_negative_elbo"] == pytest.approx(found["val_negative_elbo"], rel=1e-9)
    choice = {
        "epochs": int(best["epochs"]),
        "schedule": found.config["schedule"][int(best["schedule"])],
        "warm_up": int(best["warm_up"]),
    }
    for name in ("vae-fashion-mnist", "cvae-fashion-mnist", "cvae-decoder-only-fashion-mnist"):
        if name in runs.names():
            stated = runs.load(name).config
            assert {key: stated[key] for key in choice} == choice, name
    current = EXPERIMENTS["vae-fashion-mnist"].config
    assert {key: getattr(current, key) for key in choice} == choice
