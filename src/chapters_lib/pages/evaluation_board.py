"""The page on evaluation: the scoreboard, and how far its two distances agree."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
from IPython.display import Markdown
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import stats

from chapters_lib import figures
from chapters_lib.findings.board import (
    EQUAL,
    KINDS,
    TITLES,
    Entry,
    drawn_from,
    entries,
    family,
    of_real_images,
    real_images,
    shown,
    yardstick,
)
from chapters_lib.findings.verdicts import Verdict, both, difference
from chapters_lib.findings.verdicts import shown as shown_apart
from chapters_lib.findings.words import in_words, interval, signed
from chapters_lib.pages import check, list_table, run, site_only, table
from chapters_lib.pages.evaluation import PAGE

WIDTHS = "34 13 13 13 12 10 9"  # of a board's columns


def numbers() -> None:
    """Give the text what it says of the scoreboard, and hold its claims against the records."""
    PAGE.keep(board_state=_state(), board_format=_format(), unread=_unread())
    _agreement()
    four_weights()


def _state() -> str:
    """Say which rows have the Inception distance."""
    measured = sum(entry.has(shown()) for entry in entries())
    state = f"The Inception distance has the key {shown()}; {measured} of all {len(entries())} rows have it."
    if few := sum(entry.has(EQUAL) for entry in entries()):
        state += (
            f" A further {few} have one of as many samples as there are test images (key {EQUAL})."
        )
    return state + " A dash: not measured."


def _unread() -> str:
    """Say on which of the printed boards Inception was not asked about real images."""
    unread = [
        of for of in ("mnist", "fashion-mnist") if "not asked about real" in of_real_images(of)
    ]
    named = " and ".join(TITLES[dataset] for dataset in unread)
    return f"; for Inception on {named} we have not" if unread else ""


def _format() -> str:
    """Say in which number format the scoreboard is, and what that does to it."""
    if not shown().endswith("bfloat16"):
        return "The scoreboard below is in float32 in all its rows."
    said = (
        "The scoreboard below is in bfloat16 in all its rows. Its distances may be compared with each other, and "
        "are larger than those in float32."
    )
    full, low = "fid_inception768", "fid_inception768_bfloat16"
    both = [entry for entry in entries() if entry.has(full) and entry.has(low)]
    if both:
        of, prefix = both[0]
        said += " For the fully connected GAN both are recorded, from ten thousand samples: "
        said += f"{of[prefix + full]:.4f} and {of[prefix + low]:.4f}."
    return said


def _rows(dataset: str, *, best: bool) -> list[list[str]]:
    """Return the generators of one data set, nearest samples first, below real images; of each kind all or the best."""
    digits = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    of_first = {shown(): 4, "precision_judge": 2, "recall_judge": 2}
    rows = [["Samples of", "recognised", "evenness", "judge", "Inception", "precision", "recall"]]
    generators = sorted(
        drawn_from(dataset), key=lambda entry: entry.run[f"{entry.prefix}fid_judge"]
    )
    if best:
        first = {family(entry): entry for entry in reversed(generators)}
        generators = [entry for entry in generators if entry is first[family(entry)]]
    named = [(f"`{entry.run.name}`", entry) for entry in generators]
    for name, entry in [("*real images*", yardstick(dataset)[0]), *named]:
        cells = {key: entry.text(key, places) for key, places in digits.items()}
        cells |= {key: entry.first_text(key, places) for key, places in of_first.items()}
        if entry.has(EQUAL):
            cells[shown()] = entry.text(EQUAL, 4)
        if name == "*real images*" and (of_real := real_images(dataset)):
            cells[shown()] = f"{of_real[f'train_{shown()}']:.4f}"
        rows.append([name, *cells.values()])
    return rows


def table_board(dataset: str) -> Markdown:
    """Return the best generator of each kind of one data set, nearest samples first; above them real images."""
    name = dataset.removesuffix("-mnist")
    caption = f"{TITLES[dataset]}: the best generator of each kind. {yardstick(dataset)[1]}"
    if dataset == "mnist":
        caption += " 10,000 samples each; lower distances are better, in the other columns higher numbers are."
    caption += of_real_images(dataset)
    rows = _rows(dataset, best=True)
    return table(caption, f"tab-eval-board-{name}", WIDTHS, rows)


def every_generator() -> Markdown:
    """Return for the site alone every generator of each data set, folded and without number."""
    folds = []
    for dataset in dict.fromkeys(entry.run.config["dataset"] for entry in entries()):
        head = f":::{{admonition}} Every recorded generator: {TITLES[dataset]}\n:class: dropdown\n"
        folds.append(f"{head}\n{list_table(_rows(dataset, best=False), WIDTHS)}\n:::")
    return site_only("\n\n".join(folds))


@cache
def _both() -> dict[str, dict[str, tuple[float, float]]]:
    """Return the judge's and Inception's distance of the first trainings, where four or more have both."""
    pairs = {
        dataset: {
            entry.run.name: (entry.first("fid_judge"), entry.first(shown()))
            for entry in drawn_from(dataset)
            if entry.has(shown())
        }
        for dataset in TITLES
    }
    return {dataset: found for dataset, found in pairs.items() if len(found) >= 4}


def agreement() -> Figure:
    """Return both distances of every generator that has them, a plot for each data set."""
    names = [name for found in _both().values() for name in found]
    kind_of = {name: family(Entry(run(name), "")) for name in names}
    every = dict.fromkeys([*KINDS.values(), *kind_of.values()])
    kinds = [kind for kind in every if kind in kind_of.values()]
    figure, axes = figures.panels(len(_both()), height=2.8)
    for ax, (dataset, found) in zip(axes, _both().items(), strict=True):
        groups = {
            kind: np.array([p for name, p in found.items() if kind_of[name] == kind]).reshape(-1, 2)
            for kind in kinds
        }
        look: Any = {"xlabel": "distance, judge", "title": TITLES[dataset]}
        look["ylabel"] = "distance, Inception" if ax is axes[0] else ""
        figures.points(groups, size=26, legend=False, ax=ax, **look)
        ax.set(xscale="log", yscale="log")
        if odd := _odd(dataset):
            ax.annotate(
                odd, found[odd], (0, 5), textcoords="offset points", ha="center", fontsize=7
            )
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


NEAREST = 7  # generators, among which the orders matter


def _correlation(dataset: str, count: int | None = None) -> float:
    """Return Spearman's rank correlation of the two distances, of all or of those nearest by the judge."""
    found = sorted(_both()[dataset].values())[:count]
    return float(stats.spearmanr(*zip(*found, strict=True)).statistic)


