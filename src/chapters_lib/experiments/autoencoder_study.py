"""Two studies beside the autoencoder: which configuration to record, and what more code units would buy."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from chapters_lib import data
from chapters_lib.data import stratified_split, to_float
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.experiments import autoencoder
from chapters_lib.experiments.autoencoder import AutoencoderConfig, reconstruction_mse
from chapters_lib.experiments.base import Experiment, Metrics, Panels, Session
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History


@dataclass(frozen=True)
class StudyConfig:
    """Candidates that are trained on a part of the train split and compared on the rest of it."""

    dataset: str
    candidates: tuple[AutoencoderConfig, ...]
    validation: float = 0.1
    split_seed: int = 0


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


def build_candidates(config: StudyConfig) -> nn.ModuleDict:
    """Make the untrained candidates, each from the same random state."""
    return nn.ModuleDict(
        {label(candidate): autoencoder.build(candidate) for candidate in config.candidates}
    )


def train_candidates(config: StudyConfig, models: nn.Module, session: Session) -> History:
    """Train every candidate on the same part of the train split; rows carry the candidate's number."""
    assert isinstance(models, nn.ModuleDict)
    whole = data.load(config.dataset, "train")
    rest, held_out = stratified_split(whole.labels, config.validation, config.split_seed)
    history = History()
    for number, candidate in enumerate(config.candidates):
        seed_everything(0)
        rows = autoencoder.train(
            candidate,
            models[label(candidate)],
            _part(session, label(candidate)),
            whole.subset(rest),
            {"val": whole.subset(held_out)},
        )
        for row in rows:
            history.append({"candidate": number, **row})
    return history


def evaluate_candidates(config: StudyConfig, models: nn.Module) -> Metrics:
    """Measure every candidate on the validation images. The test set is not touched."""
    assert isinstance(models, nn.ModuleDict)
    whole = data.load(config.dataset, "train")
    _, held_out = stratified_split(whole.labels, config.validation, config.split_seed)
    validation = whole.subset(held_out)
    return {
        f"val_mse_{name}": reconstruction_mse(model, validation) for name, model in models.items()
    }


def build_sizes(config: CodeSizeConfig) -> nn.ModuleDict:
    """Make one untrained autoencoder a size."""
    return nn.ModuleDict(
        {str(size): autoencoder.build(replace(config.base, code=size)) for size in config.sizes}
    )


def train_sizes(config: CodeSizeConfig, models: nn.Module, session: Session) -> History:
    """Train every size with the same budget; rows carry ``code``."""
    assert isinstance(models, nn.ModuleDict)
    history = History()
    for size in config.sizes:
        seed_everything(0)
        for row in autoencoder.train(
            replace(config.base, code=size), models[str(size)], _part(session, f"code-{size}")
        ):
            history.append({"code": size, **row})
    return history


def evaluate_sizes(config: CodeSizeConfig, models: nn.Module) -> Metrics:
    """Measure the test error of every size, beside PCA's with as many components."""
    assert isinstance(models, nn.ModuleDict)
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    pca = fit_pca(to_float(training.images), max(config.sizes))
    metrics: Metrics = {}
    for size in config.sizes:
        metrics[f"test_mse_{size}"] = reconstruction_mse(models[str(size)], test)
        metrics[f"pca_test_mse_{size}"] = pca.mse(to_float(test.images), size)
    return metrics


def no_panels(config: object, models: nn.Module) -> Panels:
    """Keep no arrays: the history and the metrics say all."""
    return {}


def _part(session: Session, name: str) -> Session:
    """Return a session with a checkpoint of its own beside the whole's."""
    if session.checkpoint is None:
        return session
    return replace(session, checkpoint=session.checkpoint.part(name))


def _study(base: AutoencoderConfig) -> Experiment:
    short = replace(base, epochs=5, judged=False)
    hidden_dropout, code_noise = (0.0, 0.0) if base.code_noise else (0.1, 0.02)
    candidates = (
        short,
        replace(short, dropout=0.1 - base.dropout),
        replace(short, hidden_dropout=hidden_dropout, code_noise=code_noise),
        replace(short, frequency=0.0),
        replace(short, hidden=(512, 256, 128)),
        replace(short, batch_size=128),
    )
    return Experiment(
        f"ae-study-{base.dataset}",
        "autoencoder",
        f"candidates for the autoencoder on {base.dataset}",
        StudyConfig(base.dataset, candidates),
        build_candidates,
        train_candidates,
        evaluate_candidates,
        no_panels,
        seeds=(0,),
        weights_stored=False,
    )


EXPERIMENTS = (
    *(_study(base) for base in (autoencoder.FASHION, autoencoder.MNIST)),
    Experiment(
        "ae-code-size-fashion-mnist",
        "autoencoder",
        "test error over the code's size on Fashion-MNIST",
        CodeSizeConfig(
            "fashion-mnist",
            replace(autoencoder.FASHION, hidden=(256, 128), epochs=12, judged=False),
        ),
        build_sizes,
        train_sizes,
        evaluate_sizes,
        no_panels,
        seeds=(0,),
        weights_stored=False,
    ),
)
