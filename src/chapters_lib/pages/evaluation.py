"""The page on evaluation: what it draws and says of its own small experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor, cov

from chapters_lib import figures
from chapters_lib.pages import Page, check, signed, table

PAGE = Page("eval")


def transport(start: Tensor, end: Tensor) -> Figure:
    """Return points of one Gaussian, where the cheapest plan takes them, and the ways of some."""
    figure, (ax,) = figures.panels(width=4.8, height=2.6)
    for one, other in zip(start[:60], end[:60], strict=True):
        ax.plot([one[0], other[0]], [one[1], other[1]], color=figures.MUTED, linewidth=0.5)
    figures.points({"from": start[:300], "to": end[:300]}, size=7, square=True, ax=ax)
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
    times = fifty[-2] * counts[-2] / (fifty[-1] * counts[-1])
    check(
        {
            "falls with the number of draws": all(
                list(values) == sorted(values, reverse=True) for values in (ten, fifty)
            ),
            "by the factor of the numbers": 0.8 < times < 1.25,
            "as predicted where there are many more draws than dimensions": all(
                abs(a / b - 1) < 0.15 for a, b in zip(fifty[3:], predicted[50][3:], strict=True)
            ),
            "grows with the dimensions": two[0] < ten[0] < fifty[0],
        }
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
    distances = [of["fid"] for of in seen.values()]
    check(
        {
            "of real images the Fréchet distance is not 0": real["fid"] > 0,
            "and every fault raises it": all(d > real["fid"] for d in distances[1:]),
            "the kernel distance of real images is 0 within three errors": (
                abs(real["kid"].value) < 3 * real["kid"].sem
            ),
            "missing classes cost recall": few["pr"].recall < 0.75 * recall,
            "and hardly any precision": few["pr"].precision > precision - 0.1,
            "repetition costs nearly all recall": sixty["pr"].recall < 0.1,
            "and no precision to speak of": sixty["pr"].precision > precision - 0.15,
            "digits on their side cost half of the precision": (
                0.35 * precision < half["pr"].precision < 0.65 * precision
            ),
            "and less of the recall": half["pr"].recall > few["pr"].recall,
            "noise is precise for a judge that has never seen any": noise["pr"].precision > 0.2,
            "and has the largest distance": noise["fid"] == max(distances),
            "by far": noise["fid"] > 3 * sixty["fid"] and noise["pr"].recall < 0.2,
        }
    )


def wrong_range(stopped: str, right: float, wrong: float) -> None:
    """Hold what the networks make of images of the wrong size and range against the text."""
    check({"32 pixels are not enough": bool(stopped), "absurd in bytes": wrong > 100 * right})


def intercepts(found: Mapping[str, float], seen: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold what is left of two distances without their bias against the text."""
    real, few = "other real digits", "only 0 to 4"
    check(
        {
            "that of real images is nearer to 0": abs(found[real]) < seen[real]["fid"],
            "that of the half set stays up": found[few] > 0.7 * seen[few]["fid"],
        }
    )
