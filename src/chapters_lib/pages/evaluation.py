"""The page on evaluation: what it draws and says of its own small experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor, cov

from chapters_lib import figures
from chapters_lib.figures import schematics
from chapters_lib.pages import Page, check, signed, table
from chapters_lib.pages.claims import Verdict

PAGE = Page("eval")


def drawing() -> Figure:
    """Return what a Fréchet distance compares, as a picture."""
    return schematics.evaluation()


def transport(start: Tensor, end: Tensor) -> Figure:
    """Return points of one Gaussian, where the cheapest plan takes them, and the ways of some."""
    figure, (ax,) = figures.panels(width=4.8, height=2.6)
    for one, other in zip(start[:60], end[:60], strict=True):
        ax.plot([one[0], other[0]], [one[1], other[1]], color=figures.MUTED, linewidth=0.5)
    figures.points({"from": start[:300], "to": end[:300]}, size=7, square=True, ax=ax)
    ax.set(xlabel="first feature", ylabel="second feature", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    return figure


def plan(cost: float, exact: float, moved: Tensor, covariance: Tensor) -> None:
    """Keep what the plan costs, and what the formula says."""
    PAGE.keep(plan_cost=cost, plan_exact=exact)
    check(
        {
            "the plan costs what the formula says": abs(cost - exact) < 0.02 * exact,
            "and makes the other covariance": bool((cov(moved.T) - covariance).abs().max() < 0.02),
        }
    )


def gauss(
    counts: Sequence[int],
    found: Mapping[int, Sequence[float]],
    predicted: Mapping[int, Sequence[float]],
) -> Figure:
    """Return distances between draws of one normal distribution, by dimension, and what was predicted."""
    figure, (ax,) = figures.panels(width=4.8, height=2.9)
    series = {f"{dimensions} dimensions": values for dimensions, values in found.items()}
    figures.lines(counts, series, xlabel="draws on each side", ylabel="distance", ax=ax)
    for values in predicted.values():
        ax.plot(counts, values, color=figures.INK, linestyle=(0, (4, 3)), linewidth=1)
    ax.set(xscale="log", yscale="log")
    return figure


def bias(
    counts: Sequence[int],
    found: Mapping[int, Sequence[float]],
    predicted: Mapping[int, Sequence[float]],
) -> None:
    """Keep what fifty dimensions read where there is no distance."""
    two, ten, fifty = (found[dimensions] for dimensions in (2, 10, 50))
    PAGE.keep(gauss_few=fifty[0], gauss_many=fifty[-1])
    away = max(abs(a / b - 1) for a, b in zip(fifty[3:], predicted[50][3:], strict=True))
    told = f"{100 * away:.0f} % away from the formula; {two[0]:.2f}, {ten[0]:.2f}, {fifty[0]:.2f}"
    PAGE.claims(
        own=True, gauss_as_predicted=Verdict(away < 0.15 and two[0] < ten[0] < fifty[0], told)
    )


def sets(images: Mapping[str, Tensor]) -> Figure:
    """Return ten images of each set."""
    return figures.image_rows({name: found[:10] for name, found in images.items()})


def table_sets(seen: Mapping[str, Mapping[str, Any]], count: int) -> Markdown:
    """Return what each measure says of each set."""
    rows = [["Set", "Fréchet distance", "kernel distance", "precision", "recall"]]
    for name, of in seen.items():
        shares = (f"{share:.2f}" for share in (of["pr"].precision, of["pr"].recall))
        rows.append([name, f"{of['fid']:.2f}", _kernel(of), *shares])
    return table(
        f"Seven sets of {count} images held against {count} real test images, in the features of a small judge. "
        "The first row is what real images get.",
        "tab-eval-sets",
        "30 18 24 14 14",
        rows,
    )


def _kernel(of: Mapping[str, Any]) -> str:
    return f"{signed(of['kid'].value, 3)} ± {of['kid'].sem:.3f}"


def faults(seen: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep what the measures say of the sets that the text speaks of."""
    real, few, sixty = (seen[n] for n in ("other real digits", "only 0 to 4", "sixty, repeated"))
    half, noise = seen["half on their side"], seen["nothing but noise"]
    PAGE.keep(sets_real_fid=real["fid"], sets_real_kid=_kernel(real))
    PAGE.keep(sets_few_fid=few["fid"], sets_sixty_fid=sixty["fid"], sets_noise_fid=noise["fid"])
    for name, of in (("few", few), ("sixty", sixty), ("half", half)):
        PAGE.keep(**{f"sets_{name}_precision": of["pr"].precision})
        PAGE.keep(**{f"sets_{name}_recall": of["pr"].recall})
    PAGE.keep(sets_noise_precision=100 * noise["pr"].precision)
    precision, recall = real["pr"].precision, real["pr"].recall
    PAGE.keep(sets_real_chance=100 * real["chance"])
    distances = [of["fid"] for of in seen.values()]
    told = ", ".join(f"{name} {of['fid']:.2f}" for name, of in seen.items())
    sideways = f"precision {half['pr'].precision:.2f} after {precision:.2f}"
    PAGE.claims(
        own=True,
        faults_noticed=Verdict(all(d > real["fid"] for d in distances[1:]), told),
        repetition_costs_recall=Verdict(
            sixty["pr"].recall < 0.2 * recall and sixty["pr"].precision > precision - 0.2,
            f"precision {sixty['pr'].precision:.2f}, recall {sixty['pr'].recall:.2f}",
        ),
        sideways_costs_precision=Verdict(
            half["pr"].precision < 0.75 * precision and half["pr"].recall > 0.75 * recall, sideways
        ),
    )


def wrong_range(stopped: str, right: float, wrong: float) -> None:
    """Hold what the networks make of images of the wrong size and range against the text."""
    check({"32 pixels are not enough": bool(stopped), "absurd in bytes": wrong > 10 * right})
