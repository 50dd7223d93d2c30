"""A recorded machine of few hidden units, drawn from exactly: all its states are weighed, so no chain is needed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from chapters_lib import data
from chapters_lib.evaluation.ais import state_probabilities
from chapters_lib.evaluation.judge import scores
from chapters_lib.recipes import rbm
from chapters_lib.recipes.rbm import CHAINS, RBMConfig
from chapters_lib.recording.experiment import Metrics, restored
from chapters_lib.recording.judging import SAMPLES, load_judge
from chapters_lib.reproducibility import generator


@dataclass(frozen=True)
class ExactDrawsConfig:
    """Whose hidden states are drawn, and how often."""

    machine: str
    dataset: str = "kmnist"
    draws: int = SAMPLES


@torch.no_grad()
def evaluate(config: ExactDrawsConfig, _: nn.Module) -> Metrics:
    """Judge exact draws as the chains' ends are judged, shown as means too.

    ``effective_states`` is the exponential of the hidden states' entropy, ``distinct_states`` how
    many different ones are among as many draws as chains are followed.
    """
    settings, model = restored(RBMConfig, rbm.build, config.machine)
    states, p = state_probabilities(model)
    h = states[torch.multinomial(p, config.draws, replacement=True, generator=generator(0))]
    test = data.load(config.dataset, "test").images
    return scores(load_judge(config.dataset), rbm.pictures(settings, model, h), test) | {
        "effective_states": float(torch.special.entr(p).sum().exp()),
        "distinct_states": len(h[:CHAINS].unique(dim=0)),
    }
