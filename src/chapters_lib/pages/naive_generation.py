"""What the page on naive generation shows of its runs, and what it claims of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.pages import Page, below, check, model, number, run, signed, table
from chapters_lib.recipes.autoencoder import (
    code_box,
    decode,
    encode,
    reconstruction_mse,
    standard_normal_codes,
    uniform_codes,
)
from chapters_lib.recording.judging import SAMPLES, load_judge
from chapters_lib.recording.runs import Metric, Run

PAGE = Page("naive")
SETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
SHORT = {"fashion-mnist": "fashion", "mnist": "mnist"}  # what stands in the names of numbers
# Where samples come from: as a table calls it, its run, and the prefix of its metrics there.
DRAWS = {
    "real": ("Real test images", "judge-{}", ""),
    "normal": ("A, codes from $\\mathcal{N}(0, I)$", "ae-{}", "standard_normal_"),
    "box": ("A, codes from the box", "ae-{}", "code_box_"),
    "fitted": ("A, normal codes with A's moments", "ae-{}", "fitted_normal_"),
    "own_a": ("A, training codes", "ae-{}", "training_codes_"),
    "b": ("B, codes from $\\mathcal{N}(0, I)$", "ae-normalized-{}", ""),
    "own_b": ("B, training codes", "ae-normalized-{}", "training_codes_"),
}
# What 10,000 normal codes would show: a unit's Kolmogorov–Smirnov distance is below this mark in 19
# cases of 20, and the distance over the 400 cells is about this.
MARK = 1.36 / 10_000**0.5
CHANCE = 20 / (2 * pi * 10_000) ** 0.5


def _blur() -> None:
    """Glue which share of the real images' roughness reconstructions keep, in percent; first trainings."""
    for name, short in SHORT.items():
        found = run(f"naive-blur-{name}")
        for kind in ("a", "b"):
            PAGE.keep(**{f"edges_{kind}_{short}": 100 * found[f"{kind}_edges_kept"]})
        less = found.metric("b_less_a_roughness")
        check({f"B is more blurred than A on {name}": less.mean < -4 * less.sem})


def run_a(name: str) -> Run:
    """Return the plain autoencoder's run on a data set."""
    return run(f"ae-{name}")


def run_b(name: str) -> Run:
    """Return the normalised autoencoder's run on a data set."""
    return run(f"ae-normalized-{name}")


def score(name: str, draw: str, key: str) -> Metric:
    """Return one of the judge's numbers of a draw on a data set."""
    _, of, prefix = DRAWS[draw]
    return run(of.format(name)).metric(prefix + key)


def more_even(name: str, one: str, other: str) -> bool:
    """Whether one draw hits the classes more evenly than another, in every pair of trainings."""
    return below(score(name, other, "class_entropy"), score(name, one, "class_entropy"))


def nearer(name: str, one: str, other: str) -> bool:
    """Whether one draw is nearer to the test images than another, in every pair of trainings."""
    return below(score(name, one, "fid_judge"), score(name, other, "fid_judge"))


def surer(name: str, one: str, other: str) -> bool:
    """Whether one draw is recognised more often than another, in every pair of trainings."""
    return below(score(name, other, "recognisable"), score(name, one, "recognisable"))


def numbers() -> None:
    """Set the look of the figures, and give the text all numbers of the recorded runs."""
    figures.use_style()
    _training()
    for name in SETS:
        _codes(name)
        _draws(name)
        _spread(name)
        _jitter(name)
    _single()
    _blur()


def _training() -> None:
    a, b = [run_a(name).config for name in SETS], [run_b(name).config for name in SETS]
    batch, epochs = b[0]["batch_size"], b[0]["epochs"]
    PAGE.keep(
        batch=str(batch),
        ema_mean=(1 / (19 * batch)) ** 0.5,
        ema_var=(2 / (19 * batch)) ** 0.5,
        jitter=(3 / (2 * batch)) ** 0.5,
        fashion_epochs_a=str(a[0]["epochs"]),
        mnist_epochs_a=str(a[1]["epochs"]),
        epochs_b=str(epochs),
        mnist_noise=f"{a[1]['code_noise']:g}",
    )
    other = ("dataset", "normalized", "epochs")
    alike = [{k: v for k, v in c.items() if k not in other} for c in (*a, *b)]
    seeds = [len(of(name).provenance["seeds"]) for of in (run_a, run_b) for name in SETS]
    check(
        {
            "one batch size": {config["batch_size"] for config in (*a, *b)} == {batch},
            "B was trained for equally many epochs on both": b[1]["epochs"] == epochs,
            "B was trained for fewer epochs": all(epochs < config["epochs"] for config in a),
            "A and B were trained alike": alike[:2] == alike[2:],
            "three seeds": set(seeds) == {3},
        }
    )


