"""The recorded judges, and what they make of new images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chapters_lib import data
from chapters_lib.evaluation.judge import (
    distance_to,
    features_and_probabilities,
    scores,
    verdict,
)
from chapters_lib.models.classifier import Classifier
from chapters_lib.recording import runs
from chapters_lib.recording.experiment import C, Experiment, M, Metrics, Panels, Session
from chapters_lib.training import History

SAMPLES = 10_000  # judged images of every generative run


_device: ContextVar[torch.device] = ContextVar("device")


@contextlib.contextmanager
def judging_on(device: torch.device) -> Iterator[None]:
    """Let judges be loaded to a device: that of the models whose images they see."""
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


def load_judge(dataset: str) -> Classifier:
    """Return the recorded judge of a data set, on the CPU if not called within `judging_on`."""
    run = runs.load(f"judge-{dataset}")
    judge = Classifier(channels=data.channels(dataset), width=run.config["width"])
    return run.restore(judge).to(_device.get(torch.device("cpu")))


def judged_scores(dataset: str, drawn: Tensor) -> Metrics:
    """Score new images, uint8 (N, C, H, W), by the judge of the data set they imitate.

    Against the test images, of the samples as many where there are fewer; ``train_fid_judge`` is
    the distance to as many training images, what may be chosen by; ``class_share_min`` is the
    share of the class that is seen least.
    """
    judge = load_judge(dataset)
    found = verdict(judge, drawn, data.load(dataset, "train").images[: len(drawn)])
    test = data.load(dataset, "test").images
    metrics = scores(judge, drawn, test) | {
        "train_fid_judge": found.fid_judge,
        "class_share_min": min(found.class_shares),
    }
    if len(test) < len(drawn):  # a distance is between equal numbers
        metrics["fid_judge"] = distance_to(judge, test)(drawn[: len(test)])
    return metrics


def class_shares(dataset: str, drawn: Tensor) -> np.ndarray:
    """Return the share of each class in uint8 images (N, C, H, W), as the judge sees them; float64 (classes,)."""
    _, probabilities = features_and_probabilities(load_judge(dataset), drawn)
    counts = torch.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    return (counts.double() / len(drawn)).numpy()


def distance_to_training(dataset: str) -> Callable[[Tensor], float]:
    """Return what takes samples to their distance from 10,000 training images, whose features are found once."""
    return distance_to(load_judge(dataset), data.load(dataset, "train").images[:SAMPLES])


JUDGED = {  # how far `judged_scores` may differ when they are recomputed
    "recognisable": 2e-3,
    "class_entropy": 1e-3,
    "fid_judge": 0.05,
    "train_fid_judge": 0.05,
    "class_share_min": 2e-3,
}


def judged(
    build: Callable[[C], M],
    train: Callable[[C, M, Session], History],
    evaluate: Callable[[C, M], Metrics],
    panels: Callable[[C, M], Panels],
    **family: Any,
) -> Callable[..., Experiment[C, M]]:
    """Return what makes a family's experiments of name, page, summary and configuration, and what else differs.

    An experiment needs the judge of its data set, where its configuration says `judged`, and the run that
    training starts from or begins with, where it names one.
    """

    def experiment(
        name: str, chapter: str, summary: str, config: Any, **parts: Any
    ) -> Experiment[C, M]:
        judge = f"judge-{config.dataset}" if config.judged else ""
        before = (getattr(config, field, "") for field in ("start", "begun"))
        needs = tuple(run for run in (judge, *before) if run)
        alike = {"build": build, "train": train, "evaluate": evaluate, "panels": panels}
        return Experiment(
            name, chapter, summary, config, **alike | {"needs": needs} | family | parts
        )

    return experiment
