"""The autoencoder with a narrow bottleneck: how one is trained, measured and shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, to_float
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.judge import scores, to_bytes
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.layers import device_of
from chapters_lib.objectives.reconstruction import mean_squared_error
from chapters_lib.recording.experiment import Metrics, Panels, Session, restored
from chapters_lib.recording.judging import SAMPLES, judged, load_judge
from chapters_lib.reproducibility import generator
from chapters_lib.training import History, fit

TRAIN_EVAL = 10_000  # training images on which the error is followed in evaluation mode


@dataclass(frozen=True)
class AutoencoderConfig:
    """An autoencoder's numbers."""

    dataset: str
    hidden: tuple[int, ...] = (512, 512, 256)
    code: int = 2
    activation: str = "SiLU"  # the class of torch.nn between two layers
    normalized: bool = False
    frequency: float = 1.5  # of the sines that the decoder begins with; 0 for none
    dropout: float = 0.0  # of input pixels
    hidden_dropout: float = 0.0  # of the inputs of the encoder's last hidden layer
    code_noise: float = 0.0  # in standard deviations of each unit
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 1e-3
    clip: float = 0.1  # largest norm of the gradient: a rare large step can undo a training
    precision: str = "bfloat16"  # of the matrix products while training; else float32
    judged: bool = True  # whether samples are judged: the data set needs a recorded judge


def build(config: AutoencoderConfig) -> Autoencoder:
    """Make the untrained autoencoder."""
    return Autoencoder(
        hidden=config.hidden,
        code=config.code,
        normalized=config.normalized,
        activation=getattr(nn, config.activation),
        frequency=config.frequency,
        dropout=config.dropout,
        hidden_dropout=config.hidden_dropout,
        code_noise=config.code_noise,
    )


recorded = partial(restored, AutoencoderConfig, build)  # of a run's name


def train(
    config: AutoencoderConfig,
    model: Autoencoder,
    session: Session,
    training: Dataset | None = None,
    held_out: dict[str, Dataset] | None = None,
) -> History:
    """Minimise the mean squared error by Adam at a one-cycle learning rate.

    Without `training` it is the whole train split. After each epoch the
    error is measured in evaluation mode, without dropout, on a part of
    `training` (``train_eval_mse``) and on the test split (``test_mse``): it
    is plotted, and chooses nothing. ``train_mse`` is the mean over the
    epoch's steps, with dropout.
    """
    training = training or data.load(config.dataset, "train")
    held_out = held_out or {"test": data.load(config.dataset, "test")}
    some = torch.arange(min(len(training), TRAIN_EVAL))
    held_out = {"train_eval": training.subset(some)} | held_out
    device = session.device
    batches = Batches(training, config.batch_size, device=device)
    rate = config.learning_rate
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        rate,
        total_steps=config.epochs * len(batches) + 1,
        pct_start=0.1,
    )
    low = config.precision == "bfloat16"

    def step(x: Tensor, _: Tensor) -> dict[str, Tensor]:
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            x_hat = model(x)
        loss = mean_squared_error(x, x_hat.float())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        schedule.step()
        return {"train_mse": loss.detach()}

    def after_epoch(_: int) -> dict[str, float]:
        found = {}
        for name, part in held_out.items():
            found[f"{name}_mse"] = reconstruction_mse(model, part)
        return found

    model.train()
    return fit(
        step,
        batches,
        epochs=config.epochs,
        after_epoch=after_epoch,
        checkpoint=session.checkpoint,
        progress=session.progress,
        state=dict(model=model, optimizer=optimizer, schedule=schedule),
    )


@torch.no_grad()
def reconstruction_mse(model: Autoencoder, dataset: Dataset) -> float:
    """Return the mean squared error over a whole data set, in evaluation mode."""
    was_training = model.training
    model.eval()
    total = 0.0
    for part in dataset.images.split(2000):
        x = to_float(part.to(device_of(model)))
        total += float(mean_squared_error(x, model(x))) * len(part)
    model.train(was_training)
    return total / len(dataset)


@torch.no_grad()
def image_errors(model: Autoencoder, dataset: Dataset) -> Tensor:
    """Return each image's mean squared error over its pixels, shape (N,), in evaluation mode."""
    model.eval()
    parts = (to_float(part.to(device_of(model))) for part in dataset.images.split(2000))
    return torch.cat([(x - model(x)).square().mean((1, 2, 3)) for x in parts]).cpu()


@torch.no_grad()
def encode(model: Autoencoder, images: Tensor) -> Tensor:
    """Return the codes of uint8 images, shape (N, code), in evaluation mode."""
    was_training = model.training
    model.eval()
    parts = (to_float(part.to(device_of(model))) for part in images.split(2000))
    codes = torch.cat([model.encoder(x) for x in parts])
    model.train(was_training)
    return codes.cpu()


@torch.no_grad()
def decode(model: Autoencoder, codes: Tensor) -> Tensor:
    """Return the images of codes as uint8, in evaluation mode."""
    model.eval()
    parts = (part.to(device_of(model)) for part in codes.split(2000))
    return torch.cat([to_bytes(model.decoder(z)) for z in parts]).cpu()


def standard_normal_codes(count: int, units: int, seed: int = 0) -> Tensor:
    """Draw (count, units) codes from N(0, I) by a generator of its own."""
    return torch.randn(count, units, generator=generator(seed))


