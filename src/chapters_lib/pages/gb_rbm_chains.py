"""The page on the Gaussian–Bernoulli RBM: long chains, samples before the judge, and log Z."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from chapters_lib import figures
from chapters_lib.models.rbm import HiddenChain
from chapters_lib.pages import check, run, table
from chapters_lib.pages.gb_rbm import (
    GROUPS,
    PAGE,
    SHORT,
    SPACE,
    UNITS,
    each,
    longer,
    machine,
    sheet,
    ten,
    value,
)
from chapters_lib.recording.judging import SAMPLES
from chapters_lib.recording.runs import Run
from chapters_lib.reproducibility import generator

MARKS = (0, 1, 10, 100, 1000)  # steps at which chains are shown
MIXING_MARKS = (0, 1, 3, 10, 30, 100, 300, 1000)
JUDGE = "judge-kmnist"


def numbers() -> None:
    """Give the text the numbers of chains, samples and log Z, and hold its claims against them."""
    _mixing()
    _samples()
    _log_z()


def _shown(recorded: Run) -> NDArray[np.float64]:
    """Return the means of ten chains at MARKS as one picture, five from noise beside five from test images."""
    rbm, draw = machine(recorded), generator(0)
    begin = torch.cat([torch.randn(5, 784, generator=draw), ten(recorded)[:5]])
    h, chain, rows, done = rbm.sample_hidden(begin, draw), HiddenChain.of(rbm), [], 0
    mean, sd = (float(number) for number in recorded.panels["statistics"])
    for mark in MARKS:
        h, done = chain.run(h, mark - done, draw), mark
        images = (mean + sd * rbm.visible_mean(h)).clamp(0, 1).reshape(10, 28, 28).numpy()
        left, right = figures.tile(images[:5], 5), figures.tile(images[5:], 5)
        rows.append(np.hstack([left, np.ones((28, 14)), right]))
    return np.vstack([np.pad(row, [(0, 2), (0, 0)], constant_values=1) for row in rows])


def chains() -> Figure:
    """Draw what ten chains of each of the sheet's machines show after 0 to 1000 steps."""
    figure, axes = figures.panels(1, 3, height=2.35)
    for ax, m in zip(axes, UNITS, strict=True):
        ax.imshow(_shown(sheet(m)), cmap="gray", vmin=0, vmax=1)
        ax.set_yticks([30 * i + 14 for i in range(len(MARKS))], [str(mark) for mark in MARKS])
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(f"M = {m}")
    return figure


class Mixing(NamedTuple):
    """What 200 chains from noise and as many from data do, at MIXING_MARKS."""

    noise: list[float]  # mean free energy along the chains, in nats
    data: list[float]
    home: list[
        float
    ]  # share of the chains from data that are nearest to the image where they began
    distinct: int  # hidden states at the end of the chains from noise


@cache
def chains_of(m: int) -> Mixing:
    """Run the chains of the sheet's machine with M units."""
    rbm, images, draw = machine(sheet(m)), ten(sheet(m)), generator(1)
    chain, origin = HiddenChain.of(rbm), torch.arange(200) % 10

    def follow(begin: Tensor) -> tuple[list[float], list[float], int]:
        h, done = rbm.sample_hidden(begin, draw), 0
        energies, home = [], []
        for mark in MIXING_MARKS:
            h, done = chain.run(h, mark - done, draw), mark
            energies.append(float(rbm.free_energy(rbm.sample_visible(h, draw)).mean()))
            nearest = (rbm.visible_mean(h)[:, None] - images).square().sum(2).argmin(1)
            home.append(float((nearest == origin).float().mean()))
        return energies, home, len(h.unique(dim=0))

    noise, _, distinct = follow(torch.randn(200, 784, generator=draw))
    data, home, _ = follow(images.repeat(20, 1))
    return Mixing(noise, data, home, distinct)


def mixing() -> Figure:
    """Draw free energies along chains from noise and from data, and how many stay near their image."""
    figure, axes = figures.panels(3, 2, height=2.1)
    steps = np.array(MIXING_MARKS) + 1
    for above, below, m in zip(axes[:3], axes[3:], UNITS, strict=True):
        found = chains_of(m)
        above.plot(steps, found.noise, marker="o", markersize=3, label="from noise")
        above.plot(steps, found.data, marker="o", markersize=3, label="from data")
        below.plot(steps, found.home, marker="o", markersize=3, color=figures.SERIES_COLOURS[1])
        below.axhline(0.1, color=figures.MUTED, linestyle=":", linewidth=1)
        below.set(xlabel="steps + 1", ylim=(0, 1.05))
        above.set_title(f"M = {m}")
        for ax in (above, below):
            ax.set_xscale("log")
    axes[0].set_ylabel("free energy, nats")
    axes[3].set_ylabel("nearest to own image")
    axes[0].legend()
    return figure


def _mixing() -> None:
    claims = {}
    for m in UNITS:
        found, free = chains_of(m), sheet(m)["test_free_energy"]
        for mark in (0, 100, 1000):
            PAGE.keep(**{f"home_{m}_{mark}": 100 * found.home[MIXING_MARKS.index(mark)]})
        PAGE.keep(**{f"distinct_{m}": str(found.distinct)})
        PAGE.keep(**{f"chain_end_{m}": found.noise[-1], f"data_free_{m}": free})
        claims[f"{m}: data lie far below the machine's own samples"] = free < found.noise[-1] - 100
        start, end = (abs(found.noise[i] - found.data[i]) for i in (0, -1))
        claims[f"{m}: both starts end alike"] = end < 0.2 * start + 5
    for m in (64, 256):
        lost = chains_of(m).home[0] > 0.7 and chains_of(m).home[-1] < 0.25
        claims[f"{m}: chains from data lose their image"] = lost
    small = chains_of(16)
    claims |= {
        "16 units hardly know their image": small.home[0] < 0.5,
        "and keep what they know": small.home[-1] > 0.15,
        "few states at the end for 16 units": small.distinct < 120,
        "all different for 256": chains_of(256).distinct == 200,
    }
    check(claims)