@cache
def _least_rank(count: int) -> float:
    """Return the least rank correlation of so many that chance reaches, with either sign, in 5 % of cases at most."""
    every = np.array(list(permutations(range(count))))
    squares = ((every - np.arange(count)) ** 2).sum(1)
    sizes = np.sort(np.abs(1 - 6 * squares / (count * (count**2 - 1))))
    rare = [size for size in np.unique(sizes.round(9)) if (sizes > size - 1e-9).mean() <= 0.05]
    return float(rare[0])


def _agreement() -> None:
    ranks, near, places, weak = [], [], [], []
    for dataset, found in _both().items():
        title = TITLES[dataset]
        ranks.append(f"{_correlation(dataset):.2f} over {len(found)} generators on {title}")
        if len(found) > NEAREST:
            near.append(f"{_correlation(dataset, NEAREST):.2f} on {title}")
        if abs(of_seven := _correlation(dataset, NEAREST)) < _least_rank(NEAREST):
            whole = "" if len(found) == NEAREST else f"among the {in_words(NEAREST)} nearest "
            weak.append(f"{whole}on {title} ({of_seven:.2f})")
        judge, inception = (min(found, key=lambda name: found[name][side]) for side in (0, 1))
        both = f"both put {judge} first"
        differ = f"the judge puts {judge} first and Inception {inception}"
        places.append(f"on {title} {both if judge == inception else differ}")
    PAGE.keep(ranks=", ".join(ranks), near_ranks=" and ".join(near), nearest=in_words(NEAREST))
    PAGE.keep(first_places="; ".join(places), least_rank=_least_rank(NEAREST))
    PAGE.keep(not_shown=f"agreement is {'not shown ' + ' and '.join(weak) if weak else 'shown'}")
    least = min(map(_correlation, _both()))
    PAGE.claims(orders_agree=Verdict(least > 0, f"a rank correlation of {signed(least, 2)}"))


def _odd(dataset: str) -> str:
    """Return the generator whose places in the two orders differ most, or nothing where none does."""
    found = _both()[dataset]
    judge, inception = (stats.rankdata(values) for values in zip(*found.values(), strict=True))
    odd = int(np.abs(judge - inception).argmax())
    return "" if judge[odd] == inception[odd] else list(found)[odd]


# A bound, a judge and Inception, asked of one model under four weights of its KL term.

RECORDED = 6  # weights, with 0 and 0.1
WEIGHTS = {
    0.5: "vae-fc-mnist-weight-0.5",
    1.0: "vae-fc-mnist",
    2.0: "vae-fc-mnist-weight-2",
    4.0: "vae-fc-mnist-weight-4",
}


def _weighted() -> dict[float, Entry]:
    """Return the trainings of one autoencoder by the weight of their KL term."""
    return {weight: Entry(run(name), "") for weight, name in WEIGHTS.items()}


