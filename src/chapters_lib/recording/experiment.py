"""What an experiment is: its numbers, and the functions that train, measure and show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib.errors import ChaptersError
from chapters_lib.recording import runs
from chapters_lib.training import History, Session

CPU = torch.device("cpu")
FIVE_SEEDS = tuple(range(5))  # of what a chapter compares, where a training takes under ten minutes
Metrics = dict[str, float]
Panels = dict[str, np.ndarray]
C = TypeVar("C")  # a frozen dataclass that holds an experiment's numbers
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Experiment(Generic[C, M]):
    """A named experiment: its numbers, and the functions that train, measure and show it.

    `chapter`: the page that it is for.
    `build`: makes the untrained model; called after the seed is set.
    `train`: trains the model in place and returns its history.
    `evaluate`: measures the trained model where its weights are, with generators of its own on the
    CPU; `verify` calls it again on the stored weights, so two calls must agree.
    `panels`: returns the arrays that the book's figures need beside the weights.
    `needs`: recorded runs whose weights `train`, `evaluate` or `panels` use (a judge, a model to
    start from).
    `tolerances`: how far a recomputed metric may be from the recorded one, where 1e-3 of its size
    (and at least 1e-6) is not right.
    `half_precision`: whether weights are stored in half precision; the metrics are always those of
    the stored weights.
    `samples`: by the prefix of their metrics, what draws new images: a function of configuration,
    model and count that returns uint8 images, the same at every call; empty for what draws none.
    `repeats`: the experiment that this one would only repeat if the whole data set were at hand.
    `weights_stored`: False for a study of many models, which keeps its numbers alone and cannot be
    verified without training.
    """

    name: str
    chapter: str
    summary: str
    config: C
    build: Callable[[C], M]
    train: Callable[[C, M, Session], History]
    evaluate: Callable[[C, M], Metrics]
    panels: Callable[[C, M], Panels]
    seeds: tuple[int, ...] = (0, 1, 2)
    needs: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)
    half_precision: bool = True
    samples: Mapping[str, Callable[[C, M, int], Tensor]] = field(default_factory=dict)
    weights_stored: bool = True
    repeats: str = ""

    def restored(self) -> M:
        """Return the recorded model of the first seed, in evaluation mode; no random state moves."""
        with torch.random.fork_rng(devices=[]):
            model = self.build(self.config)
        return runs.load(self.name).restore(model)

    def stored_form(self, model: M) -> M:
        """Return the model as its record will hold it: on the CPU, rounded as stored, in evaluation mode."""
        stored, model = self.stored_weights(model), model.cpu()
        if stored:
            model.load_state_dict(
                {
                    name.removeprefix("model."): value.float()
                    if value.is_floating_point()
                    else value
                    for name, value in stored.items()
                }
            )
        return model.eval()

    def stored_weights(self, model: M) -> dict[str, Tensor]:
        """Return the weights that the record keeps, named below ``model``; none of a study."""
        if not self.weights_stored:
            return {}
        state = model.cpu().state_dict()
        if self.half_precision:
            return runs.half(state)
        return {f"model.{name}": value for name, value in state.items()}

    def measure(self, model: M, device: torch.device = CPU) -> Metrics:
        """Return a model's metrics, computed on a device; ChaptersError if one is not finite.

        The model is on the CPU before and after.
        """
        try:
            metrics = self.evaluate(self.config, model.to(device))
        finally:
            model.cpu()
        for key, value in metrics.items():
            if not math.isfinite(value):
                raise ChaptersError(f"{self.name}: {key} came out as {value}; nothing was recorded")
        return {key: float(value) for key, value in metrics.items()}


def restored(kind: Callable[..., C], build: Callable[[C], M], name: str) -> tuple[C, M]:
    """Return the configuration of a recorded model, and the model of its first seed."""
    run = runs.load(name)
    config = run.config_as(kind)
    return config, run.restore(build(config))


def build_nothing(config: object) -> nn.Module:
    """Make nothing: a study of measures trains no model."""
    return nn.Identity()


def measure_nothing(config: object, model: nn.Module, session: Session) -> History:
    """Return one empty epoch: all of such a study is in its metrics."""
    return History([{"epoch": 1, "seconds": 0.0}])


def no_panels(config: Any, model: nn.Module) -> Panels:
    """Keep no arrays: the history and the metrics say all."""
    return {}


def measurement(
    name: str,
    chapter: str,
    summary: str,
    config: C,
    evaluate: Callable[[C, nn.Module], Metrics],
    panels: Callable[[C, nn.Module], Panels] = no_panels,
    *,
    history: Callable[[C, nn.Module, Session], History] = measure_nothing,
    needs: tuple[str, ...] = (),
    tolerances: Mapping[str, float] | None = None,
) -> Experiment[C, nn.Module]:
    """Make an experiment that trains nothing: it measures recorded runs, or data, and keeps numbers alone.

    `history`: returns rows of numbers where metrics do not hold all.
    """
    return Experiment(
        name,
        chapter,
        summary,
        config,
        build_nothing,
        history,
        evaluate,
        panels,
        seeds=(0,),
        needs=needs,
        tolerances=tolerances or {},
        weights_stored=False,
    )