def _codes(name: str) -> None:
    a, b = run_a(name).metric, run_b(name).metric
    ks, tv_a, tv_b = b("code_ks_max"), a("standard_normal_cell_tv"), b("code_cell_tv")
    thin, dense = b("thin_recognisable"), b("dense_recognisable")
    PAGE.keep(**{f"{name}_ks_marks": ks.mean / MARK})
    PAGE.keep(**{f"{name}_tv_a": tv_a.mean, f"{name}_tv_b": tv_b.mean})
    PAGE.keep(**{f"{SHORT[name]}_thin": 100 * thin.mean, f"{SHORT[name]}_dense": 100 * dense.mean})
    check(
        {
            f"{name}: B's means within 0.1 of 0": max(b("code_mean_abs_max").values) <= 0.1,
            f"{name}: B's variances at least 0.9": min(b("code_var_min").values) >= 0.9,
            f"{name}: B's variances at most 1.1": max(b("code_var_max").values) <= 1.1,
            f"{name}: no unit is normal": min(ks.values) > MARK,
            f"{name}: far more than chance": min(tv_b.values) > 2 * CHANCE,
            f"{name}: B is nearer": below(tv_b, tv_a),
            f"{name}: thin is worse": below(thin, dense),
        }
    )


def _draws(name: str) -> None:
    """What the judge says of each draw, as far as the text quotes it."""
    share, entropy, fid = (
        {draw: score(name, draw, key).mean for draw in DRAWS}
        for key in ("recognisable", "class_entropy", "fid_judge")
    )
    quoted = {f"{draw}_share": 100 * share[draw] for draw in ("real", "normal", "box", "b")}
    for draw in ("normal", "box", "fitted", "b", "own_b"):
        quoted[f"{draw}_entropy"] = entropy[draw]
    for draw in ("normal", "box", "fitted", "own_a", "b", "own_b"):
        quoted[f"{draw}_fid"] = fid[draw]
    quoted["normal_classes"] = 10 ** entropy["normal"]
    quoted["gain"] = fid["normal"] / fid["fitted"]
    PAGE.keep(**{f"{SHORT[name]}_{key}": value for key, value in quoted.items()})
    claims = {
        "A with randn is less even than B": more_even(name, "b", "normal"),
        "A with randn is less even than the box, on average": entropy["normal"] < entropy["box"],
        "A with randn is less even than fitted moments": more_even(name, "fitted", "normal"),
        "B is nearer than A with randn": nearer(name, "b", "normal"),
        "fitted moments are nearer than A with randn": nearer(name, "fitted", "normal"),
        "the box is nearer than A with randn": nearer(name, "box", "normal"),
        "fitted moments are more even than the box": more_even(name, "fitted", "box"),
        "fitted moments are nearer than the box": nearer(name, "fitted", "box"),
        "B is nearly as even as its codes": abs(entropy["b"] - entropy["own_b"]) < 0.05,
        "B's draw is nearly as good as its codes": abs(fid["b"] - fid["own_b"]) < 3,
        "fitted moments are nearer than B": nearer(name, "fitted", "b"),
        "fitted moments are more even than B": more_even(name, "fitted", "b"),
        "B's decoder is the worse one": nearer(name, "own_a", "own_b"),
        "B's decoder is the less even one": more_even(name, "own_a", "own_b"),
    }
    check({f"{name}: {claim}": true for claim, true in claims.items()})


def _single() -> None:
    """Claims that hold on one of the data sets, or in some training of both."""
    f, m = SETS
    share = {draw: score(f, draw, "recognisable").mean for draw in DRAWS}

    def best(key: str, pick: Callable[..., str]) -> str:
        return pick(("fitted", "normal", "box", "b"), key=lambda draw: score(m, draw, key).mean)

    leading = {best("recognisable", max), best("class_entropy", max), best("fid_judge", min)}
    correlations = [v for name in SETS for v in run_b(name).metric("code_correlation").values]
    check(
        {
            "correlation remains in some trainings": max(map(abs, correlations)) > 0.05,
            f"{f}: A with randn recognised more often than the box": share["normal"] > share["box"],
            f"{f}: ... than fitted moments": share["normal"] > share["fitted"],
            f"{f}: ... than its own training codes": share["normal"] > share["own_a"],
            f"{f}: B is nearer than the box": nearer(f, "b", "box"),
            f"{f}: B is more even than the box": more_even(f, "b", "box"),
            f"{f}: fitted moments recognised less often than B": surer(f, "b", "fitted"),
            f"{m}: fitted moments lead in all three, on average": leading == {"fitted"},
            f"{m}: the box is nearer than B": nearer(m, "box", "b"),
            f"{m}: the box is more even than B": more_even(m, "box", "b"),
            f"{m}: the box is recognised more often than B": surer(m, "box", "b"),
        }
    )


