"""What the page on the autoencoder shows of its runs, and what it claims of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.data import CLASSES, to_float
from chapters_lib.evaluation.intervals import paired, welch
from chapters_lib.evaluation.neighbours import neighbours_agree
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import (
    Verdict,
    both,
    difference,
    greater,
    less,
    level,
    outcome,
    shown,
)
from chapters_lib.findings.words import in_words, interval, number
from chapters_lib.pages import Page, check, model, run, table
from chapters_lib.recipes.autoencoder import TRAIN_EVAL, AutoencoderConfig
from chapters_lib.recipes.autoencoder_studies import label
from chapters_lib.recording.runs import Metric, Run
from chapters_lib.training import History

PAGE = Page("ae")
drawing = schematics.autoencoder
# What stands in the names of a data set's numbers, its run, and its title.
SETS = (("fashion", "ae-fashion-mnist", "Fashion-MNIST"), ("mnist", "ae-mnist", "MNIST"))
TITLES = [title for _, _, title in SETS]
CHANGES = ("dropout", "noise", "sines", "width", "batch")  # of the candidates behind the first


def numbers() -> None:
    """Set the look of the figures, and give the text all numbers of the recorded runs."""
    figures.use_style()
    for short, name, _ in SETS:
        _errors(short, run(name))
        _study(short, name)
    _both()
    _jump()
    _sizes()
    _epochs()
    _same_class()


def _errors(short: str, record: Run) -> None:
    error, train, flat = (record.metric(key) for key in ("test_mse", "train_mse", "pca2_test_mse"))
    mean, panels = record["mean_image_test_mse"], record.panels
    agree, flatly = (
        100 * neighbours_agree(panels[key], panels["test_labels"])
        for key in ("test_codes", "pca_test_codes")
    )
    gain = paired(agree, flatly)
    PAGE.of(short).keep(
        error=number(error, 4),
        interval=interval(difference(error, flat), 4, bare=True),
        test=error.mean,
        ratio=100 * error.mean / flat.mean,
        share=100 * (1 - error.mean / mean),
        pca_share=100 * (1 - flat.mean / mean),
        gap=100 * (error.mean / train.mean - 1),
        seeds=in_words(record.trainings),
        knn=agree.mean(),
        knn_pca=flatly.mean(),
    )
    PAGE.of(short).claims(
        pca=less(error, flat, digits=4),
        gap=shown(paired(error.values, train.values), sign=1, digits=5),
        knn=shown(gain, sign=1, digits=1),
    )


def of_class(record: Run) -> dict[str, np.ndarray]:
    """Return the test errors of each class's images, the first training's."""
    errors, labels = record.panels["test_errors"], record.panels["test_labels"]
    names = CLASSES[record.config["dataset"]]
    return {name: errors[labels == c].astype(np.float64) for c, name in enumerate(names)}


def _both() -> None:
    records = fashion, mnist = [run(name) for _, name, _ in SETS]
    widths = {(784, *record.config["hidden"], record.config["code"]) for record in records}
    starts = [record["mean_image_test_mse"] for record in records]
    one_size, narrow = len(widths) == 1, all(min(each[:-1]) > each[-1] == 2 for each in widths)
    check("the same layers on both sets", one_size)
    check("one bottleneck, of two units", narrow)
    check("MNIST starts lower", starts[1] < starts[0])
    clothes, digits = (of_class(record) for record in records)
    bag, trouser, sandal, one = *map(clothes.pop, ("Bag", "Trouser", "Sandal")), digits.pop("1")
    (least, *_, most), others = sorted(clothes.values(), key=np.mean), digits.values()
    PAGE.keep(widths="-".join(map(str, *widths)), one=one.mean(), followed=f"{TRAIN_EVAL:,}")
    PAGE.keep(bag=bag.mean(), trouser=trouser.mean(), sandal=sandal.mean())
    PAGE.claims(
        harder=greater(mnist.metric("test_mse"), fashion.metric("test_mse"), digits=4),
        bags=shown(welch(bag, sandal), sign=1, digits=4),
        sandals=shown(welch(sandal, most), sign=1, digits=4),
        trousers=shown(welch(least, trouser), sign=1, digits=4),
        ones=shown(welch(min(others, key=np.mean), one), sign=1, digits=4),
    )


def _jump() -> None:
    """The epoch at which a test error of MNIST rises most, once training is under way, and what it comes to."""
    record = run("ae-mnist")
    errors = record.history.column("test_mse").reshape(record.trainings, -1)
    rises = errors[:, 10:] / errors[:, 9:-1]  # from the tenth epoch on
    seed, epoch = np.unravel_index(rises.argmax(), rises.shape)
    before, peak, end = errors[seed, [9 + epoch, 10 + epoch, -1]]
    PAGE.keep(jump_epoch=str(11 + epoch))
    told = f"{before:.4f}, {peak:.4f}, {end:.4f} at the end"
    PAGE.claims(jump=Verdict(peak > 1.05 * before and end < before, told))


def _sizes() -> None:
    record, two = run("ae-code-size-fashion-mnist"), run("ae-fashion-mnist")
    spread = two.metric("test_mse")
    sizes = record.config["sizes"]
    check("the recorded network", record.config["base"] == {**two.config, "judged": False})
    error = {k: record.metric(f"test_mse_{k}") for k in sizes}
    pca = {k: record.metric(f"pca_test_mse_{k}") for k in sizes}
    times = {k: pca[k].mean / error[k].mean for k in sizes}
    said = ("the units do more", "no difference is shown", "the components do more")
    saved = ("the third saves more", "no difference is shown", "the five save more")
    middle = Metric.of((error[2].mean, error[8].mean))  # e₃ above it: e₃ − e₈ > e₂ − e₃
    third, five = error[2].mean - error[3].mean, error[3].mean - error[8].mean
    PAGE.keep(
        **{f"size_{k}": error[k].mean for k in (2, 3, 8)},
        pca_size_32=pca[32].mean,
        eight_said=outcome(error[8], pca[32], said, spread=spread),
        five_said=outcome(error[3], middle, saved, spread=spread),
        **{f"pca_times_{k}": times[k] for k in (8, 32)},
        third=third,
        to_eight=five,
        third_percent=100 * third / error[2].mean,
        to_eight_percent=100 * (1 - (error[8].mean / error[3].mean) ** (1 / 5)),
    )
    PAGE.claims(
        third=less(error[3], error[2], spread=spread, digits=4),
        eight_components=less(error[2], pca[8], spread=spread, digits=4),
        parting=both(
            less(error[1], pca[3], spread=spread, digits=4),
            Verdict(times[1] < times[2] < times[3] < times[8] > times[32], f"times {times}"),
        ),
    )


def _epochs() -> None:
    """Keep what twice the epochs bring on Fashion-MNIST."""
    half, full = run("ae-fashion-mnist-25-epochs"), run("ae-fashion-mnist")
    before, after = (record.metric("test_mse") for record in (half, full))
    chance = f"{in_words(full.trainings)} trainings each do not show that this is more than chance"
    said = ("the difference is shown", chance, "the difference is shown")
    PAGE.keep(half_epochs=half.config["epochs"], full_epochs=full.config["epochs"])
    PAGE.keep(epochs_gain=before.mean - after.mean, epochs_said=outcome(after, before, said))
    *others, worst = sorted(before.values)
    PAGE.keep(
        epochs_trainings=f"{in_words(full.trainings)} trainings against {in_words(half.trainings)}",
        epochs_without=float(np.mean(others)) - after.mean,
    )
    apart = worst - others[-1], others[-1] - others[0]
    PAGE.claims(epochs_worst=Verdict(apart[0] > 3 * apart[1], f"{apart[0]:.4f}, {apart[1]:.4f}"))


@torch.no_grad()
def _same_class() -> None:
    """The error of the ten images, and the same from the codes of all other test images of their class."""
    network, panels = model("ae-fashion-mnist"), run("ae-fashion-mnist").panels
    x = to_float(torch.from_numpy(panels["images"]))
    codes, labels = (torch.from_numpy(panels[f"test_{key}"]) for key in ("codes", "labels"))
    own, others = (x - network(x)).square().mean((1, 2, 3)).numpy(), []
    for image, its, at in zip(x, panels["labels"], panels["chosen"], strict=True):
        alike = labels == its
        alike[at] = False
        others.append(float((image - network.decoder(codes[alike].float())).square().mean()))
    PAGE.keep(straight=float(own.mean()), of_class=float(np.mean(others)))
    PAGE.claims(of_class=shown(paired(np.array(others), own), sign=1))


def _table(caption: str, label: str, described: Callable[[Run], dict[str, str]]) -> Markdown:
    fashion, mnist = (described(run(name)) for _, name, _ in SETS)
    rows = [["", *TITLES], *([key, fashion[key], mnist[key]] for key in fashion)]
    return table(caption, label, "40 30 30", rows)


def table_networks() -> Markdown:
    """Return the table of the recorded networks and their training."""

    def described(record: Run) -> dict[str, str]:
        config = record.config_as(AutoencoderConfig)
        widths = ["784", *map(str, config.hidden), str(config.code)]
        return {
            "Encoder, units": "-".join(widths),
            "Decoder, units": "-".join(reversed(widths)),
            "Activation between layers": config.activation,
            "Frequency $\\omega$ of the decoder's sines": f"{config.frequency:.1f}",
            "Dropout of input pixels": f"{100 * config.dropout:.0f} %",
            "Dropout before the last hidden layer": f"{100 * config.hidden_dropout:.0f} %",
            "Code noise, in a unit's standard deviations": f"{config.code_noise:.2f}",
            "Weights and biases, both halves": f"{record['parameters']:,.0f}",
            "Epochs, batch": f"{config.epochs}, {config.batch_size}",
            "Highest learning rate; gradient's bound": f"{config.learning_rate:g}; {config.clip:g}",
            "Trainings": str(record.trainings),
            "Minutes a training": f"{record['train_seconds'] / 60:.0f}",
        }

    return _table("The recorded networks, and their training.", "tab-ae-networks", described)


def table_results() -> Markdown:
    """Return the table of train and test errors beside those of the mean image and PCA."""

    def described(record: Run) -> dict[str, str]:
        mean, pca, test = (record[f"{key}test_mse"] for key in ("mean_image_", "pca2_", ""))
        return {
            "Mean image, test": f"{mean:.4f}",
            "PCA, two components, train": f"{record['pca2_train_mse']:.4f}",
            "PCA, two components, test": f"{pca:.4f}",
            "Autoencoder, two units, train": number(record.metric("train_mse"), 5),
            "**Autoencoder, two units, test**": number(record.metric("test_mse"), 5),
            "Share of variance explained by PCA": f"{100 * (1 - pca / mean):.0f} %",
            "Share explained by the autoencoder": f"{100 * (1 - test / mean):.0f} %",
            "Root of the mean square, test, in grey levels": f"{255 * test**0.5:.0f}",
        }

    return _table(
        "Mean squared error per pixel; the autoencoder's is the mean ± standard error over the trainings. "
        "The share explained is $1 - L / L_{\\text{mean image}}$, on the test images.",
        "tab-ae-results",
        described,
    )


def _curves(
    history: History, curves: Mapping[str, str], marks: Sequence[float], **look: Any
) -> Figure:
    yardsticks = dict(zip(("mean image", "PCA, two components"), marks, strict=True))
    return figures.learning_curves(history, curves, marks=yardsticks, **look)


def loss() -> Figure:
    """Draw train and test error over the epochs, a panel for each data set."""
    figure, axes = figures.panels(2, height=3.2)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        curves = {"train": "train_eval_mse", "test": "test_mse", "loss minimised": "train_mse"}
        marks = [run(name)[f"{key}_test_mse"] for key in ("mean_image", "pca2")]
        _curves(run(name).history, curves, marks, title=title, legend=False, ax=ax)
    axes[1].set_ylabel("")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


@torch.no_grad()
def ten(name: str) -> Figure:
    """Draw ten test images, the network's drawings of them, and PCA's, row by row."""
    panels = run(name).panels
    images = torch.from_numpy(panels["images"])
    drawn = model(name)(to_float(images))
    names = CLASSES[run(name).config["dataset"]]
    return figures.image_rows(
        {"original": images, "decoded": drawn, "PCA": panels["pca_images"]},
        [names[i].removesuffix("/top") for i in panels["labels"]],
    )


@torch.no_grad()
def plane(name: str, cells: int = 10) -> Figure:
    """Draw the test codes by class beside the decoder's images over the same part of the plane."""
    codes, labels = (run(name).panels[key] for key in ("test_codes", "test_labels"))
    classes, extent = CLASSES[run(name).config["dataset"]], figures.central_extent(codes)
    figure, (left, right) = figures.panels(2, height=3.9)
    title = "codes of the test images"
    figures.code_plane(codes, labels, classes, extent=extent, title=title, legend=False, ax=left)
    grid = torch.from_numpy(figures.plane_codes(extent, cells, cells)).float()
    images = model(name).decoder(grid)
    figures.decoded_plane(images, cells, extent, title="what the decoder draws there", ax=right)
    right.set_ylabel("")
    columns = 5 if len(max(classes)) > 1 else 10  # names of clothes, or digits
    figures.class_legend(classes, ax=left, columns=columns, below=True)
    return figure


