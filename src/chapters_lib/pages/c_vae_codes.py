"""What the page of the conditional VAE shows of the codes: t-SNE's maps, and what classifiers read from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.evaluation.neighbours import of_the_same_class
from chapters_lib.findings.verdicts import Verdict, both, difference, greater, less, level
from chapters_lib.findings.words import number, with_error
from chapters_lib.pages import run, table
from chapters_lib.pages.c_vae import PAGE, percent
from chapters_lib.pages.c_vae_images import CLOTHES, CODES, NAMES, keep_difference, metrics
from chapters_lib.pages.vae import trainings
from chapters_lib.recipes.class_codes import ENCODERS, NEAR, WIDE
from chapters_lib.recipes.vae import PERPLEXITIES
from chapters_lib.recording.runs import Metric

LOW, HIGH = PERPLEXITIES
# a class's kind: pullover, coat and shirt are of one, and the three shoes of another
KINDS = np.array([0, 1, 2, 3, 2, 5, 2, 5, 8, 5])


def maps(labels: Sequence[str], perplexities: Sequence[int]) -> Figure:
    """Draw two recorded maps: of two models at a perplexity, or of one at two."""
    figure, axes = figures.panels(2, height=4.0)
    drawn = [(label, perplexity) for label in labels for perplexity in perplexities]
    for ax, (label, perplexity) in zip(axes, drawn, strict=True):
        panels = run(NAMES[label]).panels
        placed, title = panels[f"tsne_{perplexity}"], f"{label}, perplexity {perplexity}"
        labels_of = panels["test_labels"]
        figures.code_map(placed.astype(float), labels_of, CLOTHES, title=title, size=1.5, ax=ax)
        ax.set_aspect("equal", adjustable="datalim")
    figures.class_legend(CLOTHES, ax=axes[0], columns=5, below=True)
    return figure


@cache
def company(label: str, perplexity: int, count: int) -> float:
    """Return the share of the points' `count` nearest in a map that are of the same class."""
    panels = run(NAMES[label]).panels
    placed = panels[f"tsne_{perplexity}"].astype(float)
    return of_the_same_class(placed, panels["test_labels"], count)


def together(label: str, count: int) -> float:
    """Return the same share in the twenty dimensions of the codes."""
    (prefix,) = (short for short, name in ENCODERS.items() if name == NAMES[label])
    share: float = run(CODES)[f"{prefix}_of_{count}_nearest"]
    return share


def of_units(units: str, reader: str) -> list[Metric]:
    """Return a reader's accuracy on the active or the idle units' means, in the first training of each model."""
    key = f"{units}_{reader}_test_accuracy"
    return [run(CODES).metric(f"{prefix}_{key}") for prefix in ENCODERS]


def counts() -> Markdown:
    """Return how well the maps fit, and how many neighbours in them are of the same class."""
    rows = [["Of the maps", *NAMES]]
    for p in PERPLEXITIES:
        kl = (float(run(name).panels[f"tsne_{p}_kl"]) for name in NAMES.values())
        rows.append([f"perplexity {p}: $\\operatorname{{KL}}(P \\Vert Q)$, nats"])
        rows[-1] += [f"{value:.3f}" for value in kl]
        for count in (NEAR, WIDE):
            rows.append([f"perplexity {p}: of the {count} nearest, of the same class"])
            rows[-1] += [f"{100 * company(label, p, count):.0f} %" for label in NAMES]
    for count in (NEAR, WIDE):
        rows.append([f"the codes themselves: of the {count} nearest, of the same class"])
        rows[-1] += [f"{100 * together(label, count):.0f} %" for label in NAMES]
    return table(
        "The maps in numbers, and the codes of twenty units that they show, first training of each model. PCA "
        "initialisation, automatic learning rate, seed 0. Where codes know nothing of the class, about 10 % of the "
        "neighbours share it.",
        "tab-cvae-maps",
        "58 14 14 14",
        rows,
    )


def readings() -> Markdown:
    """Return what classifiers find of the class in the codes."""
    rows = [["Read from", *NAMES, "no information"]]
    for label, key, decimals, chance in (
        ("$\\mu$: linear probe", "probe_test_accuracy", 3, "0.100"),
        ("$\\mu$ of active units: linear probe", "active_probe_test_accuracy", 3, "0.100"),
        ("$\\mu$: ten nearest neighbours", "knn_test_accuracy", 3, "0.100"),
        ("$\\mu$: quadratic classifier", "quadratic_test_accuracy", 3, "0.100"),
        ("$I(y; \\mu)$ at least, linear, nats", "class_information", 2, "0"),
        ("$I(y; \\mu)$ at least, quadratic, nats", "quadratic_information", 2, "0"),
        ("$z$: linear probe", "z_probe_test_accuracy", 3, "0.100"),
        ("$z$: ten nearest neighbours", "z_knn_test_accuracy", 3, "0.100"),
        ("$z$: quadratic classifier", "z_quadratic_test_accuracy", 3, "0.100"),
        ("$I(y; z)$ at least, linear, nats", "z_class_information", 2, "0"),
        ("$I(y; z)$ at least, quadratic, nats", "z_quadratic_information", 2, "0"),
        ("price of class means, nats", "class_means_nats", 3, "that of their mean"),
    ):
        rows.append([label, *(number(metric, decimals) for metric in metrics(key)), chance])
    for i, (reader, label) in enumerate((("knn", "neighbours"), ("quadratic", "quadratic"))):
        found = (number(metric, 3) for metric in of_units("active", reader))
        rows.insert(3 + i, [f"$\\mu$ of active units: {label}", *found, "0.100"])
    return table(
        "What three simple classifiers find of the class in the codes of the test images, fitted on those of 20,000 "
        f"training images: accuracies and bounds, mean ± standard error over {trainings(NAMES['VAE'])} trainings, and "
        "without ± the first of them. Quadratic: covariances shrunk by $10^{-4}$. Last column: codes that know nothing "
        "of the class; $I$ is at most $\\log 10$.",
        "tab-cvae-probe",
        "35 17 17 17 14",
        rows,
    )