def _spread(name: str) -> None:
    """How far A's codes spread, how much of them the normal covers, and how well both reconstruct."""
    a, b, fashion = run_a(name), run_b(name), name == "fashion-mnist"
    empty, error_b = a.metric("standard_normal_empty_mass"), b.metric("test_mse")
    halfway = a.history.where("epoch", b.config["epochs"]).column("test_mse")
    quoted = {
        "sd_min": a["code_sd_min"],
        "sd_max": a["code_sd_max"],
        "occupied": 100 * (1 - empty.mean),
        "mse_a": a["test_mse"],
        "mse_b": error_b.mean,
        "mse_half": halfway.mean(),
    }
    PAGE.keep(**{f"{SHORT[name]}_{key}": value for key, value in quoted.items()})
    low, high = min(a.metric("code_sd_min").values), max(a.metric("code_sd_max").values)
    least, most = (1, 4) if fashion else (10, 25)
    landing = max(empty.values) < 0.4 if fashion else min(empty.values) > 0.6
    check(
        {
            f"{name}: how far A's units spread": least < low < high < most,
            f"{name}: where randn's draws land": landing,
            f"{name}: B reconstructs less well": below(a.metric("test_mse"), error_b),
            f"{name}: ... also than A halfway": bool(halfway.max() < min(error_b.values)),
        }
    )


@torch.no_grad()
def _sensitivity(name: str) -> float:
    """Return the mean squared change of a pixel when codes move as batch moments would move them."""
    codes = torch.from_numpy(run(name).panels["test_codes"])[:2000]
    z = (codes - codes.mean(0)) / codes.std(0)
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    moved = codes + codes.std(0) * ((1 + z**2 / 2) / run(name).config["batch_size"]).sqrt() * noise
    decoder = model(name).decoder
    return float((decoder(codes) - decoder(moved)).square().mean())


def _jitter(name: str) -> None:
    a, b = _sensitivity(f"ae-{name}"), _sensitivity(f"ae-normalized-{name}")
    PAGE.keep(**{f"{SHORT[name]}_change_a": a, f"{SHORT[name]}_change_b": b})
    check(
        {
            f"{name}: the change is large in A": a > 0.5 * run_a(name)["test_mse"],
            f"{name}: the change is small in B": b < 0.2 * run_b(name)["test_mse"],
        }
    )


def samples(name: str) -> Figure:
    """Draw the first ten judged samples of A from both draws, and of B."""
    box = torch.from_numpy(run_a(name).panels["code_box"])
    return _sample_rows(model(f"ae-{name}"), model(f"ae-normalized-{name}"), box)


def _sample_rows(a: Autoencoder, b: Autoencoder, box: Tensor) -> Figure:
    z = standard_normal_codes(SAMPLES, 2)
    return figures.image_rows(
        {
            "A: N(0, I)": decode(a, z[:10]),
            "A: box": decode(a, uniform_codes(SAMPLES, box)[:10]),
            "B: N(0, I)": decode(b, z[:10]),
        }
    )


def table_scores(name: str) -> Markdown:
    """Return the scoreboard of one data set."""
    rows = [["Samples", "`recognisable`", "`class_entropy`", "`fid_judge`"]]
    for draw, (title, *_) in DRAWS.items():
        keys = (("recognisable", 3), ("class_entropy", 3), ("fid_judge", 2))
        rows.append([title, *(number(score(name, draw, key), digits) for key, digits in keys)])
    return table(
        f"{SETS[name]}: how the judge scores ten thousand samples; mean ± standard error over three trainings. "
        "The first row is the yardstick, its distance taken to the training set.",
        f"tab-naive-{SHORT[name]}",
        "31 23 23 23",
        rows,
    )