def classes() -> Figure:
    """Draw the test error of each class as bars, a panel for each data set."""
    figure, axes = figures.panels(2, height=3.2)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        xlabel = "mean squared error per pixel"
        found = {key: errors.mean() for key, errors in of_class(run(name)).items()}
        figures.bars(found, form="{:.4f}", xlabel=xlabel, title=title, ax=ax)
    return figure


def code_size() -> Figure:
    """Draw the test error over the number of code units, the autoencoder's and PCA's."""
    record = run("ae-code-size-fashion-mnist")
    sizes = record.config["sizes"]
    figure, (ax,) = figures.panels(width=4.6, height=2.9)
    keys = {"autoencoder": "test_mse", "PCA": "pca_test_mse"}
    series = {title: [record[f"{key}_{k}"] for k in sizes] for title, key in keys.items()}
    figures.lines(sizes, series, xlabel="code units", ylabel="test error per pixel", ax=ax)
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(sizes, sizes)
    ax.set_yticks([0.01, 0.02, 0.04, 0.08], ["0.01", "0.02", "0.04", "0.08"])
    ax.minorticks_off()
    return figure


def candidates(name: str) -> tuple[dict[str, Metric], str]:
    """Return the validation error of each candidate for a run, best first, and which one was recorded."""
    study = run(name.replace("ae-", "ae-study-"))
    recorded = label(run(name).config_as(AutoencoderConfig))
    found = {key[8:]: study.metric(key) for key in study.metrics if key.startswith("val_mse_")}
    words = {"-batch-": ", batch ", "-sine": ", sines"}
    for old, new in (words | {"-dropout": ", dropout", "-noise": ", noise"}).items():
        found = {key.replace(old, new): error for key, error in found.items()}
        recorded = recorded.replace(old, new)
    return dict(sorted(found.items(), key=lambda pair: pair[1].mean)), recorded


