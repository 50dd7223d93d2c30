"""What the cells of the page on the DCGAN call for the probe: what its features know, and the page's own small run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation.intervals import Interval, Moments, welch, welch_of_moments
from chapters_lib.evaluation.linear import DECAYS, STEPS
from chapters_lib.experiments import find
from chapters_lib.findings.verdicts import Verdict, shown
from chapters_lib.findings.words import in_words, interval
from chapters_lib.pages import check, run, table
from chapters_lib.pages.dcgan_pretraining import FIRST, MINMAX, OTHER, PAGE, sampled
from chapters_lib.recording import runs
from chapters_lib.reproducibility import generator

STUDY, END_TO_END = "dcgan-pretraining-mnist", "dcgan-end-to-end-mnist"
STUDIED, ALONE = find(STUDY).config, find(END_TO_END).config
YARDSTICKS = "dcgan-yardsticks-mnist"
UNTRAINED, RANDOM = (
    [f"{kind}_{seed}" for seed in range(count)]
    for kind, count in (
        ("untrained", find(YARDSTICKS).config.untrained),
        ("random", find(YARDSTICKS).config.random_maps),
    )
)
KINDS = {  # by their key: name in the table, number, name in the figure
    "pixels": ("pixels", 784, "pixels"),
    "untrained": ("untrained discriminator", 8192, "untrained"),
    "fc_gan": ("fully connected GAN's", 256, "fully connected GAN"),
    "dcgan": ("DCGAN's, min-max", 8192, "DCGAN"),
}
NAMES = {3: "three", 4: "four"}
SHARES = [100 * share for share in STUDIED.shares]


def numbers() -> None:
    """Glue what the text says of the probe."""
    _of_tenth()
    _of_yardsticks()
    _of_shares()


def accuracy(key: str, share: float = 10, split: str = "test") -> float:
    """Return the accuracy of one kind of features at a share of the labels, all in per cent."""
    return 100 * run(STUDY)[f"{key}_{share:g}_{split}_accuracy"]


def alone(share: float) -> float:
    """Return the test accuracy of the network trained end to end, in per cent."""
    return 100 * run(END_TO_END)[f"end_to_end_{share:g}_test_accuracy"]


def drawn(found: runs.Run, prefix: str) -> Moments:
    """Return mean, deviation and number of test accuracies, over draws of a tenth of the labels, in per cent."""
    return 100 * found[f"{prefix}test_accuracy"], 100 * found[f"{prefix}test_accuracy_sd"], 5


def _row(found: runs.Run, prefix: str) -> list[str]:
    """Return the cells of one row, in percent."""
    keys = ("train_accuracy", "test_accuracy", "test_accuracy_sd")
    worst, best = (100 * found[f"{prefix}test_accuracy_{end}"] for end in ("min", "max"))
    return [*(f"{100 * found[f'{prefix}{key}']:.2f}" for key in keys), f"{worst:.2f} to {best:.2f}"]


def table_probe() -> Markdown:
    """Return one linear layer on features of a tenth of the training images."""
    rows = [["Features", "Number", "Train", "Test", "sd", "Test, worst to best draw"]]
    for key, (name, count, _) in KINDS.items():
        rows.append([name, f"{count:,}", *_row(run(STUDY), f"{key}_10_")])
    rows.append(["DCGAN's, non-saturating", "8,192", *_row(run(OTHER), "probe_")])
    whole = _row(run(END_TO_END), "end_to_end_10_")[:2]
    rows.append(["*end to end* (one draw)", "", *whole, "", ""])
    return table(
        "One linear layer on features of 10 % of the training images; accuracies in percent, means over five draws, "
        "with the standard deviation over the draws.",
        "tab-dcgan-probe",
        "30 12 12 12 10 24",
        rows,
    )


def first_draw(names: Sequence[str]) -> list[float]:
    """Return what the first draw's probe reads from each of `readers`' features, in per cent."""
    return [100 * run(YARDSTICKS)[f"{name}_test_accuracy"] for name in names]


def ahead(name: str, other: str) -> Interval:
    """Return by how many points one reader is ahead of another on the same test images, from what each reads alone."""
    images = run(MINMAX).data_used["test"]["images"]
    more, fewer = (
        run(YARDSTICKS)[f"{a}_alone_beside_{b}"] for a, b in ((name, other), (other, name))
    )
    gap = (more - fewer) / images
    sem = math.sqrt(((more + fewer) / images - gap**2) / images)
    return Interval.about(100 * gap, 100 * sem, 1.96)


def _of_yardsticks() -> None:
    """What other first weights and random maps give, and the lead over the best of all of them."""
    by = {"untrained": first_draw(UNTRAINED), "random": first_draw(RANDOM)}
    for kind, values in by.items():
        PAGE.of(kind).keep(count=in_words(len(values)))
        PAGE.of(kind).keep(low=f"{min(values):.2f}", high=f"{max(values):.2f}")
    names = [*UNTRAINED, *RANDOM]
    best = max(names, key=lambda name: first_draw([name])[0])
    lead, record = ahead("dcgan", best), run(YARDSTICKS)
    PAGE.of("lead").keep(best=f"{lead.difference:.1f}", told=interval(lead, 2, bare=True))
    PAGE.of("lead").keep(alone=f"{record[f'dcgan_alone_beside_{best}']:.0f}")
    PAGE.of("lead").keep(other=f"{record[f'{best}_alone_beside_dcgan']:.0f}")
    PAGE.keep(first_draw=f"{first_draw(['dcgan'])[0]:.2f}")
    (pixels,) = first_draw(["pixels"])
    gains = {kind: sum(values) / len(values) - pixels for kind, values in by.items()}
    PAGE.of("map").keep(gain=f"{gains['random']:.1f}", shape=f"{gains['untrained']:.1f}")
    smallest = min(record[f"{name}_decay"] for name in UNTRAINED)
    worst = min(UNTRAINED, key=lambda name: first_draw([name])[0])
    PAGE.claims(
        trained=shown(lead, sign=1, digits=2),
        shape=shown(ahead(worst, "pixels"), sign=1, digits=2),
        inside=Verdict(smallest > min(find(YARDSTICKS).config.decays), f"{smallest:g}"),
        convolutions=shown(welch(by["untrained"], by["random"]), sign=1, digits=2),
    )


def _of_tenth() -> None:
    study = run(STUDY)
    check("five draws of a tenth", STUDIED.draws[STUDIED.shares.index(0.1)] == 5)
    by = {key: drawn(study, f"{key}_10_") for key in KINDS}
    first, other = (drawn(run(name), "probe_") for name in (FIRST, OTHER))
    PAGE.keep(dcgan=f"{by['dcgan'][0]:.2f}", dcgan_sd=f"{by['dcgan'][1]:.2f}")
    PAGE.keep(pixels=f"{by['pixels'][0]:.1f}", untrained=f"{by['untrained'][0]:.1f}")
    for key in ("pixels", "untrained", "dcgan"):
        PAGE.of(key).keep(train=f"{accuracy(key, split='train'):.2f}")
    PAGE.keep(gain=f"{by['dcgan'][0] - by['untrained'][0]:.2f}")
    PAGE.keep(shape=f"{by['untrained'][0] - by['pixels'][0]:.2f}")
    PAGE.keep(other=f"{other[0]:.2f}", first_probe=f"{first[0]:.2f}")
    tests = run(MINMAX).data_used["test"]["images"]
    share = by["dcgan"][0] / 100
    PAGE.keep(sampling=f"{100 * math.sqrt(share * (1 - share) / tests):.2f}")
    passes = run(END_TO_END).config.get("passes", 0)
    more = f" or {passes} passes where these are more" if passes else ""
    PAGE.keep(updates=f"{ALONE.updates} updates{more}", steps=str(STEPS))
    PAGE.keep(decays=", ".join(f"{decay:.9f}".rstrip("0").rstrip(".") for decay in DECAYS))
    PAGE.keep(statistics=f"{STUDIED.statistics_images:,}", fc_features=str(KINDS["fc_gan"][1]))
    PAGE.claims(losses_level=shown(welch_of_moments(other, by["dcgan"]), sign=0, digits=2))


# How many labels


def curve(key: str) -> np.ndarray:
    """Return the test accuracy of one kind of features at each share of the labels."""
    return np.array([accuracy(key, share) for share in SHARES])


def shares() -> Figure:
    """Draw the test error over the share of labels, both axes logarithmic."""
    study, few = run(STUDY), [100 * share for share in run(END_TO_END).config["shares"]]
    errors = {name: list(100 - curve(key)) for key, (_, _, name) in KINDS.items()}
    bars = {
        name: [100 * study[f"{key}_{share:g}_test_accuracy_sd"] for share in SHARES]
        for key, (_, _, name) in KINDS.items()
    }
    axes: Any = {"xlabel": "labelled training images, %", "ylabel": "test error, %"}
    figure = figures.lines(SHARES, errors, bars, **axes)
    ax = figure.axes[0]
    crosses = [100 - alone(share) for share in few]
    ax.plot(few, crosses, "x", color=figures.INK, markersize=8, label="end to end")
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(SHARES, [f"{share:g}" for share in SHARES])
    low, high = ax.get_ylim()
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50) if low < tick < high]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.tick_params(which="minor", labelleft=False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _of_shares() -> None:
    pixels, untrained, trained = (curve(key) for key in ("pixels", "untrained", "dcgan"))
    enough = next(share for share, value in zip(SHARES, trained, strict=True) if value > pixels[-1])
    data_used, lead = run(MINMAX).data_used, trained - untrained
    images, tests = (data_used[split]["images"] for split in ("train", "test"))
    PAGE.keep(fewest_images=f"{STUDIED.shares[0] * images:.0f}")
    PAGE.keep(fewest_dcgan=f"{trained[0]:.1f}", fewest_pixels=f"{pixels[0]:.1f}")
    PAGE.keep(enough=f"{enough:g}", dcgan_all=f"{trained[-1]:.1f}")
    PAGE.of("lead").keep(fewest=f"{lead[0]:.1f}", all=f"{lead[-1]:.1f}")
    steps = ", ".join(f"{value:.1f}" for value in lead)
    PAGE.keep(dcgan_one=f"{accuracy('dcgan', 1):.1f}", whole_one=f"{alone(1):.1f}")
    every = 1.0 in run(END_TO_END).config["shares"]
    fitted = 100 * run(END_TO_END)["end_to_end_10_train_accuracy"]
    PAGE.keep(whole=f"{alone(10):.1f}", whole_train=f"{fitted:.1f}")
    PAGE.keep(whole_all=f"on {alone(100):.1f} % (one training)" if every else "was not recorded")
    gaps = [sampled(alone(share) / 100, accuracy("dcgan", share) / 100, tests) for share in (1, 10)]
    one, ten = (shown(gap, sign=-1, digits=1) for gap in gaps)
    shrinks = Verdict(bool((np.diff(lead) < 0).all()), steps)
    PAGE.claims(at_one=one, at_ten=ten, shrinks=shrinks)


# The page's own small run


def table_page(config: Any, found: Mapping[str, Mapping[str, float]]) -> Markdown:
    """Return the small run's probes and the control with shuffled labels; glue what the text says."""
    train = data.load(config.dataset, "train")
    PAGE.keep(page_images=f"{len(train):,}", page_epochs=str(config.epochs))
    control = found["trained, shuffled labels"]
    PAGE.keep(page_control_train=f"{100 * control['train_accuracy']:.0f}")
    PAGE.keep(page_control=f"{100 * control['test_accuracy']:.0f}")
    for name in ("untrained", "trained"):
        PAGE.keep(**{f"page_{name}": f"{100 * found[name]['test_accuracy']:.1f}"})
    keys = ("train_accuracy", "test_accuracy", "test_accuracy_sd")
    rows = [["Features", "Train accuracy", "Test accuracy", "sd over draws"]]
    rows += [[name, *(f"{100 * of[key]:.1f} %" for key in keys)] for name, of in found.items()]
    return table(
        "The small run: one linear layer, trained on a tenth of the digits; means over five draws.",
        "tab-dcgan-page",
        "37 21 21 21",
        rows,
    )


