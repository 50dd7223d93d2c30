"""What the page of the variational autoencoder shows of the networks with two code units, beside the autoencoder's."""

from __future__ import annotations

import math
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.data import CLASSES
from chapters_lib.findings.verdicts import Verdict, both, difference, greater, less, level, outcome
from chapters_lib.findings.words import interval, signed
from chapters_lib.pages import INCEPTION, check, model, printed, run, table
from chapters_lib.pages.vae import PAGE, config, trainings
from chapters_lib.recipes import autoencoder, vae
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recording.runs import Metric, Run

SETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
SCORES = {"recognisable": "recognised", "class_entropy": "evenness", "fid_judge": "distance"}
BOARD = {  # the scoreboard's rows: run, prefix of its metrics, label
    "real": ("judge", "", "Real test images"),
    "a": ("ae", "standard_normal_", "A, codes from $\\mathcal{N}(0, I)$"),
    "fitted": ("ae", "fitted_normal_", "A, normal codes with A's moments"),
    "b": ("ae-normalized", "", "B, codes from $\\mathcal{N}(0, I)$"),
    "two": ("vae-2d", "", "**Variational autoencoder**"),
    "moved": ("vae-2d-moved", "fitted_normal_", "Variational, normal codes with its moments"),
}
PLANES = {"a": "A: autoencoder", "b": "B: normalised", "two": "variational"}
PLACE = {  # distance of the codes from N(0, I): of the variational autoencoder one draw from each q(z|x)
    "a": "standard_normal_cell_tv",
    "b": "code_cell_tv",
    "two": "standard_normal_cell_tv",
}


def of(row: str, dataset: str) -> Run:
    """Return the run behind a row of the scoreboard."""
    return run(f"{BOARD[row][0]}-{dataset}")


def score(row: str, dataset: str, key: str) -> Metric:
    """Return one of the judge's numbers for a row of the scoreboard."""
    return of(row, dataset).metric(BOARD[row][1] + key)


def numbers() -> None:
    """Give the text the numbers of the networks with two code units, and mark what it says of them."""
    for dataset in SETS:
        _training(dataset)
        _places(dataset)
        _moved(dataset)
        _claims(dataset)
    share, even, distance = SCORES
    (two, b), (of_mnist, b_mnist) = (
        [{key: score(row, dataset, key) for key in SCORES} for row in ("two", "b")]
        for dataset in SETS
    )
    nearer, surer = ((of_mnist[key], b_mnist[key]) for key in (distance, share))
    said = (
        "fewer of its images are recognised",
        "no difference in the share recognised is shown",
        "more of its images are recognised",
    )
    PAGE.keep(b_fashion_said=outcome(b[share], two[share], said))
    PAGE.keep(recognised_said=_recognised("two", "a", "it"))
    PAGE.keep(fitted_said=_recognised("fitted", "two", "A"))
    PAGE.keep(code_square=min(of("moved", dataset)["code_square_least"] for dataset in SETS))
    PAGE.claims(
        recall=_precision_and_recall(),
        b_fashion=less(b[distance], two[distance]),
        b_fashion_even=greater(b[even], two[even]),
        b_mnist=both(less(*nearer), greater(*surer)),
        b_mnist_even=greater(of_mnist[even], b_mnist[even]),
        inception=both(*map(_nearest, SETS)),
    )


def _nearest(dataset: str) -> Verdict:
    """Whether the variational autoencoder is nearer than A and B by Inception's distance, one training each."""
    found = {row: of(row, dataset)[BOARD[row][1] + INCEPTION] for row in PLANES}
    return Verdict(min(found, key=found.__getitem__) == "two", f"Inception's distances {found}")


def _precision_and_recall() -> Verdict:
    """Whether both are lower than A's on Fashion-MNIST and precision higher on MNIST, one training each."""
    signs, ends = [], []
    for dataset in SETS:
        for key in ("precision", "recall"):
            two, a = (of(row, dataset)[f"{BOARD[row][1]}{key}_judge"] for row in ("two", "a"))
            signs.append(two > a)
        near, far = (score(row, dataset, "fid_judge").values for row in ("a", "two"))
        ends.append(near[0] == min(near) and far[0] == max(far))  # the first trainings
    said = ": by the judge's distance A's best and the variational autoencoder's worst"
    PAGE.keep(firsts=said if all(ends) else "")
    return Verdict(signs[:3] == [False, False, True], f"higher than A's: {signs}")


