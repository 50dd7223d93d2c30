"""The study of specks: what is changed, and that it is measured as samples are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from chapters_lib import data
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.specks import specks
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.classifier import Classifier
from chapters_lib.recipes import comparing
from chapters_lib.recipes import specks as study
from chapters_lib.recipes.comparing import Drawer
from chapters_lib.recipes.specks import SpecksConfig
from chapters_lib.recording import judging as judge
from chapters_lib.recording import scoreboard
from tests.conftest import Folders
from tests.recording.test_scoreboard import Net

CONFIG = SpecksConfig("digits", images=60)


def stroke(z: torch.Tensor) -> torch.Tensor:
    """Return images with a thin stroke, its place by the noise."""
    images = torch.zeros(len(z), 1, 28, 28, dtype=torch.uint8)
    images[torch.arange(len(z)), 0, :, (z[:, 0] > 0).long() + 10] = 200
    return images


def speckled(z: torch.Tensor) -> torch.Tensor:
    """Return the same with a bright pixel alone in every other image."""
    images = stroke(z)
    images[::2, 0, 20, 20] = 90
    return images


@pytest.fixture
def stand_ins(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> list[Net]:
    """Three models that draw strokes, of which one adds specks; a judge nobody trained; a network."""
    torch.manual_seed(0)
    verdict = Classifier(width=4).eval()
    draws = {"vae-gaussian": stroke, "vae-realnvp": stroke, "gan": speckled}
    models = {name: Drawer(2, lambda u: u, decode) for name, decode in draws.items()}
    nets: list[Net] = []

    def network(precision: str) -> Net:
        assert precision == CONFIG.precision
        nets.append(Net())
        return nets[-1]

    monkeypatch.setattr(comparing, "recorded", lambda dataset: models)
    monkeypatch.setattr(judge, "load_judge", lambda dataset: verdict)
    monkeypatch.setattr(scoreboard, "load_judge", lambda dataset: verdict)
    monkeypatch.setattr(scoreboard, "network", network)
    return nets


def test_one_set_loses_its_specks_and_the_other_gains_them(stand_ins: list[Net]) -> None:
    samples = study.drawn(CONFIG)
    swept, specked = study.changed(CONFIG, samples).values()
    assert torch.equal(swept, samples["vae-realnvp"])
    assert torch.equal(specked, samples["gan"])


def test_what_changed_is_measured_and_counted(stand_ins: list[Net]) -> None:
    found = study.evaluate(CONFIG, nn.Identity())
    assert found["gan_speckled_share"] == found["gan_specks"] == 0.5
    assert found["vae-realnvp_speckled_share"] == found["vae-gaussian_specks"] == 0
    test = data.load("digits", "test").images[:60]
    assert found["test_specks"] == pytest.approx(float(specks(test).sum()) / 60)
    net = Net()
    for name, images in study.changed(CONFIG, study.drawn(CONFIG)).items():
        expected = feature_distance(net(test), net(images))
        assert found[f"{name}_fid_inception4"] == pytest.approx(expected, rel=1e-6)
        assert {f"{name}_fid_judge", f"{name}_recall_judge", f"{name}_recognisable"} <= set(found)
    assert found["gan_swept_fid_inception4"] != found["specked_fid_inception4"]
    (used,) = stand_ins
    assert used.seen == 180


def test_pairs_that_exchange_specks_are_kept(stand_ins: list[Net]) -> None:
    kept = study.panels(CONFIG, nn.Identity())
    assert set(kept) == {"gan", "vae-realnvp", "gan_swept", "specked"}
    assert all(x.shape == (study.SHOWN, 1, 28, 28) for x in kept.values())
    assert (kept["gan"][:, 0, 20, 20] == 90).all() and (kept["gan_swept"][:, 0, 20, 20] == 0).all()


def test_it_is_of_the_samples_that_the_records_judge() -> None:
    """As many, in the precision of the recorded distances beside which the page puts them."""
    config = EXPERIMENTS["specks-mnist"].config
    assert config.images == scoreboard.SAMPLES and config.precision == "float32"
    assert {config.speckled, config.clean} < set(comparing.MODELS)