def numbers() -> None:
    """Give the text its numbers of the codes, and mark what it says of them."""
    found = {}
    for key, metric, told in (
        ("linear", "probe_test_accuracy", "vc"),
        ("active", "active_probe_test_accuracy", "vc"),
        ("knn", "knn_test_accuracy", ""),
        ("quadratic", "quadratic_test_accuracy", "c"),
        ("z_linear", "z_probe_test_accuracy", "vcd"),
        ("z_quadratic", "z_quadratic_test_accuracy", "vcd"),
    ):
        found[key] = metrics(metric)
        means = zip("vcd", found[key], strict=True)
        percent(**{f"{s}_{key}": m.mean for s, m in means if s in told})
    for key, metric in (("price", "class_means_nats"), ("nats", "z_quadratic_information")):
        found[key] = metrics(metric)
        PAGE.keep(**{f"{s}_{key}": m.mean for s, m in zip("vcd", found[key], strict=True)})
    v_kl, c_kl, _ = metrics("test_kl")
    ceded = math.log(10) - found["nats"][1].mean
    gain = difference(v_kl, c_kl)
    PAGE.keep(ceded=ceded, elsewhere=gain.difference - ceded)
    PAGE.keep(elsewhere_low=gain.low - ceded, elsewhere_high=gain.high - ceded)
    v, c, _ = found["quadratic"]
    keep_difference("quadratic_gap", c, v, 100)
    falls = {key: less(c, v) for key, (v, c, _) in found.items()}
    between = [
        both(less(c, d), less(d, v))
        for v, c, d in (found[key] for key in ("price", "z_linear", "nats"))
    ]
    PAGE.claims(
        z=both(falls["z_linear"], falls["nats"], falls["price"]),
        mu=both(falls["linear"], falls["knn"]),
        quadratic=level(c, v),
        active=both(falls["active"], less(found["active"][1], found["linear"][1])),
        shape=greater(found["z_quadratic"][1], found["z_linear"][1]),
        loose=_loose(),
        finer=less(found["z_quadratic"][1], c),
        between=both(*between),
    )
    _maps()
    _units(c, found["active"][1], found["knn"][1])


def _loose() -> Verdict:
    """Return whether quadratic classifiers vouch for less in the VAE than in the C-VAE, and than a linear probe."""
    v, c, _ = metrics("quadratic_information")
    linear, *_ = metrics("class_information")
    more = Verdict(v.mean < c.mean, f"quadratic {v.mean:.2f} and {c.mean:.2f} nats")
    return both(more, greater(linear, v))


def _maps() -> None:
    """Mark what the text says of who is beside whom in the maps, and in the codes themselves."""
    near, wide = ([company(k, LOW, n) for k in ("VAE", "C-VAE")] for n in (NEAR, WIDE))
    wide_codes = [together(k, WIDE) for k in ("VAE", "C-VAE")]
    percent(region_v=wide[0], region_c=wide[1])
    panels = run(NAMES["VAE"]).panels
    kinds = of_the_same_class(
        panels[f"tsne_{LOW}"].astype(float), KINDS[panels["test_labels"]], WIDE
    )
    PAGE.claims(
        codes=Verdict(
            0.4 < wide_codes[0] < wide[0] and wide_codes[1] < 0.25, f"in the codes {wide_codes}"
        ),
        maps=Verdict(
            min(near[0], wide[0]) > 0.5 and 0.4 < near[1] < 0.6 and wide[1] < 0.25,
            f"of the nearest {near}, of the many {wide}",
        ),
        kinds=Verdict(kinds > wide[0] + 0.15, f"of a kind {kinds}, of a class {wide[0]}"),
    )


def _units(quadratic: Metric, linear: Metric, near: Metric) -> None:
    """Keep what active and idle units tell; given is what the C-VAE's tell together, and by a probe the active ones."""
    (v_active, c_active, _), (v_idle, c_idle, _) = (
        of_units(units, "quadratic") for units in ("active", "idle")
    )
    _, c_near, _ = of_units("active", "knn")
    c_all_near = near.values[0]  # of the training whose units were taken apart
    percent(v_active_quadratic=v_active.mean, c_active_quadratic=c_active.mean)
    percent(v_idle_quadratic=v_idle.mean, c_idle_quadratic=c_idle.mean)
    percent(c_active_knn=c_near.mean, c_all_knn=c_all_near)
    idle, active = (run(CODES).metric(f"cvae_{of}_redrawn") for of in ("idle", "active"))
    PAGE.keep(idle_redrawn=with_error(idle, 3), active_redrawn=active.mean)
    PAGE.claims(
        units=both(
            less(c_active, v_active, spread=quadratic), less(c_active, quadratic, spread=quadratic)
        ),
        idle=Verdict(
            abs(idle.mean) < 0.01 * active.mean
            and abs(v_idle.mean - c_idle.mean) < 0.1
            and abs(c_all_near - c_near.mean) < 0.02,
            f"redrawn {idle.mean} and {active.mean}, idle {v_idle.mean} and {c_idle.mean}",
        ),
        readers=greater(c_near, linear, spread=linear),
    )