def four_weights() -> None:
    """Keep what the text says of the four weights, and hold its claims against the records."""
    studied = _weighted()
    keys = {"bound": "test_negative_elbo", "distance": "fid_judge", "kl": "test_kl"}
    keys |= {"mse": "test_mse", "recall": "recall_judge"}
    found = {
        name: {weight: entry.first(key) for weight, entry in studied.items()}
        for name, key in keys.items()
    }
    for name in ("bound", "distance", "kl", "mse"):
        PAGE.of(name).keep(one=found[name][1.0], four=found[name][4.0])
    seen, precise = (
        [studied[weight].first(key) for weight in (1.0, 4.0)]
        for key in ("recognisable", "precision_judge")
    )
    _second_opinion()
    one, two = (studied[weight].run for weight in (1.0, 2.0))
    worse = difference(two.metric("test_negative_elbo"), one.metric("test_negative_elbo"))
    nearer = difference(one.metric("fid_judge"), two.metric("fid_judge"))
    PAGE.keep(two_worse=interval(worse, 2), two_nearer=interval(nearer, 2))
    free = {"beta": None, "iwae_samples": None}
    configs = [entry.run.config for entry in studied.values()]
    alike = all(config | free == configs[0] | free for config in configs)
    check("nothing but the weight differs", alike)
    check("and it is the one said", [config["beta"] for config in configs] == [*WEIGHTS])
    bound, distance, recall = (found[name] for name in ("bound", "distance", "recall"))
    PAGE.claims(
        bound_best_at_one=Verdict(min(bound, key=bound.__getitem__) == 1.0, _told(bound, 1)),
        bound_against_judge=both(shown_apart(worse, sign=1), shown_apart(nearer, sign=1)),
        nearest_at_four=Verdict(min(distance, key=distance.__getitem__) == 4.0, _told(distance, 2)),
        recall_falls=Verdict(
            recall[1.0] > recall[2.0] > recall[4.0]
            and seen[0] < seen[1]
            and precise[1] < precise[0] + 0.01,
            f"recall {_told(recall, 2)}; recognised {seen[0]:.2f} and {seen[1]:.2f}",
        ),
    )


def _told(values: dict[float, float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f} at {weight:g}" for weight, value in values.items())


def _second_opinion() -> None:
    """Keep what the Inception distance says of weights 1 and 4: words that follow the numbers."""
    found = {w: entry.first(shown()) for w, entry in _weighted().items() if entry.has(shown())}
    if not {1.0, 4.0} <= found.keys():
        PAGE.keep(
            second_opinion="The Inception distance has not been measured for both of them yet.",
            sides="recall sides with the bound there",
            nearer="The Inception distance has not been asked.",
        )
        return
    against = f"{found[4.0]:.4f} against {found[1.0]:.4f}"
    if found[4.0] < found[1.0]:
        PAGE.keep(
            second_opinion=f"The Inception distance says the same of the two, {against}.",
            sides="recall sides with the bound there, and the Inception distance with the judge",
            nearer="The Inception distance says the same.",
        )
        return
    second = f"The Inception distance contradicts: {against}; which samples are nearer depends on the features."
    if len(found) == len(WEIGHTS) and min(found, key=found.__getitem__) == 1.0:
        second += " Of these weights it has weight 1 first, as the bound has."
    PAGE.keep(
        second_opinion=second,
        sides="recall and the Inception distance side with the bound there",
        nearer="Inception puts weight 1 before weight 4 (one training each), so the claim is of the judge's features; "
        "Inception's order would fall if three trainings of each weight overlapped.",
    )


def _firsts() -> tuple[float, float, float | None]:
    """Return the weights with the best bound, and with the nearest samples by the judge and by Inception."""
    studied = _weighted()
    bound, judge = (
        min(studied, key=lambda weight: studied[weight].first(key))
        for key in ("test_negative_elbo", "fid_judge")
    )
    if not all(entry.has(shown()) for entry in studied.values()):
        return bound, judge, None
    return bound, judge, min(studied, key=lambda weight: studied[weight].first(shown()))


def _rows_said() -> str:
    """Say whether the best bound and the nearest samples are in one row, by either network."""
    bound, judge, inception = _firsts()
    said = f"By the judge the nearest samples (weight {judge:g}) are "
    said += f"{'' if judge == bound else 'not '}in the row of the best bound (weight {bound:g})"
    if inception is None:
        return f"{said}."
    if (judge == bound) == (inception == bound):
        return f"{said}; so it is by Inception."
    return f"{said}; by Inception they are{'' if inception == bound else ' not'}."


def table_weights() -> Markdown:
    """Return the bound and the distances of one autoencoder under four weights of its KL term."""
    rows = [["Weight of the KL term", "−ELBO, nats", "judge", "Inception", "recognised"]]
    rows[0] += ["precision", "recall"]
    for weight, entry in _weighted().items():
        row = [f"{weight:g}", f"{entry.first('test_negative_elbo'):.1f}"]
        row += [f"{entry.first('fid_judge'):.2f}", entry.first_text(shown(), 4)]
        row += [f"{entry.first('recognisable'):.3f}"]
        rows.append(
            row + [f"{entry.first(key):.2f}" for key in ("precision_judge", "recall_judge")]
        )
    return table(
        "One variational autoencoder (784-200-32, MNIST) trained under the four largest of "
        f"{in_words(RECORDED)} recorded weights of its Kullback–Leibler term, the first training of each. −ELBO: of "
        f"test images at weight 1, lower is better. {_rows_said()}",
        "tab-eval-weights",
        "22 14 14 16 14 10 10",
        rows,
    )
