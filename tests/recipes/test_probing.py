"""Draws of labelled images, the discriminator's features, and what the experiments make of them."""

from __future__ import annotations

import collections
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Dataset, to_float
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.experiments import dcgan_pretraining as dcgan
from chapters_lib.models.dcgan import dcgan as make_pair
from chapters_lib.models.gan import GAN
from chapters_lib.recipes import gan, mistakes, pretraining, probing, yardsticks
from chapters_lib.recipes.mistakes import MistakesConfig
from chapters_lib.recipes.probing import (
    Reading,
    discriminator_features,
    labelled,
    pixels,
    read,
    readings,
    summary,
)
from chapters_lib.recording.experiment import Session
from chapters_lib.reproducibility import seed_everything
from tests.conftest import use_data


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> dict[str, Dataset]:
    """Every data set is the small one."""
    splits = {split: data.load("digits", split) for split in ("train", "test")}
    use_data(monkeypatch, lambda name, split: splits[split])
    return splits


def pair(dropout: float = 0.3) -> GAN:
    torch.manual_seed(0)
    return make_pair(width=2, dropout=dropout)


@pytest.mark.parametrize("training", [True, False])
def test_extraction_leaves_the_discriminator_unchanged(
    digits: dict[str, Dataset], training: bool
) -> None:
    """Weights, running statistics and the mode of every module; no gradient is asked for."""
    discriminator = pair().discriminator.train(training)
    discriminator.body[0].eval()  # a mode of its own
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    modes = [part.training for part in discriminator.modules()]
    found = discriminator_features(discriminator)(digits["test"].images)
    assert found.shape == (len(digits["test"]), 256) and not found.requires_grad
    assert modes == [part.training for part in discriminator.modules()]
    assert all(parameter.requires_grad for parameter in discriminator.parameters())
    for key, value in discriminator.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_features_are_those_of_evaluation_mode(digits: dict[str, Dataset]) -> None:
    """What the head would see: no dropout, no batch mates."""
    discriminator = pair().discriminator.train()
    images = digits["test"].images[:30]
    found = discriminator_features(discriminator)(images)
    alone = torch.cat([discriminator_features(discriminator)(image[None]) for image in images])
    torch.testing.assert_close(found, alone, atol=1e-6, rtol=1e-4)
    discriminator.eval()
    torch.testing.assert_close(
        discriminator.head(found).squeeze(1), discriminator(to_float(images))
    )


def test_draws_are_stratified_seeded_and_of_the_training_images(digits: dict[str, Dataset]) -> None:
    labels = digits["train"].labels
    draws = [labelled(labels, 0.1, seed) for seed in range(5)]
    counts = torch.bincount(labels)
    for index in draws:
        assert len(index.unique()) == len(index)
        drawn = torch.bincount(labels[index], minlength=10)
        assert ((drawn - 0.1 * counts).abs() <= 0.5).all()
    assert torch.equal(draws[3], labelled(labels, 0.1, 3))
    assert len({tuple(index.tolist()) for index in draws}) == 5
    assert torch.equal(labelled(labels, 1, 7), torch.arange(len(labels)))


def test_a_probe_sees_the_images_drawn_and_tests_on_others(digits: dict[str, Dataset]) -> None:
    """Only the draws' images and the test images are put through the network; none is in both."""
    seen: list[Tensor] = []

    def features(images: Tensor) -> Tensor:
        seen.append(images)
        return pixels(images)

    training, test = digits["train"], digits["test"]
    found = readings(features, training, test, share=0.2, draws=2)
    assert len(found) == 2 and found[0] != found[1]
    assert torch.equal(seen[0], test.images) and len(seen) == 3
    for seed, images in enumerate(seen[1:]):
        assert torch.equal(images, training.images[labelled(training.labels, 0.2, seed)])
    known = {image.numpy().tobytes() for image in torch.cat(seen[1:])}
    assert not known & {image.numpy().tobytes() for image in test.images}


def test_labels_of_the_test_images_do_not_enter_the_training(digits: dict[str, Dataset]) -> None:
    """With the test labels turned round, nothing but the test accuracy changes."""
    training, test = digits["train"], digits["test"]
    turned = replace(test, labels=9 - test.labels)
    honest = readings(pixels, training, test, draws=1)[0]
    other = readings(pixels, training, turned, draws=1)[0]
    assert honest.decay == other.decay and honest.train_accuracy == other.train_accuracy
    assert other.test_accuracy < 0.2 < 0.7 < honest.test_accuracy


def test_shuffled_labels_are_read_at_chance_from_a_discriminator(
    digits: dict[str, Dataset],
) -> None:
    """A tenth, within four standard errors of 360 test images."""
    features = discriminator_features(pair().discriminator)
    training, test = digits["train"], digits["test"]
    draw = torch.Generator().manual_seed(1)
    order, test_order = (torch.randperm(len(part), generator=draw) for part in (training, test))
    a, b = features(training.images), features(test.images)
    honest = read(a, training.labels, b, test.labels)
    shuffled = read(a, training.labels[order], b, test.labels[test_order])
    assert honest.test_accuracy > 0.8
    assert shuffled.test_accuracy == pytest.approx(0.1, abs=4 * (0.09 / len(test)) ** 0.5)


