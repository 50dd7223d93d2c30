"""The three steps of Algorithm 1 as they are taken; overfitting; where a training starts; what is kept and measured."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from chapters_lib import checkpoint as saving
from chapters_lib import data
from chapters_lib.checkpoint import Checkpoint
from chapters_lib.data import Batches, to_float
from chapters_lib.evaluation import pairs
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.vae_gan import network_losses, vae_gan_terms
from chapters_lib.recipes import vae as vae_config
from chapters_lib.recipes import vae_gan, vae_gan_outputs
from chapters_lib.recipes.vae_gan import NETWORKS, Portion, VaeGanConfig, start_from
from chapters_lib.recording import verifying
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.record import record
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History
from tests.conftest import use_data

CPU = torch.device("cpu")
TINY = VaeGanConfig(
    "digits",
    layer=2,
    gamma=0.2,
    hidden=(16,),
    latent=3,
    discriminator_hidden=(12, 10),
    epochs=1,
    batch_size=64,
    precision="float32",
    judged=False,
)


def trained(config: VaeGanConfig, seed: int = 0) -> tuple[VAEGAN, History]:
    seed_everything(seed)
    model = vae_gan.build(config)
    return model, vae_gan.train_followed(config, model, Session(CPU))


# the three steps


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, routing="joint"),
        replace(TINY, layer=None, routing="joint", drawn=("reconstruction",)),
        replace(TINY, layer=None, drawn=("reconstruction",)),
        replace(TINY, convolutional=True, width=2, saturating=False),
    ],
)
def test_all_three_gradients_are_taken_before_the_first_step(config: VaeGanConfig) -> None:
    """Each optimiser steps its own network by the gradient, at the weights before all steps, of its own loss."""
    config = replace(config, portion=0.01)
    stepped: list[list[Tensor]] = []
    handle = register_optimizer_step_pre_hook(
        lambda o, *_: stepped.append([p.grad.clone() for g in o.param_groups for p in g["params"]])
    )
    try:
        model, history = trained(config)
    finally:
        handle.remove()
    assert len(stepped) == 3 and len(history) == 1  # one step of each

    seed_everything(0)
    first = vae_gan.build(config).train()
    before = deepcopy(first.state_dict())
    x, _ = next(iter(Batches(data.load("digits", "train"), config.batch_size)))
    terms = vae_gan_terms(
        first, x, layer=config.layer, drawn=config.drawn, saturating=config.saturating
    )
    losses = network_losses(terms, config.gamma, config.routing)
    for name, slopes in zip(NETWORKS, stepped, strict=True):
        parameters = list(getattr(first, name).parameters())
        wanted = torch.autograd.grad(getattr(losses, name), parameters, retain_graph=True)
        assert all(torch.equal(a, b) for a, b in zip(slopes, wanted, strict=True))
        rate = config.discriminator_rate if name == "discriminator" else config.learning_rate
        for slope, (key, value) in zip(
            wanted, getattr(model, name).named_parameters(), strict=True
        ):  # Adam's first step: the rate, against the gradient's sign
            moved = value.detach() - before[f"{name}.{key}"]
            clear = slope.abs() > 1e-5
            assert clear.any(), (name, key)
            torch.testing.assert_close(moved[clear], -rate * slope.sign()[clear], rtol=0.02, atol=0)
    assert history.column("likeness")[0] == pytest.approx(float(terms.likeness.detach()), rel=1e-5)


def test_a_gradient_in_another_order_of_memory_is_put_in_its_parameters() -> None:
    parameter = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last).weight
    slope = torch.randn(4, 3, 3, 3)
    found = vae_gan.laid_out(slope, parameter)
    assert found.stride() == parameter.stride() != slope.stride()
    assert torch.equal(found, slope)
    assert vae_gan.laid_out(found, parameter) is found


def test_an_epoch_can_be_a_portion_of_a_pass() -> None:
    batches = Batches(data.load("digits", "train"), 64)
    some = Portion(batches, 0.25)
    assert len(list(some)) == len(some) == round(len(batches) / 4)
    torch.manual_seed(0)
    whole = list(batches)
    torch.manual_seed(0)
    for part, (x, y) in zip(some, whole, strict=False):
        assert torch.equal(part[0], x) and torch.equal(part[1], y)
    _, history = trained(replace(TINY, portion=0.25, epochs=2))
    assert history.column("images").tolist() == [len(some) * 64.0] * 2


def test_overfitting_one_batch_drives_the_feature_distance_down(monkeypatch) -> None:
    """Eq. 8 on 16 digits: own pairs become far more alike in layer l than shuffled ones."""
    part = data.load("digits", "train").subset(torch.arange(16))
    use_data(monkeypatch, lambda name, split: part)
    config = replace(
        TINY,
        hidden=(128,),
        latent=8,
        discriminator_hidden=(64, 64),
        gamma=1.0,
        epochs=1000,
        batch_size=16,
        learning_rate=2e-3,
        discriminator_rate=2e-5,
    )
    model, history = trained(config)
    x = to_float(part.images)
    with torch.no_grad():
        again = model.eval()(x)
        seen, seen_again = (
            model.discriminator.layer_and_features(image, config.layer)[0] for image in (x, again)
        )
    own = (seen - seen_again).square().sum(1).mean() / 2
    crossed = (seen - seen_again.roll(1, 0)).square().sum(1).mean() / 2
    falls = history.column("likeness")
    assert falls[-5:].mean() < 0.5 * falls[:5].mean()  # the code's own noise is left
    assert float(own) < 0.2 * float(crossed)


# where a training starts


class Recorded:
    """A stand-in for a recorded run: its weights."""

    def __init__(self, state: dict[str, Tensor]):
        self.state = state

    def weights(self, prefix: str) -> dict[str, Tensor]:
        return self.state


def test_a_training_starts_from_a_recorded_vaes_images(monkeypatch) -> None:
    """From a Gaussian decoder with sines and an encoder with dropout: the same codes, the same images."""
    shape = {"hidden": (16, 12), "latent": 2, "activation": "SiLU", "frequency": 1.5}
    seed_everything(1)
    before = vae_config.build(
        vae_config.VaeConfig("digits", gaussian=True, input_dropout=0.1, **shape)
    ).eval()
    config = replace(TINY, input_dropout=0.1, start="a vae", **shape)
    seed_everything(0)
    model = vae_gan.build(config)
    start_from(model, before.state_dict())
    images = data.load("digits", "test").images[:9]
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(to_float(images)), before(to_float(images)))
    with pytest.raises(ValueError, match="the VAE has not the layers"):
        start_from(vae_gan.build(replace(config, hidden=(16, 12, 9))), before.state_dict())


def test_what_was_before_the_first_step_is_epoch_0(monkeypatch) -> None:
    """Of a training that starts from a VAE: one row more, which adds neither images nor seconds."""
    monkeypatch.setattr(vae_gan.runs, "load", lambda name: Recorded({}))
    monkeypatch.setattr(vae_gan, "start_from", lambda model, weights: None)
    monkeypatch.setattr(vae_gan, "follower", lambda config: lambda model: {"train_agreement": 0.5})
    _, history = trained(replace(TINY, start="a vae", judged=True, epochs=2))
    assert history.column("epoch").tolist() == [0, 1, 2]
    assert history.rows[0]["images"] == history.rows[0]["seconds"] == 0
    assert history.column("train_agreement").tolist() == [0.5] * 3


def test_a_training_can_start_from_codes_moved_to_the_prior(monkeypatch) -> None:
    """Mean 0 and second moment 1 over the training images; the images that are decoded stay."""
    config = replace(TINY, latent=2, frequency=1.5, moved=True, epochs=1)
    same = dict(hidden=config.hidden, latent=2, activation=config.activation, frequency=1.5)
    vae = vae_config.build(vae_config.VaeConfig("digits", gaussian=True, **same))
    monkeypatch.setattr(vae_gan_outputs, "train", lambda *_: [])
    model, x = vae_gan.build(config), to_float(data.load("digits", "test").images[:5])
    (row,) = vae_gan_outputs.train_from(vae.state_dict(), config, model, Session(CPU))
    images = data.training_split("digits", config.validation)[0].images
    mean, spread = vae_gan_outputs.mean_and_spread(model, images)
    assert torch.allclose(mean, torch.zeros(2), atol=1e-4)
    assert torch.allclose(spread, torch.ones(2), atol=1e-4)
    with torch.no_grad():
        assert torch.allclose(model.eval()(x), vae.eval()(x), atol=1e-4)
    assert row["train_prior"] > 0


# following, samples, panels


def test_following_does_not_change_the_training(monkeypatch) -> None:
    def follower(config: VaeGanConfig):
        def follow(model: VAEGAN) -> dict[str, float]:
            vae_gan.samples(config, model, 20)
            vae_gan.reconstruct(model, data.load("digits", "train").images[:20], drawn=True)
            model.train()
            return {"train_agreement": 0.5}

        return follow

    monkeypatch.setattr(vae_gan, "follower", follower)
    config = replace(TINY, epochs=3, convolutional=True, width=2)
    alone, _ = trained(config)
    followed, history = trained(replace(config, judged=True, followed_every=2))
    assert all(torch.equal(v, followed.state_dict()[key]) for key, v in alone.state_dict().items())
    assert "train_agreement" in history.rows[1] and "train_agreement" not in history.rows[2]


def test_reconstructions_and_samples_repeat_and_depend_on_one_image() -> None:
    model, _ = trained(replace(TINY, convolutional=True, width=2))
    images = data.load("digits", "test").images[:7]
    for drawn in (False, True):
        torch.manual_seed(5)
        first = vae_gan.reconstruct(model, images, drawn=drawn)
        torch.manual_seed(6)
        assert torch.equal(first, vae_gan.reconstruct(model, images, drawn=drawn))
    alone = vae_gan.reconstruct(model, images[3:4])[0]
    together = vae_gan.reconstruct(model, images)[3]
    assert int((alone.int() - together.int()).abs().max()) <= 1
    assert not torch.equal(
        vae_gan.reconstruct(model, images), vae_gan.reconstruct(model, images, drawn=True)
    )
    samples = vae_gan.samples(TINY, model, 5)
    assert samples.shape == (5, 1, 28, 28) and samples.dtype == torch.uint8
    assert torch.equal(samples, vae_gan.samples(TINY, model, 5))


def test_pairs_of_alike_images() -> None:
    """A pixel to the right; noise of the shift's squared error; the nearest of another class, by brute force."""
    test = data.load("digits", "test")
    images, labels = test.images[:40], test.labels[:40]
    partners = pairs.alike(images, labels)
    assert torch.equal(partners["shifted"][..., 1:], images[..., :-1])
    assert not partners["shifted"][..., 0].any()
    centre = images[:, 0, 4:7, 4:7].double().mean((1, 2))
    assert (partners["blurred"][:, 0, 5, 5].double() - centre).abs().max() <= 0.51
    for a, x in enumerate(images):
        others = [b for b in range(40) if labels[b] != labels[a]]
        nearest = min(others, key=lambda b: float((images[b].double() - x.double()).square().sum()))
        assert torch.equal(partners["other"][a], images[nearest])
    found = pairs.measured(images, partners, {"pixel": pairs.squared_error})["pixel"]
    assert found.shape == (4, 40)
    share = pairs.share_nearer(found, partners, "shifted", "other")
    assert share == pytest.approx(float((found[0] < found[3]).double().mean()))


