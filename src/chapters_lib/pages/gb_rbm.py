"""The page on the Gaussian–Bernoulli RBM: settings, errors of reconstruction, hidden units, standardisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from torch import Tensor

from chapters_lib import figures
from chapters_lib.data.published import WHOLE
from chapters_lib.evaluation.intervals import paired
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import Verdict, both, difference, greater, less, outcome, shown
from chapters_lib.findings.words import in_words, interval, number, signed
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.pages import Page, check, model, printed, run, table
from chapters_lib.recording.data_used import is_whole, require_same_data
from chapters_lib.recording.runs import Metric, Run

PAGE = Page("rbm")
drawing = schematics.gb_rbm
UNITS = (16, 64, 256)
GLOBAL = "rbm-kmnist-64-global"  # standardised by the train split's statistics
EXACT = "exact-rbm-kmnist-16"  # draws without a chain, of the first training
JUDGE = "judge-kmnist"
MORE = "as many updates"  # as 25 epochs of the whole train split are; trained only where there are fewer images


def numbers() -> None:
    """Give the text the numbers of the recorded machines, and hold its claims against them."""
    require_same_data(*(recorded for _, _, recorded in each()), run(GLOBAL), run(JUDGE), run(EXACT))
    _settings()
    _errors()
    _ranks()
    _hidden_units()
    _standardisation()


def sheet(m: int) -> Run:
    """Return the run of M hidden units and the sheet's 25 epochs."""
    return run(f"rbm-kmnist-{m}")


def longer(m: int) -> Run:
    """Return the run of M hidden units and as many updates as 25 epochs of the whole set make."""
    return run(f"rbm-kmnist-{m}-updates")


def partial() -> bool:
    """Whether the record is of a part of the train split."""
    return not is_whole(sheet(16))


def readings() -> dict[str, Callable[[int], Run]]:
    """Return what was trained, by its name: with fewer images than there are, as many updates too."""
    return {"": sheet, MORE: longer} if partial() else {"": sheet}


def each() -> list[tuple[str, int, Run]]:
    """Return all runs, each with how tables call it, and its number of hidden units."""
    return [
        (f"{m}, {label}" if label else str(m), m, group(m))
        for label, group in readings().items()
        for m in UNITS
    ]


def machine(recorded: Run) -> GaussianBernoulliRBM:
    """Return the recorded machine of a run, its parameters no longer to be learned."""
    return model(recorded.name).requires_grad_(False)


def ten(recorded: Run, split: str = "test") -> Tensor:
    """Return the ten kept images of a split as the machine sees them, shape (10, 784)."""
    panels = recorded.panels
    pixels = panels[f"{split}_images"].reshape(10, 784) / 255
    standardised = (pixels - panels[f"{split}_mean"]) / panels[f"{split}_sd"]
    return torch.tensor(standardised, dtype=torch.float32)


