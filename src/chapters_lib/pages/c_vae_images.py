"""What the page of the conditional VAE shows on Fashion-MNIST of its bound and its images."""

from __future__ import annotations

import math
from functools import cache

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import data, figures
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.pages import below, check, model, number, run, table
from chapters_lib.pages.c_vae import CVAE, PAGE, asked, percent
from chapters_lib.pages.vae import config
from chapters_lib.recipes import vae
from chapters_lib.recording import runs
from chapters_lib.recording.judging import load_judge
from chapters_lib.reproducibility import generator

NAMES = {
    "VAE": "vae-fashion-mnist",
    "C-VAE": CVAE,
    "decoder only": "cvae-decoder-only-fashion-mnist",
}
CLOTHES = data.CLASSES["fashion-mnist"]
EACH = 200  # judged samples of each class
DRAWS = 10  # codes of each image whose style is transferred


def numbers() -> None:
    """Give the text its numbers of bounds and images, and check what it says of them."""
    _trainings()
    _gains()
    _agreed()
    _transfers()


def metrics(key: str) -> list[runs.Metric]:
    """Return a metric of the VAE, of the conditional VAE and of the control."""
    return [run(name).metric(key) for name in NAMES.values()]


def bound() -> Markdown:
    """Return bounds and the judge's view of the three models."""
    rows = [["On the test images", *NAMES]]
    for label, key, decimals in (
        ("$-$ELBO, nats", "test_negative_elbo", 2),
        ("of it $-\\mathbb{E}_q[\\log p(x \\mid z, \\cdot)]$", "test_reconstruction", 2),
        ("of it the KL term", "test_kl", 2),
        ("importance-weighted bound, nats", "test_negative_iwae", 2),
        ("active units of twenty", "active_units", 1),
        ("`recognisable`", "recognisable", 3),
        ("`class_entropy`", "class_entropy", 3),
        ("`fid_judge`", "fid_judge", 2),
    ):
        rows.append([label, *(number(metric, decimals) for metric in metrics(key))])
    return table(
        "Bounds and samples of the three models, mean ± standard error over three trainings. The bounds of the last "
        "two are on $\\log p(x \\mid y)$, in nats of cross-entropy of grey pixels. Below: how the judge scores ten "
        "thousand samples, classes asked for in turn where there is one to ask for.",
        "tab-cvae-bound",
        "31 23 23 23",
        rows,
    )


def samples() -> Figure:
    """Show a class a row, from one code a column."""
    z = vae.prior_codes(config(CVAE), 10, seed=2)
    rows = zip(CLOTHES, asked(config(CVAE), model(CVAE), z), strict=True)
    return figures.image_rows(dict(rows), width=5.6)


def judged(images: Tensor) -> Tensor:
    """Return the judge's most probable class of each image."""
    return features_and_probabilities(load_judge("fashion-mnist"), images)[1].argmax(1)


@cache
def verdicts() -> Tensor:
    """Return the judge's classes for samples of each class, shape (classes, samples)."""
    wanted = torch.arange(10).repeat_interleave(EACH)
    z = vae.prior_codes(config(CVAE), 10 * EACH, seed=3)
    return judged(vae.decode(config(CVAE), model(CVAE), z, wanted)).unflatten(0, (10, EACH))


def agreed() -> Tensor:
    """Return the share of each class's samples that are judged as asked for, shape (10,)."""
    return (verdicts() == torch.arange(10)[:, None]).double().mean(1)


def agreement() -> Figure:
    """Draw the share of each class's samples that are judged as asked for."""
    shares = dict(zip(CLOTHES, agreed().tolist(), strict=True))
    return figures.bars(shares, xlabel="judged as asked for", form="{:.2f}", limit=1.15)


def shown() -> tuple[Tensor, Tensor]:
    """Return the test images whose style is transferred, and their classes."""
    images, labels = (torch.from_numpy(run(CVAE).panels[key]) for key in ("images", "labels"))
    return images, labels


@cache
def transferred() -> Tensor:
    """Return these images' mean codes decoded as every class, uint8 (classes, images, 1, 28, 28)."""
    images, labels = shown()
    codes, _ = likelihood.encode(model(CVAE), images / 255, *vae.condition(config(CVAE), labels))
    return asked(config(CVAE), model(CVAE), codes)


def transfer() -> Figure:
    """Show test images, and below each what their codes give as every class."""
    rows = zip(CLOTHES, transferred()[:, :10], strict=True)
    return figures.image_rows({"test image": shown()[0][:10], **dict(rows)}, width=5.6)


def _trainings() -> None:
    """Check that the three models differ in nothing but who is told the class."""
    free = {"conditional": None, "encoder_sees_class": None}
    configs = [run(name).config | free for name in NAMES.values()]
    seeds = [len(run(name).provenance["seeds"]) for name in NAMES.values()]
    claims = {
        "only the class differs": configs[0] == configs[1] == configs[2],
        "three trainings each": seeds == [3, 3, 3],
        "400 hidden units": configs[0]["hidden"] == [400],
    }
    check(claims)


