"""What the page on naive generation shows of its runs, and what it claims of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import log, pi

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation import codes as code_statistics
from chapters_lib.evaluation.intervals import Interval, paired
from chapters_lib.evaluation.judge import SURE, features_and_probabilities
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import Verdict, above, both, difference, greater, less, shown
from chapters_lib.findings.words import in_words, interval, number, signed
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.pages import INCEPTION, Page, check, model, printed, run, table
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
drawing = schematics.naive_generation
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
SCORES = {"share": "recognisable", "entropy": "class_entropy", "fid": "fid_judge"}
HEADS = ("recognised", "evenness", "distance")
# What 10,000 normal codes would show: the larger Kolmogorov–Smirnov distance of two units is below this
# mark in 19 cases of 20, and the distance over the 400 cells is about this.
MARK = 1.48 / 10_000**0.5
CHANCE = 20 / (2 * pi * 10_000) ** 0.5


def run_a(name: str) -> Run:
    """Return the plain autoencoder's run on a data set."""
    return run(f"ae-{name}")


def run_b(name: str) -> Run:
    """Return the normalised autoencoder's run on a data set."""
    return run(f"ae-normalized-{name}")


def score(name: str, draw: str, key: str) -> Metric:
    """Return one of the judge's numbers of a draw on a data set."""
    _, of, prefix = DRAWS[draw]
    return run(of.format(name)).metric(prefix + SCORES[key])


def numbers() -> None:
    """Set the look of the figures, and give the text all numbers of the recorded runs."""
    figures.use_style()
    _training()
    for name, short in SHORT.items():
        PAGE.of(short).keep(**_measured(name) | _judged(name))
    _equal()
    _place()
    _seen()
    _claims()


