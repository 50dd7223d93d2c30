"""What the page of the variational autoencoder shows of its trainings: the ladder, dropout, the search, the bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.experiments.vae import LADDER
from chapters_lib.pages import below, check, model, number, run, table
from chapters_lib.pages.vae import PAGE, config
from chapters_lib.pages.vae_weights import ENOUGH, study
from chapters_lib.recipes import vae
from chapters_lib.recipes.tuning import SPACE
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recipes.vae_ladder import rung_name

FC, PLAIN, TWICE = "vae-fc-mnist", "vae-fc-mnist-no-dropout", "vae-fc-mnist-dropout-0.1"
VANILLA, TUNING = "vae-fashion-mnist", "vae-fashion-mnist-tuning"
SHARES = {0.0: PLAIN, 0.05: FC, 0.1: TWICE}  # of dropout


def numbers() -> None:
    """Give the text its numbers of the trainings, and check what it says of them."""
    _network()
    _ladder()
    _dropout()
    _search()
    _tuned()
    _bounds()


# From a hundred images up, and how much dropout.


def ladder() -> Markdown:
    """Return the reconstructions of each rung's own training images."""
    record = run("vae-fc-mnist-ladder")
    rows = [["Images", "Hidden, latent units", "Epochs", "Batches"]]
    rows[0] += ["Reconstruction, nats", "Squared error per pixel"]
    for rung in LADDER.rungs:
        images, name = rung.images or 60_000, rung_name(rung)
        rows.append(
            [
                f"{images:,}",
                f"{rung.hidden[0]}, {rung.latent}",
                f"{rung.epochs:,}",
                f"{rung.epochs * (images // 100):,}",
                f"{record[f'train_reconstruction_{name}']:.1f}",
                f"{record[f'train_mse_{name}']:.5f}",
            ]
        )
    return table(
        "The ladder, without the KL term and without dropout: reconstructions of the rung's own training images (at "
        "most 10,000 of them). Each rung's images are among the next one's; drawn with the classes in proportion, "
        "their numbers are those of the table to within one. All batches are of 100 images.",
        "tab-vae-ladder",
        "12 22 12 12 20 22",
        rows,
    )


def rungs() -> Figure:
    """Show eight of the smallest rung's training images, and what all rungs make of them."""
    panels = run("vae-fc-mnist-ladder").panels
    rows = {"original": panels["images"]}
    for rung, images in zip(LADDER.rungs, panels["reconstructions"], strict=True):
        rows[f"{rung.images or 60_000:,}: {rung.hidden[0]}, {rung.latent}"] = images
    return figures.image_rows(rows, width=5.4)


def dropout() -> Markdown:
    """Return bound and judge's view of weight 1 with three shares of dropout."""
    columns = {
        "$-\\mathcal{L}$, train": ("train_negative_elbo", 2),
        "$-\\mathcal{L}$, test": ("test_negative_elbo", 2),
        "class entropy": ("class_entropy", 3),
        "FID (train)": ("train_fid_judge", 1),
    }
    rows = [["Dropout", "Seeds", *columns]]
    for share, name in SHARES.items():
        cells = [number(run(name).metric(key), digits) for key, digits in columns.values()]
        rows.append([f"{share:g}", str(len(run(name).provenance["seeds"])), *cells])
    return table(
        "KL weight 1 with three shares of dropout in the encoder: $-\\mathcal{L}$ of 10,000 training and of the test "
        "images, in nats, and the judge's view of 10,000 new images, the distance taken to training images; mean ± "
        "standard error where there are three seeds.",
        "tab-vae-dropout",
        "12 10 20 20 20 18",
        rows,
    )


# 784-400-20 on Fashion-MNIST, tuned.


def trials() -> list[dict[str, float]]:
    """Return the trials of the search, best first."""
    return sorted(run(TUNING).history, key=lambda row: row["val_negative_elbo"])


def search() -> Markdown:
    """Return the trials of the search, the recorded one in bold."""
    rows = [["Trial", "Epochs", "Schedule", "Warm-up, epochs", "validation $-\\mathcal{L}$"]]
    for place, row in enumerate(trials()):
        cells = [f"{row['trial'] + 1:.0f}", f"{row['epochs']:.0f}", schedule(row)]
        cells += [f"{row['warm_up']:.0f}", f"{row['val_negative_elbo']:.2f}"]
        mark = "" if place else "**"
        rows.append([f"{mark}{cell}{mark}" for cell in cells])
    return table(
        "The trials of the study, best first: $-\\mathcal{L}$ on the validation images, in nats, one seed each. Bold: "
        "the choice that was recorded.",
        "tab-vae-trials",
        "14 16 22 24 24",
        rows,
    )


def schedule(trial: Mapping[str, float]) -> str:
    """Return the course of a trial's learning rate."""
    return SPACE["schedule"][int(trial["schedule"])]