def test_summary_is_of_the_draws() -> None:
    found = summary([Reading(1.0, 0.9, 1e-3), Reading(0.98, 0.8, 1e-4)], "probe_")
    assert found == pytest.approx(
        {
            "probe_train_accuracy": 0.99,
            "probe_train_accuracy_sd": 0.02 / 2**0.5,
            "probe_test_accuracy": 0.85,
            "probe_test_accuracy_sd": 0.1 / 2**0.5,
            "probe_test_accuracy_min": 0.8,
            "probe_test_accuracy_max": 0.9,
        }
    )
    assert summary([Reading(1.0, 0.9, 1e-3)], "")["test_accuracy_sd"] == 0


def test_the_experiments_probe_their_discriminator(
    digits: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what every GAN is measured by; the same numbers at a second call, the mean of five draws."""
    monkeypatch.setattr(gan, "SAMPLES", 100)
    config = replace(dcgan.MINMAX, width=2, judged=False)
    torch.manual_seed(0)
    model = gan.build(config).eval()
    found = probing.evaluate_gan(config, model)
    assert found == probing.evaluate_gan(config, model)
    assert {"probe_train_accuracy", "probe_test_accuracy", "real_probability"} <= set(found)
    five = readings(discriminator_features(model.discriminator), digits["train"], digits["test"])
    assert len(five) == 5
    assert found["probe_test_accuracy"] == pytest.approx(sum(r.test_accuracy for r in five) / 5)
    for name in ("dcgan-mnist", "dcgan-mnist-nonsaturating"):
        assert EXPERIMENTS[name].evaluate is probing.evaluate_gan
        assert EXPERIMENTS[name].tolerances["probe_test_accuracy"] <= 2e-3
    assert EXPERIMENTS["dcgan-mnist"].config.saturating
    assert not EXPERIMENTS["dcgan-mnist-nonsaturating"].config.saturating


def test_the_study_compares_at_every_share(
    digits: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of features at each share; the pre-trained ones read as `readings` reads them."""
    small = replace(dcgan.MINMAX, width=2, judged=False)
    config = replace(
        dcgan.PRETRAINING,
        convolutional_gan=small,
        shares=(0.05, 0.1, 1.0),
        draws=(2, 3, 1),
    )
    alone = replace(
        dcgan.END_TO_END,
        convolutional_gan=small,
        shares=(0.2,),
        updates=60,
        batch_size=32,
        learning_rate=1e-2,
    )
    torch.manual_seed(0)
    discriminator = gan.build(small).discriminator
    monkeypatch.setattr(pretraining, "recorded", lambda name, config: discriminator)
    monkeypatch.setattr(pretraining, "LONGER", 60)
    study = EXPERIMENTS["dcgan-end-to-end-mnist"]
    models = study.build(alone)
    history = study.train(alone, models, Session(torch.device("cpu")))
    assert history.column("images").sum() == 60 * 32 and set(history.column("share")) == {0.2}
    nothing = torch.nn.Identity()
    found = pretraining.evaluate_features(config, nothing)
    for name in ("pixels", "dcgan", "untrained", "fc_gan"):
        for share in ("5", "10", "100"):
            assert 0.5 < found[f"{name}_{share}_test_accuracy"] <= 1, (name, share)
        assert found[f"{name}_100_decay"] == found[f"{name}_10_decay"]  # not searched for again
        assert found[f"{name}_5_test_accuracy"] < found[f"{name}_100_test_accuracy"]
    assert study.evaluate(alone, models)["end_to_end_20_test_accuracy"] > 0.5
    three = readings(
        discriminator_features(discriminator), digits["train"], digits["test"], draws=3
    )
    assert found["dcgan_10_test_accuracy"] == pytest.approx(
        sum(r.test_accuracy for r in three) / 3, abs=1e-6
    )
    assert found == pretraining.evaluate_features(config, nothing)


def test_the_untrained_network_is_always_the_same_and_has_statistics(
    digits: dict[str, Dataset],
) -> None:
    """Its weights are those of its seed, no random state moves, and batch norm does its work in evaluation mode."""
    config = replace(dcgan.PRETRAINING, convolutional_gan=replace(dcgan.MINMAX, width=2))
    torch.manual_seed(5)
    first = torch.rand(())
    torch.manual_seed(5)
    once = pretraining.untrained(config)
    assert torch.equal(torch.rand(()), first)
    again = pretraining.untrained(config)  # from another random state
    assert not once.training
    for key, value in once.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    first_norm = next(i for i, m in enumerate(once.body) if isinstance(m, torch.nn.BatchNorm2d))
    with torch.no_grad():
        raw = once.body[:first_norm](to_float(digits["train"].images))
    norm = once.body[first_norm]
    torch.testing.assert_close(norm.running_mean, raw.mean((0, 2, 3)), rtol=0.05, atol=1e-5)
    torch.testing.assert_close(norm.running_var, raw.var((0, 2, 3)), rtol=0.05, atol=1e-8)


def test_the_yardsticks_counts_are_those_of_their_accuracies(
    digits: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one reader reads rightly alone, less what the other does, is the difference of their accuracies."""
    small = replace(dcgan.MINMAX, width=2, judged=False)
    compared = replace(dcgan.PRETRAINING, dataset="digits", convolutional_gan=small)
    config = replace(dcgan.YARDSTICKS, compared=compared, untrained=2, random_maps=1)
    torch.manual_seed(0)
    discriminator = gan.build(small).discriminator
    monkeypatch.setattr(pretraining, "recorded", lambda name, config: discriminator)
    found = yardsticks.evaluate(config, torch.nn.Identity())
    allowed = yardsticks.tolerances(config)
    assert set(allowed) == {key for key in found if not key.endswith("_decay")}
    images = len(digits["test"])
    for a in ("untrained_0", "untrained_1", "random_0"):
        for b in ("dcgan", "pixels"):
            gap = found[f"{a}_test_accuracy"] - found[f"{b}_test_accuracy"]
            alone = found[f"{a}_alone_beside_{b}"] - found[f"{b}_alone_beside_{a}"]
            assert alone == pytest.approx(gap * images)
    assert found["untrained_0_alone_beside_dcgan"] != found["untrained_1_alone_beside_dcgan"]
    features = discriminator_features(yardsticks.random_map(compared, 0))
    wide = features(digits["test"].images)
    assert wide.shape[1] == discriminator.head.in_features
    assert torch.equal(
        wide, discriminator_features(yardsticks.random_map(compared, 0))(digits["test"].images)
    )


def test_probing_defaults_are_the_assignments() -> None:
    assert (probing.SHARE, probing.DRAWS) == (0.1, 5)
    study = dcgan.PRETRAINING
    assert study.draws[study.shares.index(0.1)] == 5


def test_the_first_mistakes_are_kept_with_their_images(digits: dict[str, Dataset]) -> None:
    test = digits["test"]
    right, shifted = test.labels.clone(), (test.labels + 1) % 10
    some = right.clone()
    some[[5, 9]] = (right[[5, 9]] + 3) % 10
    found = mistakes.kept({"none": right, "all": shifted, "some": some}, test)
    assert len(found["none_at"]) == 0 and len(found["all_at"]) == mistakes.KEPT
    assert found["index"][found["some_at"]].tolist() == [5, 9]
    assert found["some_said"].tolist() == some[[5, 9]].tolist()
    assert found["labels"][found["some_at"]].tolist() == right[[5, 9]].tolist()
    np.testing.assert_array_equal(found["images"][found["some_at"][1]], test.images[9, 0])


def test_mistakes_are_those_that_the_readings_count(
    digits: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(dcgan.MINMAX, width=2, judged=False)
    alone = replace(dcgan.END_TO_END, convolutional_gan=small, shares=(0.2,), updates=60)
    alone = replace(alone, batch_size=32, learning_rate=1e-2)
    config = MistakesConfig(small, alone, shares=(0.1, 1.0))
    torch.manual_seed(0)
    discriminator = gan.build(small).discriminator
    monkeypatch.setattr(pretraining, "recorded", lambda name, config: discriminator)
    monkeypatch.setattr(mistakes.runs, "load", lambda name: collections.defaultdict(lambda: 1e-4))
    model, session = mistakes.build(config), Session(torch.device("cpu"))
    assert len(mistakes.train(config, model, session)) == 10
    wrong, panels = mistakes.evaluate(config, model), mistakes.panels(config, model)
    test = digits["test"]
    for name, of in (("pixels", pixels), ("dcgan", discriminator_features(discriminator))):
        part = digits["train"].subset(labelled(digits["train"].labels, 0.1, 0))
        features = of(part.images), part.labels, of(test.images), test.labels
        share = 1 - wrong[f"{name}_10_wrong"] / len(test.labels)
        assert share == pytest.approx(read(*features, decays=(1e-4,)).test_accuracy)
        assert wrong[f"{name}_100_wrong"] < wrong[f"{name}_10_wrong"]
        assert len(panels[f"{name}_10_at"]) == min(wrong[f"{name}_10_wrong"], mistakes.KEPT)
    study = EXPERIMENTS["dcgan-end-to-end-mnist"]  # the same training, and so the same network
    seed_everything(0)
    models = study.build(alone)
    study.train(alone, models, session)
    accuracy = study.evaluate(alone, models)["end_to_end_20_test_accuracy"]
    assert wrong["end_to_end_20_wrong"] == round((1 - accuracy) * len(test.labels))
