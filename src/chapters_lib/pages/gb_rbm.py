"""The page on the Gaussian–Bernoulli RBM: settings, reconstructions, hidden units, standardisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.pages import Page, below, check, model, run, table
from chapters_lib.recording.runs import Run

PAGE = Page("rbm")
UNITS = (16, 64, 256)
GLOBAL = "rbm-kmnist-64-global"  # standardised by the train split's statistics
SPACE = "\u00a0"


def numbers() -> None:
    """Give the text the numbers of the recorded machines, and hold its claims against them."""
    figures.use_style()
    _settings()
    _errors()
    _hidden_units()
    _standardisation()


def sheet(m: int) -> Run:
    """Return the run of M hidden units and the sheet's 25 epochs."""
    return run(f"rbm-kmnist-{m}")


def longer(m: int) -> Run:
    """Return the run of M hidden units and as many updates as 25 epochs of 60,000 images make."""
    return run(f"rbm-kmnist-{m}-updates")


GROUPS: dict[str, Callable[[int], Run]] = {"25 epochs": sheet, "as many updates": longer}
SHORT = {"25 epochs": f"25{SPACE}epochs", "as many updates": "updates"}  # in tables


def each() -> list[tuple[str, int, Run]]:
    """Return all runs of both groups, each with its group and its number of hidden units."""
    return [(label, m, group(m)) for label, group in GROUPS.items() for m in UNITS]


def short(recorded: Run) -> str:
    """Return how the numbers of a run are called: ``64_updates``."""
    return recorded.name.removeprefix("rbm-kmnist-").replace("-", "_")


def machine(recorded: Run) -> GaussianBernoulliRBM:
    """Return the recorded machine of a run, its parameters no longer to be learned."""
    return model(recorded.name).requires_grad_(False)


def value(recorded: Run, metric: str, digits: int) -> str:
    """Return a metric and its standard error as tables show them."""
    found = recorded.metric(metric)
    return f"{found.mean:.{digits}f}{SPACE}±{SPACE}{found.sem:.{digits}f}"


def ten(recorded: Run, split: str = "test") -> Tensor:
    """Return the ten kept images of a split as the machine sees them, shape (10, 784)."""
    panels = recorded.panels
    pixels = panels[f"{split}_images"].reshape(10, 784) / 255
    standardised = (pixels - panels[f"{split}_mean"]) / panels[f"{split}_sd"]
    return torch.tensor(standardised, dtype=torch.float32)


def _settings() -> None:
    of = sheet(16).provenance["data"]
    images, per_epoch, full = of["train"]["images"], of["train"]["images"] // 128, 60_000 // 128
    PAGE.keep(train_images=f"{images:,}", test_images=f"{of['test']['images']:,}")
    PAGE.keep(sheet_updates=f"{25 * per_epoch:,}", full_updates=f"{25 * full:,}")
    PAGE.keep(passes=25 * full / per_epoch)
    check({"a tenth of the training images is at hand": 0.09 < images / 60_000 < 0.11})