def _recognised(row: str, other: str, name: str) -> str:
    """Return what is shown of a row's share recognised, against another's."""
    said = (f"{name} is behind", "no difference is shown", f"{name} is ahead")
    words = [
        outcome(score(row, dataset, "recognisable"), score(other, dataset, "recognisable"), said)
        for dataset in SETS
    ]
    if words[0] == words[1]:
        return f"{words[0]} on {'either set' if words[0] == said[1] else 'both sets'}"
    if said[1] not in words:
        words[1] = words[1].removeprefix(f"{name} is ")
    return " and ".join(f"{w} on {title}" for w, title in zip(words, SETS.values(), strict=True))


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
    """Return what each way to draw from two code units gives, where the codes lie, and what reconstructions cost."""
    rows = [["Samples", *SCORES.values(), "gap to prior", "squared error"]]
    for row, (_, _, label) in BOARD.items():
        cells = printed(of(row, dataset), dict(zip(SCORES, (3, 3, 2), strict=True)), BOARD[row][1])
        of_codes = {PLACE[row]: 3, "test_mse": 4} if row in PLACE else {}
        cells += printed(of(row, dataset), of_codes) or ["", ""]
        rows.append([label, *cells])
    caption = (
        "Fashion-MNIST, two code units: ten thousand samples before the judge, mean ± standard error over "
        f"{trainings(f'vae-2d-{dataset}')} trainings (last row: one). Evenness of classes is from 0 to 1; the "
        "distance is to the test images (first row: to the training images). Gap to prior: total variation "
        "between the test images' codes (variational: a draw from each $q(z \\mid x)$) and $\\mathcal{N}(0, I)$ over "
        "400 cells of equal probability; normal codes would show about 0.08. Error: of reconstructions, per pixel."
    )
    return table(
        caption if dataset == "fashion-mnist" else "MNIST, two code units, as in the table before.",
        f"tab-vae-two-{_short(dataset)}",
        "23 15 15 14 15 18",
        rows,
    )


OTHERS = {"a": "minus A", "b": "minus B", "fitted": "minus A, moved"}
GAPS = {"fid_judge": ("distance", 1), "class_entropy": ("evenness", 3)}
GAPS |= {"recognisable": ("recognised, points", 1), INCEPTION: ("Inception", 2)}
GAPS |= {"precision_judge": ("precision", 2), "recall_judge": ("recall", 3)}


def gaps() -> Markdown:
    """Return what the variational autoencoder's samples have minus those of the others."""
    rows = [["", *OTHERS.values()]]
    for dataset, title in SETS.items():
        for key, (label, digits) in GAPS.items():
            cells = [_gap(dataset, "two", other, key, digits) for other in OTHERS]
            rows.append([f"{title}: {label}", *cells])
        moved = [_gap(dataset, "moved", other, "fid_judge", 1) for other in ("b", "fitted")]
        rows.append([f"{title}: distance, moved", "–", *moved])
    caption = (
        "What the variational autoencoder's images have minus those of A and B: 95 % intervals over "
        f"{trainings('vae-2d-mnist')} trainings, and without them differences of first trainings. Moved: draws moved "
        "to the model's own codes, the variational ones of one training; in these differences every training is taken "
        "to scatter as the unmoved variational ones do."
    )
    return table(caption, "tab-vae-two-gaps", "27 24 25 24", rows)


def _gap(dataset: str, row: str, other: str, key: str, digits: int) -> str:
    """Return how two rows of the scoreboard differ in a metric; a dash where one was not measured."""
    if any(BOARD[name][1] + key not in of(name, dataset).metrics for name in (row, other)):
        return "–"
    one, two = (score(name, dataset, key) for name in (row, other))
    if key == "recognisable":
        one, two = one.percent, two.percent
    if row == "moved":
        return interval(difference(one, two, score("two", dataset, key)), digits)
    if min(len(one.values), len(two.values)) < 2:
        return signed(one.values[0] - two.values[0], digits)
    return interval(difference(one, two), digits)


