"""What the page of the variational autoencoder shows of the networks with two code units, beside the autoencoder's."""

from __future__ import annotations

import math

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.data import CLASSES
from chapters_lib.pages import below, check, model, number, run, table
from chapters_lib.pages.vae import PAGE, config
from chapters_lib.recipes import autoencoder, vae
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recording import runs

SETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
SCORES = ("recognisable", "class_entropy", "fid_judge")
BOARD = {  # the scoreboard's rows: run, prefix of its metrics, label
    "real": ("judge", "", "Real test images"),
    "a": ("ae", "standard_normal_", "A, codes from $\\mathcal{N}(0, I)$"),
    "fitted": ("ae", "fitted_normal_", "A, normal codes with A's moments"),
    "b": ("ae-normalized", "", "B, codes from $\\mathcal{N}(0, I)$"),
    "two": ("vae-2d", "", "**Variational autoencoder**"),
}
PLANES = {"a": "A: autoencoder", "b": "B: normalised", "two": "variational"}
DISTANCE = {  # of the codes from N(0, I): of the variational autoencoder one draw from each q(z|x)
    "a": "standard_normal_cell_tv",
    "b": "code_cell_tv",
    "two": "standard_normal_cell_tv",
}


def of(row: str, dataset: str) -> runs.Run:
    """Return the run behind a row of the scoreboard."""
    return run(f"{BOARD[row][0]}-{dataset}")


def score(row: str, dataset: str, key: str) -> runs.Metric:
    """Return one of the judge's numbers for a row of the scoreboard."""
    return of(row, dataset).metric(BOARD[row][1] + key)


def numbers() -> None:
    """Give the text its numbers of the networks with two code units, and check what it says of them."""
    for dataset in SETS:
        _training(dataset)
        _scores(dataset)
        _places(dataset)
        _claims(dataset)


def images(dataset: str) -> Figure:
    """Show ten images of A, of B and of the variational autoencoder, from the same ten codes."""
    z = autoencoder.standard_normal_codes(SAMPLES, 2)[:10]
    name = f"vae-2d-{dataset}"
    return figures.image_rows(
        {
            "A: N(0, I)": autoencoder.decode(model(f"ae-{dataset}"), z),
            "B: N(0, I)": autoencoder.decode(model(f"ae-normalized-{dataset}"), z),
            "VAE": vae.decode(config(name), model(name), z),
        }
    )


def scoreboard(dataset: str) -> Markdown:
    """Return the judge's three numbers of each way to draw from two code units."""
    rows = [["Samples", *(f"`{key}`" for key in SCORES)]]
    for row, (_, _, label) in BOARD.items():
        metrics = [score(row, dataset, key) for key in SCORES]
        rows.append([label, *map(number, metrics, (3, 3, 2))])
    return table(
        f"{SETS[dataset]}, two code units: ten thousand samples before the judge, mean ± standard error "
        "over three trainings. The first row is the yardstick, its distance taken to the training set.",
        f"tab-vae-two-{_short(dataset)}",
        "37 21 21 21",
        rows,
    )


def planes(dataset: str) -> Figure:
    """Draw the test codes of A at their own scale, and those of B and of the variational autoencoder at another."""
    panels = {row: of(row, dataset).panels for row in PLANES}
    extents = [figures.central_extent(found["test_codes"]) for found in panels.values()]
    own, *others = (max(abs(side) for side in extent) for extent in extents)
    reaches = [own, *2 * [max(3.4, *others)]]
    figure, axes = figures.panels(3, height=2.9)
    for ax, (row, title), reach in zip(axes, PLANES.items(), reaches, strict=True):
        figures.code_plane(
            panels[row]["test_codes"],
            panels[row]["test_labels"],
            CLASSES[dataset],
            extent=(-reach, reach, -reach, reach),
            size=1,
            title=title,
            legend=False,
            ax=ax,
        )
        figures.normal_circles(ax=ax)
        ax.set_aspect("equal")
        ax.set_ylabel("")
    axes[0].set_ylabel("$z_2$")
    columns = 5 if dataset == "fashion-mnist" else 10
    figures.class_legend(CLASSES[dataset], ax=axes[0], columns=columns, below=True)
    return figure


def codes() -> Markdown:
    """Return where the test codes lie, and what reconstructions cost."""
    tv, empty = "distance $\\operatorname{TV}_{400}$", "prior mass in empty cells"
    error, draws = "squared error per pixel of reconstructions", "draws from $q(z \\mid x)$"
    rows = [["", *SETS.values()]]
    for label, row, key, digits in (
        (f"{tv}: A", "a", "standard_normal_cell_tv", 3),
        (f"{tv}: B", "b", "code_cell_tv", 3),
        (f"{tv}: variational, {draws}", "two", "standard_normal_cell_tv", 3),
        (f"{empty}: A", "a", "standard_normal_empty_mass", 3),
        (f"{empty}: B", "b", "code_empty_mass", 3),
        (f"{empty}: variational, {draws}", "two", "standard_normal_empty_mass", 3),
        (f"{error}: A", "a", "test_mse", 4),
        (f"{error}: B", "b", "test_mse", 4),
        (f"{error}: variational", "two", "test_mse", 4),
    ):
        rows.append([label, *(number(of(row, name).metric(key), digits) for name in SETS)])
    return table(
        "Where the codes of the 10,000 test images lie, measured from $\\mathcal{N}(0, I)$ in 400 cells of equal "
        "probability, and what reconstructions cost; mean ± standard error over three trainings. One code is drawn "
        "for each image from $q(z \\mid x)$, so that the row measures the aggregated posterior; codes that *are* "
        "standard normal would show about 0.08.",
        "tab-vae-codes",
        "54 23 23",
        rows,
    )


