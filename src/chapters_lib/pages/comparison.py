"""Figures, tables and numbers of the page on the comparison of VAE, VAE with a flow, and GAN."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chapters_lib import figures
from chapters_lib.figures import schematics
from chapters_lib.findings import board, colour
from chapters_lib.findings import compared as records
from chapters_lib.findings.compared import AUTOENCODERS, FLOW, GAN, NAMES, NORMAL, PARTS, SAID, WAYS
from chapters_lib.findings.words import number, signed, with_error
from chapters_lib.pages import check, run, table
from chapters_lib.pages import comparison_answer as answer
from chapters_lib.pages.comparison_answer import PAGE
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs
from chapters_lib.reproducibility import generator

drawing = schematics.comparison
NARROW = 5.2  # inches, of rows of images: their words stay legible on a telephone


def numbers() -> None:
    """Set the book's look; glue what the text says of the records, and mark what does not hold."""
    figures.use_style()
    shown = colour.colour_set()
    PAGE.keep(title=colour.title(), full=colour.words(shown.full), even_step=1 / 11)
    PAGE.keep(licence=colour.words(shown.licence), look=shown.look, tuned=shown.tuned)
    PAGE.keep(before=shown.before, rough_said=shown.rough)
    for part in PARTS:
        _settings(part)
        _sizes(part)
        _curves(part)
    answer.numbers()


def _each(part: str, key: str) -> str:
    """Return a setting of the three models: one value, or each model's where they differ."""
    values = {model: found.config[key] for model, found in records.of(part).items()}
    if len(set(values.values())) == 1:
        return f"{values[GAN]:,}"
    return ", ".join(f"{value:,} ({SAID[model]})" for model, value in values.items())


def _settings(part: str) -> None:
    vae, flow, gan = (record.config for record in records.of(part).values())
    for key in ("epochs", "batch_size", "validation"):
        check(f"{part}: {key} is the same", vae[key] == flow[key] == gan[key])
    check(f"{part}: codes of one length", vae["latent"] == flow["latent"] == gan["noise"])
    check(f"{part}: they differ by the flow alone", vae["couplings"] == 0 < flow["couplings"])
    check(f"{part}: the non-saturating loss", not gan["saturating"])
    keep = PAGE.of(part).keep
    keep(epochs=_each(part, "epochs"), batch=_each(part, "batch_size"), latent=gan["noise"])
    start = ", begun with the same weights" if records.begun(part) else ""
    keep(trainings=f"{records.trainings(part)}{start}", draws=f"{vae['nll_samples']:,}")
    *early, last = gan["shown_epochs"]
    moments = f"{', '.join(map(str, early[1:]))} and {last} epochs"
    keep(shown=moments)
    if part == "mnist":
        keep(norm_ends=gan["noise"] ** 0.5, norm_middle=(gan["noise"] / 2) ** 0.5)
        keep(g_rate=f"{gan['learning_rate']:g}", d_rate=f"{gan['discriminator_rate']:g}")


def _sizes(part: str) -> None:
    vae, flow, gan = records.sizes(part).values()
    PAGE.of(part).keep(ratio=gan.both / vae.both, ratio_flow=gan.both / (flow.both + flow.flow))
    PAGE.of(part).keep(flow_share=100 * flow.flow / vae.both)
    check(f"{part}: as many weights under both priors", flow.both == vae.both)


KEY = "test_nll_k_"


def _curves(part: str) -> None:
    found = records.of(part)
    over = [found[m]["val_negative_elbo"] - found[m]["train_negative_elbo"] for m in AUTOENCODERS]
    one, other = (signed(abs(gap), 1 if part == "mnist" else 0) for gap in over)
    way = "higher" if min(over) > 0 else "lower" if max(over) < 0 else "different"
    PAGE.of(part).keep(over=f"{way}, by {one} (VAE) and {other} nats (with the flow)")
    trained, held = (found[GAN][f"{of}_real_probability"] for of in ("train", "val"))
    PAGE.of(part).keep(p_train=trained, p_val=held)
    pair = [found[model] for model in AUTOENCODERS]
    PAGE.of(part).keep(effective=min(record["test_nll_effective_samples"] for record in pair))
    if part == "mnist":
        return
    fewer = [int(key.removeprefix(KEY)) for key in pair[0].metrics if key.startswith(KEY)]
    fell = min(of[f"{KEY}{max(fewer)}"] - of["test_nll"] for of in pair)
    PAGE.of(part).keep(falling=fell, fewer="one draw" if max(fewer) == 1 else f"{max(fewer)} draws")


