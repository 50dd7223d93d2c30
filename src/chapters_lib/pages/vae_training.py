"""What the page of the variational autoencoder shows of its trainings: the ladder, dropout, the search, the bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.experiments.vae import LADDER
from chapters_lib.findings.verdicts import below, both, difference, greater, less, level, outcome
from chapters_lib.findings.words import interval, number
from chapters_lib.pages import check, model, printed, run, table
from chapters_lib.pages.vae import PAGE, config, trainings
from chapters_lib.pages.vae_weights import ENOUGH, spread
from chapters_lib.recipes import vae
from chapters_lib.recipes.tuning import SPACE
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recipes.vae_ladder import rung_name
from chapters_lib.recording.runs import Metric

FC, PLAIN, TWICE = "vae-fc-mnist", "vae-fc-mnist-no-dropout", "vae-fc-mnist-dropout-0.1"
VANILLA, TUNING = "vae-fashion-mnist", "vae-fashion-mnist-tuning"
LONGEST = "vae-fashion-mnist-320-epochs"
SHARES = {0.0: PLAIN, 0.05: FC, 0.1: TWICE}  # of dropout


def numbers() -> None:
    """Give the text its numbers of the trainings, and mark what it says of them."""
    _ladder()
    _dropout()
    _search()
    _tuned()


def ladder() -> Markdown:
    """Return the reconstructions of each rung's own training images."""
    record = run("vae-fc-mnist-ladder")
    rows = [["Images", "Hidden, code units", "Batches", "Reconstruction, nats"]]
    rows[0] += ["Squared error per pixel"]
    for rung in LADDER.rungs:
        images, name = rung.images or 60_000, rung_name(rung)
        cells = [f"{images:,}", f"{rung.hidden[0]}, {rung.latent}"]
        cells += [f"{rung.epochs * (images // 100):,}"]
        cells += [f"{record[f'train_reconstruction_{name}']:.1f}"]
        rows.append([*cells, f"{record[f'train_mse_{name}']:.5f}"])
    return table(
        "The ladder, without the KL term and without dropout, one training a rung: reconstructions of the rung's own "
        "training images (at most 10,000 of them). Each rung's images are among the next one's.",
        "tab-vae-ladder",
        "16 24 16 22 22",
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
        "$-\\mathrm{ELBO}$, train": ("train_negative_elbo", 2),
        "$-\\mathrm{ELBO}$, test": ("test_negative_elbo", 2),
        "evenness": ("class_entropy", 3),
        "distance (train)": ("train_fid_judge", 1),
    }
    rows = [["Dropout", "Trainings", *columns]]
    for share, name in SHARES.items():
        cells = printed(run(name), dict(columns.values()))
        rows.append([f"{share:g}", str(run(name).trainings), *cells])
    return table(
        "KL weight 1 with three shares of dropout in the encoder: $-\\mathrm{ELBO}$ of 10,000 training and of the test "
        "images, in nats; the judge's view of 10,000 new images. ±: standard error over trainings.",
        "tab-vae-dropout",
        "12 12 20 20 18 18",
        rows,
    )


# 784-400-20 on Fashion-MNIST, tuned.


def trials() -> list[dict[str, float]]:
    """Return the trials of the search, best first."""
    return sorted(run(TUNING).history, key=lambda row: row["val_negative_elbo"])


def search() -> Markdown:
    """Return the trials of the search, the recorded one in bold."""
    rows = [["Trial", "Epochs", "Schedule", "Warm-up, epochs", "validation $-\\mathrm{ELBO}$"]]
    for place, row in enumerate(trials()):
        cells = [f"{row['trial'] + 1:.0f}", f"{row['epochs']:.0f}", schedule(row)]
        cells += [f"{row['warm_up']:.0f}", f"{row['val_negative_elbo']:.2f}"]
        mark = "" if place else "**"
        rows.append([f"{mark}{cell}{mark}" for cell in cells])
    return table(
        "The trials of the study, best first: $-\\mathrm{ELBO}$ of the validation images, in nats, one training each. "
        "Bold: the choice that was recorded.",
        "tab-vae-trials",
        "14 16 22 24 24",
        rows,
    )


