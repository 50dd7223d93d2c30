"""Algorithm 1 step by step: which network moves when, on which images and codes; and what is kept and measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from chapters_lib import checkpoint as saving
from chapters_lib import data
from chapters_lib.checkpoint import Checkpoint
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.recipes import gan
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recording import judging as judge
from chapters_lib.recording import runs, verifying
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.record import record
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History

CPU = torch.device("cpu")
TINY = GanConfig(
    "digits", noise=4, width=16, epochs=1, batch_size=64, shown_epochs=(0, 1), judged=False
)
STEPS = [(k, fresh) for k in (1, 3) for fresh in (True, False)]


def trained(config: GanConfig, seed: int = 0) -> tuple[GAN, History]:
    seed_everything(seed)
    model = gan.build(config)
    return model, gan.train_followed(config, model, Session(CPU))


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items() if key != "timeline"}


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {key for key in before if not torch.equal(before[key], after[key])}


def kinds(keys: set[str]) -> set[tuple[str, str]]:
    """Return which network's weights or statistics are meant."""
    return {
        (key.split(".")[0], "statistics" if "running" in key or "batches" in key else "weights")
        for key in keys
    }


class Watch:
    """What happens between one optimiser's step and the next, and what goes into either network."""

    def __init__(self, model: GAN):
        self.model = model
        self.states = [snapshot(model)]
        self.moves: list[set[tuple[str, str]]] = []
        self.codes: list[list[Tensor]] = [[]]
        self.seen: list[list[Tensor]] = [[]]
        self.normalised: list[list[Tensor]] = [[]]
        norm = next(p for p in model.discriminator.modules() if isinstance(p, nn.BatchNorm1d))
        model.generator.register_forward_pre_hook(lambda _, x: self.codes[-1].append(x[0]))
        model.discriminator.body.register_forward_pre_hook(
            lambda _, x: self.seen[-1].append(x[0].detach())
        )
        norm.register_forward_pre_hook(lambda _, x: self.normalised[-1].append(x[0].detach()))

    def before_step(self, *_: object) -> None:
        """Close the phase that this step ends: its forward passes have all been made."""
        for kept in (self.codes, self.seen, self.normalised):
            kept.append([])
        self.states.append(snapshot(self.model))


@contextmanager
def watched(config: GanConfig) -> Iterator[Watch]:
    config = replace(config, shown_epochs=())  # or the generator is called between the steps
    seed_everything(0)
    model = gan.build(config)
    watch = Watch(model)
    handle = register_optimizer_step_pre_hook(watch.before_step)
    try:
        gan.train_followed(config, model, Session(CPU))
        watch.states.append(snapshot(model))
        yield watch
    finally:
        handle.remove()


@pytest.mark.parametrize(("k", "fresh"), STEPS)
def test_each_step_moves_one_network(k: int, fresh: bool) -> None:
    """k times D, then G. States are taken before each step: forward passes of a phase, then the last weights."""
    with watched(replace(TINY, discriminator_steps=k, fresh_noise=fresh)) as watch:
        changes = [kinds(moved(a, b)) for a, b in zip(watch.states, watch.states[1:], strict=False)]
    d_weights, g_weights = ("discriminator", "weights"), ("generator", "weights")
    d_moves, g_moves = ("discriminator", "statistics"), ("generator", "statistics")
    rounds = len(changes) // (k + 1)
    assert rounds >= 3 and len(changes) == rounds * (k + 1) + 1
    for number, change in enumerate(changes[:-1]):
        place = number % (k + 1)
        expected = {d_moves} if place < k else set()  # the forward passes before this step …
        if place == k or (place == k - 1 and not fresh):
            expected |= {g_moves}
        if place == k and not fresh:
            expected = set()  # the samples of D's last step serve again
        if number:  # … and the step before it
            expected |= {g_weights} if place == 0 else {d_weights}
        assert change == expected, (number, place)
    assert changes[-1] == {g_weights}