def between(models: Mapping[str, comparing.Drawer], seed: int) -> Figure:
    """Draw the images along one line of each kind, between two draws."""
    start, end = torch.randn(2, 1, models[GAN].latent, generator=generator(seed))
    rows = {
        label: comparing.images_along(models[model], start, end, space)[0]
        for label, (model, space) in zip(
            ("VAE", "flow,\nin z", "flow,\nin base", "GAN"), WAYS, strict=True
        )
    }
    return figures.image_rows(rows, width=NARROW)


def lines(part: str) -> Figure:
    """Draw the images of the recorded models along lines between the first two draws of a seed."""
    return between(records.drawers(part), seed=1)


def curves(part: str) -> Figure:
    """Draw the learning curves of the three models."""
    axes = figures.panels(3, height=2.5)[1]
    found, labels = records.of(part), {NORMAL: "−ELBO, nats", GAN: "$-V$, nats"}
    for ax, model in zip(axes, MODELS, strict=True):
        column = "discriminator_loss" if model == GAN else "negative_elbo"
        figures.learning_curves(
            found[model].history,
            {"training": f"train_eval_{column}", "validation": f"val_{column}"},
            ylabel=labels.get(model, ""),
            title=SAID[model],
            legend=model == NORMAL,
            ax=ax,
        )
    least = [found[model].history.column("val_negative_elbo").min() for model in AUTOENCODERS]
    low, high = min(least), max(least)
    for ax in axes[:2]:
        below, above = (0.05, 0.35) if part == "mnist" else (0.01, 0.05)
        ax.set_ylim(low - below * abs(low), high + above * abs(high))
    return figures.reference_lines({"2 log 2": 2 * math.log(2)}, ax=axes[2])


def distances() -> Figure:
    """Draw the judge's distance of samples to training images over the epochs, on MNIST."""
    figure, (ax,) = figures.panels(width=4.6, height=2.7)
    series, errors = {}, {}
    for model in MODELS:
        at, found = records.followed("mnist", model)
        series[SAID[model]] = found.mean(0)
        errors[SAID[model]] = found.std(0, ddof=1) / math.sqrt(len(found))
    figures.lines(at, series, errors, xlabel="epoch", title=records.short("mnist"), ax=ax)
    ax.set(ylabel="distance in the judge's features", yscale="log")
    ax.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    return figure


def timelines(part: str) -> Figure:
    """Draw samples of the same noise before training and after more and more epochs."""
    found, columns = records.of(part), 5
    rows = len(found[GAN].config["shown_epochs"])
    figure, axes = figures.panels(3, width=NARROW, height=0.37 * rows + 0.3)
    for ax, model in zip(axes, MODELS, strict=True):
        images = found[model].weights("model")["timeline"][:, :columns].flatten(0, 1)
        figures.image_grid(images, columns, title=SAID[model], ax=ax)
    return figure


def beside_real(part: str, columns: int = 12) -> Figure:
    """Draw test images above samples of the three models."""
    noise = torch.randn(columns, records.drawers(part)[GAN].latent, generator=generator(0))
    real = records.of(part)[NORMAL].panels["images"][:columns]
    rows: dict[str, ArrayLike] = {"test images": real}
    for model, drawer in records.drawers(part).items():
        rows[SAID[model].replace(" with", "\nwith")] = drawer.decode(drawer.to_code(noise))
    return figures.image_rows(rows, width=NARROW)


