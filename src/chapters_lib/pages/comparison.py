"""Figures, tables and numbers of the page on the comparison of VAE, VAE with a flow, and GAN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chapters_lib import figures
from chapters_lib.pages import check, number, run, signed, table
from chapters_lib.pages import comparison_answer as answer
from chapters_lib.pages import comparison_records as records
from chapters_lib.pages.comparison_records import AUTOENCODERS, NAMES, PAGE, PARTS, SAID, WAYS
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.reproducibility import generator


def numbers() -> None:
    """Set the book's look; glue what the text says of the records, and check it."""
    figures.use_style()
    PAGE.keep(**records.COLOUR_WORDS[records.dataset("colour")], even_step=1 / 11)
    for part in PARTS:
        _settings(part)
        _sizes(part)
        _curves(part)
        _likelihood(part)
    _counts()
    _density()
    _neighbours()
    answer.numbers()


def _settings(part: str) -> None:
    found = records.of(part).values()
    vae, flow, gan = (record.config for record in found)
    shown = list(gan["shown_epochs"])
    same = ("epochs", "batch_size", "validation", "shown_epochs", "followed_every")
    claims = {f"{part}: {key} is the same": vae[key] == flow[key] == gan[key] for key in same}
    claims |= {
        f"{part}: codes of the same length": vae["latent"] == flow["latent"] == gan["noise"],
        f"{part}: 40 or 64 units": gan["noise"] == {"mnist": 40, "colour": 64}[part],
        f"{part}: they differ by the flow alone": flow == vae | {"couplings": flow["couplings"]},
        f"{part}: the same seeds": len({tuple(r.provenance["seeds"]) for r in found}) == 1,
        f"{part}: samples every ten epochs": shown == list(range(0, shown[-1] + 1, 10)),
    }
    check(claims)
    records.keep(part, epochs=gan["epochs"], batch=gan["batch_size"], latent=gan["noise"])
    records.keep(part, g_rate=f"{gan['learning_rate']:g}", d_rate=f"{gan['discriminator_rate']:g}")


def _counts() -> None:
    single = (
        "Of the colour models there is one training each; they are listed from best to worst with "
        "commas, and what another seed would change is not known."
    )
    of_colour = records.trainings("colour")
    PAGE.keep(colour_trainings=records.IN_WORDS[of_colour], single=single if of_colour == 1 else "")
    held = [records.of(part)["gan"].config["validation"] for part in PARTS]
    PAGE.keep(held_expected=100 * held[0])
    claims = {
        "three trainings on MNIST": records.trainings("mnist") == 3,
        "a twelfth is held out": held == [1 / 12, 1 / 12],
        "2,000 samples": records.side("mnist").config["images"] == 2000,
    }
    check(claims)


def _sizes(part: str) -> None:
    vae, flow, gan = records.sizes(part).values()
    records.keep(part, flow_share=100 * flow.flow / vae.both)
    claims = {
        f"{part}: within a tenth of the VAE's": 0.9 <= gan.both / vae.both <= 1.1,
        f"{part}: as many weights under both priors": flow.both == vae.both,
    }
    check(claims)


def _curves(part: str) -> None:
    found = records.of(part)
    for model in AUTOENCODERS:
        trained, held = (found[model][f"{of}_negative_elbo"] for of in ("train", "val"))
        records.keep(part, **{f"{model.removeprefix('vae-')}_over": held - trained})
        check({f"{part}: {model} has the lower bound on training images": trained < held})
    trained, held = (found["gan"][f"{of}_real_probability"] for of in ("train", "val"))
    finds = trained - held
    word = "more" if finds > 0.02 else "no more" if finds > -0.02 else "less"
    records.keep(part, p_train=trained, p_val=held, d_word=word)


def _likelihood(part: str) -> None:
    found = [records.of(part)[model] for model in AUTOENCODERS]
    records.keep(part, effective=min(record["test_nll_effective_samples"] for record in found))
    if part == "colour":
        one, fifty = (
            min(record[f"test_nll_k_{k}"] - record["test_nll"] for record in found) for k in (1, 50)
        )
        records.keep(part, tighter=one, falling=fifty)


