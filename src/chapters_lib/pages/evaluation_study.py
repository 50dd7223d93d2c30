"""The page on evaluation: what the study of the measures found, of numbers of images and of formats."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from chapters_lib import figures
from chapters_lib.pages import check, run, signed
from chapters_lib.pages.claims import Verdict
from chapters_lib.pages.evaluation import PAGE
from chapters_lib.recording.runs import Run


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
    PAGE.keep(study_draws=config["draws"], study_real=f"{config['real_images']:,}")
    PAGE.keep(effect_images=f"{config['effect_images']:,}")
    _few_images()
    _kernel()
    _formats()


def sizes() -> Figure:
    """Return Fréchet distances over the number of images, in both networks' features."""
    figure, axes = figures.panels(2, height=2.8)
    for ax, width, judge in zip(axes, _widths(), ("judge", "Inception"), strict=True):
        parts = {"real, real": "same_fid", "GAN, real": "drawn_fid"}
        found = {name: _over_sizes(width, key) for name, key in parts.items()}
        figures.lines(
            _sizes(),
            {name: mean for name, (mean, _) in found.items()},
            {name: spread for name, (_, spread) in found.items()},
            xlabel="images on each side",
            ylabel="Fréchet distance",
            title=f"{judge}, {width} features",
            ax=ax,
        )
        ax.set(xscale="log", yscale="log")
        ax.yaxis.set_minor_formatter(NullFormatter())
    return figure


def _slope(values: np.ndarray) -> float:
    """Return the slope over the larger half of the numbers, on logarithmic axes: −1 for 1/n."""
    part = slice(len(_sizes()) // 2, None)
    return float(np.polyfit(np.log(_sizes()[part]), np.log(values[part]), 1)[0])


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
    PAGE.keep(drawn_ratio=drawn_wide[0] / drawn_wide[-1])
    PAGE.keep(drawn_ratio_judge=drawn_narrow[0] / drawn_narrow[-1])
    PAGE.keep(share_wide=100 * same_wide[-1] / drawn_wide[-1])
    PAGE.keep(share_narrow=100 * same_narrow[-1] / drawn_narrow[-1])
    slopes = [_slope(values) for values in same]
    told = " and ".join(signed(value, 2) for value in slopes)
    falls = all(-1.3 < value < -0.7 for value in slopes) and slope < whole
    PAGE.claims(falls_as_one_over_n=Verdict(falls, f"slopes {told}, {signed(whole, 2)} over all"))
    check({"three numbers make the slope": len(sizes[len(sizes) // 2 :]) == 3})


def _kernel() -> None:
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
    PAGE.keep(pass_ms=1000 / full_rate, full_minutes=10_000 / full_rate / 60)
    PAGE.keep(low_minutes=10_000 / low_rate / 60)
    PAGE.keep(low_change=100 * study["bfloat16_relative_change"])
    PAGE.keep(low_shift=shift, low_shift_root=math.sqrt(shift), full_same=same)
    PAGE.keep(full_drawn=full, low_drawn=low, low_drawn_change=100 * (low / full - 1))
    PAGE.keep(full_root=math.sqrt(full), low_root=math.sqrt(low))
    PAGE.keep(direct_shift=study["direct_shift"], direct_drawn_change=100 * (direct / low - 1))
    check({"the sizes were studied in bfloat16": study.config["precision"] == "bfloat16"})