def density() -> Figure:
    """Draw the log-density along lines, and how often middles and ends are recognised by their density."""
    figure, (left, right) = figures.panels(2, width=6, height=2.6)
    found = records.densities("mnist")
    along = found.along
    figures.lines(
        range(12),
        {"among codes": along["z"], "in the base space": along["base"]},
        xlabel="point of the line",
        ylabel="mean of $\\log p_\\lambda$, nats",
        title="MNIST",
        ax=left,
    )
    left.set_xticks([0, 2, 4, 6, 8, 10])
    at = np.arange(len(records.RANKS))
    looks = zip(("middles", "ends"), "^D", figures.SERIES_COLOURS[2:4], strict=True)
    for (title, mark, colour_of), seen in zip(looks, (found.middles, found.ends), strict=True):
        share, errors = 100 * np.array(seen.share), 100 * np.array(seen.errors)
        right.errorbar(at, share, errors, fmt=mark, color=colour_of, label=title)
    right.set_xticks(at, [rank.removesuffix(" %") for rank in records.RANKS])
    right.set(xlabel="rank among the prior's draws, %", ylabel="recognised, %", ylim=(0, 100))
    right.legend(loc="lower right")
    return figure


def neighbours(part: str) -> Figure:
    """Draw samples above their nearest training images, by pixels and by the judge's features."""
    what = {"drawn": "sample", "pixel": "by pixels", "judge": "by features"}
    rows = {
        f"{SAID[model].removeprefix('VAE with ')}:\n{label}": records.side(part).panels[
            f"{model}_{key}"
        ]
        for model in MODELS
        for key, label in what.items()
    }
    return figures.image_rows(rows, width=NARROW)


def table_weights() -> Markdown:
    """Return the weights of the three models."""
    rows = [["Data, model", "encoder or discriminator", "decoder or generator"]]
    rows[0] += ["both, beside the VAE's", "flow"]
    for part in PARTS:
        for model, of in records.sizes(part).items():
            share = f"{100 * of.both / records.sizes(part)[NORMAL].both:.0f} %"
            cells = [f"{of.judging:,}", f"{of.drawing:,}", f"{of.both:,} ({share})"]
            flow = f"{of.flow:,}" if of.flow else "–"
            rows.append([f"{records.short(part)}: {NAMES[model]}", *cells, flow])
    caption = "Weights, counted by torchinfo; the flow's separately."
    return table(caption, "tab-cmp-weights", "34 18 17 19 12", rows)


def tables() -> Markdown:
    """Return the boards of both data sets and of the control, and the likelihoods, one below the other."""
    boards = (table_board("mnist"), table_board("colour"), table_control(), table_likelihood())
    return Markdown("\n\n".join(board.data for board in boards if board))


def table_control() -> Markdown | None:
    """Return the board of the rendered set below that of a real one; nothing where it is the one shown."""
    control = colour.colour_set().name != colour.CONTROL
    return table_board("control") if control else None


def table_board(part: str) -> Markdown:
    """Return how the samples of the three models score, below real test images."""
    key, judge = records.inception(part), f"judge-{records.dataset(part)}"
    head = ["recognised", "evenness", "judge", "Inception", "precision", "recall"]
    floor = "–" if (found := records.floors(part)) is None else f"{found['train_fid768']:.3f}"
    if found is None and (of_real := board.real_images(records.dataset(part), key)):
        floor = f"{of_real[f'train_{key}']:.4f}"
    if (name := f"sent-through-{records.dataset(part)}") in runs.names():
        yardstick = board.Entry(run(name), "train_")
        first = "First row: as many training images, on which the judge was trained."
    else:
        yardstick = board.Entry(run(judge), "")
        first = (
            "First row: all test images; their distance by the judge is to the whole training set."
        )
    real = board.scores(yardstick, key, 3)
    real[3] = floor
    rows = [["Samples of", *head], ["*real images*", *real]]
    if above := records.floors(part):
        begun = ["–", "–", "–", f"{above['rendered_fid768']:.3f}", "–", "–"]
        rows.append(["*rendered house numbers*", *begun])
    for model, found in records.of(part).items():
        entry = board.Entry(found, "")
        rows.append([NAMES[model], *board.scores(entry, key, 4 if part == "mnist" else 3)])
    title = records.title(part)
    error = ", ± standard errors over them" if "one training" not in records.trainings(part) else ""
    caption = f"{title[0].upper()}{title[1:]}: {records.trainings(part)}{error}. {first}"
    if records.begun(part):
        caption += " The trainings of a model begin with the same weights: errors are of the last epochs' seed alone."
    if records.floors(part) is None:
        caption += board.of_real_images(records.dataset(part), key)
    return table(caption, f"tab-cmp-board-{part}", "22 16 18 13 14 9 8", rows)


