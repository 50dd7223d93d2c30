"""The VAE's experiments on digits: what is trained on, by which weight and rate, and what is measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.experiments import vae as vae_chapter
from chapters_lib.models.vae import VAE
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.recipes.vae_ladder import LadderConfig
from chapters_lib.recording import verifying
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.record import record
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History
from tests.conftest import use_data

CPU = torch.device("cpu")
TINY = VaeConfig("digits", hidden=(16,), latent=2, epochs=2, batch_size=64, judged=False)


def trained(config: VaeConfig, seed: int = 0) -> tuple[VAE, History]:
    seed_everything(seed)
    model = vae.build(config)
    history = vae.train(config, model, Session(CPU))
    return model.eval(), history


# what is trained on


def numbered(count: int) -> Dataset:
    """Return images that carry their number, so that a part of them says which it holds."""
    number = torch.arange(count)
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = (number // 256).byte(), (number % 256).byte()
    return Dataset("digits", "train", images, number**2 % 7)


def numbers(part: Dataset) -> set[int]:
    pixels = part.images[:, 0, 0, :2].long()
    return set((pixels[:, 0] * 256 + pixels[:, 1]).tolist())


@pytest.mark.parametrize("images", [0, 140])
def test_validation_images_are_not_trained_on(images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disjoint, whole without `images`, and every class in proportion in both parts."""
    whole = numbered(700)
    use_data(monkeypatch, lambda name, split: {"train": whole}[split])
    training, held = vae.split(replace(TINY, validation=0.2, images=images))
    assert held is not None
    assert not numbers(training) & numbers(held)
    assert len(numbers(training)) == len(training) and len(numbers(held)) == len(held) == 140
    assert len(training) == (images or 560)
    share = whole.labels.bincount(minlength=7) / len(whole)
    for part in (training, held):
        assert (part.labels.bincount(minlength=7) / len(part) - share).abs().max() < 0.01
    again, same = vae.split(replace(TINY, validation=0.2, images=images, epochs=9))
    assert numbers(again) == numbers(training) and same is not None
    assert numbers(same) == numbers(held)


