"""The page on the Gaussian–Bernoulli RBM: long chains, samples before the judge, and log Z."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chapters_lib import figures
from chapters_lib.evaluation.intervals import paired, welch
from chapters_lib.evaluation.judge import SURE
from chapters_lib.findings.verdicts import Verdict, below, both, greater, less, shown
from chapters_lib.findings.words import number, signed
from chapters_lib.models.rbm import HiddenChain
from chapters_lib.pages import run, table
from chapters_lib.pages.gb_rbm import (
    EXACT,
    JUDGE,
    PAGE,
    UNITS,
    distance_later,
    each,
    machine,
    sheet,
    ten,
)
from chapters_lib.recipes.rbm import Mixing, follow_chains
from chapters_lib.recording.judging import SAMPLES
from chapters_lib.recording.runs import Metric, Run
from chapters_lib.reproducibility import generator

MARKS = (0, 1000)  # steps at which chains are shown
MIXING_MARKS = (0, 1, 3, 10, 30, 100, 300, 1000)


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
    mean, sd = (float(value) for value in recorded.panels["statistics"])
    for mark in MARKS:
        h, done = chain.run(h, mark - done, draw), mark
        images = (mean + sd * rbm.visible_mean(h)).clamp(0, 1).reshape(10, 28, 28).numpy()
        left, right = figures.tile(images[:5], 5), figures.tile(images[5:], 5)
        rows.append(np.hstack([left, np.ones((28, 14)), right]))
    return np.vstack([np.pad(row, [(0, 2), (0, 0)], constant_values=1) for row in rows])


def chains() -> Figure:
    """Draw what ten chains of the smallest and the largest machine show after 0 and 1000 steps."""
    figure, axes = figures.panels(2, height=0.9)
    for ax, m in zip(axes, (UNITS[0], UNITS[-1]), strict=True):
        ax.imshow(_shown(sheet(m)), cmap="gray", vmin=0, vmax=1)
        ax.set_yticks([30 * i + 14 for i in range(len(MARKS))], [str(mark) for mark in MARKS])
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(f"{m} hidden units")
    axes[0].set_ylabel("Gibbs steps")
    return figure


@cache
def chains_of(m: int) -> Mixing:
    """Run the chains of the sheet's machine with M units, of the first seed."""
    return follow_chains(machine(sheet(m)), ten(sheet(m)), MIXING_MARKS, generator(1))


def mixing() -> Figure:
    """Draw how the chains from noise and from data come together, and how many stay near their image."""
    figure, (left, right) = figures.panels(2, height=2.5)
    steps = np.array(MIXING_MARKS) + 1
    for m, marker in zip(UNITS, "os^", strict=True):
        found = chains_of(m)
        apart = found.noise.mean(1) - found.data.mean(1)
        for ax, values in ((left, apart), (right, 100 * found.home.mean(1))):
            ax.plot(steps, values, marker=marker, markersize=4, label=f"{m} hidden units")
    left.axhline(0, color=figures.MUTED, linestyle=":", linewidth=1)
    right.axhline(10, color=figures.MUTED, linestyle=":", linewidth=1)
    left.set(ylabel="free energy: noise − data, nats")
    right.set(ylabel="nearest to own image, %", ylim=(0, 105))
    for ax in (left, right):
        ax.set(xlabel="Gibbs steps + 1", xscale="log")
    right.legend()
    return figure


def _mixing() -> None:
    leaves, chance, typical, spared = [], [], [], list[float]()
    for m in UNITS:
        found = chains_of(m)
        PAGE.keep(**{f"chain_end_{m}": signed(float(found.noise[-1].mean()), 0)})
        data = torch.from_numpy(sheet(m).panels["test_free_energy"])
        PAGE.keep(**{f"data_free_{m}": signed(float(data.mean()), 0)})
        misfit = 784 / 2 * sheet(m)["test_mse"]  # of the noise's 392 nats, what the data cost
        PAGE.keep(**{f"misfit_{m}": f"{misfit:.0f}", f"spared_{m}": f"{392 - misfit:.0f}"})
        spared.append((392 - misfit) / float(found.noise[-1].mean() - data.mean()))
        begin, end = (found.home[i].reshape(20, 10).mean(0) for i in (0, -1))  # of each image
        leaves.append(shown(paired(end, begin), sign=-1))
        chance.append(shown(paired(end, torch.full((10,), 0.1).double()), sign=0))
        typical.append(shown(welch(data, found.noise[-1]), sign=-1, digits=0))
    PAGE.keep(distinct_16=str(chains_of(16).distinct))
    for m, mark in ((16, 0), (16, 1000), (256, 0), (256, 100), (256, 1000)):
        share = float(chains_of(m).home[MIXING_MARKS.index(mark)].mean())
        PAGE.keep(**{f"home_{m}_{mark}": 100 * share})
    near = all(abs(ratio - 1) < 0.25 for ratio in spared)
    # Chains that have forgotten are at home by chance, 10 %, with a standard deviation of at most 3.5 %.
    late = float(chains_of(16).home[-1].mean())
    PAGE.claims(slow=Verdict(late > 0.17, f"{100 * late:.0f} %"), spared=Verdict(near, f"{spared}"))
    PAGE.claims(leaves=both(*leaves[1:]), chance=both(*chance[1:]), untypical=both(*typical))