@pytest.mark.parametrize(("k", "fresh"), STEPS)
def test_codes_and_samples_of_each_step(k: int, fresh: bool) -> None:
    """As Algorithm 1 has it every phase draws its own codes; without fresh ones G's step uses D's last."""
    with watched(replace(TINY, discriminator_steps=k, fresh_noise=fresh)) as watch:
        codes, seen = watch.codes[:-1], watch.seen[:-1]
    for start in range(0, len(codes), k + 1):
        d_codes, g_codes = codes[start : start + k], codes[start + k]
        assert all(len(part) == 1 for part in d_codes)
        assert len(g_codes) == (1 if fresh else 0)
        drawn = [z for part in [*d_codes, g_codes] for z in part]
        assert all(z.shape == (64, 4) for z in drawn)
        assert len({tuple(z[0].tolist()) for z in drawn}) == len(drawn)
        assert all(len(part) == 2 for part in seen[start : start + k])  # real, then samples
        (judged,) = seen[start + k]  # samples alone
        assert torch.equal(judged, seen[start + k - 1][1]) is not fresh


@pytest.mark.parametrize("k", [1, 3])
def test_an_epoch_shows_the_discriminator_every_real_image_once(k: int) -> None:
    with watched(replace(TINY, discriminator_steps=k)) as watch:
        real = torch.cat([part[0] for part in watch.seen if len(part) == 2])
    images = data.load("digits", "train").images
    assert len(real) == len(images) // (64 * k) * 64 * k
    most_alike = len(images) - len(images.flatten(1).unique(dim=0))  # the set's own repetitions
    assert len(real.flatten(1).unique(dim=0)) >= len(real) - most_alike


def test_running_statistics_of_the_discriminator_are_of_real_images() -> None:
    """After each of its steps: 0.9 of the old mean, 0.1 of the real batch's; samples leave it alone."""
    with watched(TINY) as watch:
        states, normalised = watch.states, watch.normalised
    key = next(k for k in states[0] if k.startswith("discriminator") and "running_mean" in k)
    for number in range(0, len(normalised) - 1, 2):
        real, fake = normalised[number]
        expected = 0.9 * states[number][key] + 0.1 * real.mean(0)
        torch.testing.assert_close(states[number + 1][key], expected)
        assert not torch.allclose(real.mean(0), fake.mean(0), atol=1e-3)


def test_the_history_holds_the_values_of_the_game() -> None:
    """A faster discriminator soon tells the two apart; the generator's two losses differ in sign."""
    faster = replace(TINY, epochs=4, discriminator_rate=2e-3)
    _, history = trained(faster)
    assert history.names[:5] == [
        "epoch",
        "discriminator_loss",
        "generator_loss",
        "real_probability",
        "fake_probability",
    ]
    real, fake = history.column("real_probability"), history.column("fake_probability")
    assert 0.5 < real[-1] < 1 and 0 < fake[-1] < 0.5
    assert history.column("discriminator_loss")[-1] < 2 * 0.6931
    assert (history.column("generator_loss") < 0).all()
    _, other = trained(replace(faster, saturating=False))
    assert (other.column("generator_loss") > 0).all()


@pytest.mark.parametrize("decay", [True, False])
def test_the_course_of_the_rates(decay: bool) -> None:
    """Constant, or half a cosine down to 0 over all updates."""
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], 0.01)
    schedule = gan.make_schedule(replace(TINY, decay=decay), optimizer, 10)
    for step in range(11):
        share = (1 + math.cos(math.pi * step / 10)) / 2 if decay else 1.0
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * share, abs=1e-9)
        optimizer.step()
        schedule.step()