def _density() -> None:
    found = records.densities("mnist")
    z, base, seen = found.along["z"], found.along["base"], found.seen
    PAGE.keep(density_ends=signed(z[0]), density_z=signed(min(z)), density_base=signed(max(base)))
    PAGE.keep(seen_unlikely=100 * seen[0], seen_likely=100 * seen[-1])
    chance = 2 * math.hypot(found.errors[0], found.errors[-1])
    claims = {
        "a valley among codes": min(z) < min(z[0], z[-1]) - 3,
        "a hill in the base space": max(base) > max(base[0], base[-1]) + 3,
        "both in the middle": {z.index(min(z)), base.index(max(base))} <= {5, 6},
        "likelier middles are recognised more often": all(a < b for a, b in pairwise(seen)),
        "far beyond chance": seen[-1] - seen[0] > chance,
    }
    check({f"MNIST: {claim}": true for claim, true in claims.items()})


def _neighbours() -> None:
    count = records.side("mnist").config["images"]
    held = 100 * records.of("mnist")["gan"].config["validation"]
    error = math.sqrt(held * (100 - held) / count)
    shares = {
        (part, model, space): 100 * records.side(part)[f"{model}_{space}_held"]
        for part in PARTS
        for model in (*MODELS, "test")
        for space in ("pixel", "judge")
    }
    check({f"{key} does not live on copies": share > 0.7 * held for key, share in shares.items()})
    real = [share for (_, model, _), share in shares.items() if model == "test"]
    drawn = {key: share for key, share in shares.items() if key[1] != "test"}
    part, model, space = most = max(drawn, key=lambda key: drawn[key])
    by = "pixels" if space == "pixel" else "features"
    PAGE.keep(held_error=error, nearest_count=f"{count:,}")
    PAGE.keep(held_least=min(drawn.values()), held_most=drawn[most])
    PAGE.keep(held_test_least=min(real), held_test_most=max(real))
    PAGE.keep(held_most_name=f"{records.PLAIN[model]} ({records.title(part)}, by {by})")
    PAGE.keep(held_most_by=(drawn[most] - held) / error)


def between(models: Mapping[str, comparing.Drawer], seed: int) -> Figure:
    """Draw the images along one line of each kind, between two draws."""
    start, end = torch.randn(2, 1, models["gan"].latent, generator=generator(seed))
    rows = {
        label: comparing.images_along(models[model], start, end, space)[0]
        for label, (model, space) in zip(
            ("VAE", "flow,\nin z", "flow,\nin base", "GAN"), WAYS, strict=True
        )
    }
    return figures.image_rows(rows)


def lines(part: str) -> Figure:
    """Draw the images of the recorded models along lines between the first two draws of a seed."""
    return between(records.drawers(part), seed=1)


def curves(part: str) -> Figure:
    """Draw the learning curves of the three models."""
    axes = figures.panels(3, height=2.5)[1]
    found, labels = records.of(part), {"vae-gaussian": "$-\\mathcal{L}$, nats", "gan": "$-V$, nats"}
    for ax, model in zip(axes, MODELS, strict=True):
        column = "discriminator_loss" if model == "gan" else "negative_elbo"
        figures.learning_curves(
            found[model].history,
            {"training": f"train_eval_{column}", "validation": f"val_{column}"},
            ylabel=labels.get(model, ""),
            title=SAID[model],
            legend=model == "vae-gaussian",
            ax=ax,
        )
    least = [found[model].history.column("val_negative_elbo").min() for model in AUTOENCODERS]
    low, high = min(least), max(least)
    for ax in axes[:2]:
        ax.set_ylim(low - 0.05 * abs(low), high + 0.35 * abs(high))
    return figures.reference_lines({"2 log 2": 2 * math.log(2)}, ax=axes[2])


def distances() -> Figure:
    """Draw the judge's distance of samples to training images over the epochs."""
    figure, axes = figures.panels(2, height=2.7)
    for ax, part in zip(axes, PARTS, strict=True):
        series, errors = {}, {}
        for model, record in records.of(part).items():
            histories = [record.history.where("seed", s) for s in record.provenance["seeds"]]
            found = np.stack([history.column("train_fid_judge") for history in histories])
            at = np.flatnonzero(np.isfinite(found[0]))
            series[SAID[model]] = found[:, at].mean(0)
            if len(found) > 1:
                errors[SAID[model]] = found[:, at].std(0, ddof=1) / math.sqrt(len(found))
        figures.lines(at + 1, series, errors, xlabel="epoch", title=records.title(part), ax=ax)
    axes[0].set(ylabel="distance in the judge's features", yscale="log")
    return figure


