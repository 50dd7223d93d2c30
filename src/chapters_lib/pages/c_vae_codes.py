"""What the page of the conditional VAE shows of the codes: t-SNE's maps, and what classifiers read from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from chapters_lib import figures
from chapters_lib.pages import below, check, number, run, table
from chapters_lib.pages.c_vae import PAGE, percent
from chapters_lib.pages.c_vae_images import CLOTHES, NAMES, metrics
from chapters_lib.recipes.vae import PERPLEXITIES, PROBED

LOW, HIGH = PERPLEXITIES
NEAR, WIDE = 10, 500  # neighbours in a map that tell of clumps and of regions


def numbers() -> None:
    """Give the text its numbers of the codes, and check what it says of them."""
    _read()
    _claims()
    _maps()
    _as_own_class()


def _as_own_class() -> None:
    """Glue how often the judge sees the class asked for, by whose code is decoded; in percent, over images."""
    found = run("cvae-class-codes-fashion-mnist")
    keys = {"cvae_own_hit": "own", "cvae_other_hit": "other", "cvae_prior_hit": "prior"}
    keys |= {"real_hit": "real", "cvae_own_less_prior": "own-less-prior"}
    keys |= {"cvae_code_share": "code-share", "decoder_only_own_hit": "d-own"}
    for key, name in (keys | {"decoder_only_prior_hit": "d-prior"}).items():
        metric = found.metric(key)
        PAGE.keep(**{f"hit-{name}": 100 * metric.mean, f"hit-{name}-sem": 100 * metric.sem})
    check(
        {
            "the code's class is part of what is missing": found["cvae_own_less_prior"]
            > 4 * found.metric("cvae_own_less_prior").sem,
            "and the larger part": found["cvae_code_share"] > 0.5,
        }
    )


def maps(labels: Sequence[str], perplexities: Sequence[int]) -> Figure:
    """Draw two recorded maps: of two models at a perplexity, or of one at two."""
    figure, axes = figures.panels(2, height=4.0)
    shown = [(label, perplexity) for label in labels for perplexity in perplexities]
    for ax, (label, perplexity) in zip(axes, shown, strict=True):
        panels = run(NAMES[label]).panels
        figures.code_plane(
            panels[f"tsne_{perplexity}"].astype(float),
            panels["test_labels"],
            CLOTHES,
            names=("", ""),
            title=f"{label}, perplexity {perplexity}",
            legend=False,
            size=1.5,
            ax=ax,
        )
        ax.set(xticks=[], yticks=[])
        ax.set_aspect("equal", adjustable="datalim")
    figures.class_legend(CLOTHES, ax=axes[0], columns=5, below=True)
    return figure


@cache
def company(label: str, perplexity: int, count: int) -> Tensor:
    """Return the share of each class's `count` nearest points in a map that are of the same class, shape (10,)."""
    panels = run(NAMES[label]).panels
    placed, y = panels[f"tsne_{perplexity}"].astype(float), torch.from_numpy(panels["test_labels"])
    nearest = NearestNeighbors(n_neighbors=count).fit(placed).kneighbors(return_distance=False)
    same = (y[torch.from_numpy(nearest)] == y[:, None]).double().mean(1)
    return torch.stack([same[y == k].mean() for k in range(10)])


def counts() -> Markdown:
    """Return how well the maps fit, and how many neighbours in them are of the same class."""
    rows = [["Of the maps", *NAMES]]
    for p in PERPLEXITIES:
        kl = (float(run(name).panels[f"tsne_{p}_kl"]) for name in NAMES.values())
        rows.append([f"perplexity {p}: $\\operatorname{{KL}}(P \\Vert Q)$, nats"])
        rows[-1] += [f"{value:.3f}" for value in kl]
        for count in (NEAR, WIDE):
            shares = (float(company(label, p, count).mean()) for label in NAMES)
            rows.append([f"perplexity {p}: of the {count} nearest, of the same class"])
            rows[-1] += [f"{100 * share:.0f} %" for share in shares]
    return table(
        "The maps in numbers, first seed. Settings: PCA initialisation, automatic learning rate, seed 0. Where codes "
        "know nothing of the class, about 10 % of the neighbours share it.",
        "tab-cvae-maps",
        "37 21 21 21",
        rows,
    )


