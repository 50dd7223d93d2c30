"""What the page on the autoencoder shows of its runs, and what it claims of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.data import CLASSES, to_float
from chapters_lib.evaluation.pca import fit_pca
from chapters_lib.objectives.reconstruction import mean_squared_error
from chapters_lib.pages import Page, check, model, run, table
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.autoencoder_studies import label
from chapters_lib.recording.runs import Run
from chapters_lib.training import History

PAGE = Page("ae")
# What stands in the names of a data set's numbers, its run, and its title.
SETS = (("fashion", "ae-fashion-mnist", "Fashion-MNIST"), ("mnist", "ae-mnist", "MNIST"))
TITLES = [title for _, _, title in SETS]


def numbers() -> None:
    """Set the look of the figures, and give the text all numbers of the recorded runs."""
    figures.use_style()
    for short, name, _ in SETS:
        _errors(short, run(name))
    _networks()
    _classes()
    _sizes()
    _study()
    _shuffled()


def _errors(short: str, record: Run) -> None:
    error, train = record.metric("test_mse"), record.metric("train_mse")
    pca, mean = record["pca2_test_mse"], record["mean_image_test_mse"]
    values = {
        "test": error.mean,
        "sem": error.sem,
        "pca": pca,
        "ratio": 100 * error.mean / pca,
        "share": 100 * (1 - error.mean / mean),
        "pca_share": 100 * (1 - pca / mean),
        "grey": 255 * error.mean**0.5,
        "pca_grey": 255 * pca**0.5,
        "gap": 100 * (error.mean / train.mean - 1),
    }
    PAGE.keep(**{f"{short}_{key}": value for key, value in values.items()})
    low, high = (0.45, 0.5) if short == "fashion" else (0.15, 0.18)
    check(
        {
            f"{short}: PCA removes nearly half, or a sixth": low < 1 - pca / mean < high,
            f"{short}: train is below test": train.mean < error.mean,
            f"{short}: about half of PCA's level": error.mean < 0.6 * pca,
            f"{short}: PCA hardly overfits": abs(pca / record["pca2_train_mse"] - 1) < 0.02,
            f"{short}: many times the spread over seeds": pca - error.mean > 20 * error.sem,
        }
    )


def _networks() -> None:
    fashion, mnist = (run(name) for _, name, _ in SETS)
    configs = [record.config for record in (fashion, mnist)]
    seeds = [len(record.provenance["seeds"]) for record in (fashion, mnist)]
    PAGE.keep(fashion_seeds=seeds[0])
    check(
        {
            "as many seeds on both sets": seeds[0] == seeds[1],
            "one bottleneck, of two units": all(c["code"] == 2 < min(c["hidden"]) for c in configs),
            "sines and shortened gradients": all(c["frequency"] > 0 < c["clip"] for c in configs),
            "more than a million parameters": min(fashion["parameters"], mnist["parameters"]) > 1e6,
            "MNIST starts lower": fashion["mean_image_test_mse"] > mnist["mean_image_test_mse"],
            "MNIST ends higher": fashion["test_mse"] < mnist["test_mse"],
        }
    )


def _classes() -> None:
    fashion, mnist = (by_class(run(name)) for _, name, _ in SETS)
    bag, trouser, sandal = fashion["Bag"], fashion["Trouser"], fashion["Sandal"]
    PAGE.keep(bag=bag, trouser=trouser, sandal=sandal, one=mnist["1"])
    check(
        {
            "bags come back worst": bag == max(fashion.values()),
            "trousers better than sandals, sandals better than bags": trouser < sandal < bag,
            "ones come back best": mnist["1"] == min(mnist.values()),
        }
    )


def _sizes() -> None:
    record = run("ae-code-size-fashion-mnist")
    base, sizes = record.config["base"], record.config["sizes"]
    error = {k: record[f"test_mse_{k}"] for k in sizes}
    pca = {k: record[f"pca_test_mse_{k}"] for k in sizes}
    third, each_of_five = 1 - error[3] / error[2], 1 - (error[8] / error[3]) ** (1 / 5)
    PAGE.keep(
        **{f"size_{k}": error[k] for k in (2, 3, 8, 32)},
        **{f"pca_size_{k}": pca[k] for k in (8, 32)},
        size_hidden="-".join(map(str, (784, *base["hidden"]))),
        size_epochs=base["epochs"],
        third=error[2] - error[3],
        third_percent=100 * third,
        to_eight_percent=100 * each_of_five,
    )
    check(
        {
            "error falls with size": sizes == sorted(sizes, key=lambda k: -error[k]),
            "below PCA at every size": all(error[k] < pca[k] for k in sizes),
            "two units beat eight components, not thirty-two": pca[32] < error[2] < pca[8],
            "three to eight saves more in total": error[3] - error[8] > error[2] - error[3],
            "the third unit is worth more than each of the five": third > each_of_five,
        }
    )


def _study() -> None:
    ranking = {short: candidates(name) for short, name, _ in SETS}
    for short, name, _ in SETS:
        found, widths = ranking[short], "-".join(map(str, run(name).config["hidden"]))
        (best, first), (_, second), *_ = found.items()
        lead = 100 * (second / first - 1)
        like_it = [worst.startswith(f"{widths}, batch 64") for worst in list(found)[-2:]]
        PAGE.keep(**{f"study_lead_{short}": lead})
        check(
            {
                f"{short}: the recorded configuration comes first": best == chosen(name),
                f"{short}: the lead is too small to be believed": lead < 1,
                f"{short}: width and batch matter most": not any(like_it),
            }
        )
    fashion, sizes = ranking["fashion"].values(), run("ae-code-size-fashion-mnist")
    spread = max(fashion) - min(fashion)
    PAGE.keep(
        candidates=len(ranking["mnist"]),
        study_epochs=run("ae-study-mnist").config["candidates"][0]["epochs"],
        study_spread=spread,
    )
    third = sizes["test_mse_2"] - sizes["test_mse_3"]
    check({"the candidates differ by less than a third unit saves": spread < third})


@torch.no_grad()
def _shuffled() -> None:
    """The error of the ten images, and the same when each is drawn from its neighbour's code."""
    network = model("ae-fashion-mnist")
    x = to_float(torch.from_numpy(run("ae-fashion-mnist").panels["images"]))
    z = network.encoder(x)
    straight = float(mean_squared_error(x, network.decoder(z)))
    shuffled = float(mean_squared_error(x, network.decoder(z.roll(1, 0))))
    PAGE.keep(straight=straight, shuffled=shuffled)
    check({"the code is what draws the image": shuffled > 2 * straight})