def _training() -> None:
    a, b = [run_a(name).config for name in SETS], [run_b(name).config for name in SETS]
    batch, large = b[0]["batch_size"], run("ae-normalized-fashion-mnist-batch-1024")
    edges = large.metric("edges_kept")
    means, least, most = (
        [value for name in SETS for value in run_b(name).metric(f"code_{key}").values]
        for key in ("mean_abs_max", "var_min", "var_max")
    )
    PAGE.keep(
        seeds=in_words(len(means) // 2),
        batch=str(batch),
        jitter=(3 / (2 * batch)) ** 0.5,
        fashion_epochs_a=str(a[0]["epochs"]),
        mnist_epochs_a=str(a[1]["epochs"]),
        epochs_b=str(b[0]["epochs"]),
        sines=str(a[0]["hidden"][-1]),
        frequency=f"{a[0]['frequency']:g}",
        large=f"{large.config['batch_size']:,}",
        large_edges=100 * edges.mean,
        large_mse=large["test_mse"],
        large_seeds=in_words(large.trainings),
        mean_most=max(means),
        var_least=min(least),
        var_most=max(most),
    )
    other = ("dataset", "normalized", "epochs")
    alike = [{k: v for k, v in c.items() if k not in other} for c in (*a, *b)]
    check("A and B were trained alike", alike[:2] == alike[2:])
    check("B as long on both", b[0]["epochs"] == b[1]["epochs"] < min(c["epochs"] for c in a))
    check("batches sixteen times as large", large.config["batch_size"] == 16 * batch)


def _equal() -> None:
    """Keep what A has with as many epochs as B, and mark what the text says of it."""
    edges_spread = run("ae-fashion-mnist-25-epochs").metric("edges_kept")  # MNIST has one training
    found: dict[str, list[Verdict]] = {"equal_mse": [], "equal_edges": [], "equal_fitted": []}
    for name, short in SHORT.items():
        a, b = run(f"ae-{name}-25-epochs"), run_b(name)
        check("A for as many epochs as B", a.config["epochs"] == b.config["epochs"])
        error, edges = a.metric("test_mse"), a.metric("edges_kept")
        blurred = Metric.of([run(f"naive-blur-{name}")["b_edges_kept"]])
        distance, evenness = (
            a.metric(f"fitted_normal_{SCORES[key]}") for key in ("fid", "entropy")
        )
        drawn = {key: a[f"standard_normal_{SCORES[key]}"] for key in ("entropy", "fid")}
        PAGE.of(f"equal_{short}").keep(
            seeds=in_words(a.trainings),
            mse=number(error, 4),
            edges=number(edges.times(100), 1),
            fitted=number(distance, 1),
            **{f"normal_{key}": value for key, value in drawn.items()},
        )
        long = run_a(name).metric("test_mse")
        found["equal_mse"].append(less(error, b.metric("test_mse"), spread=long, digits=4))
        found["equal_edges"].append(shown(difference(edges, blurred, edges_spread), sign=1))
        far, uneven = (score(name, "b", key) for key in ("fid", "entropy"))
        found["equal_fitted"] += [
            less(distance, far, spread=far),
            greater(evenness, uneven, spread=uneven),
        ]
    between = [score("mnist", draw, "entropy").mean for draw in ("normal", "b")]
    between.insert(1, drawn["entropy"])
    PAGE.claims(equal_normal=Verdict(between == sorted(between), f"evenness {between}"))
    PAGE.claims(**{key: both(*verdicts) for key, verdicts in found.items()})


def _judged(name: str) -> dict[str, float | str]:
    """What the judge says of each draw, and how B's and A's random draws differ."""
    scale = {"share": 100.0, "entropy": 1.0, "fid": 1.0}
    given = {
        "share": ("normal", "box", "fitted", "b"),
        "entropy": ("fitted",),
        "fid": ("normal", "box", "fitted"),
    }
    found: dict[str, float | str] = {
        f"{draw}_{key}": scale[key] * score(name, draw, key).mean
        for key, draws in given.items()
        for draw in draws
    }
    found["classes"], found["b_classes"] = (
        10 ** score(name, draw, "entropy").mean for draw in ("normal", "b")
    )
    entropies = score(name, "normal", "entropy").values
    found["classes_low"], found["classes_high"] = 10 ** min(entropies), 10 ** max(entropies)
    for word, key, digits in (("even", "entropy", 2), ("nearer", "fid", 1)):
        b, a = (score(name, draw, key).times(scale[key]) for draw in ("b", "normal"))
        found[word] = interval(difference(b, a), digits)
    return found


def _measured(name: str) -> dict[str, float | str]:
    """How A's codes spread, how well both reconstruct, how sharp they are, and B's shape."""
    a, b, blur = run_a(name), run_b(name), run(f"naive-blur-{name}")
    return {
        "sd_min": a["code_sd_min"],
        "sd_max": a["code_sd_max"],
        "gaps_a": 100 * _gaps(f"ae-{name}"),
        "gaps_b": 100 * _gaps(f"ae-normalized-{name}"),
        "fineness_a": _fineness(f"ae-{name}"),
        "fineness_b": _fineness(f"ae-normalized-{name}"),
        "precision_a": a["standard_normal_precision_judge"],
        "precision_b": b["precision_judge"],
        "mse_a": a["test_mse"],
        "mse_b": b["test_mse"],
        "marks": b["code_ks_max"] / MARK,
        "thin": 100 * b["thin_recognisable"],
        "dense": 100 * b["dense_recognisable"],
        "recall_a": a["standard_normal_recall_judge"],
        "recall_b": b["recall_judge"],
        **{f"inception_{kind}": value for kind, value in zip("ab", _inception(name), strict=True)},
        **{f"edges_{kind}": 100 * blur[f"{kind}_edges_kept"] for kind in "ab"},
        **{
            f"drawn_edges_{kind}": 100
            * blur[f"{kind}_standard_normal_roughness"]
            / blur[f"{kind}_real_roughness"]
            for kind in "ab"
        },
    }


def _inception(name: str) -> tuple[float, float]:
    """Return Inception's distance of A's and of B's standard normal draws, one training each."""
    return run_a(name)["standard_normal_" + INCEPTION], run_b(name)[INCEPTION]


def _gaps(name: str) -> float:
    """Return the share of standard normal draws that lie in gaps between a run's test codes."""
    codes = torch.from_numpy(run(name).panels["test_codes"])
    return code_statistics.share_in_gaps(standard_normal_codes(SAMPLES, 2), codes)


def _reached(name: str) -> tuple[float, Tensor]:
    """Return the share of A's test codes in the circle of 99 % of the draws, and of these the share of each class."""
    panels = run_a(name).panels
    inside = torch.from_numpy(panels["test_codes"]).square().sum(1) < 2 * log(100)
    counts = torch.from_numpy(panels["test_labels"])[inside].bincount(minlength=10)
    return float(inside.double().mean()), counts / counts.sum()


def _fineness(name: str) -> float:
    """Return how fast the decoder's sines turn in one standard deviation of the codes: root mean square over them."""
    codes = torch.from_numpy(run(name).panels["test_codes"])
    weights = model(name).decoder[0].weight.detach()
    return float((weights * codes.std(0)).square().sum(1).mean().sqrt())


def _place() -> None:
    """Keep which of A's codes the draws reach, and mark what the text says of it."""
    shares = {}
    for name, short in SHORT.items():
        shares[name], classes = _reached(name)
        first, second = classes.topk(2).indices.tolist()
        PAGE.of(short).keep(
            reached=100 * shares[name],
            reached_most=data.CLASSES[name][first],
            reached_next=data.CLASSES[name][second],
            reached_both=100 * float(classes[[first, second]].sum()),
        )
    fashion, mnist = SETS
    a, b = (_gaps(f"{of}{mnist}") for of in ("ae-", "ae-normalized-"))
    PAGE.claims(
        dot=Verdict(
            shares[mnist] < 0.1 < shares[fashion] < 0.8 and a < 0.01 < b,
            f"shares {shares}, in gaps on MNIST {a} and {b}",
        )
    )


def _seen() -> None:
    """Keep of how many of A's first ten digits the judge is sure, and how many of these it calls an 8."""
    images = decode(model("ae-mnist"), standard_normal_codes(SAMPLES, 2)[:10])
    sure, label = features_and_probabilities(load_judge("mnist"), images)[1].max(1)
    found = label[sure >= SURE]
    eights = int((found == 8).sum())
    PAGE.of("mnist").keep(sure=in_words(len(found)), eights=in_words(eights))
    check("smears called an 8", eights > 0)


def _rougher() -> Verdict:
    """B's samples are the rougher ones on MNIST, and not on Fashion-MNIST."""
    drawn = [
        [run(f"naive-blur-{name}")[f"{of}_standard_normal_roughness"] for of in "ab"]
        for name in SETS
    ]
    return Verdict([b > a for a, b in drawn] == [False, True], f"roughness of A and B: {drawn}")


def _claims() -> None:
    def scores(verdict: Callable[..., Verdict], one: str, other: str, key: str) -> Verdict:
        return on_both(lambda name: verdict(score(name, one, key), score(name, other, key)))

    def errors(name: str) -> Metric:
        return run_b(name).metric("test_mse")

    def blurred(name: str) -> Verdict:
        found = run(f"naive-blur-{name}").metric("b_less_a_roughness")
        return shown(Interval.about(found.mean, found.sem), sign=-1, digits=5)

    def thinner(name: str) -> Verdict:
        thin, dense = (run_b(name).metric(f"{k}_recognisable").values for k in ("thin", "dense"))
        return shown(paired(thin, dense), sign=-1)

    def apart(name: str, draws: Sequence[str]) -> int:
        found = [score(name, draw, "share") for draw in draws]
        return sum(difference(a, b).clear for a, b in combinations(found, 2))

    for name in SETS:
        pairs = apart(name, ("normal", "box", "b"))
        PAGE.of(SHORT[name]).keep(pairs_apart=("none", "one", "two", "all three")[pairs])
    fashion = next(iter(SETS))
    distances = [_inception(name) for name in SETS]
    precisions = [
        (run_a(name)["standard_normal_precision_judge"], run_b(name)["precision_judge"])
        for name in SETS
    ]
    gap = difference(score(fashion, "own_b", "fid"), score(fashion, "b", "fid"))
    normal, fitted = (score(fashion, draw, "share").times(100) for draw in ("normal", "fitted"))
    fewer = difference(normal, fitted)
    PAGE.keep(own_gap=interval(gap, 1), fewer=interval(fewer, 0, bare=True))
    PAGE.claims(
        draws_nearer=shown(gap, sign=1),
        drawn_edges=_rougher(),
        inception=Verdict(
            [b < a for a, b in distances] == [False, True],
            f"Inception's distances of A and B are {distances}",
        ),
        decoder=both(
            scores(less, "own_a", "own_b", "fid"), scores(greater, "own_a", "own_b", "entropy")
        ),
        box=scores(less, "box", "normal", "fid"),
        b_even=scores(greater, "b", "normal", "entropy"),
        b_nearer=scores(less, "b", "normal", "fid"),
        fitted_nearer=scores(less, "fitted", "b", "fid"),
        fewer=shown(fewer, sign=1, digits=0),
        fitted_even=scores(greater, "fitted", "b", "entropy"),
        mse=on_both(lambda name: less(run_a(name).metric("test_mse"), errors(name), digits=4)),
        ks=on_both(lambda name: above(run_b(name).metric("code_ks_max"), MARK)),
        thin=on_both(thinner),
        blur=on_both(blurred),
        precision=Verdict(all(b < a for a, b in precisions), f"precisions {precisions}"),
    )


def on_both(verdict: Callable[[str], Verdict]) -> Verdict:
    """Return whether a finding holds on both data sets, Fashion-MNIST first."""
    return both(*(verdict(name) for name in SETS))


def samples(name: str) -> Figure:
    """Draw the first ten judged samples of A from both draws, and of B."""
    a, b = model(f"ae-{name}"), model(f"ae-normalized-{name}")
    z, box = standard_normal_codes(SAMPLES, 2), torch.from_numpy(run_a(name).panels["code_box"])
    return figures.image_rows(
        {
            "A: N(0, I)": decode(a, z[:10]),
            "A: box": decode(a, uniform_codes(SAMPLES, box)[:10]),
            "B: N(0, I)": decode(b, z[:10]),
        }
    )


def table_scores(name: str) -> Markdown:
    """Return the scoreboard of one data set."""
    rows = [["Samples", *HEADS]]
    for title, of, prefix in DRAWS.values():
        digits = dict(zip(SCORES.values(), (3, 3, 2), strict=True))
        rows.append([title, *printed(run(of.format(name)), digits, prefix)])
    return table(
        f"{SETS[name]}: how the judge scores ten thousand samples; mean ± standard error over the trainings. "
        "The first row is the yardstick, its distance taken to the training set.",
        f"tab-naive-{SHORT[name]}",
        "40 20 20 20",
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
    ):
        metrics = [of(name).metric(key) for name in SETS]
        if key == "code_correlation":
            cells = [", ".join(signed(v, 2) for v in metric.values) for metric in metrics]
        else:
            cells = [number(metric, 3) for metric in metrics]
        rows.append([label, *cells, expected])
    return table(
        "Moments and shape of the codes of the 10,000 test images, B unless said otherwise; mean ± standard error "
        "over the trainings. Last column: what independent draws from the standard normal would show.",
        "tab-naive-codes",
        "45 20 20 15",
        rows,
    )


def _planes(
    codes: Sequence[ArrayLike],
    labels: ArrayLike,
    classes: Sequence[str],
    box: ArrayLike,
    size: float,
) -> Figure:
    figure, axes = figures.panels(2, height=3.9)
    for ax, z, title in zip(axes, codes, ("A: plain", "B: normalised"), strict=True):
        figures.code_plane(z, labels, classes, title=title, legend=False, size=size, ax=ax)
        figures.normal_circles(ax=ax)
        ax.set_aspect("equal", adjustable="datalim")
    figures.box_outline(box, ax=axes[0])
    figures.class_legend(classes, ax=axes[0], columns=5, below=True)
    return figure


def where(name: str) -> Figure:
    """Draw the test codes of A and of B, and where codes are drawn."""
    a, b = run_a(name).panels, run_b(name).panels
    codes = [panels["test_codes"] for panels in (a, b)]
    return _planes(codes, a["test_labels"], data.CLASSES[name], a["code_box"], 2)


def cells() -> Figure:
    """Draw how full of B's test codes each cell of equal probability is, a grid for each data set."""
    figure, axes = figures.panels(2, height=3.1)
    for ax, name in zip(axes, SETS, strict=True):
        codes = torch.from_numpy(run_b(name).panels["test_codes"])
        figures.cell_grid(code_statistics.cell_shares(codes), title=SETS[name], ax=ax)
    label = "codes, relative to the normal"
    bar = figure.colorbar(axes[0].images[0], ax=axes, label=label, extend="max", shrink=0.9)
    bar.set_ticks([0, 0.5, 1, 2, 3, 4], labels=["0", "0.5", "1", "2", "3", "4"])
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
        PAGE.of(SHORT[name]).keep(lowest=lowest)
    return figures.image_rows(images)


def _walk(name: str, *classes: int) -> tuple[Tensor, float]:
    """Eleven images between B's codes of two classes, and the lowest top probability on a fine line."""
    panels, decoder, judge = run_b(name).panels, model(f"ae-normalized-{name}"), load_judge(name)
    codes, labels = (torch.from_numpy(panels[key]) for key in ("test_codes", "test_labels"))
    ends = []
    for label in classes:
        some = codes[labels == label][:200]
        sure = features_and_probabilities(judge, decode(decoder, some))[1][:, label]
        ends.append(some[sure.argmax()])
    images = decode(decoder, torch.lerp(ends[0], ends[1], torch.linspace(0, 1, 1001)[:, None]))
    top = features_and_probabilities(judge, images)[1].amax(1)
    return images[::100], float(top.min())


def digits_codes(codes_a: Tensor, codes_b: Tensor) -> Figure:
    """Draw the digits' codes, A's and B's, over the place where normal codes fall."""
    digits, spread = data.load("digits", "train"), codes_a.std(0)
    PAGE.keep(digits_sd_min=float(spread.min()), digits_sd_max=float(spread.max()))
    check("B's moments are exact", bool((codes_b.mean(0).abs() < 1e-3).all()))
    return _planes((codes_a, codes_b), digits.labels, digits.classes, code_box(codes_a), 5)


def digits_stretched(plain: Autoencoder, stretched: Autoencoder, draws: Sequence[Tensor]) -> None:
    """See that a stretched code leaves the error as it is, and changes the samples."""
    digits = data.load("digits", "test")
    before, after = (images.float() for images in draws)
    change = reconstruction_mse(plain, digits) - reconstruction_mse(stretched, digits)
    check("stretched: the same error", abs(change) < 1e-6)
    check("stretched: other samples", float((before - after).abs().mean()) > 1)


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
    check("jitter: no spread in evaluation mode", max(still) < 1e-5)
