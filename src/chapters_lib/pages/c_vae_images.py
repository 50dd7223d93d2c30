"""What the page of the conditional VAE shows on Fashion-MNIST of its bound and its images."""

from __future__ import annotations

import math

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import data, figures
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.intervals import Interval
from chapters_lib.findings.verdicts import Verdict, both, difference, greater, less, level, shown
from chapters_lib.findings.words import interval, number, with_error
from chapters_lib.pages import check, model, run, table
from chapters_lib.pages.c_vae import CVAE, PAGE, asked, percent
from chapters_lib.pages.vae import config, trainings
from chapters_lib.recipes import vae
from chapters_lib.recording.runs import Metric

NAMES = {
    "VAE": "vae-fashion-mnist",
    "C-VAE": CVAE,
    "decoder only": "cvae-decoder-only-fashion-mnist",
}
CODES = "cvae-class-codes-fashion-mnist"
MEASURED = ("cvae", "decoder_only")  # of which codes of classes are
CLOTHES = data.CLASSES["fashion-mnist"]


def metrics(key: str) -> list[Metric]:
    """Return a metric of the VAE, of the conditional VAE and of the control."""
    return [run(name).metric(key) for name in NAMES.values()]


def keep_difference(name: str, a: Metric, b: Metric, scale: float = 1, digits: int = 1) -> None:
    """Give the text a difference of means, and its 95 % interval as words: ``gap`` and ``gap-interval``."""
    gap, ends = interval(difference(a.times(scale), b.times(scale)), digits).split(" ", 1)
    PAGE.keep(**{name: gap, f"{name}_interval": ends})


def bound() -> Markdown:
    """Return bounds and the judge's view of the three models."""
    rows = [["On the test images", *NAMES]]
    for label, key, decimals in (
        ("$-\\mathrm{ELBO}$, nats", "test_negative_elbo", 2),
        ("reconstruction", "test_reconstruction", 2),
        ("KL term", "test_kl", 2),
        ("$-\\mathrm{ELBO}_{1000}$, nats", "test_negative_iwae", 2),
        ("active units of twenty", "active_units", 1),
        ("share recognised", "recognisable", 3),
        ("evenness of classes", "class_entropy", 3),
        ("distance (judge)", "fid_judge", 2),
    ):
        rows.append([label, *(number(metric, decimals) for metric in metrics(key))])
    return table(
        f"Bounds and samples of the three models, mean ± standard error over {trainings(CVAE)} trainings. The bounds "
        "of the last two are on $\\log p(x \\mid y)$, in nats of cross-entropy of grey pixels. Below, how the judge "
        "scores ten thousand samples, classes asked for in turn where there is one to ask for.",
        "tab-cvae-bound",
        "31 23 23 23",
        rows,
    )


def samples() -> Figure:
    """Show a class a row, from one code a column."""
    z = vae.prior_codes(config(CVAE), 10, seed=2)
    rows = zip(CLOTHES, asked(config(CVAE), model(CVAE), z), strict=True)
    return figures.image_rows(dict(rows), width=5.6)


def transfer() -> Figure:
    """Show random test images, and below each what its mean code gives as every class."""
    images, labels = (torch.from_numpy(run(CVAE).panels[key][:10]) for key in ("images", "labels"))
    codes, _ = likelihood.encode(model(CVAE), images / 255, *vae.condition(config(CVAE), labels))
    rows = zip(CLOTHES, asked(config(CVAE), model(CVAE), codes), strict=True)
    return figures.image_rows({"test image": images, **dict(rows)}, width=5.6)


def hits() -> Markdown:
    """Return how often the judge sees the class asked for, by whose codes are decoded."""
    found = run(CODES)
    rows = [["Decoded", "C-VAE", "decoder only"]]
    for label, key in (
        ("codes of test images, as their own class", "own_hit"),
        ("codes drawn from the prior", "prior_hit"),
        ("codes of test images, as another class", "other_hit"),
    ):
        both_models = (found.metric(f"{model}_{key}").times(100) for model in MEASURED)
        rows.append([label, *(with_error(share, 1) for share in both_models)])
    return table(
        "Share of ten thousand images each, in per cent, in which the judge's most probable class is the class asked "
        "for; codes of images drawn from $q$, one training of each model, ± over images.",
        "tab-cvae-hits",
        "50 25 25",
        rows,
    )