def reconstructions() -> Figure:
    """Draw ten originals beside their reconstructions, of both splits, for every machine."""
    figure, axes = figures.panels(2, 3 * len(GROUPS), height=0.9)
    shown = [(split, *which) for which in each() for split in ("train", "test")]
    for ax, (split, label, m, recorded) in zip(axes, shown, strict=True):
        panels = recorded.panels
        v = machine(recorded).reconstruct(ten(recorded, split)).numpy()
        again = np.clip(panels[f"{split}_mean"] + panels[f"{split}_sd"] * v, 0, 1)
        images = panels[f"{split}_images"][:, 0] / 255
        left, right = (figures.tile(block, 5) for block in (images, again.reshape(10, 28, 28)))
        canvas = np.hstack([left, np.ones((len(left), 10)), right])
        ax.imshow(canvas, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
        ax.set_title(f"M = {m}, {split}, {label}")
    return figure


KINDS = ("mse", "mse_gibbs5", "mse_pixel")
ERRORS = [f"{split}_{kind}" for kind in KINDS for split in ("train", "test")]


def table_errors() -> Markdown:
    """Return the errors of reconstruction of every machine."""
    head = ["run", "M", "train", "test", "train gibbs5", "test gibbs5", "train pixel", "test pixel"]
    rows = [[*head, "PCA, test"]]
    for label, m, recorded in each():
        found = [f"{recorded[error]:.4f}" for error in (*ERRORS, "test_pca_mse")]
        rows.append([SHORT[label], str(m), *found])
    largest = max(recorded.metric(error).sem for _, _, recorded in each() for error in ERRORS)
    caption = (
        "Mean squared error of reconstruction, means over three seeds, whose standard errors are at most "
        f"{largest:.4f}. *Train*, *test*: one pass of means up and down, in standardised units; *gibbs5*: after five "
        "sampled Gibbs steps; *pixel*: the single pass in pixels, clipped to [0, 1]; *PCA*: M principal components, in "
        "standardised units. *25 epochs*: the sheet's; *updates*: as many as 25 epochs of 60,000 images make."
    )
    return table(caption, "tab-rbm-mse", "15 7 11 11 12 12 11 11 10", rows)


def excess(recorded: Run) -> float:
    """Return by how many per cent the test error in pixels lies above the training error."""
    return 100 * (recorded["test_mse_pixel"] / recorded["train_mse_pixel"] - 1)


def _errors() -> None:
    PAGE.keep(mean_mse=sheet(16)["test_mean_image_mse"])
    claims = {}
    for _, _, r in each():
        error, name = r["test_mse"], short(r)
        PAGE.keep(**{f"{name}_test_mse": error, f"excess_{name}": excess(r)})
        for kind in ("mse", "mse_pixel"):
            train, test = (r.metric(f"{split}_{kind}").values for split in ("train", "test"))
            worse = all(a < b for a, b in zip(train, test, strict=True))
            claims[f"{name}: test images come back worse, for every seed ({kind})"] = worse
        claims[f"{name}: sampling adds error"] = r["test_mse_gibbs5"] > error
        claims[f"{name}: PCA reconstructs better"] = r["test_pca_mse"] < error
    for m in UNITS:
        claims[f"{m}: more updates help"] = longer(m)["test_mse"] < sheet(m)["test_mse"]
        claims[f"{m}: and widen the gap"] = excess(sheet(m)) < excess(longer(m))
    for fewer, more in ((16, 64), (64, 256)):
        better = sheet(more)["test_mse"] < longer(fewer)["test_mse"]
        claims[f"{more} units help more than updates"] = better
        for label, group in GROUPS.items():
            large, small = group(more), group(fewer)
            better = below(large.metric("test_mse"), small.metric("test_mse"))
            claims[f"{label}: {more} units are better"] = better
            claims[f"{label}: {more} units widen the gap"] = excess(small) < excess(large)
    check(claims)


def components() -> Figure:
    """Draw the test error over the number of hidden units, beside as many principal components."""
    series, bars = {}, {}
    for label, group in GROUPS.items():
        series[label] = [group(m)["test_mse"] for m in UNITS]
        bars[label] = [group(m).metric("test_mse").sem for m in UNITS]
    series["PCA"] = [sheet(m)["test_pca_mse"] for m in UNITS]
    figure = figures.lines(UNITS, series, bars, ylabel="test MSE, standardised")
    figure.axes[0].set_xlabel("hidden units, or components")
    figure.axes[0].set_xscale("log", base=2)
    figure.axes[0].set_xticks(UNITS, [str(m) for m in UNITS])
    figure.axes[0].set_ylim(0, None)
    return figure


def curves() -> Figure:
    """Draw test error and gap of free energies over training, a line a seed."""
    figure, axes = figures.panels(2, len(GROUPS), height=2.5)
    for (label, group), left, right in zip(GROUPS.items(), axes[::2], axes[1::2], strict=True):
        for m, colour in zip(UNITS, figures.SERIES_COLOURS, strict=False):
            for seed in (0, 1, 2):
                part = group(m).history.where("seed", seed)
                gap = part.column("test_free_energy") - part.column("train_free_energy")
                for ax, values in ((left, part.column("test_mse")), (right, gap)):
                    name = f"M = {m}" if seed == 0 else None
                    ax.plot(part.column("epoch"), values, color=colour, linewidth=0.9, label=name)
        left.set(xlabel="epoch", ylabel="test MSE, standardised", ylim=(0, None), title=label)
        right.set(xlabel="epoch", ylabel="F(test) − F(train), nats")
        left.legend()
    return figure


def filters() -> Figure:
    """Draw columns of W as images."""
    figure, axes = figures.panels(3, len(GROUPS), height=1.35)
    for ax, (_, m, recorded) in zip(axes, each(), strict=True):
        columns = machine(recorded).weight.T[:32]
        greys = 0.5 + 0.5 * columns / columns.abs().amax(1, keepdim=True)
        canvas = figures.tile(greys.reshape(-1, 28, 28).numpy(), 8)
        ax.imshow(canvas, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
        ax.set_anchor("N")
        ax.set_title(f"M = {m}")
    return figure


def use() -> Figure:
    """Draw how often each hidden unit is on over the test images, units sorted."""
    width = 3.4 * len(GROUPS)
    figure, axes = figures.panels(len(GROUPS), width=width, height=2.4, sharey=True)
    for ax, (title, group) in zip(axes, GROUPS.items(), strict=True):
        for m in UNITS:
            share = np.sort(group(m).panels["hidden_use"])
            ax.plot((np.arange(m) + 0.5) / m, share, label=f"M = {m}")
        ax.set(xlabel="share of the units", title=title, ylim=(0, 1))
    axes[0].set_ylabel("share of images")
    axes[0].legend()
    return figure


def gap(recorded: Run) -> float:
    """Return by how much the free energy of test images lies above that of training images, in nats."""
    return recorded["test_free_energy"] - recorded["train_free_energy"]


def _hidden_units() -> None:
    every = [recorded for _, _, recorded in each()]
    low = min(recorded["hidden_use_min"] for recorded in every)
    high = max(recorded["hidden_use_max"] for recorded in every)
    PAGE.keep(use_low=low, use_high=high)
    PAGE.keep(**{f"gap_{short(recorded)}": gap(recorded) for recorded in every})
    PAGE.keep(gap_global=gap(run(GLOBAL)))
    early, late = ([gap(group(m)) for m in UNITS] for group in GROUPS.values())
    claims = {
        "no unit is always off or on": low > 0.02 and high < 0.98,
        "none is dead": min(recorded["hidden_sd_min"] for recorded in every) > 0.1,
        "at first larger machines are ahead": early[0] < early[1] < early[2],
        "later the gaps are alike": max(late) - min(late) < 5 and abs(late[2] - early[2]) < 5,
        "about half of it is the standardisation": gap(run(GLOBAL)) < 0.6 * early[1],
        "no machine got worse on new images": all(
            sheet(m)["test_log_density"] < longer(m)["test_log_density"] for m in UNITS
        ),
    }
    check(claims)


def table_standardisation() -> Markdown:
    """Return the errors with each batch's own mean and standard deviation, and with the train split's."""
    both = sheet(64), run(GLOBAL)
    rows = [["", "each batch's own", "the train split's"]]
    shown = {"MSE, train": "train_mse", "MSE, test": "test_mse"}
    for label, metric in (shown | {"MSE, test, in pixels": "test_mse_pixel"}).items():
        rows.append([label, *(value(recorded, metric, 4) for recorded in both)])
    means = [f"{recorded['test_mean_image_mse']:.4f}" for recorded in both]
    densities = [value(recorded, "test_log_density", 1) for recorded in both]
    rows += [["MSE of the mean image, test", *means], ["log-density, test", *densities]]
    caption = (
        "64 hidden units, 25 epochs: mean and standard deviation taken from each batch, or once from the train split. "
        "Three seeds, ± standard error."
    )
    return table(caption, "tab-rbm-global", "40 30 30", rows)


def _standardisation() -> None:
    own, given = sheet(64), run(GLOBAL)
    level, deviation = (float(number) for number in own.panels["statistics"])
    PAGE.keep(statistics_mean=level, statistics_sd=deviation, paper=-level / deviation)
    means = [own.panels[f"{split}_mean"] for split in ("train", "test")]
    PAGE.keep(statistics_spread=max(float(np.ptp(mean)) for mean in means))
    change = {}
    for metric in ("train_mse", "test_mse", "test_mse_pixel", "test_mean_image_mse"):
        change[metric] = 100 * abs(given[metric] / own[metric] - 1)
        PAGE.keep(**{f"change_{metric}": change[metric]})
    unit, mean_image = change["test_mse"], "test_mean_image_mse"
    claims = {
        "training is the same": change["train_mse"] < 0.2 and change["test_mse_pixel"] < 1,
        "most of the difference is the unit": change[mean_image] > 0.8 * unit,
        "test images vary less": given[mean_image] < own[mean_image],
    }
    check(claims)
