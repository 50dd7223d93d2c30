"""The GANs of the comparison, as large as the VAEs beside them; and the three models side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn

from chapters_lib import data
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.evaluation.lines import straight
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.layers import count_parameters
from chapters_lib.objectives.adversarial import discriminator_loss
from chapters_lib.recipes import comparing, gan, likelihood_vae
from chapters_lib.recipes.comparing import ComparedModelsConfig, Drawer
from chapters_lib.recipes.gan import GanConfig
from chapters_lib.recipes.likelihood_vae import PriorConfig
from chapters_lib.recording import runs, verifying
from chapters_lib.recording.experiment import Session
from chapters_lib.recording.record import record
from chapters_lib.reproducibility import generator, seed_everything
from tests.conftest import Folders
from tests.data.test_loading import CROPS

CPU = torch.device("cpu")
TINY = GanConfig(
    "digits", noise=4, width=16, epochs=2, batch_size=64, shown_epochs=(0, 2), judged=False,
    validation=0.25, saturating=False,
)  # fmt: skip
PRIOR = PriorConfig(
    "digits", hidden=(16,), latent=4, flow_hidden=(8,), validation=0.25, judged=False, nll_samples=0
)
CROPS_SET = "svhn-crops"
SETS = ("mnist", "house-numbers", "svhn", CROPS_SET)
FEW_SEEDS = ("house-numbers", CROPS_SET)  # one training, to which others may be added


# as large, on the same images, for as long


@pytest.mark.parametrize("name", SETS)
def test_the_gan_has_as_many_weights_as_the_vae_beside_it(name: str) -> None:
    """Within a tenth, generator and discriminator together; the flow's own are beyond that."""
    vae, flow, pair = (EXPERIMENTS[f"{kind}-{name}"] for kind in comparing.MODELS)
    counts = {e.name: count_parameters(e.build(e.config)) for e in (pair, vae, flow)}
    assert 0.9 <= counts[pair.name] / counts[vae.name] <= 1.1
    model = flow.build(flow.config)
    assert counts[flow.name] - counts[vae.name] == count_parameters(model.get_submodule("prior"))


@pytest.mark.parametrize("name", SETS)
def test_the_three_are_trained_alike(name: str) -> None:
    """The same images, epochs, batches, code size, seeds and time line; all by a judge of that set."""
    experiments = [EXPERIMENTS[f"{kind}-{name}"] for kind in comparing.MODELS]
    first, second, third = (e.config for e in experiments)
    assert third.noise == first.latent == second.latent
    for key in (
        "dataset",
        "validation",
        "epochs",
        "batch_size",
        "shown_epochs",
        "judged",
        "followed_every",
    ):
        assert getattr(first, key) == getattr(second, key) == getattr(third, key), key
    assert third.judged and third.followed_every == 10
    every = 20 if name == CROPS_SET else 10
    assert third.shown_epochs == tuple(range(0, third.epochs + 1, every))
    assert len({e.seeds for e in experiments}) == 1
    assert len(experiments[0].seeds) >= (1 if name in FEW_SEEDS else 3)
    assert all(f"judge-{name}" in e.needs and set(e.samples) == {""} for e in experiments)


def test_the_split_is_that_of_the_vaes() -> None:
    for ours, theirs in zip(gan.split(TINY), likelihood_vae.split(PRIOR), strict=True):
        assert torch.equal(ours.images, theirs.images)


def trained(config: GanConfig = TINY):
    seed_everything(0)
    model = gan.experiment("tiny", "tests", "", config).build(config)
    return model, gan.train_followed(config, model, Session(CPU))


def test_held_out_images_are_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = gan.Batches

    def watched(dataset, *arguments, **named):
        seen.append(dataset)
        return original(dataset, *arguments, **named)

    monkeypatch.setattr(gan, "Batches", watched)
    trained()
    (training,) = seen
    assert torch.equal(training.images, gan.split(TINY)[0].images)