def _study(short: str, name: str) -> None:
    """Say of each change what it costs after as many updates; all candidates are trained from the same seeds."""
    study = run(name.replace("ae-", "ae-study-"))
    tried = [AutoencoderConfig(**found) for found in study.config["candidates"]]
    check("the recorded configuration is a candidate", candidates(name)[1] in candidates(name)[0])
    check("as many updates", len({found.epochs / found.batch_size for found in tried}) == 1)
    errors = [study.metric(f"val_mse_{label(found)}") for found in tried]
    chosen, changed = errors[0], dict(zip(CHANGES, errors[1:], strict=True))
    if short == "fashion":
        PAGE.keep(candidates=in_words(len(tried)), study_epochs=tried[0].epochs)
        PAGE.keep(study_trainings=in_words(study.trainings), long_epochs=tried[-1].epochs)
        PAGE.keep(study_tests=in_words(len(SETS) * len(CHANGES)))
    costs = greater if short == "fashion" else level  # as the text says of each set
    signs = {"dropout": level, "noise": costs, "sines": costs, "width": costs, "batch": less}
    kept = PAGE.of(short)
    kept.keep(**{key: abs(error.mean - chosen.mean) for key, error in changed.items()})
    kept.claims(**{key: sign(changed[key], chosen, digits=5) for key, sign in signs.items()})