def table_gaps() -> Markdown:
    """Return by how much the models' distances differ and which way, where each has several trainings."""
    rows = [["Data, pair", "judge", "Inception, kernel (thousandths)"]]
    for part in PARTS:
        kernel = all(records.KERNEL in found.metrics for found in records.of(part).values())
        for pair in ((NORMAL, FLOW), (NORMAL, GAN), (FLOW, GAN)):
            judge = records.gap(part, "fid_judge", pair, bare=False)
            inception = (
                records.gap(part, records.KERNEL, pair, scale=1000, bare=False) if kernel else ""
            )
            label = f"{records.short(part)}: {SAID[pair[0]]} and {SAID[pair[1]]}"
            rows.append([label, judge or "–", inception or "–"])
    caption = (
        "Differences of the distances, the first model's minus the second's, with 95 % intervals over trainings where "
        "a model has several."
    )
    return table(caption, "tab-cmp-gaps", "40 30 30", rows)


def table_through() -> Markdown:
    """Return how far test images are from others, untouched and sent through, and how far draws are."""
    named = {part: f"sent-through-{records.dataset(part)}" for part in PARTS}
    found = {part: run(name) for part, name in named.items() if name in runs.names()}
    rows = [
        ["Images", *(f"{records.short(part)}{more}" for part in found for more in ("", ", above"))]
    ]
    for floor, floor_label, way, label in (
        ("real", "*test images, untouched*", "through", "sent through the"),
        ("training", "*training images*", "drawn", "draws of the"),
    ):
        cells = (cell for of in found.values() for cell in (f"{of[f'{floor}_fid_judge']:.2f}", ""))
        rows.append([floor_label, *cells])
        for model in AUTOENCODERS:
            key = f"{model}_{way}_fid_judge"
            beside = ((of[key], of[key] - of[f"{floor}_fid_judge"]) for of in found.values())
            rows.append([f"{label} {SAID[model]}", *(f"{v:.2f}" for pair in beside for v in pair)])
    counts = " and ".join(f"{of.config['images']:,}" for of in found.values())
    caption = (
        f"Distance by the judge from the second half of the test images, of {counts} images each (first trainings). "
        "Above: minus what the row in italics above it reads. MNIST's two halves are of different writers."
    )
    return table(caption, "tab-cmp-through", "36 16 16 16 16", rows)


def table_likelihood() -> Markdown:
    """Return the likelihood of the autoencoders, and the time of all three."""
    head = "Data|Model|NLL, nats|bits per value|training, minutes|images a second"
    rows, how = [head.split("|")], []
    for part in PARTS:
        for model, found in records.of(part).items():
            nll, bits = "has none", "–"
            if model in AUTOENCODERS:
                nll = number(found.metric("test_nll"), 2 if part == "mnist" else 0)
            if "test_bits_per_dimension" in found.metrics:
                bits = number(found.metric("test_bits_per_dimension"))
            time = [f"{found['train_seconds'] / 60:.0f}", f"{found['images_per_second']:,.0f}"]
            rows.append([records.short(part), NAMES[model], nll, bits, *time])
        config = records.of(part)[NORMAL].config
        images = f"{config['nll_images']:,} images" if config["nll_images"] else "all images"
        levels = "MNIST binarised" if part == "mnist" else "colour on 256 levels"
        how.append(f"{levels}, $K = {config['nll_samples']}$, {images}")
    caption = (
        "Likelihood and time. Negative log-likelihood of test images by importance sampling: "
        f"{'; '.join(how)}. Minutes of one training and images a second in training on the machine "
        f"that recorded it, which may have been busy.{_begun()}"
    )
    return table(caption, "tab-cmp-likelihood", "22 24 16 14 12 12", rows)