def by_class() -> Figure:
    """Draw the share of each class's ten nearest points that are of the same class, smaller perplexity."""
    figure, axes = figures.panels(2, height=3.2, sharey=True)
    for ax, label in zip(axes, ("VAE", "C-VAE"), strict=True):
        figures.bars(
            dict(zip(CLOTHES, company(label, LOW, NEAR).tolist(), strict=True)),
            title=label,
            form="{:.2f}",
            limit=1.15,
            xlabel="neighbours of the same class",
            ax=ax,
        )
    axes[0].set_ylim(9.5, -0.5)
    return figure


def readings() -> Markdown:
    """Return what classifiers and a geometric index find of the class in the codes."""
    rows = [["Read from", *NAMES, "no information"]]
    for label, key, decimals, chance in (
        ("$\\mu$: linear probe", "probe_test_accuracy", 3, "0.100"),
        ("$\\mu$: the same, on training codes", "probe_train_accuracy", 3, "0.100"),
        ("$\\mu$ of active units: linear probe", "active_probe_test_accuracy", 3, "0.100"),
        ("$\\mu$: ten nearest neighbours", "knn_test_accuracy", 3, "0.100"),
        ("$\\mu$: quadratic classifier", "quadratic_test_accuracy", 3, "0.100"),
        ("$z$: linear probe", "z_probe_test_accuracy", 3, "0.100"),
        ("$z$: ten nearest neighbours", "z_knn_test_accuracy", 3, "0.100"),
        ("$z$: quadratic classifier", "z_quadratic_test_accuracy", 3, "0.100"),
        ("$I(y; \\mu)$ at least, linear, nats", "class_information", 2, "0"),
        ("$I(y; z)$ at least, linear, nats", "z_class_information", 2, "0"),
        ("$I(y; z)$ at least, quadratic, nats", "z_quadratic_information", 2, "0"),
        ("$\\frac{1}{2}\\mathbb{E}\\lVert m_y \\rVert^2$, nats", "class_means_nats", 3, "0"),
        ("silhouette of the classes in $\\mu$", "silhouette", 3, "0 or below"),
    ):
        rows.append([label, *(number(metric, decimals) for metric in metrics(key)), chance])
    return table(
        "What three simple classifiers and a geometric index find of the class in the codes, mean ± standard error "
        "over three trainings: accuracies on test codes unless stated otherwise, bounds by a classifier's log loss, "
        "the price of class means as derived above. Last column: codes that know nothing of the class; $I$ is at most "
        "$\\log 10$.",
        "tab-cvae-probe",
        "35 17 17 17 14",
        rows,
    )


def _maps() -> None:
    """Keep how many neighbours in the maps are of the same class."""
    for label, short in zip(NAMES, "vcd", strict=True):
        percent(**{f"company_{short}_low": float(company(label, LOW, NEAR).mean())})
        percent(**{f"region_{short}_low": float(company(label, LOW, WIDE).mean())})
    v, c = company("VAE", LOW, NEAR), company("C-VAE", LOW, NEAR)
    ranked = [f"“{CLOTHES[i]}”" for i in c.argsort(descending=True).tolist()]
    PAGE.keep(together=", ".join(ranked[:3]), apart=", ".join(ranked[-3:]))
    for p in PERPLEXITIES:
        _map(p)
    shirt = CLOTHES.index("Shirt")
    claims = {
        "all but the shirts keep less company": ((v - c) > 0.1).nonzero().flatten().tolist()
        == [i for i in range(10) if i != shirt],
        "and the VAE's shirts keep the least": int(v.argmin()) == shirt,
    }
    check(claims)