def study() -> Figure:
    """Draw the validation error of the candidates, a panel for each data set."""
    figure, axes = figures.panels(1, 2, height=2.55)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        found, best = candidates(name)
        values = {key: (error.mean, error.sd) for key, error in found.items()}
        look: Any = {"xlabel": "validation error per pixel", "title": title}
        figures.dots(values, highlight=best, ax=ax, **look)
    return figure


@cache
def digits_yardsticks() -> dict[str, float]:
    """Return the errors of the mean image and of PCA on the digits' test images, and PCA's on the others."""
    x, x_test = (to_float(data.load("digits", split).images) for split in ("train", "test"))
    pca = fit_pca(x, 2)
    return {"mean": fit_pca(x, 0).mse(x_test), "pca": pca.mse(x_test), "pca_train": pca.mse(x)}


def digits_relu(trials: Mapping[str, tuple[float, Tensor]]) -> Figure:
    """Draw the codes of the digits without and with a ReLU after the code."""
    (linear, _), (relu, codes) = trials["linear code"], trials["ReLU code"]
    PAGE.keep(linear=linear, relu=relu, relu_dead=in_words(int((codes.std(0) == 0).sum())))
    check("ReLU: codes in one quadrant", bool((codes >= 0).all()))
    labels, names = data.load("digits", "test").labels, CLASSES["digits"]
    extent = figures.central_extent(torch.cat([z for _, z in trials.values()]), share=1)
    look: Any = {"extent": extent, "size": 10, "legend": False}  # one scale: a line looks like one
    figure, axes = figures.panels(2, height=3.2)
    for ax, (name, (error, z)) in zip(axes, trials.items(), strict=True):
        title = f"{name}: test error {error:.4f}"
        figures.code_plane(z, labels, names, title=title, ax=ax, **look)
    figures.class_legend(names, ax=axes[0], columns=10, below=True)
    return figure


