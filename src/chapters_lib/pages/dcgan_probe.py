"""What the cells of the page on the DCGAN call for the probe: what its features know, and the page's own small run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.data import to_float
from chapters_lib.experiments import find
from chapters_lib.models.gan import GAN, Discriminator, unmoved
from chapters_lib.pages import check, run, table
from chapters_lib.pages.dcgan_pretraining import FIRST, JUDGE, MINMAX, OTHER, RUNS, keep
from chapters_lib.recipes.probing import Features, Reading
from chapters_lib.recording import runs
from chapters_lib.reproducibility import generator

STUDY, END_TO_END = "dcgan-pretraining-mnist", "dcgan-end-to-end-mnist"
STUDIED, ALONE = find(STUDY).config, find(END_TO_END).config
KINDS = {  # by their key: name in the table, number, name in the figure
    "pixels": ("pixels", 784, "pixels"),
    "untrained": ("untrained discriminator", 8192, "untrained"),
    "fc_gan": ("fully connected GAN's", 256, "fully connected GAN"),
    "dcgan": ("DCGAN's, min-max", 8192, "DCGAN"),
}
SHARES = [100 * share for share in STUDIED.shares]
GOAL = 0.98


def numbers() -> None:
    """Glue what the text says of the probe, and check it."""
    _of_tenth()
    _of_shares()


@cache
def at_tenth() -> dict[str, float]:
    """Return the test accuracies at a tenth of the labels, by the kind of features."""
    study = run(STUDY)
    found = {key: study[f"{key}_10_test_accuracy"] for key in KINDS}
    return found | {"end_to_end": run(END_TO_END)["end_to_end_10_test_accuracy"]}


def sampling() -> float:
    """Return the standard error that the test set's size gives an accuracy like the DCGAN's."""
    share = at_tenth()["dcgan"]
    return math.sqrt(share * (1 - share) / run(MINMAX).data_used["test"]["images"])


def _row(found: runs.Run, prefix: str) -> list[str]:
    """Return the cells of one row, in percent."""
    keys = ("train_accuracy", "test_accuracy", "test_accuracy_sd")
    worst, best = (100 * found[f"{prefix}test_accuracy_{end}"] for end in ("min", "max"))
    return [
        *(f"{100 * found[f'{prefix}{key}']:.2f}" for key in keys),
        f"{worst:.2f} to {best:.2f}",
    ]


def table_probe() -> Markdown:
    """Return one linear layer on features of a tenth of the training images."""
    rows = [["Features", "Number", "Train", "Test", "sd", "Test, worst to best draw"]]
    for key, (name, count, _) in KINDS.items():
        rows.append([name, f"{count:,}", *_row(run(STUDY), f"{key}_10_")])
    rows.append(["DCGAN's, non-saturating", "8,192", *_row(run(OTHER), "probe_")])
    alone = _row(run(END_TO_END), "end_to_end_10_")[:2]
    rows.append(["*end to end* (one draw)", "", *alone, "", ""])
    return table(
        "One linear layer on features of 10 % of the training images; accuracies in percent, means over five draws, "
        "with the standard deviation over the draws.",
        "tab-dcgan-probe",
        "30 12 12 12 10 24",
        rows,
    )


def _of_tenth() -> None:
    study, first, other, at = run(STUDY), run(FIRST), run(OTHER), at_tenth()
    sd = {key: study[f"{key}_10_test_accuracy_sd"] for key in KINDS}

    def ahead(key: str, behind: str) -> bool:
        """Whether one kind is better in every draw than another."""
        return study[f"{key}_10_test_accuracy_min"] > study[f"{behind}_10_test_accuracy_max"]

    check(
        {
            "the study read the recorded run": abs(at["dcgan"] - run(MINMAX)["probe_test_accuracy"])
            < 1e-3,
            "five draws": STUDIED.draws[STUDIED.shares.index(0.1)] == 5,
            "trained beats untrained, in every draw": ahead("dcgan", "untrained"),
            "untrained beats pixels, in every draw": ahead("untrained", "pixels"),
            "convolutional beats fully connected, in every draw": ahead("dcgan", "fc_gan"),
            "large features are fitted": all(
                study[f"{key}_10_train_accuracy"] > 0.98 for key in ("dcgan", "untrained")
            ),
            "the draws differ by less than the kinds": max(sd.values())
            < at["dcgan"] - at["untrained"],
            "the shape gives more than the training": at["untrained"] - at["pixels"]
            > at["dcgan"] - at["untrained"],
            "a better game, better features": all(
                run(name)["probe_test_accuracy"] - first["probe_test_accuracy"]
                > first["probe_test_accuracy_sd"]
                for name in RUNS.values()
            ),
            "so does the other loss": other["probe_test_accuracy"]
            > study["untrained_10_test_accuracy_max"],
        }
    )
    keep(
        first_probe=first["probe_test_accuracy"],
        first_probe_sd=first["probe_test_accuracy_sd"],
        dcgan=at["dcgan"],
        dcgan_sd=sd["dcgan"],
        untrained=at["untrained"],
        pixels=at["pixels"],
        whole=at["end_to_end"],
        other=other["probe_test_accuracy"],
        other_sd=other["probe_test_accuracy_sd"],
        dcgan_train=study["dcgan_10_train_accuracy"],
        untrained_train=study["untrained_10_train_accuracy"],
        gain=at["dcgan"] - at["untrained"],
        sampling=sampling(),
        updates=ALONE.updates,
        statistics=f"{STUDIED.statistics_images:,}",
        fc_features=KINDS["fc_gan"][1],
        errors=1 - (1 - at["dcgan"]) / (1 - at["untrained"]),
        goal="reaches" if at["dcgan"] >= GOAL else "does not reach",
        goal_value=GOAL,
        other_word=against(other["probe_test_accuracy"], at["dcgan"], 2 * sampling()),
    )


# How many labels


def curve(key: str) -> np.ndarray:
    """Return the test accuracy of one kind of features at each share of the labels."""
    return np.array([run(STUDY)[f"{key}_{share:g}_test_accuracy"] for share in SHARES])


def shares() -> Figure:
    """Draw the test error over the share of labels, both axes logarithmic."""
    study, alone = run(STUDY), [100 * share for share in ALONE.shares]
    errors = {name: list(100 * (1 - curve(key))) for key, (_, _, name) in KINDS.items()}
    bars = {
        name: [100 * study[f"{key}_{share:g}_test_accuracy_sd"] for share in SHARES]
        for key, (_, _, name) in KINDS.items()
    }
    figure = figures.lines(
        SHARES, errors, bars, xlabel="labelled training images, %", ylabel="test error, %"
    )
    ax = figure.axes[0]
    crosses = [
        100 * (1 - run(END_TO_END)[f"end_to_end_{share:g}_test_accuracy"]) for share in alone
    ]
    ax.plot(alone, crosses, "x", color=figures.INK, markersize=8, label="end to end")
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(SHARES, [f"{share:g}" for share in SHARES])
    low, high = ax.get_ylim()
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50) if low < tick < high]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.tick_params(which="minor", labelleft=False)
    ax.legend()
    return figure


def against(a: float, b: float, margin: float) -> str:
    """Return how a compares with b, in a word or two."""
    return "above" if a - b > margin else "below" if b - a > margin else "level with"


def _of_shares() -> None:
    pixels, untrained, trained = (curve(key) for key in ("pixels", "untrained", "dcgan"))
    lead, at = trained - untrained, at_tenth()
    middle = [i for i, share in enumerate(SHARES) if 0.25 < share < 50]
    enough = next(share for share, value in zip(SHARES, trained, strict=True) if value > pixels[-1])
    few = [i for i, share in enumerate(SHARES) if share < 10]
    one = run(STUDY)["dcgan_1_test_accuracy"], run(END_TO_END)["end_to_end_1_test_accuracy"]
    check(
        {
            "below 10 % the training gives more than the shape": all(
                untrained[i] - pixels[i] < lead[i] for i in few
            ),
            "the trained features lead at each middling share": all(
                lead[i] > 0 and trained[i] > pixels[i] for i in middle
            ),
            "fewer labels do than pixels have altogether": enough < 100,
            "the lead shrinks with many labels": lead[-1] < max(lead),
            "a network with all labels is better": run(JUDGE)["test_accuracy"] > trained[-1],
            "margins in words": {0.01, 0.1} <= set(ALONE.shares),
            "shares above chance": trained.min() > 0.3,
        }
    )
    each = run(MINMAX).data_used["train"]["images"]
    keep(
        fewest_share=f"{SHARES[0]:g}",
        fewest_images=round(STUDIED.shares[0] * each),
        fewest_dcgan=trained[0],
        fewest_pixels=pixels[0],
        enough=f"{enough:g}",
        pixels_all=pixels[-1],
        dcgan_one=one[0],
        whole_one=one[1],
        dcgan_all=trained[-1],
        judge=run(JUDGE)["test_accuracy"],
        at_one=against(*one, 0.01),
        at_ten=against(at["dcgan"], at["end_to_end"], 2 * sampling()),
        lead_one=lead[SHARES.index(1)],
        lead_all=lead[-1],
    )


# The page's own small run


def table_page(
    config: Any,
    last: Mapping[str, float],
    kinds: Mapping[str, Features],
    found: Mapping[str, Mapping[str, float]],
    control: Reading,
    labels: int,
) -> Markdown:
    """Return the small run's probes and the control with shuffled labels; glue and check what the text says."""
    train, test = data.load("digits", "train"), data.load("digits", "test")
    error = 4 * math.sqrt(0.1 * 0.9 / len(test))
    widths = {name: of(test.images[:2]).shape[1] for name, of in kinds.items()}
    trained, without = found["trained discriminator"], found["untrained discriminator"]
    spread = max(trained["test_accuracy_sd"], without["test_accuracy_sd"])
    check(
        {
            "the discriminator has won": last["discriminator_loss"] < 0.05
            and last["real_probability"] > 0.98
            and last["fake_probability"] < 0.02,
            "every probe fits its images": all(
                probe["train_accuracy"] > 0.98 for probe in found.values()
            ),
            "even with shuffled labels": control.train_accuracy == 1,
            "which are read at chance": abs(control.test_accuracy - 0.1) < error,
            "training has bought nothing here": abs(
                trained["test_accuracy"] - without["test_accuracy"]
            )
            < 2 * spread,
        }
    )
    width = f"{widths['trained discriminator']:,}"
    keep(
        page_images=f"{len(train):,}",
        page_epochs=f"{config.epochs}",
        page_labels=labels,
        page_features=width,
        page_loss=last["discriminator_loss"],
        page_real=last["real_probability"],
        page_fake=last["fake_probability"],
        page_control=control.test_accuracy,
        page_control_error=error,
    )
    keys = ("train_accuracy", "test_accuracy", "test_accuracy_sd")
    rows = [["Features", "Number", "Train accuracy", "Test accuracy", "sd over draws"]]
    for name, probe in found.items():
        rows.append([name, f"{widths[name]:,}", *(f"{100 * probe[key]:.1f} %" for key in keys)])
    shuffled = [f"{100 * share:.1f} %" for share in (control.train_accuracy, control.test_accuracy)]
    rows.append(["trained, labels shuffled", width, *shuffled, "(one draw)"])
    return table(
        "The small run: one linear layer, trained on a tenth of the digits; means over five draws.",
        "tab-dcgan-page",
        "32 12 18 18 20",
        rows,
    )