# What the text says of them.


def numbers() -> None:
    """Give the text its numbers of bounds and images, and mark what it says of them."""
    free = {"conditional": None, "encoder_sees_class": None}
    configs = [run(name).config | free for name in NAMES.values()]
    check("only the class differs", configs[0] == configs[1] == configs[2])
    _gains()
    _judged()
    _hits()


def _gains() -> None:
    """Keep what the class is worth to the bounds."""
    v, c, d = metrics("test_negative_elbo")
    v_iwae, c_iwae, _ = metrics("test_negative_iwae")
    (v_kl, c_kl, _), ten = metrics("test_kl"), math.log(10)
    v_drawn, c_drawn, _ = metrics("test_reconstruction")
    PAGE.keep(log_ten=ten, mixture=c_iwae.mean + ten, v_iwae=v_iwae.mean)
    PAGE.keep(beyond=v_iwae.mean - c_iwae.mean - ten)
    for name, a, b in (
        ("gain", v, c),
        ("gain_iwae", v_iwae, c_iwae),
        ("gain_kl", v_kl, c_kl),
        ("gain_control", v, d),
        ("unseen", d, c),
    ):
        keep_difference(name, a, b, digits=2)
    margin = difference(v_iwae, c_iwae)
    PAGE.claims(
        gain=both(less(c, v), less(c_iwae, v_iwae)),
        kl=both(less(c_kl, v_kl), level(c_drawn, v_drawn)),
        mixture=Verdict(margin.low > ten, f"{margin.difference:.2f} nats, from {margin.low:.2f}"),
        control=both(less(d, v), less(c, d)),
    )


def _judged() -> None:
    """Keep how the judge sees the samples."""
    (v, c, d), (v_fid, c_fid, d_fid) = metrics("recognisable"), metrics("fid_judge")
    percent(v_recognised=v.mean, c_recognised=c.mean, d_recognised=d.mean)
    keep_difference("recognised_gain", c, v, 100)
    PAGE.claims(
        recognised=both(greater(c, v), less(c_fid, v_fid)),
        control_images=both(level(d, v), level(d_fid, v_fid)),
    )


def _hits() -> None:
    """Keep how often one gets the class that one asks for, and how much brightness goes along with a code."""
    found = run(CODES)

    def of(key: str) -> Interval:
        share = found.metric(key).times(100)
        PAGE.keep(**{key: share.mean, f"{key}_sem": share.sem})
        return Interval.about(share.mean, share.sem)

    shares = ("real", "cvae_prior", "decoder_only_prior", "decoder_only_own", "decoder_only_other")
    PAGE.keep(**{f"{key}_hit": 100 * found[f"{key}_hit"] for key in shares})
    asked_for = torch.from_numpy(found.panels["cvae_prior"])
    best, worst = int(asked_for.argmax()), int(asked_for.argmin())
    PAGE.keep(best=CLOTHES[best].lower(), worst=CLOTHES[worst].lower())
    percent(best=float(asked_for[best]), worst=float(asked_for[worst]))
    bright = torch.from_numpy(found.panels["cvae_brightness"])
    PAGE.keep(bright=float(bright.mean()), bright_least=float(bright.min()))
    PAGE.keep(bright_most=float(bright.max()), brightest=CLOTHES[int(bright.argmax())].lower())
    PAGE.keep(dimmest=CLOTHES[int(bright.argmin())].lower())
    as_mixed = of("decoder_only_prior_less_mixture")
    PAGE.keep(mixture_hit=100 * found["decoder_only_prior_hit"] - as_mixed.difference)
    PAGE.claims(
        own_code=shown(of("cvae_own_less_prior"), sign=1, digits=1),
        control_own=both(
            shown(of("decoder_only_own_less_prior"), sign=1, digits=1),
            shown(as_mixed, sign=1, digits=1),
            Verdict(as_mixed.difference < 5, f"{as_mixed.difference:.1f} points"),
        ),
        bright=Verdict(float(bright.min()) > 0.3, f"correlations {bright.tolist()}"),
    )