def _beside(described: Callable[[Run], dict[str, str]]) -> list[list[str]]:
    """Return the rows of a table that describes both runs, one a column."""
    fashion, mnist = (described(run(name)) for _, name, _ in SETS)
    return [["", *TITLES], *([key, fashion[key], mnist[key]] for key in fashion)]


def table_networks() -> Markdown:
    """Return the table of the recorded networks and their training."""

    def described(record: Run) -> dict[str, str]:
        config = AutoencoderConfig(**record.config)
        widths = ["784", *map(str, config.hidden), str(config.code)]
        silenced = "Inputs of the encoder's last hidden layer silenced while training"
        return {
            "Encoder, units": "-".join(widths),
            "Decoder, units": "-".join(reversed(widths)),
            "Activation between layers": config.activation,
            "Frequency $\\omega$ of the decoder's sines": f"{config.frequency:.1f}",
            "Input pixels hidden while training": f"{100 * config.dropout:.0f} %",
            silenced: f"{100 * config.hidden_dropout:.0f} %",
            "Code noise, in standard deviations of a unit": f"{config.code_noise:.2f}",
            "Learned parameters": f"{record['parameters']:,.0f}",
            "Epochs, batch": f"{config.epochs}, {config.batch_size}",
            "Highest learning rate": f"{config.learning_rate:g}",
            "Seeds": str(len(record.provenance["seeds"])),
            "Minutes of training a seed": f"{record['train_seconds'] / 60:.0f}",
        }

    return table(
        "The recorded networks. Learned parameters count weights and biases of both halves; minutes are of "
        "one training, on the machine that [the record](reproducibility.md) names.",
        "tab-ae-networks",
        "30 35 35",
        _beside(described),
    )


def table_results() -> Markdown:
    """Return the table of train and test errors beside those of the mean image and PCA."""

    def described(record: Run) -> dict[str, str]:
        error, train = record.metric("test_mse"), record.metric("train_mse")
        pca, mean = record["pca2_test_mse"], record["mean_image_test_mse"]
        return {
            "Mean image, test": f"{mean:.4f}",
            "PCA, two components, train": f"{record['pca2_train_mse']:.4f}",
            "PCA, two components, test": f"{pca:.4f}",
            "Autoencoder, two units, train": f"{train.mean:.5f} ± {train.sem:.6f}",
            "**Autoencoder, two units, test**": f"**{error.mean:.5f}** ± {error.sem:.6f}",
            "Share of variance removed by PCA": f"{100 * (1 - pca / mean):.0f} %",
            "Share removed by the autoencoder": f"{100 * (1 - error.mean / mean):.0f} %",
            "Standard deviation $255\\sqrt{L}$, in grey levels": f"{255 * error.mean**0.5:.0f}",
        }

    return table(
        "Mean squared error per pixel, after training; the autoencoder's is the mean ± standard error over the "
        "seeds. The share removed is $1 - L / L_{\\text{mean image}}$, on the test images.",
        "tab-ae-results",
        "40 30 30",
        _beside(described),
    )