def test_smoothing_pulls_the_discriminator_below_its_target() -> None:
    slow = replace(TINY, epochs=15, dropout=0.0, learning_rate=1e-5, discriminator_rate=5e-3)
    plain, smooth = (trained(replace(slow, smoothing=s))[1] for s in (0.0, 0.3))
    assert plain.column("real_probability")[-1] > 0.9
    assert 0.6 < smooth.column("real_probability")[-1] < 0.75


# samples and the time line


def test_samples_follow_their_seed_alone() -> None:
    model = gan.build(TINY)
    torch.manual_seed(1)
    first, state = gan.samples(TINY, model, 20), torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, gan.samples(TINY, model, 20))
    torch.manual_seed(1)
    assert torch.equal(
        state, torch.get_rng_state()
    )  # and they leave torch's generator where it was
    assert not torch.equal(first, gan.samples(TINY, model, 20, seed=1))
    assert first.shape == (20, 1, 28, 28) and first.dtype == torch.uint8


def test_a_sample_does_not_depend_on_those_beside_it() -> None:
    model, _ = trained(TINY)
    codes = gan.noise_codes(TINY, 1100)
    many = gan.samples(TINY, model, 1100)
    alone = gan.to_bytes(model.generator(codes[1050:1051]).detach())
    assert int((many[1050].int() - alone[0].int()).abs().max()) <= 1  # a rounding apart


def test_the_time_line_holds_samples_of_the_same_codes() -> None:
    config = replace(TINY, epochs=2, shown_epochs=(0, 2))
    seed_everything(0)
    model = gan.build(config)
    untrained = gan.samples(config, model, gan.SHOWN)
    gan.train_followed(config, model, Session(CPU))
    assert model.training
    assert model.timeline.shape == (2, 16, 1, 28, 28)
    assert torch.equal(model.timeline[0], untrained)
    assert torch.equal(model.timeline[1], gan.samples(config, model, gan.SHOWN))
    assert not torch.equal(model.timeline[0], model.timeline[1])


@pytest.mark.parametrize("training_mode", [True, False])
def test_keeping_samples_disturbs_nothing(training_mode: bool) -> None:
    model, _ = trained(TINY)
    model.train(training_mode)
    before, state = snapshot(model), torch.get_rng_state()
    gan.keep_samples(TINY, model, 1)
    assert not moved(before, snapshot(model))
    assert torch.equal(state, torch.get_rng_state())
    assert model.generator.training is training_mode


def test_following_the_samples_does_not_change_the_training(monkeypatch) -> None:
    """A training whose samples are measured every epoch ends bit for bit as one that nobody watches."""
    monkeypatch.setattr(gan, "SAMPLES", 100)
    monkeypatch.setattr(gan, "distance_to_training", lambda dataset: lambda images: 1.5)
    config = replace(TINY, epochs=3, followed_every=2)
    alone, _ = trained(config)
    followed, history = trained(replace(config, judged=True))
    assert not moved(snapshot(alone), snapshot(followed))
    assert history.column("train_fid_judge").tolist()[1:2] == [1.5]
    assert "train_fid_judge" not in history.rows[0] and "train_fid_judge" not in history.rows[2]


# records


class Killed(BaseException):
    """What stands for a kill: nothing in the library catches it."""


@pytest.mark.parametrize(("k", "fresh"), [(1, True), (1, False), (3, True)])
@pytest.mark.parametrize("share", [0.4, 0.5, 0.8])
def test_killed_and_resumed_it_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, k: int, fresh: bool, share: float
) -> None:
    """Within an epoch and at its end: weights, statistics, time line and history, bit for bit."""
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)
    config = replace(
        TINY,
        epochs=3,
        discriminator_steps=k,
        fresh_noise=fresh,
        decay=fresh,
        shown_epochs=(0, 1, 3),
    )
    expected, history = trained(config)
    path, calls = tmp_path / "seed-0.pt", 0
    rounds = 3 * (len(data.load("digits", "train")) // (64 * k))

    def kill(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == (k + 1) * int(share * rounds) + 1:
            raise Killed

    def run(seed: int) -> tuple[GAN, History]:
        seed_everything(seed)
        model = gan.build(config)
        checkpoint = Checkpoint(path, "same")
        return model, gan.train_followed(config, model, Session(CPU, checkpoint))

    handle = register_optimizer_step_pre_hook(kill)
    with pytest.raises(Killed):
        run(0)
    handle.remove()
    assert path.exists()
    model, resumed = run(1)  # from the checkpoint alone: the seed no longer matters
    assert all(torch.equal(v, model.state_dict()[key]) for key, v in expected.state_dict().items())
    strip = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in h] for h in (history, resumed)
    ]
    assert strip[0] == strip[1]