def code_box(codes: Tensor) -> Tensor:
    """Return each unit's 0.5 %, 99.5 % quantile of `codes`: (2, units)."""
    return torch.quantile(codes, torch.tensor([0.005, 0.995]), dim=0)


def uniform_codes(count: int, box: Tensor, seed: int = 0) -> Tensor:
    """Draw codes evenly between the rows of `box`, shape (count, units)."""
    shares = torch.rand(count, box.shape[1], generator=generator(seed))
    return box[0] + (box[1] - box[0]) * shares


def fitted_normal_codes(count: int, codes: Tensor, seed: int = 0) -> Tensor:
    """Draw independent normals with the units' moments over `codes`.

    The moments are the mean and the variance.
    """
    standard = standard_normal_codes(count, codes.shape[1], seed)
    return codes.mean(0) + codes.std(0) * standard


def chosen_codes(count: int, codes: Tensor, seed: int = 0) -> Tensor:
    """Draw `count` of `codes` without replacement: codes that the decoder was trained on."""
    return codes[torch.randperm(len(codes), generator=generator(seed))[:count]]


def draw(config: AutoencoderConfig, model: Autoencoder, count: int) -> Tensor:
    """Return what the decoder makes of codes from N(0, I)."""
    return decode(model, standard_normal_codes(count, config.code))


def evaluate(config: AutoencoderConfig, model: Autoencoder) -> Metrics:
    """Measure the errors beside PCA's, and judge what the decoder makes of random codes.

    Keys ``standard_normal_…`` are of codes from N(0, I), ``code_box_…`` of codes drawn evenly
    from the box that holds the central 99 % of each unit's training codes, ``fitted_normal_…``
    of normal codes with the training codes' mean and variance a unit, and ``training_codes_…``
    of training codes themselves, the best that any draw could do.
    ``standard_normal_empty_mass`` and ``…_cell_tv`` say how far N(0, I) is from where the test
    codes lie.
    """
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    pca = fit_pca(to_float(training.images), config.code)
    codes = encode(model, training.images)
    metrics = {
        "train_mse": reconstruction_mse(model, training),
        "test_mse": reconstruction_mse(model, test),
        f"pca{config.code}_train_mse": pca.mse(to_float(training.images)),
        f"pca{config.code}_test_mse": pca.mse(to_float(test.images)),
        "mean_image_test_mse": fit_pca(to_float(training.images), 0).mse(to_float(test.images)),
        "code_sd_max": float(codes.std(0).max()),
        "code_sd_min": float(codes.std(0).min()),
    }
    if config.code == 2:
        test_codes = encode(model, test.images)
        metrics["standard_normal_empty_mass"] = code_statistics.empty_mass(test_codes)
        metrics["standard_normal_cell_tv"] = code_statistics.cell_total_variation(test_codes)
    if config.judged:
        judge = load_judge(config.dataset)
        drawn = {
            "standard_normal_": standard_normal_codes(SAMPLES, config.code),
            "code_box_": uniform_codes(SAMPLES, code_box(codes)),
            "fitted_normal_": fitted_normal_codes(SAMPLES, codes),
            "training_codes_": chosen_codes(SAMPLES, codes),
        }
        for prefix, z in drawn.items():
            metrics |= scores(judge, decode(model, z), test.images, prefix)
    return metrics


def panels(config: AutoencoderConfig, model: Autoencoder) -> Panels:
    """Keep ten random test images, the codes of the test set, and PCA's view of both."""
    training, test = data.load(config.dataset, "train"), data.load(config.dataset, "test")
    chosen = torch.randperm(len(test), generator=generator(0))[:10]
    pca = fit_pca(to_float(training.images), config.code)
    flat = pca.decode(pca.encode(to_float(test.images[chosen])))
    return {
        "images": test.images[chosen].numpy(),  # uint8 (10, 1, 28, 28)
        "labels": test.labels[chosen].numpy(),
        "chosen": chosen.numpy(),
        "pca_images": to_bytes(flat.reshape(-1, 1, 28, 28)).numpy(),
        "test_codes": encode(model, test.images).numpy().astype(np.float32),
        "test_labels": test.labels.numpy().astype(np.uint8),
        "pca_test_codes": pca.encode(to_float(test.images)).numpy().astype(np.float32),
        "pca_mean": pca.mean.numpy().astype(np.float32),  # (pixels,)
        "pca_components": pca.components.numpy().astype(np.float32),  # (code, pixels)
        "test_errors": image_errors(model, test).numpy(),  # float32 (N,): each test image's MSE
        "code_box": code_box(encode(model, training.images)).numpy(),
    }


TOLERANCES = {
    f"{drawn}{key}": bound
    for drawn in ("", "standard_normal_", "code_box_", "fitted_normal_", "training_codes_")
    for key, bound in (("recognisable", 2e-3), ("class_entropy", 1e-3), ("fid_judge", 0.05))
} | {
    # one code that rounding moves across a line may fill a cell
    f"{drawn}{key}": 5e-3
    for drawn in ("standard_normal_", "code_")
    for key in ("empty_mass", "cell_tv")
}

experiment = judged(
    build, train, evaluate, panels, samples={"standard_normal_": draw}, tolerances=TOLERANCES
)
