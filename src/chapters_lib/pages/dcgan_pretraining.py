"""What the cells of the page on the DCGAN call: its networks, its choices, its samples and its training."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor, nn

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval
from chapters_lib.experiments import find
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import Verdict, less, shown
from chapters_lib.findings.words import number
from chapters_lib.models.dcgan import dcgan
from chapters_lib.models.gan import GAN
from chapters_lib.models.layers import count_parameters, output_shapes
from chapters_lib.pages import Page, check, model, printed, run, table
from chapters_lib.recipes import gan

PAGE = Page("dcgan")
drawing = schematics.dcgan_pretraining
RUNS = {"min-max": "dcgan-mnist", "non-saturating": "dcgan-mnist-nonsaturating"}
MINMAX, OTHER = RUNS.values()
FIRST, CONNECTED, JUDGE = "dcgan-mnist-batch-128", "gan-fc-mnist", "judge-mnist"
MODES = "dcgan-modes-mnist"
CONFIG = find(MINMAX).config
SHEET = {  # the shapes of the sheet's figure
    "generator": [(100,), (256, 7, 7), (128, 14, 14), (64, 28, 28), (32, 28, 28), (1, 28, 28)],
    "discriminator": [(1, 28, 28), (64, 14, 14), (128, 7, 7), (256, 4, 4), (512, 4, 4)],
}
SCORES = {"recognisable": 3, "class_entropy": 4, "fid_judge": 2}


def numbers() -> None:
    """Set the book's look; glue what the text says of the trainings."""
    figures.use_style()
    _of_settings()
    _of_scores()
    _of_first_attempt()
    _of_modes()


def sampled(a: float, b: float, images: int) -> Interval:
    """Return the difference of two shares of so many images each, with its normal 95 % interval."""
    sem = math.sqrt((a * (1 - a) + b * (1 - b)) / images)
    return Interval.about(100 * (a - b), 100 * sem, 1.96)


def _of_settings() -> None:
    minmax = run(MINMAX)
    fixed: dict[str, Any] = {"width": 64, "noise": 100, "dropout": 0.2, "dropout_epochs": 5}
    fixed |= {"saturating": True, "discriminator_norm": True, "fresh_noise": False}
    stated = fixed | {"precision": "bfloat16"}
    attempt = replace(CONFIG, batch_size=128, dropout_epochs=0)
    one_rate = CONFIG.learning_rate == CONFIG.discriminator_rate
    check("the settings of the text", stated.items() <= minmax.config.items())
    check("one rate, which falls", one_rate and CONFIG.decay)
    check("only losses differ", find(OTHER).config == replace(CONFIG, saturating=False))
    check("the first attempt differs by two choices", find(FIRST).config == attempt)
    used = minmax.data_used
    PAGE.keep(images=f"{used['train']['images']:,}", tests=f"{used['test']['images']:,}")
    PAGE.keep(first_batch=str(run(FIRST).config["batch_size"]), noise=str(CONFIG.noise))
    PAGE.keep(hours=f"{minmax['train_seconds'] / 3600:.1f}")
    PAGE.keep(epochs=str(CONFIG.epochs), batch=str(CONFIG.batch_size), beta1=f"{CONFIG.beta1:g}")
    PAGE.keep(rate=f"{CONFIG.learning_rate:g}", dropout=f"{100 * CONFIG.dropout:g}")
    pair = full_width()
    PAGE.keep(d_parameters=f"{count_parameters(pair.discriminator):,}")
    PAGE.keep(g_parameters=f"{count_parameters(pair.generator):,}")


# The networks


def full_width() -> GAN:
    """Return an untrained pair of the recorded width."""
    return dcgan(noise=CONFIG.noise, width=CONFIG.width, dropout=CONFIG.dropout)