def schedule(trial: Mapping[str, float]) -> str:
    """Return the course of a trial's learning rate."""
    return str(run(TUNING).config["schedule"][int(trial["schedule"])])


def tuned_loss() -> Figure:
    """Draw minus the ELBO over the epochs, of training and of validation images."""
    history = run(VANILLA).history
    curves = {
        "training, during the epoch": "train_negative_elbo",
        "validation, after it": "val_negative_elbo",
    }
    figure, (ax,) = figures.panels(width=5.4, height=3.0)
    figures.learning_curves(history, curves, ylabel="$-$ELBO, nats an image", ax=ax)
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
    rows = [["Model", "$-\\mathrm{ELBO}$, train", "$-\\mathrm{ELBO}$, test"]]
    rows[0] += ["$-\\mathrm{ELBO}_{1000}$, test", "Bound moved"]
    for label, name in (
        ("784-200-32, MNIST, dropout", FC),
        ("784-200-32, MNIST, no dropout", PLAIN),
        ("784-400-20, Fashion-MNIST", VANILLA),
    ):
        found = run(name)
        check(f"{name}: K = 1000 at KL weight 1", config(name).iwae_samples == 1000)
        elbo, iwae = found.metric("test_negative_elbo"), found.metric("test_negative_iwae")
        of_images = f"{number(iwae, 2)} ({found['test_negative_iwae_sem']:.2f})"
        train = number(found.metric("train_negative_elbo"), 2)
        rows.append([label, train, number(elbo, 2), of_images, f"{elbo.mean - iwae.mean:.2f}"])
    return table(
        "Losses of grey pixels under a Bernoulli decoder, in nats an image, KL weight 1. ±: standard error "
        "over trainings (none: one training). In brackets: standard error of one model's mean over the test images. "
        "$\\mathrm{ELBO}_{1000}$: the importance-weighted bound with 1,000 draws.",
        "tab-vae-numbers",
        "32 17 17 21 13",
        rows,
    )


# What the text says of them.


def _ladder() -> None:
    """Keep the rungs' errors, and how weight 1 was trained."""
    record, one = run("vae-fc-mnist-ladder"), config(FC)
    names = [rung_name(rung) for rung in LADDER.rungs]
    for place, name in zip(("first", "second"), names[:2], strict=True):
        PAGE.keep(**{f"ladder_{place}": record[f"train_mse_{name}"]})
    PAGE.keep(ladder_floor=record[f"train_reconstruction_{names[1]}"])
    PAGE.keep(fc_dropout=100 * one.dropout, fc_batch=one.batch_size)
    PAGE.keep(fc_epochs=one.epochs, fc_rate=one.learning_rate, fc_latent=str(one.latent))
    recorded = [rung["images"] for rung in record.config["rungs"]]
    no_kl = all((rung.beta, rung.batch_size) == (0, 100) for rung in LADDER.rungs)
    network, course = (one.hidden, one.latent, one.activation), (one.schedule, one.precision)
    check("the record is of this ladder", recorded == [rung.images for rung in LADDER.rungs])
    check("no KL term, batches of 100", no_kl)
    check("the sheet's network", network == ((200,), 32, "Tanh"))
    check("the rate falls along a cosine, in bfloat16", course == ("cosine", "bfloat16"))