def _map(perplexity: int) -> None:
    """Check what the text says of the maps at one perplexity."""
    v, c, d = (float(company(label, perplexity, NEAR).mean()) for label in NAMES)
    v_wide, c_wide, d_wide = (float(company(label, perplexity, WIDE).mean()) for label in NAMES)
    clumps, regions = (c - 0.1) / (v - 0.1), (c_wide - 0.1) / (v_wide - 0.1)  # above chance
    claims = {
        "classes are less together in the C-VAE's map": c < v - 0.1,
        "clumps": c > 0.3,
        "and no regions": c_wide < 0.25,
        "regions in the VAE's": v_wide > 0.5,
        "the control's clumps lie between the two": c + 0.02 < d < v - 0.02,
        "and its regions": c_wide + 0.02 < d_wide < v_wide - 0.02,
        "clumps are lost to a lesser part than regions": clumps > 2 * regions,
    }
    check({f"perplexity {perplexity}: {claim}": true for claim, true in claims.items()})


def _read() -> None:
    """Keep what is read from the codes."""
    for key, metric, models in (
        ("linear", "probe_test_accuracy", "vc"),
        ("active", "active_probe_test_accuracy", "vc"),
        ("knn", "knn_test_accuracy", "vc"),
        ("quadratic", "quadratic_test_accuracy", "vc"),
        ("z_linear", "z_probe_test_accuracy", "vcd"),
        ("z_quadratic", "z_quadratic_test_accuracy", "c"),
    ):
        for short, found in zip("vcd", metrics(metric), strict=True):
            if short in models:
                percent(**{f"{short}_{key}": found.mean})
    for short, name in zip("vcd", NAMES.values(), strict=True):
        PAGE.keep(**{f"{short}_price": run(name)["class_means_nats"]})
        PAGE.keep(**{f"{short}_z_quadratic_information": run(name)["z_quadratic_information"]})
    for key in (
        "probe_test_accuracy",
        "active_probe_test_accuracy",
        "knn_test_accuracy",
        "class_information",
        "silhouette",
        "class_means_nats",
        "z_probe_test_accuracy",
        "z_knn_test_accuracy",
        "z_quadratic_test_accuracy",
        "z_class_information",
        "z_quadratic_information",
    ):
        v, c, d = metrics(key)
        check({f"the control is between the two: {key}": below(c, d) and below(d, v)})
        check({f"less than the VAE's, in every pair of seeds: {key}": below(c, v)})


def _claims() -> None:
    """Check what the text says of how much of the class each reader finds."""
    v, c, d = (run(name).metric for name in NAMES.values())
    linear, active, quadratic, knn = (
        f"{reader}_test_accuracy" for reader in ("probe", "active_probe", "quadratic", "knn")
    )
    kl = v("test_kl").mean - c("test_kl").mean
    ceded = math.log(10) - c("z_quadratic_information").mean
    PAGE.keep(ceded=ceded, elsewhere=kl - ceded)
    idle = max(c(active).values) - 0.1 < 0.5 * (min(c(linear).values) - 0.1)
    remembered = [of("probe_train_accuracy").mean - of(linear).mean for of in (v, c, d)]
    means = max(c("class_means_nats").values), min(v("class_means_nats").values)
    claims = {
        "fitted on 20,000 codes": PROBED == 20_000,
        "about four in five from the VAE's": 0.74 < v(linear).mean < 0.87,
        "not chance": min(c(linear).values) > 0.3,
        "neighbours read more than the linear probe": below(c(linear), c(knn)),
        "the quadratic classifier more than both": below(c(knn), c(quadratic)),
        "about as much as in the VAE's": abs(c(quadratic).mean - v(quadratic).mean) < 0.03,
        "most of what the linear probe finds is in idle units": idle,
        "in the VAE it is not": min(v(active).values) > v(linear).mean - 0.03,
        "in z, the linear probe is near chance, and above it": all(
            0.11 < value < 0.2 for value in c("z_probe_test_accuracy").values
        ),
        "hardly a nat by it": max(c("z_class_information").values) < 0.1,
        "the quadratic classifier is not": min(c("z_quadratic_test_accuracy").values) > 0.3,
        "nor by its nats": min(c("z_quadratic_information").values) > 0.4,
        "class means are a matter of a tenth of a nat": means[0] < 0.1 < 1 < means[1],
        "the probe does not merely remember": max(remembered) < 0.05,
        "no bound exceeds what there is": max(v("class_information").values) < math.log(10),
        "the KL falls by more than class information can": kl > ceded + 0.5,
    }
    check(claims)
