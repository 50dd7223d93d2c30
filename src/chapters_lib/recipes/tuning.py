"""The search for what a sheet leaves free, by validation −ELBO: epochs, learning-rate schedule, KL warm-up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from chapters_lib import data
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import cache_root
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import VaeConfig, split
from chapters_lib.recipes.vae import build as build_vae
from chapters_lib.recording.experiment import Metrics, Session
from chapters_lib.reproducibility import seed_everything
from chapters_lib.training import History

if TYPE_CHECKING:
    import optuna


SPACE: dict[str, tuple[Any, ...]] = {
    "epochs": (10, 20, 40),
    "schedule": ("constant", "cosine"),
    "warm_up": (0, 5, 10),
}  # what the sheet leaves free; a warm-up rises over that many epochs

TRIALS = 8
ATTEMPTS, PAUSE = 5, 0.3  # to open a storage that others open, too; seconds between
RECORD = "vae-fashion-mnist-tuning"


@dataclass(frozen=True)
class TuningConfig:
    """What is searched: everything in `base` stays, but for the keys of its space."""

    dataset: str
    base: VaeConfig
    trials: int
    epochs: tuple[int, ...] = SPACE["epochs"]
    schedule: tuple[str, ...] = SPACE["schedule"]
    warm_up: tuple[int, ...] = SPACE["warm_up"]

    @property
    def space(self) -> dict[str, tuple[Any, ...]]:
        """The choices, by what they are of."""
        return {key: getattr(self, key) for key in SPACE}


def study_name(config: TuningConfig) -> str:
    """Return the name of the study in its storage: another for other images, another base or another space."""
    sources = data.load(config.dataset, "train").sha256
    stated = json.dumps([sources, asdict(replace(config, trials=0))], default=str)
    return f"{RECORD}-{hashlib.sha256(stated.encode()).hexdigest()[:16]}"


def open_study(
    storage: str | None = None, name: str = RECORD, *, fresh: bool = False
) -> optuna.Study:
    """Open or make the study of that name, in SQLite below the cache, or at another storage's URL.

    Processes and machines that open the same storage share its trials: of several machines a database's
    server, as ``postgresql://USER@HOST/DATABASE``, since SQLite locks files of one machine alone. A
    `fresh` study forgets the trials that it had.

    Raises `ChaptersError` if the storage cannot be opened.
    """
    import optuna  # a second of importing that only a search needs

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = cache_root()
    url = storage or f"sqlite:///{folder / 'tuning.sqlite3'}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            with contextlib.suppress(KeyError):  # there is none yet
                optuna.delete_study(study_name=name, storage=url)
        return _create(url, name)
    except ImportError as error:
        raise ChaptersError(
            f"{_without_password(url)} needs a package that is not installed; PostgreSQL's is in the extra `cluster`: "
            ".venv/bin/python -m pip install -e '.[cluster]'"
        ) from error
    except Exception as error:
        raise ChaptersError(
            f"cannot open the study at {_without_password(url)} ({type(error).__name__}): name a storage that can be "
            "written, as --storage sqlite:///FILE"
        ) from error


def _create(url: str, name: str) -> optuna.Study:
    import optuna
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    for left in reversed(range(ATTEMPTS)):
        try:
            return optuna.create_study(
                storage=url,
                study_name=name,
                load_if_exists=True,
                direction="minimize",
                sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=6),
            )
        except (IntegrityError, OperationalError, ProgrammingError):
            if not left:
                raise
            time.sleep(PAUSE)  # another process is making the same tables
    raise AssertionError("unreachable")


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def validation_bound(config: VaeConfig, device: torch.device, progress: str = "") -> float:
    """Train `config`, and return −ELBO on its validation images at KL weight 1, in nats an image."""
    _, held = split(config)
    if not held:
        raise ChaptersError("nothing to tune by: hold images out by the configuration's validation")
    seed_everything(0)
    model = build_vae(config).to(device)
    vae.train(config, model, Session(device, progress=progress))
    return sum(vae.bound(config, model.eval(), held).values())


def finished(found: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that came to their end, one of each choice."""
    from optuna.trial import TrialState

    trials: list[optuna.trial.FrozenTrial] = []
    for trial in found.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
        if trial.params not in [earlier.params for earlier in trials]:
            trials.append(trial)
    return trials


def train(
    config: TuningConfig, model: nn.Module, session: Session, storage: str | None = None
) -> History:
    """Try configurations until the study holds `config.trials` different ones; a row each.

    A study that was stopped goes on: finished trials are kept, and one that was under way is
    tried anew. The test set is not touched. ``schedule`` is its place in the space.
    """
    if config.trials > (most := math.prod(map(len, config.space.values()))):
        raise ChaptersError(f"{config.trials} trials, but {most} different choices: try fewer")
    found = open_study(storage, study_name(config), fresh=session.fresh)

    def objective(trial: optuna.Trial) -> float:
        choice: dict[str, Any] = {
            key: trial.suggest_categorical(key, values) for key, values in config.space.items()
        }
        for earlier in finished(found):  # the sampler may propose what it knows
            if earlier.params == choice:
                return float(earlier.value or math.nan)
        label = session.progress and f"{session.progress} trial {trial.number}"
        return validation_bound(replace(config.base, **choice), session.device, label)

    while len(finished(found)) < config.trials:
        found.optimize(objective, n_trials=1)
    trials = finished(found)[: config.trials]
    training, _ = split(config.base)
    images = len(training) // config.base.batch_size * config.base.batch_size  # of an epoch
    return History(
        {
            "trial": number,
            "epochs": trial.params["epochs"],
            "schedule": config.schedule.index(trial.params["schedule"]),
            "warm_up": trial.params["warm_up"],
            "val_negative_elbo": float(trial.value or math.nan),
            "seconds": trial.duration.total_seconds() if trial.duration else math.nan,
            "images": trial.params["epochs"] * images,
        }
        for number, trial in enumerate(trials)
    )


def evaluate(config: TuningConfig, model: nn.Module, storage: str | None = None) -> Metrics:
    """Return the best choice's validation −ELBO, and the choice; the schedule as its place in the space."""
    best = min(
        finished(open_study(storage, study_name(config)))[: config.trials],
        key=lambda trial: float(trial.value or 0),
    )
    return {
        "val_negative_elbo": float(best.value or math.nan),
        "best_epochs": float(best.params["epochs"]),
        "best_schedule": float(config.schedule.index(best.params["schedule"])),
        "best_warm_up": float(best.params["warm_up"]),
    }
