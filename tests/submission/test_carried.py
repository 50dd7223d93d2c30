"""What a pack carries is loaded as it was recorded, or made anew and held against it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recipes.vae import build, train
from chapters_lib.recording import runs
from chapters_lib.submission.carried import Table, measured, trained, written

NAME = "vae-fc-mnist"
CONFIG = EXPERIMENTS[NAME].config


def make(folder):
    """Make a folder and return it."""
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Work in a folder with the records beside."""
    (tmp_path / "record").symlink_to(runs.root())
    monkeypatch.chdir(tmp_path)


def test_a_recorded_model_is_loaded(record):
    model, history = trained(NAME, CONFIG, build, train)
    expected = EXPERIMENTS[NAME].restored()
    assert all(
        torch.equal(value, expected.state_dict()[key]) for key, value in model.state_dict().items()
    )
    assert not model.training and len(history) == CONFIG.epochs


def test_a_model_trained_anew_is_rounded_and_compared(record, capsys):
    config = replace(CONFIG, dataset="digits", epochs=1, judged=False)
    model, history = trained(NAME, config, build, train, anew=True)
    assert "trained anew; its weights differ from the record's" in capsys.readouterr().out
    weight = model.state_dict()["encoder.net.0.weight"]
    assert torch.equal(weight, weight.half().float()) and len(history) == 1


def test_a_model_whose_weights_were_not_kept_is_trained_anew_and_not_compared(
    tmp_path, monkeypatch, capsys
):
    save_file({}, make(tmp_path / "record" / NAME) / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    config = replace(CONFIG, dataset="digits", epochs=1, judged=False)
    trained(NAME, config, build, train, anew=True)
    assert "record's" not in capsys.readouterr().out


def test_another_seed_is_trained_and_not_compared(record, capsys):
    config = replace(CONFIG, dataset="digits", epochs=1, judged=False)
    one, _ = trained(NAME, config, build, train, seed=1)
    assert "trained anew" not in capsys.readouterr().out
    other, _ = trained(NAME, config, build, train, anew=True, compared=False)
    name = "encoder.net.0.weight"
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])


def test_what_is_not_carried_is_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = replace(CONFIG, dataset="digits", epochs=1, judged=False)
    _, history = trained(NAME, config, build, train)
    assert len(history) == 1


def test_measures_come_with_their_machine(record, capsys):
    found = measured(NAME)
    loss = found["test_negative_elbo"]
    assert capsys.readouterr().out.startswith(f"{NAME}: {len(loss['values'])} trainings in ")
    assert written(loss, 1) == f"{loss['mean']:.1f} ± {loss['sem']:.1f}"
    assert written(1.25, 3) == "1.250"


def test_a_table_reads_as_markdown():
    assert repr(Table(["a", "b"], [["1", "2"]])) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
