"""Models of a few real crops: begun with others' weights or with none, and held against as many real images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.experiments import EXPERIMENTS, svhn_crops
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.layers import count_parameters
from chapters_lib.recipes import comparing, crops, gan, judge, likelihood_vae
from chapters_lib.recipes.comparing import ComparedModelsConfig, Drawer
from chapters_lib.recipes.crops import FloorsConfig
from chapters_lib.recipes.judge import JudgeConfig
from chapters_lib.recording import judging, runs, scoreboard
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.record import record
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History
from tests import tiny
from tests.conftest import Folders
from tests.data.test_svhn_crops import write_crops

CPU = torch.device("cpu")
COUNTS = {"train": 40, "val": 10, "test": 12}
FEW: dict[str, Any] = {
    "epochs": 1,
    "width": 8,
    "judged": False,
    "shown_epochs": (0, 1),
    "batch_size": 20,
}
VAE = replace(svhn_crops.VAE, nll_samples=2, flow_hidden=(8,), couplings=2, **FEW)
GAN = replace(svhn_crops.GAN, **FEW)


class Net:
    """A network whose features are four means of the image."""

    protocol = "inception768_bfloat16"
    features = 4
    sha256 = "none"
    weights = "none"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        x = to_float(images)
        return torch.stack([x.mean((1, 2, 3)), *x.mean((2, 3)).unbind(1)], 1)


@pytest.fixture
def here(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """A file of random crops, and a network in place of Inception."""
    write_crops(folders, COUNTS)
    monkeypatch.setattr(scoreboard, "network", lambda weights=None, precision="float32": Net())
    return folders


def keep(name: str, model: nn.Module) -> None:
    """Record a model's weights, and nothing else."""
    runs.save(
        name,
        config={},
        metrics={},
        provenance=tiny.PROVENANCE,
        history=History(),
        weights={f"model.{k}": v for k, v in model.state_dict().items()},
        panels={},
    )


# where training begins


@pytest.mark.parametrize(("recipe", "config"), [(likelihood_vae, VAE), (gan, GAN)])
def test_training_begins_with_the_weights_of_another_run(here: Folders, recipe, config) -> None:
    """Of all parts, and all of them move on; the time line begins with that run's samples."""
    seed_everything(5)
    first = recipe.build(replace(config, shown_epochs=(0, 10, 20)))
    with torch.no_grad():
        for weight in first.parameters():
            weight += 0.01 * torch.randn_like(weight)
    keep("first", first)
    still = replace(config, begun="first", learning_rate=1e-12)
    if recipe is gan:
        still = replace(still, discriminator_rate=1e-12)
    moving = replace(config, begun="first")
    found = {}
    for name, settings in (("still", still), ("moving", moving)):
        seed_everything(0)
        found[name] = recipe.build(settings)
        recipe.train_followed(settings, found[name], Session(CPU))
    for key, value in first.named_parameters():
        torch.testing.assert_close(found["still"].get_parameter(key), value, rtol=0, atol=1e-6)
        assert not torch.equal(found["moving"].get_parameter(key), value), key
        assert found["moving"].get_parameter(key).requires_grad
    expected = recipe.samples(config, first.eval(), 16)
    assert torch.equal(found["moving"].timeline[0], expected)