def _marks(mean: float, pca: float) -> dict[str, float]:
    return {"mean image": mean, "PCA, two components": pca}


def loss() -> Figure:
    """Draw train and test error over the epochs, a panel for each data set."""
    figure, axes = figures.panels(2, height=3.2)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        curves = {"train": "train_eval_mse", "test": "test_mse", "loss minimised": "train_mse"}
        marks = _marks(run(name)["mean_image_test_mse"], run(name)["pca2_test_mse"])
        figures.learning_curves(
            run(name).history, curves, marks=marks, title=title, legend=False, ax=ax
        )
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
    errors = (to_float(images) - drawn).square().mean((1, 2, 3)).numpy()
    measured = panels["test_errors"][panels["chosen"]]
    check({"the stored weights draw what was measured": np.allclose(errors, measured, rtol=0.01)})
    names = CLASSES[run(name).config["dataset"]]
    return figures.image_rows(
        {"original": images, "decoded": drawn, "PCA": panels["pca_images"]},
        [names[i].removesuffix("/top") for i in panels["labels"]],
    )


@torch.no_grad()
def plane(name: str, cells: int = 18) -> Figure:
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


def pca_planes() -> Figure:
    """Draw the test images' first two principal components by class, a panel for each data set."""
    digits, names = CLASSES["mnist"], ("first component", "second component")
    figure, axes = figures.panels(2, height=3.6)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        codes, labels = (run(name).panels[key] for key in ("pca_test_codes", "test_labels"))
        extent = figures.central_extent(codes)
        figures.code_plane(
            codes, labels, digits, extent=extent, names=names, title=title, legend=False, ax=ax
        )
    axes[1].set_ylabel("")
    figures.class_legend(digits, ax=axes[0], columns=10, below=True)
    return figure


def neighbours(agree: Callable[[Any, Any], float]) -> None:
    """Give the text the share of images whose neighbours `agree`, among the codes and among PCA's."""
    for short, name, _ in SETS:
        panels, least = run(name).panels, 0.1 if short == "fashion" else 0.2
        codes = agree(panels["test_codes"], panels["test_labels"])
        pca = agree(panels["pca_test_codes"], panels["test_labels"])
        PAGE.keep(**{f"knn_{short}_ae": 100 * codes, f"knn_{short}_pca": 100 * pca})
        check({f"{short}: neighbours agree well above PCA": codes > pca + least})


def by_class(record: Run) -> dict[str, float]:
    """Return the mean test error of each class."""
    errors, labels = record.panels["test_errors"], record.panels["test_labels"]
    names = CLASSES[record.config["dataset"]]
    return {name: float(errors[labels == c].mean()) for c, name in enumerate(names)}


def classes() -> Figure:
    """Draw the test error of each class as bars, a panel for each data set."""
    figure, axes = figures.panels(2, height=3.2)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        xlabel = "mean squared error per pixel"
        figures.bars(by_class(run(name)), form="{:.4f}", xlabel=xlabel, title=title, ax=ax)
    return figure


def code_size() -> Figure:
    """Draw the test error over the number of code units, the autoencoder's and PCA's."""
    record = run("ae-code-size-fashion-mnist")
    sizes = record.config["sizes"]
    figure, (ax,) = figures.panels(width=4.6, height=2.9)
    series = {
        "autoencoder": [record[f"test_mse_{k}"] for k in sizes],
        "PCA": [record[f"pca_test_mse_{k}"] for k in sizes],
    }
    ylabel = "test mean squared error per pixel"
    figures.lines(sizes, series, xlabel="code units", ylabel=ylabel, ax=ax)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sizes, sizes)
    ax.set_yticks([0.005, 0.01, 0.02, 0.04, 0.08], ["0.005", "0.01", "0.02", "0.04", "0.08"])
    ax.minorticks_off()
    return figure


def _readable(name: str) -> str:
    """Turn 512-256-batch-64-sine-dropout into words."""
    name = name.replace("-batch-", ", batch ").replace("-sine", ", sines")
    return name.replace("-dropout", ", dropout").replace("-noise", ", noise")


def chosen(name: str) -> str:
    """Return what the study's figure calls the configuration that was recorded."""
    return _readable(label(AutoencoderConfig(**run(name).config)))