def tuned_loss() -> Figure:
    """Draw minus the ELBO over the epochs, of training and of validation images."""
    history = run(VANILLA).history
    curves = {
        "training, during the epoch": "train_negative_elbo",
        "validation, after it": "val_negative_elbo",
    }
    figure, (ax,) = figures.panels(width=5.4, height=3.0)
    figures.learning_curves(history, curves, ylabel="$-\\mathcal{L}$ in nats an image", ax=ax)
    low = min(history.column(column).min() for column in curves.values())
    high = max(history.where("epoch", 2).column(column).max() for column in curves.values())
    ax.set_ylim(low - 0.1 * (high - low), high)
    return figure


def tuned_samples() -> Figure:
    """Show twenty new images."""
    images = vae.samples(config(VANILLA), model(VANILLA), SAMPLES)
    return figures.image_grid(images[:20], columns=10)


def bounds() -> Markdown:
    """Return both bounds of the three networks with Bernoulli decoders."""
    rows = [["Model", "$-\\mathcal{L}$, train", "$-\\mathcal{L}$, test"]]
    rows[0] += ["$-\\mathcal{L}_{1000}$, test", "Bound moved"]
    for label, name in (
        ("784-200-32, MNIST, dropout", FC),
        ("784-200-32, MNIST, none", PLAIN),
        ("784-400-20, Fashion-MNIST", VANILLA),
    ):
        found = run(name)
        elbo, iwae = found.metric("test_negative_elbo"), found.metric("test_negative_iwae")
        of_images = f"{number(iwae, 2)} ({found['test_negative_iwae_sem']:.2f})"
        train = number(found.metric("train_negative_elbo"), 2)
        rows.append([label, train, number(elbo, 2), of_images, f"{elbo.mean - iwae.mean:.2f}"])
    return table(
        "Cross-entropies of grey pixels under a Bernoulli decoder, in nats an image, KL weight 1: mean ± standard "
        "error over three seeds where there is a ±, else one seed; in brackets the standard error of one model's mean "
        "over the 10,000 test images. $\\mathcal{L}_{1000}$ is the importance-weighted bound with $K = 1000$.",
        "tab-vae-numbers",
        "32 17 17 21 13",
        rows,
    )


# What the text says of them.


def _network() -> None:
    """Keep how weight 1 was trained."""
    one = config("vae-fc-mnist")
    PAGE.keep(fc_dropout=100 * one.dropout, fc_batch=one.batch_size)
    PAGE.keep(fc_epochs=one.epochs, fc_rate=one.learning_rate)
    claims = {
        "the sheet's network": one.hidden == (200,) and one.latent == 32,
        "with tanh": one.activation == "Tanh",
        "the rate falls along a cosine": one.schedule == "cosine",
        "in bfloat16": one.precision == "bfloat16",
    }
    check(claims)


def _ladder() -> None:
    """Keep the rungs' errors."""
    record, steps = run("vae-fc-mnist-ladder"), LADDER.rungs
    names = [rung_name(rung) for rung in steps]
    first, second, third, fourth, last = (record[f"train_mse_{name}"] for name in names)
    recorded = [rung["images"] for rung in record.config["rungs"]]
    shown = record.panels["images"] / 255
    nothing = float(((shown - shown.mean(0)) ** 2).mean())  # error of the eight images' mean
    PAGE.keep(ladder_first=first, ladder_second=second, ladder_third=third, ladder_last=last)
    PAGE.keep(ladder_kl=record[f"train_kl_{names[-1]}"], ladder_steps=steps[0].epochs)
    PAGE.keep(ladder_smallest=f"{steps[0].hidden[0]} hidden and {steps[0].latent} latent")
    claims = {
        "the record is of this ladder": recorded == [rung.images for rung in steps],
        "no KL term": all(rung.beta == 0 for rung in steps),
        "batches of 100": all(rung.batch_size == 100 for rung in steps),
        "the first rung is no mere mean image, nor accurate": 0.01 < first < 0.7 * nothing,
        "with capacity a hundred images are reproduced": second < min(0.001, first / 20),
        "ten times the images are too many for that network": third > 5 * second,
        "near-perfect reconstruction of all images": last < 0.01 and last < fourth < third,
        "the first two rungs differ in units alone": steps[0].epochs == steps[1].epochs,
        "and have a hundred images": recorded[:2] == [100, 100],
    }
    check(claims)


def _dropout() -> None:
    """Keep what dropout costs at weight 1."""
    none, used, twice = (run(name) for name in SHARES.values())
    entropy, sem = used["class_entropy"], used.metric("class_entropy").sem
    runs = (none, used, twice)
    gaps = [found["test_negative_elbo"] - found["train_negative_elbo"] for found in runs]
    misses = [value < ENOUGH for value in used.metric("class_entropy").values]
    PAGE.keep(none_gap=gaps[0], used_gap=gaps[1], twice_entropy=twice["class_entropy"])
    PAGE.keep(used_entropy=entropy, used_entropy_sem=sem)

    def rises(key: str) -> bool:
        low, middle, high = (found.metric(key) for found in runs)
        return below(low, middle) and below(middle, high)

    claims = {
        "three shares": all(config(name).dropout == share for share, name in SHARES.items()),
        "of one network": all({**found.config, "dropout": 0} == none.config for found in runs),
        "the study has the middle one": {found.config["dropout"] for found in study().values()}
        == {0.05},
        "each step costs nats": rises("test_negative_elbo"),
        "and distance": rises("train_fid_judge"),
        "and on average evenness": twice["class_entropy"] < entropy < none["class_entropy"],
        "0.1 misses the mark in every seed": max(twice.metric("class_entropy").values) < ENOUGH,
        "0.05 passes it by less than its standard error": 0 <= entropy - ENOUGH < sem,
        "and not in one seed": sum(misses) == 1,
        "nothing to cure": all(0 < gap < 0.5 for gap in gaps),
    }
    check(claims)