def _dropout() -> None:
    """Keep what dropout costs at weight 1."""
    none, used, twice = (run(name) for name in SHARES.values())
    alike = all({**found.config, "dropout": 0} == none.config for found in (used, twice))
    check("of one network", alike)
    entropy = twice.metric("class_entropy")
    gap = difference(used.metric("class_entropy"), entropy)
    PAGE.keep(dropout_cost=used["test_negative_elbo"] - none["test_negative_elbo"])
    PAGE.keep(twice_entropy=entropy.mean, halved=interval(gap))
    keys = ("test_negative_elbo", "train_fid_judge", "class_entropy")
    plain, fc, double = ({key: found.metric(key) for key in keys} for found in (none, used, twice))
    nats, fid, even = keys
    unmoved = both(level(double[fid], fc[fid]), level(double[even], fc[even])).holds
    said = "is not shown to matter" if unmoved else "matters"
    PAGE.keep(halved_said=f"{said} to the judge")
    PAGE.claims(
        dropout_nats=both(
            greater(fc[nats], plain[nats], spread=spread(nats)), greater(double[nats], fc[nats])
        ),
        dropout_judge=both(
            greater(fc[fid], plain[fid], spread=spread(fid)),
            less(double[even], plain[even], spread=spread(even)),
        ),
        twice=below(double[even], ENOUGH),
    )


def _trial(course: str, epochs: int) -> Metric:
    """Return the validation loss of the trial of a schedule and so many epochs, without warm-up."""
    alike = (t for t in trials() if schedule(t) == course and not t["warm_up"])
    return Metric.of([t["val_negative_elbo"] for t in alike if t["epochs"] == epochs])


def _search() -> None:
    """Keep how far apart the trials are."""
    first, second, *_ = (row["val_negative_elbo"] for row in trials())
    val = run(VANILLA).metric("val_negative_elbo")
    ten, twenty, forty = (_trial("cosine", epochs) for epochs in (10, 20, 40))
    brief, full = (_trial("constant", epochs) for epochs in (10, 40))
    PAGE.keep(vanilla_trials=len(trials()), trial_second=second - first)
    PAGE.keep(fall_cosine=ten.mean - forty.mean, fall_constant=brief.mean - full.mean)
    PAGE.keep(space=str(math.prod(len(run(TUNING).config[key]) for key in SPACE)))
    PAGE.keep(vanilla_scatter=val.sd)
    PAGE.claims(
        epochs=both(
            less(twenty, ten, spread=val),
            less(forty, twenty, spread=val),
            less(full, brief, spread=val),
        ),
    )
    one, other = Metric.of([first]), Metric.of([second])
    said = ("more than that explains", "no difference is shown", "more than that explains")
    PAGE.keep(second_said=outcome(one, other, said, spread=val))


def _tuned() -> None:
    """Keep how the recorded network was trained, its bounds, and how its images are judged."""
    found, best, vanilla = config(VANILLA), trials()[0], run(VANILLA)
    falling = "a learning rate that falls along a cosine"
    courses = {"constant": "a constant learning rate", "cosine": falling}
    warm = f"a warm-up of {found.warm_up} epochs" if found.warm_up else "no warm-up"
    PAGE.keep(vanilla_rate=found.learning_rate, vanilla_batch=found.batch_size)
    PAGE.keep(vanilla_epochs=found.epochs, vanilla_schedule=courses[found.schedule])
    PAGE.keep(vanilla_warm=warm, vanilla_units=vanilla["active_units"])
    PAGE.keep(vanilla_seeds=trainings(VANILLA))
    curve = run(LONGEST).history.column("val_negative_elbo")
    least = int(curve.argmin())
    PAGE.keep(longest=str(len(curve)), longest_best=str(least + 1))
    PAGE.keep(longest_gain=curve[found.epochs - 1] - curve[least])
    elbo = vanilla.metric("test_negative_elbo")
    PAGE.keep(vanilla_elbo=elbo.mean, vanilla_elbo_sem=elbo.sem)
    share = vanilla.metric("recognisable").percent
    PAGE.keep(vanilla_share=share.mean, vanilla_share_sem=share.sem)
    PAGE.keep(real_share=100 * run("judge-fashion-mnist")["recognisable"])
    chosen = (found.epochs, found.schedule, found.warm_up)
    check("the best trial", chosen == (best["epochs"], schedule(best), best["warm_up"]))
    check("the sheet's network", (found.hidden, found.latent) == ((400,), 20))
    check("its activation and loss", (found.activation, found.beta) == ("ReLU", 1))
    check("a fifth is held out", found.validation == 0.2)