def table_codes() -> Markdown:
    """Return the moments and the shape of the codes beside those of normal codes."""
    distance = "distance $\\operatorname{TV}_{400}$ from $\\mathcal{N}(0, I)$"
    empty = "share of draws into cells without any code"
    ks, tv = f"below {MARK:.4f}", f"about {CHANCE:.2f}"
    correlation = f"0 ± {10_000**-0.5:.2f}"
    rows = [["Of the test codes", *SETS.values(), "were they normal"]]
    for of, label, key, expected in (
        (run_b, "largest mean of a unit, in absolute value", "code_mean_abs_max", "near 0"),
        (run_b, "smallest variance of a unit", "code_var_min", "near 1"),
        (run_b, "largest variance of a unit", "code_var_max", "near 1"),
        (run_b, "correlation of the units, each training", "code_correlation", correlation),
        (run_b, "Kolmogorov–Smirnov distance, larger of the units", "code_ks_max", ks),
        (run_b, distance, "code_cell_tv", tv),
        (run_b, empty, "code_empty_mass", "0"),
        (run_a, f"A: {distance}", "standard_normal_cell_tv", tv),
        (run_a, f"A: {empty}", "standard_normal_empty_mass", "0"),
    ):
        metrics = [of(name).metric(key) for name in SETS]
        if key == "code_correlation":
            cells = [", ".join(signed(v, 2) for v in metric.values) for metric in metrics]
        else:
            cells = [number(metric, 3) for metric in metrics]
        rows.append([label, *cells, expected])
    return table(
        "Moments and shape of the codes of the 10,000 test images, B unless said otherwise; mean ± standard error "
        "over three trainings. Last column: what independent draws from the standard normal would show.",
        "tab-naive-codes",
        "34 22 22 22",
        rows,
    )


def where(name: str) -> Figure:
    """Draw the test codes of A and of B, and where codes are drawn."""
    figure, (left, right) = figures.panels(2, height=3.9)
    classes = data.CLASSES[name]
    for ax, of, title in ((left, run_a, "A: plain"), (right, run_b, "B: normalised")):
        codes, labels = (of(name).panels[key] for key in ("test_codes", "test_labels"))
        figures.code_plane(codes, labels, classes, title=title, legend=False, size=2, ax=ax)
        figures.normal_circles(ax=ax)
        ax.set_aspect("equal", adjustable="datalim")
    figures.box_outline(run_a(name).panels["code_box"], ax=left)
    figures.class_legend(classes, ax=left, columns=5, below=True)
    return figure


def cells() -> Figure:
    """Draw how full of B's test codes each cell of equal probability is, a grid for each data set."""
    figure, axes = figures.panels(2, height=3.1)
    for ax, name in zip(axes, SETS, strict=True):
        codes = torch.from_numpy(run_b(name).panels["test_codes"])
        figures.cell_grid(code_statistics.cell_shares(codes), title=SETS[name], bar=False, ax=ax)
    label = "codes, relative to the normal"
    figure.colorbar(axes[0].images[0], ax=axes, label=label, extend="max", shrink=0.9)
    return figure


def thin() -> Figure:
    """Draw B's first ten samples from the fullest and from the emptiest hundred cells, for each data set."""
    z, rows = standard_normal_codes(SAMPLES, 2), {}
    for name, title in (("fashion-mnist", "Fashion"), ("mnist", "MNIST")):
        codes = torch.from_numpy(run_b(name).panels["test_codes"])
        order = code_statistics.cell_shares(codes).flatten().argsort(stable=True)
        for place, chosen in (("dense", order[-100:]), ("thin", order[:100])):
            inside = torch.isin(code_statistics.cell_index(z), chosen)
            rows[f"{title}, {place}"] = decode(model(f"ae-normalized-{name}"), z[inside][:10])
    return figures.image_rows(rows)


def path() -> Figure:
    """Draw what lies between a trouser and a sneaker, and between a zero and a one."""
    images = {}
    for name, start, end in (("fashion-mnist", 1, 7), ("mnist", 0, 1)):
        images[SETS[name]], lowest = _walk(name, start, end)
        PAGE.keep(**{f"{SHORT[name]}_lowest": lowest})
        check({f"{name}: the judge is at a loss somewhere on the line": lowest < 0.6})
    return figures.image_rows(images)