def _begun() -> str:
    """Say what the trainings took that the colour models began with, where they began with some."""
    if not records.begun("colour"):
        return ""
    names = [found.config["begun"] for found in records.of("colour").values()]
    *most, last = (f"{run(name)['train_seconds'] / 60:.0f}" for name in names)
    return (
        " For the real crops these are the last epochs alone: the trainings on rendered crops before them took "
        f"{', '.join(most)} and {last} minutes."
    )


def table_lines() -> Markdown:
    """Return what the judge recognises along lines between draws, and how evenly they go."""
    head = "Data, line|ends recognised, %|middle recognised, %|longest step|middle unlikely, %"
    rows = [head.split("|")]
    scales = {"ends_recognisable": 100, "middle_recognisable": 100, "largest_step": 1}
    for part in PARTS:
        for way, label in WAYS.items():
            of = scales | ({"middle_unlikely": 100} if way[0] == FLOW else {})
            found = [records.along(part, way, key) for key in of]
            cells = [
                with_error(metric.times(scale), 1 if scale > 1 else 3)
                for metric, scale in zip(found, of.values(), strict=True)
            ]
            rows.append([f"{records.short(part)}: {label}", *cells, *["–"] * (4 - len(cells))])
    caption = (
        f"Lines between draws, {_lines('mnist')} of each model on MNIST and {_lines('colour')} in colour, of the "
        "first training each; ± standard errors over lines."
    )
    return table(caption, "tab-cmp-lines", "40 15 16 14 15", rows)


def _lines(part: str) -> str:
    """Return how many lines of each model were measured."""
    return f"{records.side(part).config['lines']:,}"


def table_nearest() -> Markdown:
    """Return how near samples are to training images, and how often a held-out one is the nearest."""
    head = "Data, images|nearest by pixels|held out, % (pixels)|nearest by features|held out, % (features)"
    rows = [[*head.split("|"), "roughness"]]
    for part in PARTS:
        for key, label in ({"test": "*real test images*"} | NAMES).items():
            cells = [f"{records.short(part)}: {label}"]
            for space, digits in {"pixel": 4, "judge": 2}.items():
                cells.append(f"{records.side(part)[f'{key}_{space}_nearest']:.{digits}f}")
                cells.append(f"{100 * records.side(part)[f'{key}_{space}_held']:.1f}")
            rows.append([*cells, f"{records.side(part)[f'{key}_roughness']:.4f}"])
    caption = (
        "Samples of the first trainings beside the images trained on: mean squared distance to the nearest of them "
        "(per pixel value; in the judge's features), and how often the nearest of all images is one that "
        "was held out. Roughness: mean squared difference of neighbouring pixel values."
    )
    return table(caption, "tab-cmp-nearest", "32 14 14 14 14 12", rows)


def table_specks() -> Markdown:
    """Return how samples score before and after specks are moved."""
    rows = [["Samples", "judge", "Inception", "precision", "recall"]]
    for label, of in records.specks().items():
        cells = [f"{of[key]:.2f}" for key in ("precision", "recall")]
        rows.append([label, f"{of['judge']:.2f}", f"{of['inception']:.4f}", *cells])
    caption = (
        "Ten thousand samples of the first trainings on MNIST, as they were drawn and with specks "
        "moved: distances in the features of judge and Inception, by the same protocol as above."
    )
    return table(caption, "tab-cmp-specks", "40 14 18 14 14", rows)