# records


class Killed(BaseException):
    """What stands for a kill: nothing in the library catches it."""


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_killed_and_resumed_it_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)
    config = replace(TINY, epochs=2, convolutional=True, width=2)
    expected, history = trained(config)
    steps, calls = 2 * (len(data.load("digits", "train")) // 64), 0

    def kill(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3 * int(share * steps) + 1:
            raise Killed

    def run(seed: int) -> tuple[VAEGAN, History]:
        seed_everything(seed)
        model = vae_gan.build(config)
        checkpoint = Checkpoint(tmp_path / "seed-0.pt", "same")
        return model, vae_gan.train_followed(config, model, Session(CPU, checkpoint))

    handle = register_optimizer_step_pre_hook(kill)
    with pytest.raises(Killed):
        run(0)
    handle.remove()
    model, resumed = run(1)
    assert all(torch.equal(v, model.state_dict()[key]) for key, v in expected.state_dict().items())
    strip = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in h] for h in (history, resumed)
    ]
    assert strip[0] == strip[1]


@pytest.mark.parametrize(
    "config", [TINY, replace(TINY, layer=None), replace(TINY, convolutional=True, width=2)]
)
def test_recorded_and_verified(folders, config: VaeGanConfig) -> None:
    experiment = replace(
        EXPERIMENTS["vaegan-disl-fashion-mnist"], name="tiny", config=config, needs=(), seeds=(0, 1)
    )
    run = record(experiment, device=CPU)
    checked, differences = verifying.verify(experiment)
    assert not differences and {"test_mse", "test_kl"} <= set(checked)
    assert len(set(run.metric("test_mse").values)) == 2
    assert run.panels["reconstructions"].shape == (10, 1, 28, 28)
    assert not (run.panels["reconstructions"] == run.panels["images"]).all()