def digits_layers(by_layer: Mapping[str, Sequence[float]]) -> None:
    """Check what the exercise on earlier layers says."""
    lowest = min(min(values) for values in by_layer.values())
    check({"every layer is far above chance": lowest > 0.7})


# What goes wrong


@cache
def _cover() -> dict[int, tuple[Tensor, Tensor]]:
    """Return by kernel how often each output pixel is written to, and its size under random weights."""

    def output(kernel: int, inputs: Tensor, weight: Tensor) -> Tensor:
        more = int(kernel == 3)  # so that the size doubles
        return F.conv_transpose2d(inputs, weight, stride=2, padding=1, output_padding=more)

    draw, maps = generator(0), {}
    for kernel in (3, 4):
        ones = torch.ones(1, 1, kernel, kernel)
        count = output(kernel, torch.ones(1, 1, 7, 7), ones)[0, 0]
        constant = torch.randn(1, 16, 1, 1, generator=draw).expand(1, 16, 7, 7)
        weight = torch.randn(16, 4000, kernel, kernel, generator=draw)
        maps[kernel] = count, output(kernel, constant, weight)[0].square().mean(0).sqrt()
    return maps


def checkerboard() -> Figure:
    """Draw cover and output under random weights of kernels of 3 and of 4."""
    figure, axes = figures.panels(2, 2, width=4.2, height=2.0)
    for column, (kernel, maps) in enumerate(_cover().items()):
        for row, (values, name) in enumerate(zip(maps, ("cover", "random weights"), strict=True)):
            ax = axes[2 * row + column]
            ax.imshow(values / values.max(), cmap="gray", vmin=0, vmax=1)
            ax.set_axis_off()
            ax.set_title(f"kernel {kernel}: {name}")
    return figure