def _search() -> None:
    """Keep how far apart the trials are."""
    first, second, third, *_, worst = (row["val_negative_elbo"] for row in trials())
    best, rival = trials()[:2]
    by_epochs = {
        epochs: min(row["val_negative_elbo"] for row in trials() if row["epochs"] == epochs)
        for epochs in SPACE["epochs"]
    }
    ten, twenty, forty = by_epochs.values()
    history = run(VANILLA).history
    ten_before, at_end = (
        history.where("epoch", epoch).column("val_negative_elbo").mean()
        for epoch in (best["epochs"] - 10, best["epochs"])
    )
    scatter = float(torch.tensor(run(VANILLA).metric("val_negative_elbo").values).std())
    same = all(best[key] == rival[key] for key in ("epochs", "warm_up"))
    PAGE.keep(vanilla_trials=len(trials()), trial_spread=worst - first, trial_second=second - first)
    PAGE.keep(trial_ten=ten, trial_twenty=twenty, trial_forty=forty, vanilla_scatter=scatter)
    PAGE.keep(space=str(math.prod(len(values) for values in SPACE.values())))
    claims = {
        "more epochs are better": ten > twenty > forty and best["epochs"] == max(by_epochs),
        "most of the spread is the epochs'": ten - forty > 0.6 * (worst - first),
        "the loss still falls": at_end < ten_before - scatter,
        "the second differs in the schedule alone": same and schedule(rival) == "cosine",
        "within the seeds' scatter": second - first < 2 * scatter,
        "the third is not": 2 * scatter < third - first,
    }
    check(claims)


def _tuned() -> None:
    """Keep how the recorded network was trained."""
    found, best = config(VANILLA), trials()[0]
    courses = {
        "constant": "a constant learning rate",
        "cosine": "a learning rate that falls along a cosine",
    }
    warm = f"a warm-up of {found.warm_up} epochs" if found.warm_up else "no warm-up"
    PAGE.keep(vanilla_rate=found.learning_rate, vanilla_batch=found.batch_size)
    PAGE.keep(vanilla_epochs=found.epochs, vanilla_schedule=courses[found.schedule])
    PAGE.keep(vanilla_warm=warm)
    claims = {
        "the best trial's epochs": found.epochs == best["epochs"],
        "its schedule": found.schedule == schedule(best),
        "its warm-up": found.warm_up == best["warm_up"],
        "the sheet's network": found.hidden == (400,) and found.latent == 20,
        "its activation and loss": found.activation == "ReLU" and found.beta == 1,
        "its optimiser": found.learning_rate == 1e-3 and found.batch_size == 128,
        "a fifth is held out": found.validation == 0.2,
    }
    check(claims)


def _bounds() -> None:
    """Keep the bounds, the marks that were set for them, and how the tuned network's images are judged."""
    for short, name in (("fc", FC), ("plain", PLAIN), ("vanilla", VANILLA)):
        elbo, iwae = run(name)["test_negative_elbo"], run(name)["test_negative_iwae"]
        PAGE.keep(**{f"{short}_elbo": elbo, f"{short}_moved": elbo - iwae})
        check({f"{name}: the tighter bound is the lower loss": iwae < elbo})
        check({f"{name}: K = 1000": config(name).iwae_samples == 1000})
        check({f"{name}: KL weight 1": config(name).beta == 1})
    for short, name, mark in (("fc", FC, 104), ("plain", PLAIN, 102)):
        reached = "reached" if run(name)["test_negative_elbo"] <= mark else "missed"
        PAGE.keep(**{f"{short}_target": mark})
        PAGE.keep(**{f"{short}_reached": reached})
    vanilla = run(VANILLA)
    PAGE.keep(vanilla_elbo_sem=vanilla.metric("test_negative_elbo").sem)
    PAGE.keep(vanilla_iwae=vanilla["test_negative_iwae"])
    PAGE.keep(vanilla_iwae_sem=vanilla.metric("test_negative_iwae").sem)
    PAGE.keep(vanilla_units=vanilla["active_units"], vanilla_share=100 * vanilla["recognisable"])
    real = run("judge-fashion-mnist")["recognisable"]
    with_dropout, without = (run(name).metric("test_negative_elbo") for name in (FC, PLAIN))
    PAGE.keep(dropout_cost=with_dropout.mean - without.mean)
    claims = {
        "three seeds": all(len(run(name).provenance["seeds"]) == 3 for name in (FC, VANILLA)),
        "dropout costs": below(without, with_dropout),
        "new garments are recognised less often": vanilla["recognisable"] < real,
    }
    check(claims)