def digits_loss(history: History) -> Figure:
    """Draw the error of the page's own training beside the two yardsticks."""
    mean, pca = (digits_yardsticks()[key] for key in ("mean", "pca"))
    error = history.rows[-1]["test_mse"]
    PAGE.keep(digits_mean=mean, digits_pca=pca, digits_ae=error)
    PAGE.own_claims(digits=Verdict(error < pca, f"{error:.4f} against {pca:.4f}"))
    return _curves(history, {"train": "train_mse", "test": "test_mse"}, (mean, pca))


def digits_theorem(curved: float, flat: float) -> None:
    """Hold the error with the best flat decoder against PCA's."""
    pca = digits_yardsticks()["pca_train"]
    PAGE.keep(curved=curved, flat=flat, pca_train=pca)
    check("the theorem: a flat decoder cannot beat PCA", pca < flat)


def digits_half_deep(error: float, history: History) -> None:
    """Place the curved decoder for PCA's codes between PCA and the autoencoder."""
    pca, both = digits_yardsticks()["pca"], history.rows[-1]["test_mse"]
    PAGE.keep(half_deep=error, half_deep_share=100 * (pca - error) / (pca - both))
    told = f"{both:.4f}, {error:.4f} and {pca:.4f}"
    PAGE.own_claims(half_deep=Verdict(both < error < pca, told))