@pytest.mark.parametrize(
    "config", [TINY, replace(TINY, saturating=False, smoothing=0.1, discriminator_steps=2)]
)
def test_recorded_verified_and_repeated(folders, config: GanConfig) -> None:
    experiment = replace(
        EXPERIMENTS["gan-fc-mnist"], name="tiny", config=config, needs=(), seeds=(0, 1)
    )
    run = record(experiment, device=CPU)
    checked, differences = verifying.verify(experiment)
    assert not differences and "discriminator_accuracy" in checked
    values = run.metric("fake_probability").values
    assert values[0] != values[1]
    model = run.restore(gan.build(GanConfig(**run.config)))
    assert torch.equal(model.timeline[0], gan.build(config).timeline[0]) is False
    again = record(experiment, device=CPU, fresh=True)
    assert again.metric("fake_probability").values == values


def test_the_chapters_experiments_differ_as_they_say() -> None:
    plain = EXPERIMENTS["gan-fc-mnist"].config
    other = EXPERIMENTS["gan-fc-mnist-nonsaturating"].config
    collapse = EXPERIMENTS["gan-fc-mnist-collapse"].config
    assert other == replace(plain, saturating=False)
    assert collapse.learning_rate / collapse.discriminator_rate == 100
    assert (plain.noise, plain.dropout) == (collapse.noise, collapse.dropout)


@pytest.mark.data("mnist")
def test_judged_by_the_recorded_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """On MNIST: the classes' shares and the two distances are those of the samples that `samples` draws."""
    config = replace(TINY, dataset="mnist", judged=True)
    for module in (gan, judge):
        monkeypatch.setattr(module, "SAMPLES", 300)
    torch.manual_seed(0)
    model = gan.build(config)
    metrics = gan.evaluate(config, model)
    assert 0 <= metrics["class_share_min"] <= 0.1
    assert 0 <= metrics["class_entropy"] <= 1
    distance = judge.distance_to_training("mnist")(gan.samples(config, model, 300))
    assert metrics["train_fid_judge"] == pytest.approx(distance, rel=1e-6)
    assert metrics["fid_judge"] != metrics["train_fid_judge"]


def test_a_convolutional_generator_stands_before_the_same_discriminator():
    made, plain = (
        gan.build(EXPERIMENTS[name].config)
        for name in ("gan-convolutional-generator-mnist", "gan-mnist")
    )
    assert any(isinstance(part, nn.ConvTranspose2d) for part in made.generator.modules())
    assert not any(isinstance(part, nn.Conv2d) for part in made.discriminator.modules())
    shapes = [[p.shape for p in pair.discriminator.parameters()] for pair in (made, plain)]
    assert shapes[0] == shapes[1]
    pair = gan.build(EXPERIMENTS["gan-both-convolutional-mnist"].config)
    assert any(isinstance(part, nn.ConvTranspose2d) for part in pair.generator.modules())
    assert any(isinstance(part, nn.Conv2d) for part in pair.discriminator.modules())
    for count in map(gan.count_parameters, (made, pair)):
        for name in ("vae-gaussian-mnist", "vae-realnvp-mnist"):
            assert abs(count / runs.load(name)["parameters"] - 1) < 0.1
