"""The classifiers that judge samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from chapters_lib import data
from chapters_lib.data import Batches
from chapters_lib.data.augmentation import augmented, shifted
from chapters_lib.evaluation.judge import features_and_probabilities, scores
from chapters_lib.models.classifier import Classifier
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import Metrics, Panels, Session
from chapters_lib.training import History, fit


@dataclass(frozen=True)
class JudgeConfig:
    """A judge's numbers."""

    dataset: str
    width: int
    epochs: int
    mirror: bool = False  # training images at random: right for clothes, wrong for digits
    shift: int = 2  # training images are moved by up to this many pixels in both directions
    batch_size: int = 128
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    precision: str = "bfloat16"  # of the convolutions while training; else float32
    begun: str = ""  # a recorded judge whose weights training begins from
    colour: float = 0.0  # above 0: colours are changed at random, and pixels at the edges repeated


def build(config: JudgeConfig) -> Classifier:
    """Make the untrained classifier."""
    return Classifier(channels=data.channels(config.dataset), width=config.width)


def changed(config: JudgeConfig, x: Tensor) -> Tensor:
    """Return a batch moved at random, and in colour with other colours."""
    if config.colour:
        return augmented(x, config.shift, config.colour).clamp(0, 1)
    return shifted(x, config.shift)


def train(config: JudgeConfig, model: Classifier, session: Session) -> History:
    """Minimise the cross-entropy by AdamW under a one-cycle learning rate (Smith and Topin 2019)."""
    known = data.load(config.dataset, "train").labelled()
    batches = Batches(known, config.batch_size, device=session.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=config.epochs * len(batches) + 1, pct_start=0.2
    )

    low = config.precision == "bfloat16"

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        x = changed(config, x)
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


def train_on(config: JudgeConfig, model: Classifier, session: Session) -> History:
    """Train from the recorded weights that the configuration names, or from the first ones."""
    if config.begun:
        runs.load(config.begun).restore(model)
    return train(config, model, session)


def evaluate(config: JudgeConfig, model: Classifier) -> Metrics:
    """Measure accuracy on the test set, and the yardstick: how the judge scores real test images.

    The yardstick's distance is taken to the training images, every other one of the book to
    the test images.
    """
    test, training = data.load(config.dataset, "test"), data.load(config.dataset, "train")
    _, probabilities = features_and_probabilities(model, test.images)
    return {
        "test_accuracy": float((probabilities.argmax(1) == test.labels).double().mean()),
        **scores(model, test.images, training.images),
    }


def panels(config: JudgeConfig, model: Classifier) -> Panels:
    """Keep one image of each class of both splits, the counts of the classes, and the confusion matrix."""
    training, test = (data.load(config.dataset, split).labelled() for split in ("train", "test"))
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