def test_the_game_is_followed_on_both_parts_without_changing_it() -> None:
    model, history = trained()
    seed_everything(0)
    alone = gan.build(TINY)
    gan.train(TINY, alone, Session(CPU))
    weights = {k: v for k, v in model.state_dict().items() if k != "timeline"}
    assert all(torch.equal(v, alone.state_dict()[k]) for k, v in weights.items())
    assert model.training
    for key in ("discriminator_loss", "real_probability"):
        assert {f"train_eval_{key}", f"val_{key}"} < set(history.names)
    held = gan.split(TINY)[1]
    drawn = gan.samples(TINY, model, gan.FOLLOWED)
    last = gan.value(model, held.images, drawn)
    assert history.column("val_discriminator_loss")[-1] == last["discriminator_loss"]
    assert history.column("val_real_probability")[-1] == last["real_probability"]


def test_the_value_is_that_of_the_two_expectations() -> None:
    """In parts or at once, in evaluation mode."""
    model, _ = trained()
    real, drawn = data.load("digits", "train").images[:1200], gan.samples(TINY, model, 70)
    found = gan.value(model.train(), real, drawn)
    assert not model.training
    with torch.no_grad():
        logits = [model.discriminator(data.to_float(x)) for x in (real, drawn)]
    assert found["discriminator_loss"] == pytest.approx(
        float(discriminator_loss(*logits)), rel=1e-5
    )
    assert found["real_probability"] == pytest.approx(float(logits[0].sigmoid().mean()), rel=1e-5)


def test_metrics_name_all_three_parts() -> None:
    model, _ = trained()
    metrics = gan.evaluate(TINY, model)
    assert metrics == gan.evaluate(TINY, model)
    for part, images in zip(("train", "val"), gan.split(TINY), strict=True):
        drawn = gan.samples(TINY, model, gan.SAMPLES)
        found = gan.value(model, images.images, drawn)
        assert metrics[f"{part}_discriminator_loss"] == found["discriminator_loss"]
    assert metrics["test_real_probability"] == pytest.approx(metrics["real_probability"], rel=1e-5)
    assert metrics["discriminator_parameters"] == count_parameters(model.discriminator)
    assert metrics["discriminator_parameters"] < count_parameters(model)


# on real crops


