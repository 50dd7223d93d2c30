"""Two studies beside the autoencoder: which configuration to record, and what more code units would buy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from chapters_lib import data
from chapters_lib.data import to_float
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.recipes import autoencoder
from chapters_lib.recipes.autoencoder import AutoencoderConfig, reconstruction_mse
from chapters_lib.recording.experiment import Metrics, Session
from chapters_lib.recording.study import Case, numbered, trained
from chapters_lib.training import History

Cases = Sequence[Case[AutoencoderConfig]]


@dataclass(frozen=True)
class CandidatesConfig:
    """Candidates that are trained on a part of the train split and compared on the rest of it."""

    dataset: str
    candidates: tuple[AutoencoderConfig, ...]
    validation: float = 0.1
    split_seed: int = 0  # in the records, where it is 0: one split serves all


@dataclass(frozen=True)
class CodeSizeConfig:
    """Autoencoders that differ in their code's size alone."""

    dataset: str
    base: AutoencoderConfig
    sizes: tuple[int, ...] = (1, 2, 3, 8, 32)


def label(config: AutoencoderConfig) -> str:
    """Return a candidate's name, as ``512-512-256-batch-64-sine-dropout-noise``, without what it lacks."""
    parts = [*map(str, config.hidden), f"batch-{config.batch_size}"]
    parts += ["sine"] * (config.frequency > 0) + ["dropout"] * (config.dropout > 0)
    return "-".join(parts + ["noise"] * (config.code_noise > 0))


def candidates(config: CandidatesConfig) -> Cases:
    """Return the candidates as cases of a study."""
    return numbered({label(found): found for found in config.candidates}, "candidate")


def train_candidate(
    validation: float, config: AutoencoderConfig, model: Autoencoder, session: Session
) -> History:
    """Train on the train split but for the share held out, and follow the error on that."""
    rest, held = data.training_split(config.dataset, validation)
    return autoencoder.train(config, model, session, rest, {"val": held})


def evaluate_candidates(validation: float, cases: Cases, models: nn.ModuleDict) -> Metrics:
    """Measure every candidate on the validation images. The test set is not touched."""
    metrics: Metrics = {}
    for name, config, model in trained(cases, models):
        _, held = data.training_split(config.dataset, validation)
        metrics[f"val_mse_{name}"] = reconstruction_mse(model, held)
    return metrics


def sizes(config: CodeSizeConfig) -> Cases:
    """Return one case a code size; its rows carry ``code``."""
    return tuple(
        Case(str(size), replace(config.base, code=size), {"code": size}) for size in config.sizes
    )


def evaluate_sizes(cases: Cases, models: nn.ModuleDict) -> Metrics:
    """Measure the test error of every size, beside PCA's with as many components."""
    dataset = cases[0].config.dataset
    training, test = data.load(dataset, "train"), data.load(dataset, "test")
    pca = fit_pca(to_float(training.images), max(case.config.code for case in cases))
    metrics: Metrics = {}
    for name, config, model in trained(cases, models):
        metrics[f"test_mse_{name}"] = reconstruction_mse(model, test)
        metrics[f"pca_test_mse_{name}"] = pca.mse(to_float(test.images), config.code)
    return metrics
