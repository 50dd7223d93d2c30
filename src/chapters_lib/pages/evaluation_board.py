"""The page on evaluation: the scoreboard, and how far its two distances agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval
from chapters_lib.experiments.vae import weight_name
from chapters_lib.findings import board
from chapters_lib.findings.verdicts import Verdict, both, difference, level
from chapters_lib.findings.verdicts import shown as shown_apart
from chapters_lib.findings.words import in_words, interval, signed
from chapters_lib.pages import check, list_table, run, site_only, table
from chapters_lib.pages.evaluation import PAGE
from chapters_lib.recording.runs import Run

WIDTHS = "139 71 71 57 45 41 29"  # of a board's columns


def numbers() -> None:
    """Give the text what it says of the scoreboard, and hold its claims against the records."""
    PAGE.keep(board_state=board.state(), board_format=board.number_format(), unread=board.unread())
    _agreement()
    four_weights()


def _rows(dataset: str, *, best: bool) -> list[list[str]]:
    """Return the generators of one data set, nearest samples first, below real images; of each kind all or the best."""
    rows = [["Samples of", "recognised", "evenness", "judge", "Inception", "precision", "recall"]]
    generators = sorted(
        board.drawn_from(dataset), key=lambda entry: entry.run[f"{entry.prefix}fid_judge"]
    )
    if best:
        first = {board.family(entry): entry for entry in reversed(generators)}
        generators = [entry for entry in generators if entry is first[board.family(entry)]]
    named = [(f"`{entry.run.name}`", entry) for entry in generators]
    for name, entry in [("*real images*", board.yardstick(dataset)[0]), *named]:
        key = board.EQUAL if entry.has(board.EQUAL) else board.shown()
        cells = board.scores(entry, key, 4)
        if name == "*real images*" and (of_real := board.real_images(dataset)):
            cells[3] = f"{of_real[f'train_{board.shown()}']:.4f}"
        rows.append([name, *cells])
    return rows


def table_board(dataset: str) -> Markdown:
    """Return the best generator of each kind of one data set, nearest samples first; above them real images."""
    name = dataset.removesuffix("-mnist")
    caption = (
        f"{board.TITLES[dataset]}: the best generator of each kind. {board.yardstick(dataset)[1]}"
    )
    if dataset == "mnist":
        caption += " 10,000 samples each; lower distances are better, in the other columns higher numbers are."
    caption += board.of_real_images(dataset)
    rows = _rows(dataset, best=True)
    return table(caption, f"tab-eval-board-{name}", WIDTHS, rows)


def every_generator() -> Markdown:
    """Return for the site alone every generator of each data set, folded and without number."""
    folds = []
    for dataset in dict.fromkeys(entry.run.config["dataset"] for entry in board.entries()):
        head = f":::{{admonition}} Every recorded generator: {board.TITLES[dataset]}\n:class: dropdown\n"
        folds.append(f"{head}\n{list_table(_rows(dataset, best=False), WIDTHS)}\n:::")
    return site_only("\n\n".join(folds))


def agreement() -> Figure:
    """Return both distances of every generator that has them, a plot for each data set."""
    names = [name for found in board.distances().values() for name in found]
    kind_of = {name: board.family(board.Entry(run(name), "")) for name in names}
    every = dict.fromkeys([*board.KINDS.values(), *kind_of.values()])
    kinds = [kind for kind in every if kind in kind_of.values()]
    figure, axes = figures.panels(len(board.distances()), height=2.8)
    for ax, (dataset, found) in zip(axes, board.distances().items(), strict=True):
        groups = {
            kind: np.array([p for name, p in found.items() if kind_of[name] == kind]).reshape(-1, 2)
            for kind in kinds
        }
        look: Any = {"xlabel": "distance, judge", "title": board.TITLES[dataset]}
        look["ylabel"] = "distance, Inception" if ax is axes[0] else ""
        figures.points(groups, size=26, shapes=True, legend=False, ax=ax, **look)
        ax.set(xscale="log", yscale="log")
        if odd := board.odd_one(dataset):
            _ring(ax, odd, found[odd])
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _ring(ax: Axes, name: str, at: tuple[float, float]) -> None:
    """Put a ring around a point, and its name beside a ring above the plot, where it covers no other."""
    ax.plot(*at, "o", ms=9, mfc="none", mec=figures.INK, mew=0.9)
    ax.set_title(ax.get_title(loc="left"), pad=19)
    above: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
    ax.annotate(f"○ {name}", (0, 1), (0, 5), fontsize=9, **above).set_in_layout(False)


def _agreement() -> None:
    ranks, near, places, weak, firsts = [], [], [], [], []
    for dataset, found in board.distances().items():
        title = board.TITLES[dataset]
        ranks.append(f"{board.correlation(dataset):.2f} over {len(found)} generators on {title}")
        if len(found) > board.NEAREST:
            near.append(f"{board.correlation(dataset, board.NEAREST):.2f} on {title}")
        if abs(of_seven := board.correlation(dataset, board.NEAREST)) < board.least_rank(
            board.NEAREST
        ):
            whole = (
                ""
                if len(found) == board.NEAREST
                else f"among the {in_words(board.NEAREST)} nearest "
            )
            weak.append(f"{whole}on {title} ({of_seven:.2f})")
        judge, inception = (sorted(found, key=lambda name: found[name][side]) for side in (0, 1))
        firsts.append(judge[0] == inception[0])
        if odd := board.odd_one(dataset):
            here, there = (order.index(odd) + 1 for order in (judge, inception))
            places.append(f"{here} and {there} on {title}")
    PAGE.keep(
        ranks=", ".join(ranks), near_ranks=" and ".join(near), nearest=in_words(board.NEAREST)
    )
    sets = "every set" if all(firsts) else f"{sum(firsts)} of {len(firsts)} sets"
    PAGE.keep(places=", ".join(places), first_places=sets)
    PAGE.keep(least_rank=board.least_rank(board.NEAREST))
    PAGE.keep(not_shown=f"agreement is {'not shown ' + ' and '.join(weak) if weak else 'shown'}")
    least = min(map(board.correlation, board.distances()))
    PAGE.claims(orders_agree=Verdict(least > 0, f"a rank correlation of {signed(least, 2)}"))


# A bound, a judge and Inception, asked of one model under four weights of its KL term.

RECORDED = 6  # weights, with 0 and 0.1
WEIGHTS = {weight: weight_name(weight) for weight in (0.5, 1.0, 2.0, 4.0)}
BOUND = "test_negative_elbo"


def _weighted() -> dict[float, board.Entry]:
    """Return the trainings of one autoencoder by the weight of their KL term."""
    return {weight: board.Entry(run(name), "") for weight, name in WEIGHTS.items()}


def four_weights() -> None:
    """Keep what the text says of the four weights, and hold its claims against the records."""
    studied = {weight: entry.run for weight, entry in _weighted().items()}
    PAGE.of("inception").keep(two=_second_opinion(2.0), four=_second_opinion(4.0))
    half, one, two = (studied[weight] for weight in (0.5, 1.0, 2.0))

    def gap(key: str, a: Run, b: Run) -> Interval:
        return difference(a.metric(key), b.metric(key))

    worse, nearer = gap(BOUND, two, one), gap("fid_judge", one, two)
    covered, seen = gap("recall_judge", one, two), gap("recognisable", two, one)
    PAGE.keep(two_worse=interval(worse, 2), two_nearer=interval(nearer, 2))
    precise = gap("precision_judge", two, one)
    PAGE.keep(two_covers=interval(covered, 2), two_precise=interval(precise, 3))
    free = {"beta": None, "iwae_samples": None}
    configs = [found.config for found in studied.values()]
    alike = all(config | free == configs[0] | free for config in configs)
    check("nothing but the weight differs", alike)
    check("and it is the one said", [config["beta"] for config in configs] == [*WEIGHTS])
    counts = {found.trainings for found in (half, one, two)}
    check("three of the weights were trained as often", len(counts) == 1)
    PAGE.keep(weights_trainings=in_words(counts.pop()))
    bound, distance = (
        {w: found[key] for w, found in studied.items()} for key in (BOUND, "fid_judge")
    )
    recall = [found.metric("recall_judge") for found in (half, one)]
    PAGE.claims(
        bound_best_at_one=Verdict(min(bound, key=bound.__getitem__) == 1.0, _told(bound, 1)),
        bound_against_judge=both(shown_apart(worse, sign=1), shown_apart(nearer, sign=1)),
        nearest_at_four=Verdict(min(distance, key=distance.__getitem__) == 4.0, _told(distance, 2)),
        recall_falls=shown_apart(covered, sign=1),
        recognised_more=shown_apart(seen, sign=1),
        precision_rises=shown_apart(precise, sign=1),
        recall_level=level(*recall),
    )


def _told(values: dict[float, float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f} at {weight:g}" for weight, value in values.items())


def _second_opinion(weight: float) -> str:
    """Say whether Inception puts weight 1 or this one first, in words that follow the numbers."""
    found = [_weighted()[w] for w in (1.0, weight)]
    if not all(entry.has(board.shown()) for entry in found):
        return "has not been measured for both of them"
    one, larger = (entry.first(board.shown()) for entry in found)
    return f"sides with the {'judge' if larger < one else 'bound'} (one training each)"


def _firsts() -> tuple[float, float, float | None]:
    """Return the weights with the best bound, and with the nearest samples by the judge and by Inception."""
    studied = _weighted()
    bound, judge = (
        min(studied, key=lambda weight: studied[weight].run[key]) for key in (BOUND, "fid_judge")
    )
    if not all(entry.has(board.shown()) for entry in studied.values()):
        return bound, judge, None
    return bound, judge, min(studied, key=lambda weight: studied[weight].first(board.shown()))


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
        row = [f"{weight:g}", entry.text(BOUND, 1), entry.text("fid_judge", 2)]
        row += [entry.first_text(board.shown(), 4), entry.text("recognisable", 2)]
        rows.append(row + [entry.text(key, 2) for key in ("precision_judge", "recall_judge")])
    return table(
        "One variational autoencoder (784-200-32, MNIST) trained under the four largest of "
        f"{in_words(RECORDED)} recorded weights of its Kullback–Leibler term: means with standard errors over "
        "trainings where there are several; Inception's distance is of the first. −ELBO: of "
        f"test images at weight 1, lower is better. {_rows_said()}",
        "tab-eval-weights",
        "20 15 15 12 15 15 13",
        rows,
    )