@pytest.mark.skipif(not CROPS.is_file(), reason="no real crops of SVHN")
@pytest.mark.parametrize("name", [f"{kind}-svhn" for kind in comparing.MODELS])
def test_recorded_on_real_crops(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As on the whole set, from .mat files of the published form, but narrow and for one epoch."""
    with np.load(CROPS, allow_pickle=False) as kept:
        images, labels = kept["images"], kept["labels"]
    folder = folders.data / "svhn"
    folder.mkdir(parents=True)
    SVHN = torchvision().datasets.SVHN
    parts = {"train": slice(0, 700), "test": slice(700, None)}
    for part, chosen in parts.items():
        stored = np.where(labels[chosen] == 0, 10, labels[chosen]).astype(np.uint8)[:, None]
        path = folder / f"{part}_32x32.mat"
        savemat(path, {"X": images[chosen].transpose(1, 2, 3, 0), "y": stored})
        url, file, _ = SVHN.split_list[part]
        md5 = torchvision().datasets.utils.calculate_md5(path)
        monkeypatch.setattr(SVHN, "split_list", SVHN.split_list | {part: [url, file, md5]})
    known = EXPERIMENTS[name]
    few = {"epochs": 1, "width": 8, "judged": False, "shown_epochs": (0, 1)}
    if name.startswith("vae"):
        few |= {"nll_samples": 4, "nll_images": 20, "flow_hidden": (8,)}
    experiment = replace(known, config=replace(known.config, **few), needs=(), seeds=(0,))
    run = record(experiment, device=CPU, progress=False)
    assert run.data_used["train"]["images"] == 700 and run.data_used["test"]["images"] == 145
    checked, differences = verifying.verify(experiment)
    assert not differences and len(checked) > 5
    model = run.restore(experiment.build(experiment.config))
    drawn = experiment.samples[""](experiment.config, model, 5)
    assert drawn.shape == (5, 3, 32, 32) and drawn.dtype == torch.uint8
    assert model.timeline.shape == (2, 16, 3, 32, 32)


# side by side


def models() -> dict[str, nn.Module]:
    """Return three models that nobody trained, the flow moved away from the identity."""
    seed_everything(0)
    found = {
        "vae-gaussian": likelihood_vae.build(PRIOR),
        "vae-realnvp": likelihood_vae.build(replace(PRIOR, couplings=4)),
        "gan": gan.build(TINY),
    }
    with torch.no_grad():
        for weight in found["vae-realnvp"].get_submodule("prior").parameters():
            weight += 0.5 * torch.randn_like(weight)
    return {name: model.eval() for name, model in found.items()}


def drawers() -> dict[str, Drawer]:
    return {
        name: comparing.gan_drawer(TINY, model)
        if name == "gan"
        else comparing.vae_drawer(PRIOR, model)
        for name, model in models().items()
    }


def test_noise_becomes_the_images_that_the_models_draw() -> None:
    noise = torch.randn(20, 4, generator=generator(0))
    for (name, model), drawing in zip(models().items(), drawers().values(), strict=True):
        images = drawing.decode(drawing.to_code(noise))
        module, config = (gan, TINY) if name == "gan" else (likelihood_vae, PRIOR)
        assert torch.equal(images, module.samples(config, model, 20)), name


def test_lines_have_their_ends_in_common() -> None:
    """Straight among codes or in the base space: the same ends, another way between them."""
    flow = drawers()["vae-realnvp"]
    assert flow.spaces == ("z", "base")
    start, end = torch.randn(2, 6, 4)
    z, base_way = (comparing.codes_along(flow, start, end, space) for space in flow.spaces)
    assert z.shape == base_way.shape == (6, 12, 4)
    torch.testing.assert_close(z[:, [0, -1]], base_way[:, [0, -1]])
    torch.testing.assert_close(z, straight(z[:, 0], z[:, -1]))
    back = models()["vae-realnvp"].get_submodule("prior").to_base(base_way)  # type: ignore[operator]
    torch.testing.assert_close(back, straight(start, end), rtol=1e-3, atol=1e-3)
    assert float((z - base_way).abs().max()) > 0.05
    images = comparing.images_along(flow, start, end, "base")
    assert torch.equal(images[2, 5], flow.decode(base_way[2, 5:6])[0])


def test_elsewhere_codes_are_the_noise_itself() -> None:
    start, end = torch.randn(2, 3, 4)
    for name in ("vae-gaussian", "gan"):
        drawing = drawers()[name]
        assert drawing.spaces == ("z",) and drawing.prior is None
        assert torch.equal(comparing.codes_along(drawing, start, end), straight(start, end))


def test_what_the_judge_makes_of_lines() -> None:
    """A decoder that is sure at the ends alone, and changes in the middle alone."""

    class Head(nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            sure = (features - 0.5).abs() * 100 - 20
            return torch.cat([sure, torch.zeros(len(features), 9)], 1)

    class Judge(Classifier):
        def __init__(self) -> None:
            super().__init__(width=4)
            self.head = Head()  # type: ignore[assignment]

        def features(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, 0, 0, :1]

    def decode(z: torch.Tensor) -> torch.Tensor:
        return (z[:, :1, None, None] > 0).to(torch.uint8).mul(255).expand(-1, 1, 28, 28)

    flat = Drawer(2, lambda u: u, decode)
    config = ComparedModelsConfig("digits", lines=400)
    start, end = torch.randn(2, 400, 2, generator=generator(config.seed))
    found = comparing.along_lines(config, flat, Judge())
    crossing = (start[:, 0] > 0) != (end[:, 0] > 0)
    assert 0.3 < float(crossing.double().mean()) < 0.7
    keys = ("ends_recognisable", "middle_recognisable", "largest_step")
    assert set(found) == {f"z_{key}{end}" for key in keys for end in ("", "_sem")}
    assert found["z_ends_recognisable"] == found["z_middle_recognisable"] == 1
    assert found["z_largest_step"] == 1  # of the lines that cross; along the others nothing changes
    unsure = Judge()
    unsure.head = nn.Sequential(nn.Linear(1, 10), nn.Softsign())  # no logit above 1
    assert comparing.along_lines(config, flat, unsure)["z_ends_recognisable"] == 0


def test_unlikely_points_are_counted_below_the_priors_own_draws() -> None:
    """In the base space the middle of a line is no less likely than its ends; the share of draws is one in 100."""
    flow = drawers()["vae-realnvp"]
    config = ComparedModelsConfig("digits", lines=300)
    judge = Classifier(width=4)
    found = comparing.along_lines(config, flow, judge)
    assert {"z_middle_unlikely", "base_middle_unlikely"} < set(found)
    assert 0 <= found["base_middle_unlikely"] <= 1
    start, end = torch.randn(2, 300, 4, generator=generator(config.seed))
    draws = flow.prior.log_prob(flow.to_code(torch.cat([start, end])))
    middle = comparing.codes_along(flow, start, end)[:, 5:7]
    share = (flow.prior.log_prob(middle) < draws.quantile(0.01)).double().mean()
    assert found["z_middle_unlikely"] == pytest.approx(float(share), abs=1e-9)


def test_shares_carry_the_error_over_lines() -> None:
    found = torch.tensor([[True, True], [False, False], [True, False], [True, True]])
    mean, sem = comparing.share(found)
    assert mean == 0.625 and sem == pytest.approx(torch.tensor([1, 0, 0.5, 1]).std().item() / 2)


def test_copies_are_told_from_new_images() -> None:
    torch.manual_seed(0)
    judge = Classifier(width=4).eval()
    training, held = gan.split(TINY)
    spaces = {
        name: comparing.spaces_of(part, judge)
        for name, part in {"train": training, "held": held}.items()
    }
    assert spaces["train"]["pixel"].shape == (len(training), 784)
    copies = comparing.spaces_of(training.subset(torch.arange(50)), judge)
    of_copies = comparing.beside_trained(copies, spaces["train"], spaces["held"])
    assert of_copies["pixel_nearest"] == of_copies["pixel_held"] == 0
    test = comparing.spaces_of(data.load("digits", "test"), judge)
    of_test = comparing.beside_trained(test, spaces["train"], spaces["held"])
    share = len(held) / (len(training) + len(held))
    assert 0.5 * share < of_test["pixel_held"] < 1.6 * share
    apart = (test["pixel"][0] - spaces["train"]["pixel"]).square().mean(1).min()
    alone = comparing.beside_trained({"pixel": test["pixel"][:1]}, spaces["train"], spaces["held"])
    assert alone["pixel_nearest"] == pytest.approx(float(apart), rel=1e-5)


def test_the_study_is_recorded(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """From three models in place of recorded ones: metrics of each, and the nearest images of those trained on."""
    torch.manual_seed(0)
    judge = Classifier(width=4).eval()
    monkeypatch.setattr(comparing, "load_judge", lambda name: judge)
    monkeypatch.setattr(comparing, "recorded", lambda name: drawers())
    known = EXPERIMENTS["compared-mnist"]
    config = ComparedModelsConfig("digits", lines=5, images=10)
    study = replace(known, name="tiny", config=config, needs=())
    run = record(study, device=CPU, progress=False)
    for name in (*comparing.MODELS, "test"):
        keys = ("pixel_nearest", "pixel_held", "judge_nearest", "judge_held", "roughness")
        assert {f"{name}_{key}" for key in keys} < set(run.metrics)
    assert run.metric("vae-realnvp_base_middle_recognisable").sem >= 0
    training, _ = gan.split(GanConfig("digits"))
    for name in comparing.MODELS:
        drawn = data.to_float(torch.from_numpy(run.panels[f"{name}_drawn"])).flatten(1)
        assert len(drawn) == comparing.SHOWN
        apart = torch.cdist(drawn, data.to_float(training.images).flatten(1))
        kept = data.to_float(torch.from_numpy(run.panels[f"{name}_pixel"])).flatten(1)
        torch.testing.assert_close((drawn - kept).norm(dim=1), apart.amin(1), rtol=1e-3, atol=1e-3)


def test_recorded_models_are_found_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Run:
        def __init__(self, name: str):
            self.name = name

        def config_as(self, kind: type) -> object:
            return EXPERIMENTS[self.name].config

        def restore(self, module: nn.Module) -> nn.Module:
            return module.eval()

    def load(name: str) -> Run:
        asked.append(name)
        return Run(name)

    monkeypatch.setattr(runs, "load", load)
    found = comparing.recorded("mnist")
    assert asked == [f"{name}-mnist" for name in comparing.MODELS]
    assert [d.prior is not None for d in found.values()] == [False, True, False]
    assert set(asked) < set(EXPERIMENTS["compared-mnist"].needs)