def _gains() -> None:
    """Keep what the class is worth to the bounds."""
    v, c, d = metrics("test_negative_elbo")
    v_iwae, c_iwae, d_iwae = metrics("test_negative_iwae")
    v_kl, c_kl, _ = metrics("test_kl")
    gain, gain_iwae, gain_kl = v.mean - c.mean, v_iwae.mean - c_iwae.mean, v_kl.mean - c_kl.mean
    unseen, unseen_iwae = d.mean - c.mean, d_iwae.mean - c_iwae.mean
    ten = math.log(10)
    PAGE.keep(log_ten=ten)
    PAGE.keep(gain_negative_elbo=gain, gain_negative_iwae=gain_iwae, gain_kl=gain_kl)
    PAGE.keep(gain_decoder_only=v.mean - d.mean, unseen=unseen, unseen_iwae=unseen_iwae)
    PAGE.keep(mixture=c_iwae.mean + ten, beyond=gain_iwae - ten, v_iwae=v_iwae.mean)
    v_seen, c_seen, d_seen = metrics("recognisable")
    percent(v_recognisable=v_seen.mean, c_recognisable=c_seen.mean, d_recognisable=d_seen.mean)
    v_fid, c_fid, _ = metrics("fid_judge")
    v_drawn, c_drawn, _ = metrics("test_reconstruction")
    claims = {
        "the class lowers the bound in every pair of seeds": below(c, v),
        "the importance-weighted one as well": below(c_iwae, v_iwae),
        "and in the control": below(d, v),
        "the encoder's class lowers it further": below(c, d),
        "by less under the importance-weighted bound": 0 < unseen_iwae < unseen,
        "most of it also by that bound": unseen_iwae > 0.5 * unseen,
        "the KL term falls": below(c_kl, v_kl),
        "most of the gain is in the KL term": gain_kl > abs(v_drawn.mean - c_drawn.mean),
        "more is gained than log 10, by both bounds": min(gain, gain_iwae) > ten,
        "so its mixture has the better bound": max(c_iwae.values) + ten < min(v_iwae.values),
        "the images are more recognisable": below(v_seen, c_seen),
        "the control's are not": below(d_seen, c_seen) and abs(d_seen.mean - v_seen.mean) < 0.05,
        "and nearer to real ones by the judge": below(c_fid, v_fid),
    }
    check(claims)


def _agreed() -> None:
    """Keep how often one gets the class that one asks for."""
    shares, judge = agreed(), run("judge-fashion-mnist")["test_accuracy"]
    best, worst = int(shares.argmax()), int(shares.argmin())
    taken = verdicts()[worst].bincount(minlength=10)
    taken[worst] = 0
    percent(agreed=float(shares.mean()), judge=judge, mistaken_share=float(taken.max() / EACH))
    percent(agreed_best=float(shares.max()), agreed_worst=float(shares.min()))
    PAGE.keep(best=CLOTHES[best].lower(), worst=CLOTHES[worst].lower())
    PAGE.keep(mistaken=CLOTHES[int(taken.argmax())].lower())
    claims = {
        "far above chance": float(shares.mean()) > 0.7,
        "in every class": float(shares.min()) > 0.3,
        "below the judge's own accuracy": float(shares.mean()) < judge - 0.05,
    }
    check(claims)


def _transfers() -> None:
    """Keep how often a transfer succeeds, and how much brightness is kept."""
    images, labels = shown()
    q = model(CVAE).encoder(images / 255, *vae.condition(config(CVAE), labels))
    z = likelihood.sample(q, DRAWS, generator(4)).flatten(0, 1)
    seen = judged(asked(config(CVAE), model(CVAE), z).flatten(0, 1)).unflatten(0, (10, -1))
    source, target = labels.repeat(DRAWS), torch.arange(10)[:, None]
    other = target != source
    hit = float((seen == target)[other].double().mean())
    stuck = float((seen == source)[other].double().mean())
    brightness = transferred().float().mean((2, 3, 4))  # (classes, images)
    kept = float(torch.corrcoef(brightness)[~torch.eye(10, dtype=torch.bool)].mean())
    percent(transfer=hit, stuck=stuck)
    PAGE.keep(transfer_correlation=kept, transferred=int(other.sum()))
    PAGE.keep(transfer_images=len(labels), transfer_draws=DRAWS)
    claims = {
        "transfers are hit about as often as samples": abs(hit - float(agreed().mean())) < 0.06,
        "hardly any keep their old class": stuck < 0.08,
        "brightness is shared between rows": kept > 0.6,
    }
    check(claims)