def _word(layer: nn.Module) -> str | None:
    """Return what a layer is, in a few words; None for those that go with the one before."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        kind = "transposed\nconv" if isinstance(layer, nn.ConvTranspose2d) else "conv"
        return f"{kind} {layer.kernel_size[0]}, stride {layer.stride[0]}"
    return "linear" if isinstance(layer, nn.Unflatten) else None


def _stages(body: Any, x: Tensor) -> tuple[list[tuple[int, ...]], list[str]]:
    """Return the shapes from the input on, and what leads from each to the next."""
    found = [(word, shape) for layer, shape in output_shapes(body, x) if (word := _word(layer))]
    return [tuple(x.shape[1:]), *(shape for _, shape in found)], [word for word, _ in found]


@cache
def shapes() -> dict[str, tuple[list[tuple[int, ...]], list[str]]]:
    """Return the shapes of both networks, and what leads from each to the next."""
    pair = full_width()
    return {
        "generator": _stages(pair.generator.body, torch.randn(2, CONFIG.noise)),
        "discriminator": _stages(pair.discriminator.body, torch.rand(2, 1, 28, 28)),
    }


def networks() -> Figure:
    """Draw both networks from the shapes of their outputs."""
    (g_shapes, g_words), (d_shapes, d_words) = shapes().values()
    figure, axes = figures.panels(1, 2, height=1.75)
    words = [*g_words[:-1], f"{g_words[-1]},\nsigmoid"]
    figures.network(g_shapes, words, title="Generator", ax=axes[0])
    words = [*d_words, "linear,\nsigmoid"]
    figures.network([*d_shapes, (1,)], words, title="Discriminator", ax=axes[1])
    return figure


# Samples and scores


def samples() -> Figure:
    """Draw twelve new samples of each generator, from the same codes."""
    drawn = {
        f"{name}\nloss": gan.samples(CONFIG, model(found), 12, seed=1).numpy()
        for name, found in RUNS.items()
    }
    return figures.image_rows(drawn)


def table_scores() -> Markdown:
    """Return what the judge says of 10,000 samples of each pair."""
    rows = [["Images", "recognised", "evenness", "distance", "Parameters", "Trainings"]]
    pairs = {"fully connected GAN": CONNECTED, "DCGAN, min-max, first attempt": FIRST}
    for label, name in (pairs | {f"DCGAN, {loss}": name for loss, name in RUNS.items()}).items():
        size = f"{run(name)['parameters']:,.0f}"
        rows.append([label, *printed(run(name), SCORES), size, str(run(name).trainings)])
    real = printed(run(JUDGE), {"recognisable": 3, "class_entropy": 3})
    rows.append(["real test images", *real, "", "", ""])
    caption = (
        "What the judge says of 10,000 samples; ± standard error where there are several trainings."
    )
    return table(caption, "tab-dcgan-scores", "30 17 17 14 14 10", rows)


def _of_scores() -> None:
    pair, connected = [run(name) for name in RUNS.values()], run(CONNECTED).metric("fid_judge")
    distances = [each.metric("fid_judge") for each in pair]
    seen = [each["recognisable"] for each in pair]
    farther = max(distances, key=lambda metric: metric.mean)
    PAGE.keep(fc_fid=number(connected, 2))
    PAGE.keep(fid=number(distances[0], 2), other_fid=number(distances[1], 2))
    PAGE.keep(recognised=f"{100 * seen[0]:.1f}", other_recognised=f"{100 * seen[1]:.1f}")
    PAGE.keep(real_recognised=number(run(JUDGE).metric("recognisable").percent, 1))
    PAGE.claims(nearer=less(farther, connected, spread=connected, digits=2))


def followed(name: str, column: str = "train_fid_judge") -> Any:
    """Return a column of a run's history."""
    return run(name).history.column(column)


def _of_first_attempt() -> None:
    alike, images = CONFIG.dropout_epochs, run(MINMAX).data_used["train"]["images"]
    updates = [
        f"{run(name).config['epochs'] * (images // run(name).config['batch_size']):,}"
        for name in (FIRST, MINMAX)
    ]
    PAGE.keep(first_updates=updates[0], second_updates=updates[1], alike=str(alike))
    PAGE.keep(first_fid=number(run(FIRST).metric("fid_judge"), 2))


# The training


def training() -> Figure:
    """Draw distance and mean of D over the epochs of both losses and the first attempt."""
    figure, (left, right) = figures.panels(2, height=2.6)
    drawn = {**RUNS, "min-max, first attempt": FIRST}
    for (label, name), colour in zip(drawn.items(), figures.SERIES_COLOURS, strict=False):
        epochs = followed(name, "epoch")
        left.plot(epochs, followed(name), color=colour, label=label)
        right.plot(epochs, followed(name, "real_probability"), color=colour, label=label)
        right.plot(epochs, followed(name, "fake_probability"), color=colour, linestyle="--")
    left.set(xlabel="epoch", ylabel="distance to training images", yscale="log")
    left.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    left.minorticks_off()
    for ax in (left, right):
        ax.set_xticks([1, 5, 10, 15])
    right.set(xlabel="epoch", ylabel="mean of D", ylim=(0, 1))
    right.axhline(0.5, color=figures.MUTED, linestyle=":", linewidth=1)
    left.legend()
    return figure


def _of_modes() -> None:
    modes, images = run(MODES), 2 * run(MINMAX).data_used["test"]["images"]
    right = tuple(run(name)["discriminator_accuracy"] for name in (MINMAX, FIRST))
    PAGE.keep(eval_fake=f"{modes['minmax_evaluation_fake']:.2f}")
    PAGE.keep(train_fake=f"{modes['minmax_training_fake']:.2f}")
    PAGE.keep(d_alone=f"{100 * right[0]:.1f}", first_alone=f"{100 * right[1]:.1f}")
    gaps = [
        followed(name, "real_probability") - followed(name, "fake_probability")
        for name in RUNS.values()
    ]
    parts = all(bool((np.diff(gap[CONFIG.dropout_epochs :]) > 0).all()) for gap in gaps)
    told = ", ".join(f"{gap[CONFIG.dropout_epochs]:.2f} to {gap[-1]:.2f}" for gap in gaps)
    alone = shown(sampled(right[0], right[1], images), sign=0, digits=1)
    PAGE.claims(alone=alone, parts=Verdict(parts, told))