def test_the_chapters_experiments_differ_as_they_say() -> None:
    basic = EXPERIMENTS["vaegan-fashion-mnist"].config
    assert EXPERIMENTS["vaegan-fashion-mnist-paper"].config == replace(basic, routing="paper")
    assert basic.routing == "joint" and basic.layer is None and basic.drawn == ("reconstruction",)
    coder = EXPERIMENTS["ae-fashion-mnist"].config
    assert (basic.hidden, basic.latent) == (coder.hidden, coder.code) and basic.latent == 2
    for end in ("", "-paper"):
        whole = EXPERIMENTS[f"vaegan-fashion-mnist{end}"].config
        slow = EXPERIMENTS[f"vaegan-fashion-mnist{end}-warm"].config
        assert slow.saturating and not whole.saturating
        assert slow.start == whole.start == "vae-2d-fashion-mnist"
        told = {"saturating", "learning_rate", "epochs", "portion", "followed_every"}
        assert {k for k in vars(whole) if getattr(slow, k) != getattr(whole, k)} == told
    disl = EXPERIMENTS["vaegan-disl-fashion-mnist"].config
    conv = EXPERIMENTS["vaegan-conv-fashion-mnist"].config
    for config in (disl, conv):
        assert config.layer is not None and config.routing == "paper"
        assert set(config.drawn) == {"reconstruction", "sample"}
    names = [name for name, _ in EXPERIMENTS["vaegan-study-fashion-mnist"].config.cases]
    assert len(names) == len(set(names)) and any(name.startswith("gamma") for name in names)


@pytest.mark.data("fashion-mnist")
def test_judged_by_the_recorded_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics of an untrained model: a reconstruction is no more like its original than like another."""
    monkeypatch.setattr(vae_gan, "SAMPLES", 300)
    monkeypatch.setattr(vae_gan, "PAIRED", 50)
    test = data.load("fashion-mnist", "test").subset(torch.arange(300))
    use_data(monkeypatch, lambda name, split: test)
    config = replace(TINY, dataset="fashion-mnist", judged=True)
    model = vae_gan.build(config)
    metrics = vae_gan.evaluate(config, model)
    assert metrics["agreement"] == pytest.approx(metrics["agreement_shuffled"], abs=0.1)
    assert {
        f"shift_before_{k}_{m}"
        for k in ("blurred", "noisy", "other")
        for m in ("pixel", "layer", "judge")
    } <= set(metrics)
    assert metrics["train_fid_judge"] == pytest.approx(metrics["fid_judge"], rel=1e-6)
    followed = vae_gan.follower(config)(model)
    assert followed["train_fid_judge"] == pytest.approx(metrics["train_fid_judge"], rel=1e-6)
    assert model.training