@pytest.mark.parametrize(("images", "followed"), [(0, 1000), (100, 100)])
def test_no_more_images_are_followed_than_trained_on(
    images: int, followed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    measured = vae.bound

    def bound(config: VaeConfig, model: VAE, part: Dataset, **settings: object) -> dict:
        sizes.append(len(part))
        return measured(config, model, part, **settings)

    monkeypatch.setattr(vae, "bound", bound)
    monkeypatch.setattr(vae, "FOLLOWED", 1000)
    trained(replace(TINY, images=images, epochs=1))
    test = len(data.load("digits", "test"))
    assert sizes == [followed, min(followed, test)]


def test_nothing_is_held_out_unasked() -> None:
    training, held = vae.split(TINY)
    assert not held and len(training) == len(data.load("digits", "train"))
    few, held = vae.split(replace(TINY, images=100))
    assert not held and len(few) == pytest.approx(100, abs=5)
    assert bool((few.labels.bincount() >= 9).all())


def test_test_images_are_not_looked_at_where_some_are_held_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = data.load
    use_data(monkeypatch, lambda name, split: {"train": load(name, "train")}[split])
    _, history = trained(replace(TINY, validation=0.2))
    assert "val_negative_elbo" in history.names and "test_negative_elbo" not in history.names
    with pytest.raises(KeyError, match="test"):
        trained(TINY)


# by which weight and rate


@pytest.mark.parametrize(("warm_up", "beta"), [(0, 1.0), (1, 1.0), (2, 0.5)])
def test_warm_up(warm_up: int, beta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weight starts at 0, rises evenly, and is whole from the end of its last epoch on."""
    weights: list[float] = []
    loss = vae.negative_elbo

    def recorded(terms, beta: float) -> Tensor:
        weights.append(beta)
        return loss(terms, beta)

    monkeypatch.setattr(vae, "negative_elbo", recorded)
    config = replace(TINY, images=320, warm_up=warm_up, beta=beta, epochs=3)
    steps = len(vae.split(config)[0]) // config.batch_size
    trained(config)
    assert steps >= 4 and len(weights) == 3 * steps
    rising = warm_up * steps
    assert weights[:rising] == pytest.approx([beta * i / rising for i in range(rising)])
    assert weights[rising:] == [beta] * (3 * steps - rising)


def rates(schedule: str, steps: int = 100) -> list[float]:
    """Return the learning rate at each of `steps` updates."""
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], 1e-3)
    course = vae.make_schedule(replace(TINY, schedule=schedule), optimizer, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        course.step()
    return [*found, optimizer.param_groups[0]["lr"]]


def test_schedules() -> None:
    assert rates("constant") == [1e-3] * 101
    cosine = rates("cosine")
    expected = [1e-3 * (1 + math.cos(math.pi * i / 100)) / 2 for i in range(101)]
    assert cosine == pytest.approx(expected, abs=1e-9)
    cycle = rates("one-cycle")
    assert max(cycle) == pytest.approx(1e-3, rel=0.02) and 5 <= cycle.index(max(cycle)) <= 15
    assert cycle[-1] < 1e-5 and cycle[0] < 1e-4


def test_unknown_schedule() -> None:
    with pytest.raises(ValueError, match="no schedule 'sine': constant, cosine or one-cycle"):
        rates("sine")


def test_gradient_is_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []
    step = torch.optim.Adam.step

    def recorded(self, *arguments: object) -> object:
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.cat(gradients).norm()))
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", recorded)
    trained(replace(TINY, epochs=1, clip=0.5))
    assert max(norms) < 0.501
    trained(replace(TINY, epochs=1))
    assert max(norms) > 5


# how it repeats


@pytest.mark.parametrize("settings", [{}, {"conditional": True, "precision": "bfloat16"}])
def test_same_seed_same_history(settings: dict) -> None:
    config = replace(TINY, images=320, dropout=0.1, **settings)
    runs = []
    for seed in (0, 0, 1):
        model, history = trained(config, seed)
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
        runs.append((rows, vae.bound(config, model, data.load("digits", "test"))))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    row = runs[0][0][-1]
    assert row["train_reconstruction"] + row["train_kl"] == pytest.approx(
        row["train_negative_elbo"]
    )


@pytest.mark.parametrize("config", [TINY, replace(TINY, conditional=True, latent=3)])
def test_recorded_and_verified(folders, config: VaeConfig) -> None:
    experiment = vae.experiment(
        "tiny", "vae", "tiny", replace(config, validation=0.2), seeds=(0, 1)
    )
    run = record(experiment, device=CPU)
    checked, differences = verifying.verify(experiment)
    assert not differences and {"test_negative_elbo", "val_kl", "test_mse"} <= set(checked)
    assert run.metric("test_kl").values[0] != run.metric("test_kl").values[1]
    falling = run.history.where("seed", 0).column("val_negative_elbo")
    assert falling[-1] < falling[0]
    assert run.panels["images"].shape == (20, 1, 28, 28)
    assert ("test_codes" in run.panels) == (config.latent == 2)


def test_ladder(folders) -> None:
    """Every rung is trained on its own number of images, without the KL term, and measured on them."""
    rungs = tuple(
        replace(TINY, beta=0.0, images=images, hidden=(h,), epochs=epochs)
        for images, h, epochs in ((50, 8, 250), (0, 16, 2))
    )
    experiment = replace(
        EXPERIMENTS["vae-fc-mnist-ladder"], name="tiny", config=LadderConfig("digits", rungs)
    )
    run = record(experiment, device=CPU)
    names = ["50-images-8-2", "all-images-16-2"]
    for name in names:
        for key in ("reconstruction", "kl", "mse"):
            assert run[f"train_{key}_{name}"] > 0
    assert run.history.where("rung", 1).column("epoch").tolist() == [1, 2]
    long = run.history.where("rung", 0)  # of which every other epoch is kept, and counts for two
    assert long.column("epoch").tolist() == list(range(1, 251, 2))
    assert float(long.column("images").sum()) == 250 * (50 // TINY.batch_size or 1) * min(
        50, TINY.batch_size
    )
    assert run["train_seconds"] == pytest.approx(run.history.column("seconds").sum())
    assert run.panels["reconstructions"].shape == (2, 8, 1, 28, 28)
    config = vae_chapter.LADDER.rungs
    assert [r.images for r in config] == [*sorted(r.images for r in config[:-1]), 0]
    assert all(r.beta == 0 for r in config)


def test_the_sheets_numbers_stand() -> None:
    for weight in (0, 0.1, 0.5, 1, 2, 4):
        config = EXPERIMENTS[vae_chapter.weight_name(weight)].config
        assert config == replace(
            EXPERIMENTS["vae-fc-mnist"].config, beta=weight, iwae_samples=config.iwae_samples
        )
    tuned = EXPERIMENTS["vae-fashion-mnist"].config
    assert (tuned.validation, tuned.iwae_samples, tuned.probed) == (0.2, 1000, True)
    given = EXPERIMENTS["cvae-fashion-mnist"].config
    control = EXPERIMENTS["cvae-decoder-only-fashion-mnist"].config
    assert given == replace(tuned, conditional=True)
    assert control == replace(given, encoder_sees_class=False)


# the class


@pytest.fixture(scope="module", params=[True, False], ids=["both halves", "decoder alone"])
def conditional(request: pytest.FixtureRequest) -> tuple[VaeConfig, VAE]:
    config = replace(
        TINY, hidden=(64,), conditional=True, encoder_sees_class=request.param, epochs=12,
        learning_rate=3e-3,
    )  # fmt: skip
    return config, trained(config)[0]


def test_another_class_raises_the_loss(conditional: tuple[VaeConfig, VAE]) -> None:
    """Of unseen digits, by far more than a nat; and of nearly every one of them."""
    config, model = conditional
    test = data.load("digits", "test")
    wrong = Dataset(test.name, test.split, test.images, (test.labels + 1) % 10)
    right, other = (sum(vae.bound(config, model, part).values()) for part in (test, wrong))
    assert other > right + 5
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))
    permuted = Dataset(test.name, test.split, test.images, test.labels[order])
    assert sum(vae.bound(config, model, permuted).values()) > right + 5


def test_samples_of_classes(conditional: tuple[VaeConfig, VAE]) -> None:
    """New images are of the asked classes, in turn unless asked otherwise, from the same codes."""
    config, model = conditional
    z = vae.prior_codes(config, 20)
    assert torch.equal(
        vae.decode(config, model, z), vae.decode(config, model, z, torch.arange(20) % 10)
    )
    assert torch.equal(vae.samples(config, model, 20), vae.decode(config, model, z))
    zeros = vae.decode(config, model, z, torch.zeros(20, dtype=torch.int64))
    ones = vae.decode(config, model, z, torch.ones(20, dtype=torch.int64))
    assert zeros.dtype == torch.uint8 and zeros.shape == (20, 1, 28, 28)
    train = data.load("digits", "train")
    means = [train.images[train.labels == k].float().mean(0) for k in (0, 1)]
    for made, own, other in ((zeros, *means), (ones, *means[::-1])):
        closer = (made - own).square().mean((1, 2, 3)) < (made - other).square().mean((1, 2, 3))
        assert float(closer.double().mean()) > 0.7


def test_balanced_labels() -> None:
    labels = vae.balanced_labels(25)
    assert labels.dtype == torch.int64 and labels[:12].tolist() == [*range(10), 0, 1]
    assert vae.balanced_labels(10_000).bincount().tolist() == [1000] * 10


def test_reconstructions(conditional: tuple[VaeConfig, VAE]) -> None:
    config, model = conditional
    test = data.load("digits", "test").first(30)
    made = vae.reconstruct(config, model, test.images, test.labels)
    assert made.dtype == torch.uint8 and made.shape == test.images.shape
    error = (made.float() - test.images).square().mean()
    assert error < (test.images.float().mean(0) - test.images).square().mean()


# what is measured


LINEAR = ("probe_train_accuracy", "probe_test_accuracy", "class_information")
READERS = (
    *LINEAR,
    "knn_test_accuracy",
    "quadratic_test_accuracy",
    "quadratic_information",
    "silhouette",
)
PROBES = {f"{of}{key}" for of in ("", "z_") for key in READERS} | {
    f"active_{key}" for key in LINEAR
}


def test_metrics() -> None:
    config = replace(TINY, validation=0.2, iwae_samples=20, probed=True, gaussian=True)
    model, _ = trained(config)
    metrics = vae.evaluate(config, model)
    parts = {
        f"{p}_{k}"
        for p in ("train", "val", "test")
        for k in ("reconstruction", "kl", "negative_elbo")
    }
    assert set(metrics) == parts | {
        "test_mse", "active_units", "standard_normal_empty_mass", "standard_normal_cell_tv",
        "class_means_nats", "test_negative_iwae", "test_negative_iwae_sem", "decoder_scale",
    } | PROBES  # fmt: skip
    for p in ("train", "val", "test"):
        total = metrics[f"{p}_reconstruction"] + metrics[f"{p}_kl"]
        assert metrics[f"{p}_negative_elbo"] == pytest.approx(total, rel=1e-9)
    assert metrics["test_negative_iwae"] < metrics["test_negative_elbo"]
    assert metrics["test_negative_iwae_sem"] > 0
    test = data.load("digits", "test")
    with torch.no_grad():
        error = (data.to_float(test.images) - model(data.to_float(test.images))).square().mean()
    assert metrics["test_mse"] == pytest.approx(float(error), rel=1e-5)
    assert vae.evaluate(config, model) == metrics  # generators of its own


def test_fewer_metrics_where_fewer_are_asked() -> None:
    config = replace(TINY, latent=3)
    metrics = vae.evaluate(config, vae.build(config).eval())
    parts = {
        f"{p}_{k}" for p in ("train", "test") for k in ("reconstruction", "kl", "negative_elbo")
    }
    assert set(metrics) == parts | {"test_mse", "active_units"}


def test_the_bound_is_measured_at_weight_one() -> None:
    """Whatever the model was trained with."""
    model, test = trained(TINY)[0], data.load("digits", "test")
    assert vae.bound(TINY, model, test) == vae.bound(replace(TINY, beta=4.0), model, test)


def test_maps_of_probed_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae, "PERPLEXITIES", (5,))
    config = replace(TINY, latent=3, probed=True)
    found = vae.panels(config, vae.build(config).eval())
    n = len(data.load("digits", "test"))
    assert found["tsne_5"].shape == (n, 2) and float(found["tsne_5_kl"]) > 0
    assert found["test_labels"].shape == (n,) and "test_codes" not in found
