"""The page on evaluation: what it draws and says of its own small experiments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import Markdown
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor, cov

from chapters_lib import figures
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import Verdict
from chapters_lib.findings.words import signed
from chapters_lib.pages import Page, check, run, table
from chapters_lib.recording.runs import Run

PAGE = Page("eval")
drawing = schematics.evaluation


def transport(start: Tensor, end: Tensor) -> Figure:
    """Return points of one Gaussian, where the cheapest plan takes them, and the ways of some."""
    figure, (ax,) = figures.panels(width=4.8, height=2.6)
    for one, other in zip(start[:60], end[:60], strict=True):
        ax.plot([one[0], other[0]], [one[1], other[1]], color=figures.MUTED, linewidth=0.5)
    figures.points({"from": start[:300], "to": end[:300]}, size=7, square=True, ax=ax)
    ax.set(xlabel="first feature", ylabel="second feature", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    return figure


def plan(cost: float, exact: float, moved: Tensor, covariance: Tensor) -> None:
    """Hold what the plan costs against what the formula says."""
    off = float((cov(moved.T) - covariance).abs().max())
    check("the plan costs what the formula says", abs(cost - exact) < 0.02 * exact)
    check("and makes the other covariance", off < 0.02)


By = Mapping[int, Sequence[float]]  # distances by dimension, one a number of draws


def gauss(counts: Sequence[int], found: By, predicted: By) -> Figure:
    """Return distances between draws of one normal distribution, by dimension, and what was predicted."""
    figure, (ax,) = figures.panels(width=4.8, height=2.9)
    series = {f"{dimensions} dimensions": values for dimensions, values in found.items()}
    figures.lines(counts, series, xlabel="draws on each side", ylabel="distance", ax=ax)
    for values in predicted.values():
        ax.plot(counts, values, color=figures.INK, linestyle=(0, (4, 3)), linewidth=1)
    ax.set(xscale="log", yscale="log")
    return figure


def bias(counts: Sequence[int], found: By, predicted: By) -> None:
    """Keep what fifty dimensions read where there is no distance."""
    two, ten, fifty = (found[dimensions] for dimensions in (2, 10, 50))
    PAGE.keep(gauss_few=fifty[0], gauss_many=fifty[-1])
    away = max(abs(a / b - 1) for a, b in zip(fifty[3:], predicted[50][3:], strict=True))
    told = f"{100 * away:.0f} % away from the formula; {two[0]:.2f}, {ten[0]:.2f}, {fifty[0]:.2f}"
    as_predicted = away < 0.15 and two[0] < ten[0] < fifty[0]
    PAGE.own_claims(gauss_as_predicted=Verdict(as_predicted, told))


def sets(images: Mapping[str, Tensor]) -> Figure:
    """Return ten images of each set."""
    return figures.image_rows({name: found[:10] for name, found in images.items()}, width=5.2)


def table_sets(seen: Mapping[str, Mapping[str, Any]], count: int) -> Markdown:
    """Return what each measure says of each set."""
    rows = [["Set", "Fréchet distance", "kernel distance", "precision", "recall"]]
    for name, of in seen.items():
        shares = (f"{share:.2f}" for share in (of["pr"].precision, of["pr"].recall))
        rows.append([name, f"{of['fid']:.2f}", _kernel(of), *shares])
    return table(
        f"Seven sets of {count} images held against {count} real test images, in the features of a small judge. "
        "The first row is what real images get. ±: standard error over images.",
        "tab-eval-sets",
        "30 18 24 14 14",
        rows,
    )


def _kernel(of: Mapping[str, Any]) -> str:
    return f"{signed(of['kid'].value, 3)} ± {of['kid'].sem:.3f}"


def faults(seen: Mapping[str, Mapping[str, Any]], copies: float) -> None:
    """Keep what the measures say of the sets that the text speaks of, and the recall of all digits four times."""
    real, few, sixty = (seen[n] for n in ("other real digits", "only 0 to 4", "sixty, repeated"))
    half, noise = seen["half on their side"], seen["nothing but noise"]
    PAGE.keep(sets_real_fid=real["fid"], sets_real_kid=_kernel(real))
    PAGE.keep(sets_sixty_fid=sixty["fid"])
    for name, of in (("few", few), ("sixty", sixty), ("half", half)):
        PAGE.of(f"sets_{name}").keep(precision=of["pr"].precision, recall=of["pr"].recall)
    PAGE.keep(sets_noise_precision=100 * noise["pr"].precision, sets_copies_recall=copies)
    precision, recall = real["pr"].precision, real["pr"].recall
    PAGE.keep(sets_real_chance=100 * real["chance"])
    distances = [of["fid"] for of in seen.values()]
    told = ", ".join(f"{name} {of['fid']:.2f}" for name, of in seen.items())
    sideways = f"precision {half['pr'].precision:.2f} after {precision:.2f}"
    PAGE.own_claims(
        faults_noticed=Verdict(all(d > real["fid"] for d in distances[1:]), told),
        repetition_costs_recall=Verdict(
            sixty["pr"].recall < 0.2 * recall and sixty["pr"].precision > precision - 0.2,
            f"precision {sixty['pr'].precision:.2f}, recall {sixty['pr'].recall:.2f}",
        ),
        copies_cost_recall=Verdict(copies < 0.01, f"recall {copies:.2f}"),
        sideways_costs_precision=Verdict(
            half["pr"].precision < 0.75 * precision and half["pr"].recall > 0.75 * recall, sideways
        ),
    )


def wrong_range(stopped: str, right: float, in_bytes: tuple[float, float], halved: float) -> None:
    """Hold what the networks make of images of the wrong size and range against the text."""
    check("32 pixels are not enough", bool(stopped))
    check("absurd in bytes, on one side and on both", min(in_bytes) > 10 * right)
    check("a range half as wide on both sides is not seen", halved < 2 * right)


# What the study of the measures found, of numbers of images and of formats.


def _study() -> Run:
    return run("measures-mnist")


def _widths() -> tuple[int, int]:
    """Return how many features the judge and Inception have."""
    found = sorted(set(_study().history.column("features")))
    return int(found[0]), int(found[-1])


def _sizes() -> list[int]:
    return sorted({int(n) for n in _study().history.column("images")})


def _over_sizes(width: int, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations over the draws, for each number of images."""
    rows = _study().history.where("features", width)
    found = [rows.where("images", n).column(key) for n in _sizes()]
    return np.array([v.mean() for v in found]), np.array([v.std(ddof=1) for v in found])