def updates(recorded: Run) -> int:
    """Return how many updates a run's training made."""
    config, images = recorded.config, recorded.data_used["train"]["images"]
    return int(config["epochs"] * (config["updates_per_epoch"] or images // config["batch_size"]))


def _settings() -> None:
    images = f"{sheet(16).data_used['train']['images']:,}"
    part = f"the first {images} of {WHOLE['train']:,} training images"
    PAGE.keep(seeds=in_words(sheet(16).trainings))
    PAGE.keep(set=part if partial() else f"{images} training images")
    told = {"epochs": 25, "steps": 5, "batch_size": 128, "sample_steps": 200}  # in the text
    check("the numbers of the text", told.items() <= sheet(16).config.items())


def table_settings() -> Markdown:
    """Return the settings of all machines."""
    of, config = sheet(16).data_used, sheet(16).config
    images, test = (f"{of[split]['images']:,}" for split in ("train", "test"))
    of_all = f" of the {WHOLE['train']:,}" if partial() else ""
    rows = [
        ["setting", "value"],
        ["machines", "16, 64 and 256 hidden units, $P = 784$ visible units"],
        ["first weights", f"$W_{{ij}} \\sim \\mathcal N(0, {config['weight_sd']:g}^2)$, $b = \\alpha = 0$"],
        ["scale", "$\\sigma = 1$, not learned"],
        ["update", f"CD-{config['steps']}, Adam with rate {config['learning_rate']:g}, no weight decay"],
        ["batches", f"{config['batch_size']} images"],
        ["epochs", f"{config['epochs']}, which are {updates(sheet(16)):,} updates"],
        ["data", f"KMNIST, default split: {images}{of_all} training images, {test} test images"],
    ]  # fmt: skip
    if partial():
        rows.append([f"*{MORE}*", f"{updates(longer(16)):,} updates of the same images"])
    rows.append(["trainings", f"seeds {', '.join(map(str, sheet(16).provenance['seeds']))}"])
    return table("Settings of all machines.", "tab-rbm-settings", "25 75", rows)


def fewer_images() -> Markdown | None:
    """Return what there is to say of a train split that was not whole; nothing where it was."""
    if not partial():
        return None
    images, whole = sheet(16).data_used["train"]["images"], WHOLE["train"]
    return Markdown(
        f"Of KMNIST's {whole:,} training images the first {images:,} ({100 * images / whole:.0f} %) were at hand when "
        f"these machines were trained.\nSo 25 epochs are {updates(sheet(16)):,} updates in place of "
        f"{updates(longer(16)):,}, and a second set of machines made {updates(longer(16)):,} updates of the same "
        f"images (*{MORE}* in the tables).\nWith all images the gap between training and test error should shrink, "
        "most for 256 units. If it did not shrink, few images were not its cause."
    )


def reconstructions() -> Figure:
    """Draw ten originals beside their reconstructions, of both splits, for each of the sheet's machines."""
    figure, axes = figures.panels(2, 3, height=0.9)
    kept = [(split, m) for m in UNITS for split in ("train", "test")]
    for ax, (split, m) in zip(axes, kept, strict=True):
        panels = sheet(m).panels
        v = machine(sheet(m)).reconstruct(ten(sheet(m), split)).numpy()
        again = np.clip(panels[f"{split}_mean"] + panels[f"{split}_sd"] * v, 0, 1)
        images = panels[f"{split}_images"][:, 0] / 255
        left, right = (figures.tile(block, 5) for block in (images, again.reshape(10, 28, 28)))
        canvas = np.hstack([left, np.ones((len(left), 6)), right])
        ax.imshow(canvas, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
        ax.set_title(f"{m} hidden units, {'training' if split == 'train' else split} images")
    return figure


def table_errors() -> Markdown:
    """Return the errors of reconstruction of every machine."""
    rows = [["hidden units", "training", "test", "test, after drawing", "test, $v$", "PCA, $v$"]]
    for label, _, recorded in each():
        keys = ("train_mse_pixel", "test_mse_pixel", "test_mse_pixel_gibbs5")
        scaled = [f"{recorded[key]:.3f}" for key in ("test_mse", "test_pca_mse")]
        rows.append([label, *printed(recorded, dict.fromkeys(keys, 5)), *scaled])
    caption = (
        "Mean squared error of reconstruction in pixels from 0 to 1: one pass of means up and down, and after five "
        "rounds of drawn states. The last two columns are in standardised units $v$: one pass of means, and as many "
        "principal components (PCA) as hidden units. Pixels are clipped to [0, 1] first and $v$ is not, so neither "
        "error converts into the other. Mean over seeds ± standard error."
    )
    return table(caption, "tab-rbm-mse", "19 19 19 21 11 11", rows)


def gap(recorded: Run, key: str = "mse_pixel") -> Metric:
    """Return test minus training of a metric, for each seed."""
    return recorded.gap(f"test_{key}", f"train_{key}")


def _errors() -> None:
    pixel = {m: sheet(m).metric("test_mse_pixel") for m in UNITS}
    drawn = {m: sheet(m).metric("test_mse_pixel_gibbs5") for m in UNITS}
    train = {m: sheet(m).metric("train_mse_pixel") for m in UNITS}
    gaps = {m: gap(sheet(m)) for m in UNITS}
    for m in UNITS:
        keep = PAGE.of(f"{m}").keep
        keep(test=signed(pixel[m].mean, 4), train=signed(train[m].mean, 4))
        keep(gap=signed(gaps[m].mean, 4))
        keep(pca=sheet(m)["test_pca_mse"], v=sheet(m)["test_mse"])
    for fewer, more in ((16, 64), (64, 256)):
        less_of = interval(difference(pixel[more], pixel[fewer]), 4, bare=True)
        PAGE.of(f"{more}").keep(less=less_of, drawn=signed(drawn[more].mean, 4))
    flat = {m: sheet(m)["test_pca_mse"] / sheet(m)["test_mse"] for m in UNITS}
    PAGE.keep(drawn_said=_drawn_change(sheet))
    PAGE.claims(
        more_units=both(less(pixel[64], pixel[16]), less(pixel[256], pixel[64])),
        test_worse=both(*(shown(paired(pixel[m].values, train[m].values), sign=1) for m in UNITS)),
        gap_widens=both(less(gaps[16], gaps[64], digits=4), less(gaps[64], gaps[256], digits=4)),
        pca=both(*(less(sheet(m).metric("test_pca_mse"), sheet(m).metric("test_mse")) for m in UNITS)),
        sheet=Verdict(flat[16] > 0.6 and flat[256] < 0.3, f"{flat[16]:.2f} and {flat[256]:.2f}"),
        drawing_costs=both(*(greater(drawn[m], pixel[m]) for m in UNITS)),
    )  # fmt: skip


def _drawn_change(of: Callable[[int], Run]) -> str:
    """Say which error in v 256 units have beside 64 after five rounds of drawn states."""
    many, few = (of(m).metric("test_mse_gibbs5") for m in (256, 64))
    words = (
        "256 units have the smaller error",
        "no difference is shown",
        "256 units have the larger error",
    )
    return f"{outcome(many, few, words)} ({interval(difference(many, few), 3)})"


def more_updates() -> Markdown | None:
    """Return what as many updates as the whole set makes do; nothing where the whole set was there."""
    if not partial():
        return None
    pixel = {m: longer(m).metric("test_mse_pixel") for m in UNITS}
    before = {m: sheet(m).metric("test_mse_pixel") for m in UNITS}
    PAGE.claims(
        more_updates=both(*(less(pixel[m], before[m]) for m in UNITS)),
        units_first=both(less(before[64], pixel[16]), less(before[256], pixel[64])),
        gap_stays=both(*(greater(gap(longer(m)), gap(sheet(m)), digits=5) for m in UNITS[:2]),
                       less(gap(longer(256)), gap(sheet(256)), digits=5)),
        updates_nearer=both(*(less(longer(m).metric("fid_judge"), sheet(m).metric("fid_judge")) for m in UNITS)),
    )  # fmt: skip
    errors = [signed(pixel[m].mean, 4) for m in UNITS]
    now, then = ([signed(gap(of(m)).mean, 4) for m in UNITS] for of in (longer, sheet))
    return Markdown(
        f"The machines that made {updates(longer(16)):,} updates have smaller test errors at every size, {errors[0]}, "
        f"{errors[1]} and {errors[2]}.{{glue:text}}`claim-rbm-more-updates`\n"
        f"The gap to the training images widens with 16 and 64 units ({now[0]} from {then[0]}, {now[1]} from "
        f"{then[1]}), and with 256 narrows ({now[2]} from {then[2]})."
        "{glue:text}`claim-rbm-gap-stays`\nBeside 64 units, after five rounds of drawn states and in $v$, "
        f"{_drawn_change(longer)}.\n"
        "At every size the samples, in {numref}`tab-rbm-samples`, are nearer to the test images than before."
        "{glue:text}`claim-rbm-updates-nearer`"
    )


def units_or_length() -> Markdown | None:
    """Set a long training of 64 units beside a short one of 256; nothing where the whole set was there."""
    if not partial():
        return None
    said = ("the longer training is ahead", "no difference is shown", "the larger machine is ahead")
    few, many = longer(64), sheet(256)
    told = []
    for key, places in {"test_mse_pixel_gibbs5": 4, "fid_judge": 1}.items():
        a, b = few.metric(key), many.metric(key)
        told.append(f"{number(a, places)} and {number(b, places)}: {outcome(a, b, said)}")
    return Markdown(
        "In one pass of means four times the units lower the error further than "
        f"{updates(longer(16)) / updates(sheet(16)):.1f} times the updates "
        "({numref}`tab-rbm-mse`).{glue:text}`claim-rbm-units-first`\n"
        f"By five rounds of drawn states 64 units of {updates(few):,} updates and 256 of {updates(many):,} "
        f"have errors of {told[0]}.\nTheir samples have distances of {told[1]}."
    )


def _ranks() -> None:
    """How the error of one pass ranks the machines, beside their log-density and the distance of their samples."""
    keys = ("test_mse_pixel", "test_log_density", "fid_judge")
    error, density, far = ([recorded.metric(key).mean for _, _, recorded in each()] for key in keys)
    by = [float(spearmanr(error, other).statistic) for other in (density, far)]
    PAGE.keep(
        machines=in_words(len(error)), rank_density=signed(by[0], 2), rank_distance=signed(by[1], 2)
    )
    PAGE.claims(error_ranks=Verdict(by[0] < -0.8 and by[1] > 0.8, f"{by[0]:.2f} and {by[1]:.2f}"))


def distance_later() -> tuple[str, str]:
    """Return what more updates make of the largest machine's samples, for the opening and for the answer."""
    if not partial():
        return "", f"; the best machine is at {number(sheet(256).metric('fid_judge'), 1)}"
    times = updates(longer(256)) / updates(sheet(256))
    far = number(longer(256).metric("fid_judge"), 1)
    return (
        f" ({far} after {times:.1f} times the updates)",
        f", and so do more updates; the best machine is at {far}",
    )


def filters() -> Figure:
    """Draw columns of W as images."""
    figure, axes = figures.panels(3, height=1.35)
    for ax, m in zip(axes, UNITS, strict=True):
        columns = machine(sheet(m)).weight.T[:32]
        greys = 0.5 + 0.5 * columns / columns.abs().amax(1, keepdim=True)
        canvas = figures.tile(greys.reshape(-1, 28, 28).numpy(), 8)
        ax.imshow(canvas, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
        ax.set_anchor("N")
        ax.set_title(f"{m} hidden units")
    return figure


def _hidden_units() -> None:
    low = min(min(recorded.metric("hidden_use_min").values) for _, _, recorded in each())
    high = max(max(recorded.metric("hidden_use_max").values) for _, _, recorded in each())
    PAGE.keep(use_low=100 * low, use_high=100 * high)
    for m in UNITS:
        PAGE.of(f"{m}").keep(free_gap=number(gap(sheet(m), "free_energy"), 1))


def _standardisation() -> None:
    own, given = sheet(64), run(GLOBAL)
    mean, deviation = (float(value) for value in own.panels["statistics"])
    PAGE.keep(statistics_sd=deviation, paper=signed(-mean / deviation, 2))
    pixel = [recorded.metric("test_mse_pixel") for recorded in (own, given)]
    PAGE.keep(own_scale=number(pixel[0], 5), train_scale=number(pixel[1], 5))
    PAGE.keep(scale_change=interval(difference(pixel[1], pixel[0]), 5))
    PAGE.keep(global_free_gap=number(gap(given, "free_energy"), 1))
    said = ("the error is smaller", "none is shown", "the error is larger")
    PAGE.keep(scale_said=outcome(pixel[1], pixel[0], said))