def candidates(name: str) -> dict[str, float]:
    """Return the validation error of each candidate for a run, best first."""
    study = run(name.replace("ae-", "ae-study-"))
    errors = {key: study[key] for key in study.metrics if key.startswith("val_mse_")}
    ranked = sorted(errors.items(), key=lambda pair: pair[1])
    return {_readable(key.removeprefix("val_mse_")): error for key, error in ranked}


def study() -> Figure:
    """Draw the validation error of the candidates, a panel for each data set."""
    xlabel = "validation error per pixel"
    figure, axes = figures.panels(1, 2, height=0.3 * len(candidates("ae-mnist")) + 0.75)
    for ax, (_, name, title) in zip(axes, SETS, strict=True):
        found, best = candidates(name), [chosen(name)]
        figures.bars(found, form="{:.4f}", highlight=best, xlabel=xlabel, title=title, ax=ax)
    return figure


@cache
def digits_yardsticks() -> dict[str, float]:
    """Return the errors of the mean image and of PCA on the digits' test images, and PCA's on the others."""
    x, x_test = (to_float(data.load("digits", split).images) for split in ("train", "test"))
    pca = fit_pca(x, 2)
    return {"mean": fit_pca(x, 0).mse(x_test), "pca": pca.mse(x_test), "pca_train": pca.mse(x)}


def digits_loss(history: History) -> Figure:
    """Draw the error of the page's own training beside the two yardsticks."""
    mean, pca = (digits_yardsticks()[key] for key in ("mean", "pca"))
    error = history.rows[-1]["test_mse"]
    PAGE.keep(digits_mean=mean, digits_pca=pca, digits_ae=error)
    check({"digits: the autoencoder is well below PCA": error < 0.75 * pca})
    curves = {"train": "train_mse", "test": "test_mse"}
    return figures.learning_curves(history, curves, marks=_marks(mean, pca))


def digits_theorem(curved: float, flat: float) -> None:
    """Hold the errors with the network's own decoder and with the best flat one against PCA's."""
    pca = digits_yardsticks()["pca_train"]
    PAGE.keep(curved=curved, flat=flat, pca_train=pca)
    check({"the theorem: a flat decoder cannot beat PCA": curved < pca < flat})


def digits_useless(history: History) -> None:
    """Hold the training without a wire against a grey image and the mean image."""
    x, mean = to_float(data.load("digits", "test").images), digits_yardsticks()["mean"]
    start = float(mean_squared_error(x, torch.full_like(x, 0.5)))  # a sigmoid's output at first
    end = history.rows[-1]["test_mse"]
    PAGE.keep(useless_start=start, useless_end=end)
    check(
        {
            "useless: the loss falls by more than half": end < 0.4 * start,
            "useless: it ends at the mean image's": abs(end / mean - 1) < 0.01,
        }
    )


def digits_relu(trials: Mapping[str, tuple[float, Tensor]]) -> Figure:
    """Draw the codes of the digits without and with a ReLU after the code."""
    (linear, _), (relu, codes) = trials["linear code"], trials["ReLU code"]
    PAGE.keep(linear=linear, relu=relu)
    check(
        {
            "ReLU: codes in one quadrant": bool((codes >= 0).all()),
            "ReLU: one unit is dead": int((codes.std(0) == 0).sum()) == 1,
            "ReLU: the cure is better than PCA again": linear < digits_yardsticks()["pca"] < relu,
        }
    )
    labels, names = data.load("digits", "test").labels, CLASSES["digits"]
    figure, axes = figures.panels(2, height=3.2)
    for ax, (name, (error, z)) in zip(axes, trials.items(), strict=True):
        title = f"{name}: test error {error:.4f}"
        figures.code_plane(z, labels, names, size=10, legend=False, title=title, ax=ax)
    figures.class_legend(names, ax=axes[0], columns=10, below=True)
    return figure


def digits_floor(standardised: Tensor, floor: float) -> None:
    """Give the text the share of standardised pixels, and of their variance, that no sigmoid reaches."""
    share, negative = floor / standardised.var(), (standardised < 0).double().mean()
    PAGE.keep(floor=float(100 * share), negative=float(100 * negative))
    check({"more than two fifths of the variance are out of reach": bool(share > 0.4)})


def digits_half_deep(error: float, history: History) -> None:
    """Place the curved decoder for PCA's codes between PCA and the autoencoder."""
    PAGE.keep(half_deep=error)
    between = history.rows[-1]["test_mse"] < error < digits_yardsticks()["pca"]
    check({"the curved decoder for PCA's codes is between PCA and the autoencoder": between})