def timelines(part: str, columns: int = 5) -> Figure:
    """Draw samples of the same noise before training and after every ten epochs."""
    found = records.of(part)
    figure, axes = figures.panels(3, height=0.5 * len(found["gan"].config["shown_epochs"]) + 0.3)
    for ax, model in zip(axes, MODELS, strict=True):
        images = found[model].weights("model")["timeline"][:, :columns].flatten(0, 1)
        figures.image_grid(images, columns, title=SAID[model], ax=ax)
    return figure


def beside_real(part: str, columns: int = 12) -> Figure:
    """Draw test images above samples of the three models."""
    noise = torch.randn(columns, records.drawers(part)["gan"].latent, generator=generator(0))
    real = records.of(part)["vae-gaussian"].panels["images"][:columns]
    rows: dict[str, ArrayLike] = {"test images": real}
    for model, drawer in records.drawers(part).items():
        rows[SAID[model].replace(" with", "\nwith")] = drawer.decode(drawer.to_code(noise))
    return figures.image_rows(rows)


def density() -> Figure:
    """Draw the log-density along lines, and how often middles are recognised by their density."""
    figure, (left, right) = figures.panels(2, height=2.6)
    along = records.densities("mnist").along
    figures.lines(
        range(12),
        {"among codes": along["z"], "in the base space": along["base"]},
        xlabel="point of the line",
        ylabel="mean of $\\log p_\\lambda$, nats",
        title="MNIST",
        ax=left,
    )
    at = np.arange(len(records.CLASSES_OF_DENSITY))
    for shift, part, marker in zip((-0.06, 0.06), PARTS, "os", strict=True):
        found = records.densities(part)
        seen, errors = 100 * np.array(found.seen), 100 * np.array(found.errors)
        right.errorbar(at + shift, seen, errors, fmt=marker, label=records.title(part))
    right.set_xticks(at, list(records.CLASSES_OF_DENSITY))
    right.set(xlabel="draws less likely than the middle", ylabel="recognised, %", ylim=(0, 100))
    right.legend()
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
    return figures.image_rows(rows, width=5.2)


def specks() -> Figure:
    """Draw samples before and after specks are taken from them, or put onto them."""
    names = ("gan", "gan_swept", "vae-realnvp", "specked")
    labels = ("GAN", "specks removed", "with a flow", "specks added")
    found = run("specks-mnist").panels
    return figures.image_rows({k: found[name] for k, name in zip(labels, names, strict=True)})


def table_weights() -> Markdown:
    """Return the weights of the three models, and the work of drawing one image."""
    head = "Data, model|encoder or discriminator|decoder or generator|both, beside the VAE's|flow|work of one image"
    rows = [head.split("|")]
    for part in PARTS:
        for model, of in records.sizes(part).items():
            share = f"{100 * of.both / records.sizes(part)['vae-gaussian'].both:.0f} %"
            flow = f"{of.flow:,}" if of.flow else "–"
            cells = [f"{of.judging:,}", f"{of.drawing:,}", f"{of.both:,} ({share})", flow]
            rows.append([f"{records.title(part)}: {NAMES[model]}", *cells, f"{of.work:.2f}"])
    caption = (
        "Weights, counted by torchinfo; the flow's separately. Last column: multiply-adds of drawing "
        "one image, in millions, with the flow where there is one."
    )
    return table(caption, "tab-cmp-weights", "30 16 15 18 10 11", rows)


def table_board(part: str) -> Markdown:
    """Return how the samples of the three models score."""
    protocol, judge = records.inception(part), run(f"judge-{records.dataset(part)}")
    several = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    single = {protocol: 3, "precision_judge": 2, "recall_judge": 2}
    head = [*(f"`{key}`" for key in several), "Inception distance", "precision", "recall"]
    real = [number(judge.metric(key), digits) for key, digits in several.items()]
    rows = [["Samples of", *head], ["*real test images*", *real, "–", "–", "–"]]
    for model, found in records.of(part).items():
        cells = [number(found.metric(key), digits) for key, digits in several.items()]
        for key, digits in single.items():
            cells.append(f"{found[key]:.{digits}f}" if key in found.metrics else "–")
        rows.append([NAMES[model], *cells])
    over, of = "one training each", "the same"
    if records.trainings(part) > 1:
        over = f"mean ± standard error over {records.IN_WORDS[records.trainings(part)]} trainings"
        of = "the first training"
    which = f"is {protocol}, of 10,000 samples" if protocol else "is not recorded yet"
    caption = (
        f"{records.full_title(part)}: 10,000 samples before the judge and beside the test set; {over}; the "
        f"Inception distance {which}, and precision and recall (in the judge's features) are of {of}. "
        "Real test images: all of them against the whole training set, on which the judge was "
        "trained; the bias of that distance is smaller than that of the others."
    )
    return table(caption, f"tab-cmp-board-{part}", "20 15 17 13 14 12 9", rows)


