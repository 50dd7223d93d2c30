"""Test images sent through autoencoders: who is held against whom, and what is measured."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.evaluation.judge import distance_to
from chapters_lib.models.classifier import Classifier
from chapters_lib.recipes import comparing, likelihood_vae, sent_through
from chapters_lib.recipes.comparing import MODELS, Drawer
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recipes.sent_through import SentThroughConfig
from chapters_lib.recording import judging, scoreboard
from chapters_lib.reproducibility import seed_everything

CONFIG = SentThroughConfig("digits", images=40)
SMALL = PriorConfig("digits", hidden=(16,), latent=3, judged=False)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A judge nobody trained, and three models of which two are autoencoders."""
    seed_everything(0)
    verdict, model = Classifier(width=4).eval(), likelihood_vae.build(SMALL).eval()
    drawer = Drawer(3, lambda u: u, lambda z: likelihood_vae.decode(model, z))
    monkeypatch.setattr(likelihood_vae, "recorded", lambda name: (SMALL, model))
    monkeypatch.setattr(comparing, "recorded", lambda dataset: dict.fromkeys(MODELS, drawer))
    for module in (sent_through, judging, scoreboard):
        monkeypatch.setattr(module, "load_judge", lambda dataset: verdict)
    return verdict


def test_images_come_out_as_many_as_went_in(judge: Classifier) -> None:
    images: Dataset = data.load("digits", "test").first(7)
    out = sent_through.sent_through("vae-gaussian-digits", images)
    assert out.shape == images.images.shape and out.dtype == torch.uint8
    assert torch.equal(out, sent_through.sent_through("vae-gaussian-digits", images))


def test_every_set_is_held_against_the_other_half(judge: Classifier) -> None:
    found = sent_through.evaluate(CONFIG, nn.Identity())
    test = data.load("digits", "test").images
    apart = distance_to(judge, test[40:80])(test[:40])
    assert found["real_fid_judge"] == pytest.approx(apart)
    sets = {"real", *(f"{m}_drawn" for m in MODELS), *(f"{m}_through" for m in MODELS[:2])}
    for name in sets:
        assert {f"{name}_{key}" for key in ("fid_judge", "roughness", "precision_judge")} <= set(
            found
        )
    assert {"train_recognisable", "train_fid_judge", "train_recall_judge"} <= set(found)
    assert "train_changed_fid_judge" not in found  # training changed nothing


def test_training_images_are_changed_as_training_does_and_the_same_each_time() -> None:
    images = data.load("digits", "train").images[:5]
    coloured = PriorConfig("digits", width=4, shift=2)
    first, second = (sent_through.changed(coloured, images) for _ in range(2))
    assert len(first) == sent_through.CHANGES and first[0].dtype == torch.uint8
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not torch.equal(first[0], images) and not torch.equal(first[0], first[1])
    (same, *_) = sent_through.changed(PriorConfig("digits", width=4), images)
    assert torch.equal(same, images)