def classes(recorded: Run) -> Metric:
    """Return how many classes, equally often, have the entropy of the samples' classes."""
    return Metric.of(10**entropy for entropy in recorded.metric("class_entropy").values)


def table_samples() -> Markdown:
    """Return how the judge scores samples of every machine."""
    rows = [["hidden units", "recognised, %", "classes, of 10", "distance"]]
    for label, _, recorded in each():
        rows.append([label, number(recorded.metric("recognisable").percent, 1)])
        rows[-1] += [number(classes(recorded), 2), number(recorded.metric("fid_judge"), 1)]
    for label, found in {"16, exact draws": run(EXACT), "test images": run(JUDGE)}.items():
        rows.append([label, f"{100 * found['recognisable']:.1f}", number(classes(found), 2)])
        rows[-1].append(f"{found['fid_judge']:.1f}")
    caption = (
        f"{SAMPLES:,} samples of each machine before the judge: chains from noise of "
        f"{sheet(16).config['sample_steps']} Gibbs steps, shown as means. *Exact draws* are of the first training, "
        f"with no chain. *Recognised*: the judge gives some class a probability of at least {SURE:g}, right or wrong. "
        "*Classes*: the number of equally frequent "
        "classes with the entropy of the judged ones. *Distance*: Fréchet, in the judge's features, to the test "
        "images; that of the test images is to training images. Mean over seeds ± standard error."
    )
    return table(caption, "tab-rbm-samples", "34 22 22 22", rows)


def _samples() -> None:
    judge, exact = run(JUDGE), run(EXACT)
    PAGE.keep(exact_recognised=100 * exact["recognisable"])
    PAGE.keep(exact_distinct=f"{exact['distinct_states']:.0f}")
    PAGE.keep(judge_accuracy=100 * judge["test_accuracy"], real_distance=judge["fid_judge"])
    PAGE.keep(sample_steps=str(sheet(16).config["sample_steps"]))
    for m in UNITS:
        PAGE.of(f"{m}").keep(classes=number(classes(sheet(m)), 1))
    for m in (16, 256):
        PAGE.of(f"{m}").keep(
            recognised=number(sheet(m).metric("recognisable").percent, 1),
            distance=number(sheet(m).metric("fid_judge"), 0),
        )
    distance, share = (
        {m: sheet(m).metric(key) for m in UNITS} for key in ("fid_judge", "recognisable")
    )
    later, best = distance_later()
    PAGE.keep(distance_later=later, best_machine=best)
    PAGE.claims(
        recognised=less(share[256], share[16]),
        exact=below(exact.metric("recognisable"), 0.5 * share[16].values[0]),
        classes=both(*(less(classes(sheet(a)), classes(sheet(b))) for a, b in ((16, 64), (64, 256)))),
        nearer=both(less(distance[64], distance[16]), less(distance[256], distance[64])),
    )  # fmt: skip


def table_log_z() -> Markdown:
    """Return log Z of every machine, exact and estimated, and the log-density of images."""
    rows = [["hidden units", "exact", "annealed", "chains", "log-density"]]
    for label, m, recorded in each():
        exact = f"{recorded.metric('log_z_exact').values[0]:.2f}" if m == 16 else "–"
        digits = {"log_z_ais": 2, "log_z_ais_effective_chains": 0}
        found = [f"{recorded.metric(metric).values[0]:.{n}f}" for metric, n in digits.items()]
        rows.append([label, exact, *found, number(recorded.metric("test_log_density"), 1)])
    config = sheet(16).config
    caption = (
        f"$\\log Z$ of the first training, exact and by annealed importance sampling ({config['ais_chains']} chains, "
        f"{config['temperatures']:,} temperatures), with the number of chains that carry the mean; and the "
        "log-density of test images in standardised units, by the exact $Z$ where there is one, over seeds ± "
        "standard error."
    )
    return table(caption, "tab-rbm-logz", "29 14 16 13 28", rows)


def _log_z() -> None:
    normal = sheet(16).metric("test_normal_log_density")
    both_of = [
        zip(*(r.metric(f"log_z_{of}").values for of in ("exact", "ais")), strict=True)
        for _, m, r in each()
        if m == 16
    ]
    PAGE.keep(normal_density=signed(normal.mean, 0), ais_chains=str(sheet(16).config["ais_chains"]))
    PAGE.keep(ais_worst=max(abs(a - b) for pairs in both_of for a, b in pairs))
    density = {m: sheet(m).metric("test_log_density") for m in UNITS}
    carrying = "log_z_ais_effective_chains"
    fewest = [min(r.metric(carrying).values) for _, m, r in each() if m > 16]
    PAGE.keep(ais_fewest=min(fewest))
    for m in UNITS:
        PAGE.of(f"{m}").keep(density=number(density[m], 1))
    PAGE.claims(
        density=both(
            greater(density[16], normal, digits=0),
            greater(density[64], density[16], digits=0),
            greater(density[256], density[64], digits=0),
        )
    )