def table_likelihood() -> Markdown:
    """Return the likelihood of the autoencoders, and the time of all three."""
    head = "Data|Model|NLL, nats|bits per dimension|training, minutes|images a second"
    rows = [head.split("|")]
    for part in PARTS:
        for model, found in records.of(part).items():
            nll, bits = "has none", "–"
            if model in AUTOENCODERS:
                nll = number(found.metric("test_nll"), 2 if part == "mnist" else 0)
            if "test_bits_per_dimension" in found.metrics:
                bits = number(found.metric("test_bits_per_dimension"))
            time = [f"{found['train_seconds'] / 60:.0f}", f"{found['images_per_second']:,.0f}"]
            rows.append([records.title(part), NAMES[model], nll, bits, *time])
    caption = (
        "Likelihood and time. Negative log-likelihood of test images by importance sampling: MNIST "
        "binarised, $K = 5000$, all images; colour on 256 levels, $K = 500$, 1,000 images. Minutes of "
        "one training and images a second in training on the machine that recorded it, which may "
        "have been busy."
    )
    return table(caption, "tab-cmp-likelihood", "22 24 16 14 12 12", rows)


def table_lines() -> Markdown:
    """Return what the judge recognises along lines between draws, and how evenly they go."""

    def cell(part: str, way: records.Way, key: str, scale: int = 100, digits: int = 1) -> str:
        found = records.along(part, way, key)
        return f"{scale * found.mean:.{digits}f} ± {scale * found.sem:.{digits}f}"

    head = "Data, line|ends recognised, %|middle recognised, %|longest step|middle unlikely, %"
    rows = [head.split("|")]
    for part in PARTS:
        for way, label in WAYS.items():
            seen = [cell(part, way, f"{place}_recognisable") for place in ("ends", "middle")]
            step = cell(part, way, "largest_step", 1, 3)
            odd = cell(part, way, "middle_unlikely") if way[0] == "vae-realnvp" else "–"
            rows.append([f"{records.title(part)}: {label}", *seen, step, odd])
    caption = (
        "A thousand lines between draws, of the first training each; ± standard errors over lines."
    )
    return table(caption, "tab-cmp-lines", "40 15 16 14 15", rows)


def table_nearest() -> Markdown:
    """Return how near samples are to training images, and how often a held-out one is the nearest."""
    head = (
        "Data, images|nearest by pixels|held out, % (pixels)|nearest by features|held out, % (features)"
        "|roughness"
    )
    rows = [head.split("|")]
    for part in PARTS:
        for key, label in ({"test": "*real test images*"} | NAMES).items():
            cells = [f"{records.title(part)}: {label}"]
            for space, digits in {"pixel": 4, "judge": 2}.items():
                cells.append(f"{records.side(part)[f'{key}_{space}_nearest']:.{digits}f}")
                cells.append(f"{100 * records.side(part)[f'{key}_{space}_held']:.1f}")
            rows.append([*cells, f"{records.side(part)[f'{key}_roughness']:.4f}"])
    caption = (
        "Samples beside the images trained on: mean squared distance to the nearest of them (per "
        "pixel value; in the judge's features), and how often the nearest of all images is one that "
        "was held out. Roughness: mean squared difference of neighbouring pixel values."
    )
    return table(caption, "tab-cmp-nearest", "32 14 14 14 14 12", rows)


def table_specks() -> Markdown:
    """Return how samples score before and after specks are moved."""
    rows = [["Samples", "`fid_judge`", "Inception distance", "precision", "recall"]]
    for label, of in records.specks().items():
        cells = [f"{of[key]:.2f}" for key in ("precision", "recall")]
        rows.append([label, f"{of['judge']:.2f}", f"{of['inception']:.3f}", *cells])
    caption = (
        "Ten thousand samples of the first trainings on MNIST, as they were drawn and with specks "
        "moved, by the same protocol as above."
    )
    return table(caption, "tab-cmp-specks", "40 14 18 14 14", rows)