def planes(dataset: str) -> Figure:
    """Draw the test codes of A at their own scale, and those of B and of the variational autoencoder at another."""
    panels = {row: of(row, dataset).panels for row in PLANES}
    extents = [figures.central_extent(found["test_codes"]) for found in panels.values()]
    own, *others = (max(abs(side) for side in extent) for extent in extents)
    reaches = [own, *2 * [max(3.4, *others)]]
    figure, axes = figures.panels(3, height=2.9)
    for ax, (row, title), reach in zip(axes, PLANES.items(), reaches, strict=True):
        codes, labels = (panels[row][f"test_{key}"] for key in ("codes", "labels"))
        look: Any = {"extent": 2 * (-reach, reach), "size": 1, "title": title, "legend": False}
        figures.code_plane(codes, labels, CLASSES[dataset], ax=ax, **look)
        figures.normal_circles(ax=ax)
        ax.set_aspect("equal")
        ax.set_ylabel("")
    axes[0].set_ylabel("$z_2$")
    columns = 5 if dataset == "fashion-mnist" else 10
    figures.class_legend(CLASSES[dataset], ax=axes[0], columns=columns, below=True)
    return figure


def _short(dataset: str) -> str:
    return dataset.split("-")[0]


def _training(dataset: str) -> None:
    """Keep how the networks were trained, and what the judge says of them."""
    a, b, two = of("a", dataset), of("b", dataset), of("two", dataset)
    keep, scale = PAGE.of(_short(dataset)).keep, two["decoder_scale"]
    keep(epochs=two.config["epochs"], ae_epochs=a.config["epochs"], b_epochs=b.config["epochs"])
    keep(scale_squared=scale**2, grey=255 * scale)
    keep(**{f"{row}_fid": score(row, dataset, "fid_judge").mean for row in ("a", "fitted", "two")})
    shares = {row: score(row, dataset, "recognisable").percent for row in ("b", "two")}
    keep(**{f"{row}_recognised": share.mean for row, share in shares.items()})
    same = ("hidden", "activation", "frequency")
    check("the same layers", all(two.config[key] == a.config[key] for key in same))
    check("two code units", two.config["latent"] == a.config["code"] == 2)
    check("a Gaussian decoder at KL weight 1", two.config["gaussian"] and two.config["beta"] == 1)


def _places(dataset: str) -> None:
    """Keep how far the codes are from normal, and how many lie outside the circle of 99 % of normal draws."""
    for row in PLANES:
        radius = (of(row, dataset).panels["test_codes"] ** 2).sum(1)
        outside = 100 * float((radius > -2 * math.log(0.01)).mean())
        PAGE.of(_short(dataset)).keep(**{f"outside_{row}": outside})


def _moved(dataset: str) -> None:
    """Keep what moving the variational draws brings: of one training, taken to scatter as the three do unmoved."""
    found, page = of("moved", dataset), PAGE.of(_short(dataset))
    moved, two, fitted = (score(row, dataset, "fid_judge") for row in ("moved", "two", "fitted"))
    page.keep(moved_fid=moved.mean, moved_fall=two.values[0] - moved.mean)
    keys = ("mean_least", "mean_most", "square_least")
    low, high, square = (found[f"code_{key}"] for key in keys)
    mean = max(low, high, key=abs)
    page.keep(code_mean=signed(mean))
    told = ", ".join(f"{key} {found[f'code_{key}']:.2f}" for key in keys)
    page.claims(
        moved=both(
            less(moved, two, spread=two, digits=1),
            level(moved, fitted, spread=two, digits=1),
        ),
        unfinished=Verdict(abs(mean) > 0.2 and square > 1.2, told),
    )


def _claims(dataset: str) -> None:
    """Mark what the written answer says alike of both data sets."""
    entropy, distance = (
        {row: score(row, dataset, key) for row in ("a", "fitted", "b", "two")}
        for key in ("class_entropy", "fid_judge")
    )
    place = {row: of(row, dataset).metric(key) for row, key in PLACE.items()}
    error = {row: of(row, dataset).metric("test_mse") for row in PLACE}
    nearer = less(distance["two"], distance["a"], digits=1)
    costs = [less(error[low], error[high], digits=4) for low, high in (("a", "two"), ("two", "b"))]
    PAGE.of(_short(dataset)).claims(
        than_a=both(greater(entropy["two"], entropy["a"]), nearer),
        fitted=both(
            greater(entropy["fitted"], entropy["two"]), less(distance["fitted"], distance["two"])
        ),
        place=both(less(place["two"], place["a"]), less(place["b"], place["two"])),
        error=both(*costs),
    )
