"""What the page of the generative adversarial network shows and says of its trainings' loss curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from scipy import stats

from chapters_lib import figures
from chapters_lib.pages import Page, below, check, run, signed
from chapters_lib.training import History

PAGE = Page("gan")
CHANCE = 2 * math.log(2)  # the discriminator's loss where nobody can tell
MINMAX, OTHER, COLLAPSE = (f"gan-fc-mnist{end}" for end in ("", "-nonsaturating", "-collapse"))
TRAININGS = {"min-max": MINMAX, "non-saturating": OTHER, "collapsed": COLLAPSE}
SURE = 0.1  # a discriminator is sure if its mean on samples is lower


def numbers() -> None:
    """Glue what the text says of the loss curves, and check it."""
    _of_all_trainings()
    _of_the_first_training()
    _of_twins()
    _of_the_collapse()
    _of_modes()
    _of_sureness()


def curves() -> Figure:
    """Draw both losses, the means of D, and the distance of the samples over the epochs."""
    history = run(MINMAX).history
    figure, (left, middle, right) = figures.panels(3, height=2.6)
    losses = {"discriminator": "discriminator_loss", "generator": "generator_loss"}
    marks = {"2 log 2": CHANCE, "−log 2": -math.log(2)}
    figures.learning_curves(history, losses, marks=marks, ylabel="nats", title="Losses", ax=left)
    left.legend(loc="center right")
    seen = {"real": "real_probability", "samples": "fake_probability"}
    figures.learning_curves(history, seen, ylabel="", title="Mean of D", ax=middle)
    middle.set_ylim(0, 1)
    look: Any = {"log": True, "legend": False, "title": "Distance of samples"}
    distance = {"distance": "train_fid_judge"}
    figures.learning_curves(_measured(history), distance, ylabel="", ax=right, **look)
    return figure


def loss_and_distance() -> Figure:
    """Draw each measured epoch of each training by its loss and the distance of its samples."""
    clouds = {}
    for label, name in TRAININGS.items():
        rows = _measured(run(name).history)
        clouds[label] = [[row["discriminator_loss"], row["train_fid_judge"]] for row in rows]
    figure, (ax,) = figures.panels(width=4.8, height=3.0)
    figures.points(clouds, size=16, ax=ax)
    ax.set(xlabel="discriminator's loss, nats", ylabel="distance of samples", yscale="log")
    ax.axvline(CHANCE, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
    return figure


def _measured(history: History) -> History:
    """The epochs at which samples were measured."""
    return History(row for row in history if "train_fid_judge" in row)


def _by_training() -> list[History]:
    """The measured epochs of each min-max training."""
    measured = _measured(run(MINMAX).history)
    return [measured.where("seed", seed) for seed in run(MINMAX).provenance["seeds"]]


def _in_epoch(epoch: int, column: str) -> Any:
    """A column of the three min-max trainings in one epoch."""
    return run(MINMAX).history.where("epoch", epoch).column(column)


def _in_the_last(column: str) -> Any:
    return _in_epoch(run(MINMAX).config["epochs"], column)


def _of_all_trainings() -> None:
    parts, final = _by_training(), _in_the_last("discriminator_loss").mean()
    distances = [part.column("train_fid_judge") for part in parts]
    losses = [part.column("discriminator_loss") for part in parts]
    first, last = ([each[i] for each in distances] for i in (0, -1))
    start = sum(each[0] for each in losses) / len(losses)
    PAGE.keep(first_fid=sum(first) / len(first), last_fid=sum(last) / len(last))
    PAGE.keep(fall=sum(first) / sum(last), first_epoch=parts[0].column("epoch")[0])
    PAGE.keep(first_loss=start, last_loss=final, bound=(math.log(4) - final) / 2)
    PAGE.keep(points=len(losses[0]))
    PAGE.keep(pearson=_correlations(stats.pearsonr, losses, distances))
    PAGE.keep(spearman=_correlations(stats.spearmanr, losses, distances))
    falls = all(b < a / 1.5 for a, b in zip(first, last, strict=True))
    check({"the distance falls a lot, in each training": falls})


def _correlations(measure: Any, losses: Sequence[Any], distances: Sequence[Any]) -> str:
    """The correlation of loss and distance in each training."""
    pairs = zip(losses, distances, strict=True)
    return ", ".join(signed(measure(*pair).statistic, 2) for pair in pairs)


def _of_the_first_training() -> None:
    """The course of the first training, in its two halves."""
    minmax = run(MINMAX)
    half = minmax.config["epochs"] // 2
    course = minmax.history.where("seed", minmax.provenance["seeds"][0])
    loss = course.column("discriminator_loss")
    early, rest = loss[:half], loss[half:]
    distance = {row["epoch"]: row["train_fid_judge"] for row in _measured(course)}
    first, end = distance[min(distance)], distance[max(distance)]
    middle = distance[min(distance, key=lambda epoch: abs(epoch - half))]
    PAGE.keep(half_low=rest.min(), half_high=rest.max(), half_fid=middle, end_fid=end)
    PAGE.keep(early_low=early.min(), early_high=early.max())
    check(
        {
            "level in the second half": rest.max() - rest.min() < 0.2,
            "while samples get nearer": end < 0.9 * middle,
            "wavering in the first half": early.max() - early.min() > 0.3,
            "up and down": 0.2 < (early[1:] > early[:-1]).mean() < 0.8,
            "while samples get nearer, too": middle < 0.7 * first,
        }
    )


def _of_twins(near: float = 0.05) -> None:
    """Two epochs of one training with nearly the same loss, and samples as far apart as they get."""
    ratio, i, j = max(
        (
            (a["train_fid_judge"] / b["train_fid_judge"], a, b)
            for rows in _by_training()
            for a in rows
            for b in rows
            if abs(a["discriminator_loss"] - b["discriminator_loss"]) < near
        ),
        key=lambda found: found[0],
    )
    PAGE.keep(twin_ratio=ratio, twin_i=i["epoch"], twin_j=j["epoch"])
    PAGE.keep(twin_loss_i=i["discriminator_loss"], twin_loss_j=j["discriminator_loss"])
    PAGE.keep(twin_fid_i=i["train_fid_judge"], twin_fid_j=j["train_fid_judge"])
    check({"nearly the same loss at very different distances": ratio > 2})


def _of_the_collapse() -> None:
    minmax, collapsed = run(MINMAX), run(COLLAPSE)
    loss, final = collapsed.history.column("discriminator_loss"), _in_the_last("discriminator_loss")
    distance = collapsed["fid_judge"]
    PAGE.keep(collapse_loss_low=loss.min(), collapse_loss_high=loss.max(), collapse_fid=distance)
    PAGE.keep(collapse_entropy=collapsed["class_entropy"])
    PAGE.keep(collapsed_recognisable=100 * collapsed["recognisable"])
    nearer = abs(loss.mean() - CHANCE) < abs(final.mean() - CHANCE)
    uneven = below(collapsed.metric("class_entropy"), minmax.metric("class_entropy"))
    check(
        {
            "the collapsed discriminator's loss is nearer to 2 log 2": nearer,
            "its samples are far worse": distance > 2 * max(minmax.metric("fid_judge").values),
            "and less even": uneven,
            "D is above chance to the end": final.max() < CHANCE,
        }
    )


def _of_modes() -> None:
    """What D says in training mode and in evaluation mode."""
    minmax, in_training = run(MINMAX), _in_the_last("fake_probability").mean()
    real, fake = minmax["real_probability"], minmax["fake_probability"]
    PAGE.keep(train_real=_in_the_last("real_probability").mean(), train_fake=in_training)
    PAGE.keep(eval_real=real, eval_fake=fake)
    PAGE.keep(eval_accuracy=100 * minmax["discriminator_accuracy"])
    check({"in evaluation mode D gives samples more than in training": fake > in_training})


def _of_sureness() -> None:
    """How often the discriminator of the min-max loss knows a sample for what it is."""
    minmax, start = run(MINMAX), _in_epoch(1, "fake_probability").mean()
    rows = sorted(minmax.history, key=lambda row: row["fake_probability"])
    sure, lowest = [row for row in rows if row["fake_probability"] < SURE], rows[0]
    ends = minmax.metric("fid_judge").values
    end = ends[minmax.provenance["seeds"].index(lowest["seed"])]
    PAGE.keep(epoch_one=start, slopes_apart=(1 - start) / start, epochs_of_all=len(rows))
    PAGE.keep(epochs_sure=len(sure), sure_bound=SURE, fake_lowest=lowest["fake_probability"])
    PAGE.keep(sure_epoch=lowest["epoch"], sure_end=end)
    check(
        {
            "D is not sure at the start": start > 0.2,
            "D is sure for few epochs": 0 < len(sure) < 0.02 * len(rows),
            "and late": min(row["epoch"] for row in sure) > 10,
            "and not at the end": lowest["epoch"] < minmax.config["epochs"],
            "a training recovers from it": end < 1.5 * min(ends),
        }
    )
