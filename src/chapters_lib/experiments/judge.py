"""The judges: one classifier a data set, behind `recognisable`, `class_entropy` and `fid_judge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chapters_lib import data, runs
from chapters_lib.data import Batches
from chapters_lib.evaluation.fid import frechet_distance, moments
from chapters_lib.evaluation.judge import features_and_probabilities, scores, verdict
from chapters_lib.experiments.base import Experiment, Metrics, Panels, Session
from chapters_lib.models.classifier import Classifier
from chapters_lib.training import History, fit

SAMPLES = 10_000  # judged images of every generative run


@dataclass(frozen=True)
class JudgeConfig:
    """A judge's numbers."""

    dataset: str
    width: int
    epochs: int
    mirror: bool = (
        False  # whether training images are mirrored at random: right for clothes, wrong for digits
    )
    shift: int = 2  # training images are moved by up to this many pixels in both directions
    batch_size: int = 128
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    precision: str = (
        "bfloat16"  # of the convolutions while training; weights and losses are float32
    )


def build(config: JudgeConfig) -> Classifier:
    """Make the untrained classifier."""
    return Classifier(channels=data.channels(config.dataset), width=config.width)


def shifted(x: Tensor, most: int) -> Tensor:
    """Return images moved by random whole pixels, up to `most` each way, zeros moving in; shape (B, C, H, W)."""
    batch, _, height, width = x.shape
    padded = F.pad(x, (most, most, most, most))
    top, left = torch.randint(0, 2 * most + 1, (2, batch), device=x.device)
    rows = (top[:, None] + torch.arange(height, device=x.device))[:, :, None]
    columns = (left[:, None] + torch.arange(width, device=x.device))[:, None, :]
    image = torch.arange(batch, device=x.device)[:, None, None]
    return padded[image, :, rows, columns].permute(0, 3, 1, 2)


def train(config: JudgeConfig, model: nn.Module, session: Session) -> History:
    """Minimise the cross-entropy by AdamW under a one-cycle learning rate (Smith and Topin 2019)."""
    batches = Batches(data.load(config.dataset, "train"), config.batch_size, device=session.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.epochs * len(batches) + 1, pct_start=0.2
    )

    low = config.precision == "bfloat16"

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        x = shifted(x, config.shift)
        if config.mirror:
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
        with torch.autocast(session.device.type, torch.bfloat16, enabled=low):
            logits = model(x)
        loss = F.cross_entropy(logits.float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return {
            "train_cross_entropy": loss.detach(),
            "train_accuracy": (logits.detach().argmax(1) == y).float().mean(),
        }

    model.train()
    return fit(
        step,
        batches,
        epochs=config.epochs,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state={"model": model, "optimizer": optimizer, "schedule": schedule},
    )


def evaluate(config: JudgeConfig, model: nn.Module) -> Metrics:
    """Measure accuracy on the test set, and the yardstick: how the judge scores real test images.

    The yardstick's distance is taken to the training images, every other one of the book to
    the test images.
    """
    assert isinstance(model, Classifier)
    test, training = data.load(config.dataset, "test"), data.load(config.dataset, "train")
    _, probabilities = features_and_probabilities(model, test.images)
    return {
        "test_accuracy": float((probabilities.argmax(1) == test.labels).double().mean()),
        **scores(model, test.images, training.images),
    }


def panels(config: JudgeConfig, model: nn.Module) -> Panels:
    """Keep one image of each class of both splits, the counts of the classes, and the confusion matrix."""
    assert isinstance(model, Classifier)
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    _, probabilities = features_and_probabilities(model, test.images)
    classes = len(training.classes)
    pairs = test.labels * classes + probabilities.argmax(1)
    examples = torch.stack(
        [training.images[training.labels == label][:8] for label in range(classes)]
    )
    return {
        "examples": examples.numpy(),  # uint8 (classes, 8, C, H, W): the first eight of each class
        "train_counts": torch.bincount(training.labels, minlength=classes).numpy(),
        "test_counts": torch.bincount(test.labels, minlength=classes).numpy(),
        "confusion": torch.bincount(pairs, minlength=classes**2).reshape(classes, classes).numpy(),
    }


def load_judge(dataset: str) -> Classifier:
    """Return the recorded judge of a data set."""
    run = runs.load(f"judge-{dataset}")
    judge = run.restore(Classifier(channels=data.channels(dataset), width=run.config["width"]))
    assert isinstance(judge, Classifier)
    return judge


def judged_scores(dataset: str, drawn: Tensor) -> Metrics:
    """Score new images, uint8 (N, C, H, W), by the judge of the data set they imitate.

    Against the test images; ``train_fid_judge`` is the distance to as many training images,
    what may be chosen by; ``class_share_min`` is the share of the class that is seen least.
    """
    judge = load_judge(dataset)
    found = verdict(judge, drawn, data.load(dataset, "train").images[: len(drawn)])
    return scores(judge, drawn, data.load(dataset, "test").images) | {
        "train_fid_judge": found.fid_judge,
        "class_share_min": min(found.class_shares),
    }


def distance_to_training(dataset: str) -> Callable[[Tensor], float]:
    """Return what takes samples to their distance from 10,000 training images, whose features are found once."""
    judge = load_judge(dataset)

    def features(images: Tensor) -> Tensor:
        return features_and_probabilities(judge, images)[0]

    reference = moments(features(data.load(dataset, "train").images[:SAMPLES]))
    return lambda images: frechet_distance(*moments(features(images)), *reference)


JUDGED = {  # how far `judged_scores` may differ when they are recomputed
    "recognisable": 2e-3,
    "class_entropy": 1e-3,
    "fid_judge": 0.05,
    "train_fid_judge": 0.05,
    "class_share_min": 2e-3,
}


def _experiment(config: JudgeConfig) -> Experiment:
    return Experiment(
        name=f"judge-{config.dataset}",
        chapter="evaluation",
        config=config,
        seeds=(0,),
        summary=f"classifier on {config.dataset} that judges samples",
        build=build,
        train=train,
        evaluate=evaluate,
        panels=panels,
        tolerances={"test_accuracy": 3e-4, "recognisable": 1e-3, "class_entropy": 1e-4},
    )


EXPERIMENTS = (
    _experiment(JudgeConfig("mnist", width=24, epochs=12)),
    _experiment(JudgeConfig("fashion-mnist", width=32, epochs=20, mirror=True)),
    _experiment(JudgeConfig("kmnist", width=32, epochs=80)),
    _experiment(JudgeConfig("house-numbers", width=32, epochs=10, shift=0)),
    _experiment(JudgeConfig("svhn", width=32, epochs=12, shift=0)),
)