def test_a_judge_learns_of_official_labels_alone(
    here: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = JudgeConfig("svhn-crops", width=4, epochs=1, batch_size=5, begun="first", colour=0.2)
    first = judge.build(config)
    keep("first", first)
    labels = []
    original = judge.Batches

    def watched(dataset, *arguments, **named):
        labels.append(dataset.labels)
        return original(dataset, *arguments, **named)

    monkeypatch.setattr(judge, "Batches", watched)
    model = judge.build(config)
    judge.train_on(replace(config, learning_rate=1e-12), model, Session(CPU))
    assert len(labels[0]) == 30 and int(labels[0].min()) >= 0
    for key, value in first.named_parameters():
        torch.testing.assert_close(model.get_parameter(key), value, rtol=0, atol=1e-6)
    assert judge.panels(replace(config, dataset="digits"), Classifier(width=4))


# what is changed while training


def test_a_vae_sees_changed_images_on_the_levels(here: Folders) -> None:
    x = to_float(data.load("svhn-crops", "train").images)
    seed_everything(0)
    seen = likelihood_vae.seen(VAE, x)
    assert not torch.equal(seen, x) and seen.shape == x.shape
    torch.testing.assert_close(seen * 255, (seen * 255).round(), rtol=0, atol=1e-4)
    assert float(seen.min()) >= 0 and float(seen.max()) <= 1
    plain = replace(VAE, shift=0, colour=0.0)
    assert torch.equal(likelihood_vae.seen(plain, x), x)
    assert torch.equal(likelihood_vae.observed(VAE, data.load("svhn-crops", "train")), x)


def test_a_discriminator_sees_all_images_changed(
    here: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real ones and samples, in its own step and in the generator's; D in evaluation sees them as they are."""
    seen = []

    def changed(x: torch.Tensor, shift: int, colour: float) -> torch.Tensor:
        seen.append((x.requires_grad, shift, colour))
        return x * 1.0

    monkeypatch.setattr(gan, "augmented", changed)
    config = replace(GAN, validation=0.0)
    seed_everything(0)
    gan.train_followed(config, gan.build(config), Session(CPU))
    assert [needs for needs, *_ in seen] == [False, False, True] * 2
    assert {(shift, colour) for _, shift, colour in seen} == {(2, 0.2)}


# held against real ones


def test_distances_are_between_equal_numbers(here: Folders) -> None:
    real, drawn = data.load("svhn-crops", "test").images, data.load("svhn-crops", "train").images
    found = crops.apart(real, drawn, "test")
    assert found == crops.apart(real, drawn[:12], "test")
    assert set(found) == {"test_fid768", "test_kid", "test_kid_sem"}
    assert found["test_fid768"] > 0
    both = crops.beside_real("svhn-crops", drawn)
    assert {key for key in both if key.startswith("test")} == set(found)
    assert (
        both["val_kid"] == crops.apart(data.load("svhn-crops", "val").images, drawn, "a")["a_kid"]
    )


def test_a_judges_distance_is_between_equal_numbers_too(
    here: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    known = Classifier(channels=3, width=4).eval()
    monkeypatch.setattr(judging, "load_judge", lambda dataset: known)
    drawn = torch.randint(0, 256, (50, 3, 32, 32), dtype=torch.uint8)
    found = judging.judged_scores("svhn-crops", drawn)
    test = data.load("svhn-crops", "test").images
    assert found["fid_judge"] == judging.distance_to(known, test)(drawn[: len(test)])


def test_floors(here: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real against real, as many as the smaller part has; what the judge of rendered crops reads."""
    monkeypatch.setattr(crops, "load_judge", lambda dataset: Classifier(channels=3, width=4).eval())
    config = FloorsConfig("svhn-crops", rendered="svhn-crops", images=11)
    test = data.load("svhn-crops", "test").images
    same = Drawer(2, lambda noise: noise, lambda codes: test[: len(codes)])
    monkeypatch.setattr(comparing, "recorded", lambda dataset: {"gan": same})
    found = crops.measure_floors(config, nn.Identity())
    assert [found[f"{name}_images"] for name in ("val", "train", "rendered")] == [10, 11, 11]
    assert found["rendered_fid768"] == pytest.approx(0, abs=1e-6)  # the same images
    assert found["gan_fid768"] == pytest.approx(0, abs=1e-6)
    assert found["train_fid768"] > 0 and 0 <= found["rendered_judge_accuracy"] <= 1


# the experiments


@pytest.mark.parametrize("kind", comparing.MODELS)
def test_model_and_control_differ_in_where_they_begin(kind: str) -> None:
    model, control = (EXPERIMENTS[f"{kind}-svhn-crops{end}"] for end in ("", "-from-nothing"))
    rate = control.config.learning_rate  # a gentler one where something is known
    assert replace(model.config, begun="", learning_rate=rate, judged=False) == control.config
    assert model.config.learning_rate <= rate
    assert model.config.begun == f"{kind}-house-numbers" in model.needs
    rendered = EXPERIMENTS[model.config.begun]
    counts = [count_parameters(e.build(e.config)) for e in (model, control, rendered)]
    assert len(set(counts)) == 1
    assert model.weights_stored and not control.weights_stored


@pytest.mark.parametrize("kind", comparing.MODELS)
def test_recorded(here: Folders, kind: str) -> None:
    """All of a model's record, the three parts of the data in it."""
    known = EXPERIMENTS[f"{kind}-svhn-crops-from-nothing"]
    config = GAN if kind == "gan" else replace(VAE, couplings=8 * (kind == "vae-realnvp"))
    tiny = replace(known, name="tiny", config=config, needs=(), seeds=(0,))
    run = record(tiny, device=CPU, progress=False)
    assert {k: v["images"] for k, v in run.data_used.items()} == COUNTS
    assert {"val_kid", "test_kid", "test_fid768"} < set(run.metrics)
    assert "val_kid_sem" in run.metrics and len(run.history) == 1


def test_lines_between_test_images_are_kept(here: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    seed_everything(0)
    model = likelihood_vae.build(VAE).eval()
    monkeypatch.setattr(likelihood_vae, "recorded", lambda name: (VAE, model))
    found = comparing.real_lines(ComparedModelsConfig("svhn-crops", real_lines=2))
    assert found["real_ends"].shape == (2, 2, 3, 32, 32)
    for name in comparing.MODELS[:2]:
        line = torch.from_numpy(found[f"{name}_real_line"])
        assert line.shape == (2, 12, 3, 32, 32)
        end = to_float(torch.from_numpy(found["real_ends"])[:, 1])
        codes = model.encoder(end).mean
        assert torch.equal(line[:, -1], likelihood_vae.decode(model, codes))