# What goes wrong


@cache
def cover() -> dict[int, tuple[Tensor, Tensor]]:
    """Return by kernel how often each output pixel is written to, and what 4,000 random layers make of a constant."""

    def output(kernel: int, inputs: Tensor, weight: Tensor) -> Tensor:
        more = int(kernel == 3)  # so that the size doubles
        return F.conv_transpose2d(inputs, weight, stride=2, padding=1, output_padding=more)

    draw, maps = generator(0), {}
    for kernel in (3, 4):
        ones = torch.ones(1, 1, kernel, kernel)
        count = output(kernel, torch.ones(1, 1, 7, 7), ones)[0, 0]
        constant = torch.randn(1, 16, 1, 1, generator=draw).expand(1, 16, 7, 7)
        weight = torch.randn(16, 4000, kernel, kernel, generator=draw)
        maps[kernel] = count, output(kernel, constant, weight)[0]
    return maps


def checkerboard() -> Figure:
    """Draw cover and output under random weights of kernels of 3 and of 4; glue how uneven they are."""
    figure, axes = figures.panels(3, 2, width=5.4, height=1.9)
    for row, (kernel, (count, layers)) in enumerate(cover().items()):
        one, every = layers[0], layers.square().mean(0).sqrt()
        for ax, (name, values, low) in zip(
            axes[3 * row :],
            (("cover", count, 0), ("one layer", one, -1), ("4,000 layers", every, 0)),
            strict=False,
        ):
            ax.imshow(values / values.abs().max(), cmap="gray", vmin=low, vmax=1)
            ax.set_axis_off()
            ax.set_title(f"kernel {kernel}: {name}")
        inside = layers[:, 2:-2, 2:-2]  # where a layer gives all pixels of a class one value
        classes = torch.stack([inside[:, i, j] for i in (0, 1) for j in (0, 1)]).abs()
        of_all = classes.square().mean(1).sqrt()
        single = (classes.amax(0) / classes.amin(0)).median()
        PAGE.of("ratio").keep(**{NAMES[kernel]: f"{of_all.max() / of_all.min():.2f}"})
        PAGE.of("single").keep(**{NAMES[kernel]: f"{single:.1f}"})
    return figure