def numbers() -> None:
    """Give the text what it says of the study, and hold its claims against the record."""
    config = _study().config
    narrow, wide = _widths()
    least, most = _sizes()[0], _sizes()[-1]
    PAGE.keep(narrow=narrow, wide=wide, least=f"{least:,}", most=f"{most:,}")
    PAGE.keep(study_real=f"{config['real_images']:,}")
    PAGE.keep(effect_images=f"{config['effect_images']:,}")
    _few_images()
    _kernel_stays()
    _formats()


def sizes() -> Figure:
    """Return Fréchet distances over the number of images, in both networks' features."""
    figure, axes = figures.panels(2, width=6, height=2.8)
    for ax, width, judge in zip(axes, _widths(), ("judge", "Inception"), strict=True):
        parts = {"real, real": "same_fid", "GAN, real": "drawn_fid"}
        found = {name: _over_sizes(width, key) for name, key in parts.items()}
        means, spreads = ({name: of[i] for name, of in found.items()} for i in (0, 1))
        look: Any = {"xlabel": "images on each side", "ylabel": "Fréchet distance"}
        figures.lines(_sizes(), means, spreads, title=f"{judge}, {width} features", ax=ax, **look)
        ax.set(xscale="log", yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    return figure


def _slope(values: np.ndarray) -> float:
    """Return the slope over the larger half of the numbers, on logarithmic axes: −1 for 1/n."""
    part = slice(len(_sizes()) // 2, None)
    return float(np.polyfit(np.log(_sizes()[part]), np.log(values[part]), 1)[0])


def _bias(values: np.ndarray) -> float:
    """Return how many % of the last distance a straight line over 1/n, through the larger half, does without."""
    part = slice(len(_sizes()) // 2, None)
    limit = np.polyfit(1 / np.array(_sizes()[part]), values[part], 1)[1]
    return float(100 * (1 - limit / values[-1]))


def _few_images() -> None:
    """What the Fréchet distance reads with few images and with many."""
    same, drawn = (
        [_over_sizes(w, f"{key}_fid")[0] for w in _widths()] for key in ("same", "drawn")
    )
    (same_narrow, same_wide), (drawn_narrow, drawn_wide) = same, drawn
    sizes, slope = _sizes(), _slope(same_wide)
    whole = math.log(same_wide[-1] / same_wide[0]) / math.log(sizes[-1] / sizes[0])
    PAGE.keep(same_few=same_wide[0], same_many=same_wide[-1])
    PAGE.keep(same_slope=signed(slope, 2), whole_slope=signed(whole, 2))
    PAGE.keep(judge_slope=signed(_slope(same_narrow), 2))
    middle = (
        _study().history.where("features", _widths()[0]).where("images", sizes[len(sizes) // 2])
    )
    read = middle.column("same_fid")
    PAGE.keep(middle_size=sizes[len(sizes) // 2], middle_least=read.min(), middle_most=read.max())
    PAGE.keep(drawn_ratio=drawn_wide[0] / drawn_wide[-1])
    PAGE.keep(drawn_ratio_judge=drawn_narrow[0] / drawn_narrow[-1])
    PAGE.of("bias").keep(wide=_bias(drawn_wide), narrow=_bias(drawn_narrow))
    slopes = [_slope(values) for values in same]
    told = " and ".join(signed(value, 2) for value in slopes)
    falls = all(-1.3 < value < -0.7 for value in slopes) and slope < whole
    PAGE.claims(falls_as_one_over_n=Verdict(falls, f"slopes {told}, {signed(whole, 2)} over all"))
    check("three numbers make the slope", len(sizes[len(sizes) // 2 :]) == 3)


def _kernel_stays() -> None:
    """That the kernel distance stays where it is."""
    draws = _study().config["draws"]
    found = [_over_sizes(width, "drawn_kid") for width in _widths()]
    mean, spread = found[1]  # Inception's
    few, many = (f"{signed(1000 * mean[i], 2)} ± {1000 * spread[i]:.2f}" for i in (0, -1))
    PAGE.keep(kernel_few=few, kernel_many=many)
    stays = [
        abs(mean[0] - mean[-1]) < 4 * math.hypot(spread[0], spread[-1]) / math.sqrt(draws)
        for mean, spread in found
    ]
    PAGE.claims(kernel_stays=Verdict(all(stays), f"{few} and {many}"))


def _formats() -> None:
    """What bfloat16 and leaving out the 32 × 32 do to a distance."""
    study = _study()
    full, low, direct = (study[f"{n}_drawn_fid"] for n in ("float32", "bfloat16", "direct"))
    shift, same = study["bfloat16_shift"], study["float32_same_fid"]
    full_rate, low_rate = (study[f"{n}_images_per_second"] for n in ("float32", "bfloat16"))
    PAGE.keep(full_minutes=10_000 / full_rate / 60, low_minutes=10_000 / low_rate / 60)
    PAGE.keep(low_shift=shift, low_shift_root=math.sqrt(shift), full_same=same)
    PAGE.keep(full_drawn=full, low_drawn=low, low_drawn_change=100 * (low / full - 1))
    PAGE.keep(full_root=math.sqrt(full), low_root=math.sqrt(low))
    PAGE.keep(direct_shift=study["direct_shift"], direct_drawn_change=100 * (direct / low - 1))
    check("the sizes were studied in bfloat16", study.config["precision"] == "bfloat16")