def cover() -> None:
    """Glue how far the brightest and the darkest quarter of the pixels are apart, and check the counts."""
    inner, ratio = slice(2, -2), {}
    for kernel, (_, values) in _cover().items():
        block = values[inner, inner].square()
        parity = torch.stack([block[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
        ratio[kernel] = float((parity.max() / parity.min()).sqrt())
    counts = {
        kernel: sorted(count[inner, inner].unique().tolist())
        for kernel, (count, _) in _cover().items()
    }
    keep(ratio_three=ratio[3], ratio_four=ratio[4])
    check(
        {
            "kernel 3 covers 1, 2 or 4 times": counts[3] == [1, 2, 4],
            "kernel 4 always 4 times": counts[4] == [4],
            "the pattern is in the output, too": 1.7 < ratio[3] < 2.3 and ratio[4] < 1.2,
        }
    )


def digits_modes(discriminator: Discriminator) -> None:
    """Glue how far one image's features are apart in two batches in training mode; check evaluation mode."""
    network = deepcopy(discriminator).requires_grad_(False)
    x = to_float(data.load("digits", "test").images)
    first, second = x[:32], torch.cat([x[:1], x[100:131]])

    def moved(mode: bool) -> tuple[float, bool]:
        probe = deepcopy(network).train(mode)
        before = {key: value.clone() for key, value in probe.named_buffers()}
        one, other = probe.features(first)[0], probe.features(second)[0]
        drifted = any(not torch.equal(v, before[k]) for k, v in probe.named_buffers())
        return float((one - other).norm() / one.norm()), drifted

    (in_training, drifted), (in_evaluation, still) = moved(True), moved(False)
    keep(apart=in_training)
    check(
        {
            "batch mates matter in training mode": in_training > 0.05 and drifted,
            "and not in evaluation mode": in_evaluation < 1e-5 and not still,
        }
    )


@torch.no_grad()
def digits_averages(pair: GAN, noise: int) -> None:
    """Glue the mean logit of samples by the averages of real images, and by their own statistics."""
    network = deepcopy(pair.discriminator)
    fake = pair.generator.eval()(torch.randn(256, noise, generator=generator(3)))
    by_real = float(network.eval()(fake).mean())
    with unmoved(network.train()):
        by_own = float(network(fake).mean())
    keep(by_real=by_real, by_own=by_own)
    check({"the mode matters": abs(by_real - by_own) > 0.5})