def _short(dataset: str) -> str:
    return dataset.split("-")[0]


def _keep(dataset: str, **values: str | float) -> None:
    """Give numbers to the text, named by the data set and the key."""
    PAGE.keep(**{f"{_short(dataset)}_{key}": value for key, value in values.items()})


def _training(dataset: str) -> None:
    """Keep how the networks were trained, what they reconstruct, and the KL term."""
    a, b, two = of("a", dataset), of("b", dataset), of("two", dataset)
    scale, kl = two["decoder_scale"], two["test_kl"]
    _keep(dataset, epochs=two.config["epochs"], ae_epochs=a.config["epochs"])
    _keep(dataset, b_epochs=b.config["epochs"])
    _keep(dataset, scale=scale, scale_squared=scale**2, grey=255 * scale)
    _keep(dataset, mse=two["test_mse"], ae_mse=a["test_mse"], b_mse=b["test_mse"])
    _keep(dataset, kl=kl, kl_bits=kl / math.log(2))
    same = ("hidden", "activation", "frequency")
    claims = {
        "the same layers": all(two.config[key] == a.config[key] for key in same),
        "two code units": two.config["latent"] == a.config["code"] == 2,
        "a Gaussian decoder at KL weight 1": two.config["gaussian"] and two.config["beta"] == 1,
        "one number of epochs": two.config["epochs"] == of("two", "mnist").config["epochs"],
        "trained for fewer": two.config["epochs"] < a.config["epochs"],
        "three trainings": len(two.provenance["seeds"]) == 3,
        "the scale is near the error": 0.8 < scale**2 / two["test_mse"] < 1.4,
    }
    check({f"{dataset}: {claim}": true for claim, true in claims.items()})


def _scores(dataset: str) -> None:
    """Keep what the judge says of A, of A with moved draws, of B and of the variational autoencoder."""
    for row in ("a", "fitted", "b", "two"):
        _keep(dataset, **{f"{row}_class": score(row, dataset, "class_entropy").mean})
        _keep(dataset, **{f"{row}_fid": score(row, dataset, "fid_judge").mean})
    recognised = {row: score(row, dataset, "recognisable").mean for row in ("a", "two", "real")}
    _keep(dataset, a_recognisable=100 * recognised["a"], two_recognisable=100 * recognised["two"])
    if dataset == "fashion-mnist":
        _keep(dataset, real_recognisable=100 * recognised["real"])
    more = recognised["two"] > recognised["a"]
    _keep(dataset, than="more often than" if more else "less often than")


def _places(dataset: str) -> None:
    """Keep how many codes lie outside the circle that holds 99 % of normal draws, and how far all are from normal."""
    outside = {}
    for row in PLANES:
        radius = (of(row, dataset).panels["test_codes"] ** 2).sum(1)
        outside[row] = 100 * float((radius > -2 * math.log(0.01)).mean())
        _keep(dataset, **{f"outside_{row}": outside[row]})
        _keep(dataset, **{f"tv_{row}": of(row, dataset)[DISTANCE[row]]})
    order = outside["b"] < 1 < 10 < outside["two"] < outside["a"] / 1.8
    check({f"{dataset}: the captions say where the codes lie": order})


def _claims(dataset: str) -> None:
    """Check what the written answer says, in every pair of trainings, of A, B and the variational autoencoder."""

    def entropy(row: str) -> runs.Metric:
        return score(row, dataset, "class_entropy")

    def distance(row: str) -> runs.Metric:
        return score(row, dataset, "fid_judge")

    def recognised(row: str) -> runs.Metric:
        return score(row, dataset, "recognisable")

    def place(row: str) -> runs.Metric:
        return of(row, dataset).metric(DISTANCE[row])

    def error(row: str) -> runs.Metric:
        return of(row, dataset).metric("test_mse")

    better, worse = ("two", "b") if dataset == "mnist" else ("b", "two")
    claims = {
        "more even than A": below(entropy("a"), entropy("two")),
        "nearer than A": below(distance("two"), distance("a")),
        "codes nearer to the prior than A's": below(place("two"), place("a")),
        "B's codes nearer still": below(place("b"), place("two")),
        "reconstructions pay for it": below(error("a"), error("two")),
        "B's reconstructions more": below(error("two"), error("b")),
        "far from real images": distance("two").mean > 100 * distance("real").mean,
        "A with moved draws is the nearest": all(
            below(distance("fitted"), distance(row)) for row in ("two", "b")
        ),
        "and the most even": all(below(entropy(row), entropy("fitted")) for row in ("two", "b")),
        "against B the sets disagree": below(entropy(worse), entropy(better))
        and below(distance(better), distance(worse)),
        "MNIST: recognised more often than B": dataset != "mnist"
        or below(recognised("b"), recognised("two")),
        "Fashion-MNIST: about as often": dataset == "mnist"
        or abs(recognised("two").mean - recognised("b").mean) < 0.02,
    }
    check({f"{dataset}: {claim}": true for claim, true in claims.items()})