def table_samples() -> Markdown:
    """Return how the judge scores samples of every machine."""
    rows = [["run", "M", "recognisable", "class_entropy", "fid_judge", "parameters", "train s"]]
    scores = {"recognisable": 2, "class_entropy": 2, "fid_judge": 1}
    for label, m, recorded in each():
        judged = [value(recorded, metric, digits) for metric, digits in scores.items()]
        size = [f"{recorded['parameters']:,.0f}", f"{recorded['train_seconds']:.0f}"]
        rows.append([SHORT[label], str(m), *judged, *size])
    real = [f"{run(JUDGE)[metric]:.{digits}f}" for metric, digits in scores.items()]
    rows.append([f"test{SPACE}images", "", *real, "", ""])
    caption = (
        f"Samples before the judge of KMNIST: {SAMPLES:,} chains from noise, {sheet(16).config['sample_steps']} Gibbs "
        "steps each, shown as means. Mean over three seeds ± standard error; train seconds are of one training on a "
        "shared machine. The distance of the test images is to the training images."
    )
    return table(caption, "tab-rbm-samples", "16 7 17 18 17 15 10", rows)


def _samples() -> None:
    judge = run(JUDGE)
    PAGE.keep(judge_accuracy=100 * judge["test_accuracy"])
    PAGE.keep(sample_steps=str(sheet(16).config["sample_steps"]))
    for m in (16, 256):
        PAGE.keep(**{f"{m}_recognisable": sheet(m)["recognisable"]})
        PAGE.keep(**{f"{m}_class_entropy": sheet(m)["class_entropy"]})
        PAGE.keep(**{f"classes_{m}": 10 ** sheet(m)["class_entropy"]})
        PAGE.keep(**{f"{m}_fid_judge": sheet(m)["fid_judge"]})
    distance = longer(256)["fid_judge"]
    PAGE.keep(**{"256_updates_fid_judge": distance})
    PAGE.keep(distance_ratio=distance / judge["fid_judge"])
    claims = {
        "no distance is smaller": distance
        == min(each_run["fid_judge"] for _, _, each_run in each()),
        "all are far from the test images": distance > 10 * judge["fid_judge"],
    }
    for metric, sign in (("class_entropy", 1), ("fid_judge", -1), ("recognisable", -1)):
        early, late = ([sign * group(m)[metric] for m in UNITS] for group in GROUPS.values())
        claims[f"{metric} is ordered by the number of units"] = early[0] < early[1] < early[2]
        more = all(a < b for a, b in zip(early, late, strict=True))
        claims[f"more updates change {metric} as more units do"] = more
    check(claims)


def table_log_z() -> Markdown:
    """Return log Z of every machine, exact and estimated, and the log-density of images."""
    rows = [["run", "M", "exact", "AIS", "sd log w", "chains", "train", "test"]]
    for label, m, recorded in each():
        exact = f"{recorded.metric('log_z_exact').values[0]:.2f}" if m == 16 else "–"
        digits = {"log_z_ais": 2, "log_z_ais_spread": 2, "log_z_ais_effective_chains": 0}
        found = [f"{recorded.metric(metric).values[0]:.{n}f}" for metric, n in digits.items()]
        densities = [value(recorded, f"{split}_log_density", 1) for split in ("train", "test")]
        rows.append([SHORT[label], str(m), exact, *found, *densities])
    config = sheet(16).config
    caption = (
        f"log Z of the first seed, exact and by annealed importance sampling ({config['ais_chains']} chains, "
        f"{config['temperatures']:,} temperatures), with the standard deviation of log w and the number of chains that "
        "carry the mean; and the log-density of images in standardised units, in nats an image, over three seeds ± "
        "standard error."
    )
    return table(caption, "tab-rbm-logz", "15 7 12 12 9 10 17 18", rows)


def _log_z() -> None:
    normal = sheet(16)["test_normal_log_density"]
    PAGE.keep(normal_density=normal, ais_chains=str(sheet(16).config["ais_chains"]))
    worst, step, claims = 0.0, float("inf"), {}
    fewest = {64: float("inf"), 256: float("inf")}
    for label, group in GROUPS.items():
        both = (group(16).metric(metric).values for metric in ("log_z_ais", "log_z_exact"))
        worst = max(worst, *(abs(a - b) for a, b in zip(*both, strict=True)))
        for m in fewest:
            fewest[m] = min(fewest[m], *group(m).metric("log_z_ais_effective_chains").values)
        small, middle, large = densities = [group(m)["test_log_density"] for m in UNITS]
        step = min(step, middle - small, large - middle)
        claims[f"{label}: more units, higher density"] = normal < small < middle < large
        claims[f"{label}: training images are more probable"] = all(
            group(m)["train_log_density"] > test for m, test in zip(UNITS, densities, strict=True)
        )
    PAGE.keep(**{f"{m}_test_log_density": sheet(m)["test_log_density"] for m in UNITS})
    PAGE.keep(ais_worst=worst, ais_fewest=fewest[64], density_step=step)
    claims["the fewest chains are those of 64 units"] = fewest[64] < fewest[256]
    claims["the order of sizes does not hang on the estimate"] = step > 10 * worst
    check(claims)