def _walk(name: str, *classes: int) -> tuple[Tensor, float]:
    """Eleven images between B's codes of two classes, and the lowest top probability on a fine line."""
    panels, decoder, judge = run_b(name).panels, model(f"ae-normalized-{name}"), load_judge(name)
    codes, labels = (torch.from_numpy(panels[key]) for key in ("test_codes", "test_labels"))
    ends = []
    for label in classes:
        some = codes[labels == label][:200]
        sure = features_and_probabilities(judge, decode(decoder, some))[1][:, label]
        check({f"{name}: the judge is sure at both ends": float(sure.max()) >= 0.9})
        ends.append(some[sure.argmax()])
    line = torch.lerp(ends[0], ends[1], torch.linspace(0, 1, 1001)[:, None])
    images = decode(decoder, line)
    top = features_and_probabilities(judge, images)[1].amax(1)
    return images[::100], float(top.min())


def digits_trained(plain: Autoencoder, normalized: Autoencoder) -> None:
    """Give the text how far A's codes of the digits spread, and see that B's are nearly normalised."""
    images = data.load("digits", "train").images
    a, b = encode(plain, images).std(0), encode(normalized, images)
    PAGE.keep(digits_sd_min=float(a.min()), digits_sd_max=float(a.max()))
    check(
        {
            "digits: A's codes spread over much more than one unit": bool(a.min() > 2),
            "digits: B's means are near 0": bool((b.mean(0).abs() < 0.15).all()),
            "digits: B's variances are near 1": bool(((b.var(0) - 1).abs() < 0.3).all()),
        }
    )


def digits_codes(codes_a: Tensor, codes_b: Tensor) -> Figure:
    """Draw the digits' codes, A's and B's, over the place where normal codes fall."""
    digits = data.load("digits", "train")
    figure, (left, right) = figures.panels(2, height=3.4)
    for ax, codes, title in ((left, codes_a, "A: plain"), (right, codes_b, "B: normalised")):
        figures.code_plane(
            codes, digits.labels, digits.classes, title=title, legend=False, size=5, ax=ax
        )
        figures.box_outline(code_box(codes), ax=ax)
        figures.normal_circles(ax=ax)
        ax.set_aspect("equal", adjustable="datalim")
    figures.class_legend(digits.classes, ax=right)
    return figure


def digits_samples(plain: Autoencoder, normalized: Autoencoder, codes_a: Tensor) -> Figure:
    """Draw ten samples of the digits from A's two draws, and from B."""
    return _sample_rows(plain, normalized, code_box(codes_a))


def digits_stretched(plain: Autoencoder, stretched: Autoencoder, draws: Sequence[Tensor]) -> None:
    """See that a stretched code leaves the error as it is, and changes the samples."""
    digits = data.load("digits", "test")
    before, after = (images.float() for images in draws)
    change = reconstruction_mse(plain, digits) - reconstruction_mse(stretched, digits)
    check(
        {
            "stretched: the same error": abs(change) < 1e-6,
            "stretched: other samples": float((before - after).abs().mean()) > 5,
            "stretched: less varied": bool(after.std(0).mean() < before.std(0).mean() / 2),
        }
    )


def digits_spread(spreads: Mapping[float, float]) -> None:
    """Give the text how far codes spread without code noise, and with a tenth of it."""
    PAGE.keep(spread_without=spreads[0.0], spread_with=spreads[0.1])
    check({"digits: code noise widens the cloud": spreads[0.1] > 1.3 * spreads[0.0]})


def digits_jitter(
    normalized: Autoencoder, report: Mapping[str, tuple[Sequence[float], float]]
) -> None:
    """Hold the spread of one code among others, and the error on threes, against what is expected."""
    z = encode(normalized, data.load("digits", "test").images[:1])[0]
    expected = ((1 + z**2 / 2) / 64).sqrt().tolist()
    (spread, threes_train), (still, threes_eval) = report["training"], report["evaluation"]
    for unit in range(2):
        PAGE.keep(**{f"jitter_{unit}": spread[unit], f"jitter_expected_{unit}": expected[unit]})
    PAGE.keep(threes_train=threes_train, threes_eval=threes_eval)
    check(
        {
            "jitter: of the size expected": all(0.5 < spread[u] / expected[u] < 2 for u in (0, 1)),
            "jitter: no spread in evaluation mode": max(still) < 1e-5,
            "jitter: the threes suffer": threes_train > 1.5 * threes_eval,
        }
    )


def circle(distance: float, empty: float) -> None:
    """Hold the circle's distance from the normal, and the share of empty cells, against the text."""
    check(
        {
            "the circle's distance is 0.097": abs(distance - 0.097) < 5e-4,
            "more than eight cells in ten are empty": 0.8 < empty < 0.9,
        }
    )
