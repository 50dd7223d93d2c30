"""What the class that codes still tell does to a conditional VAE: codes decoded as their own class, or as another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.evaluation import likelihood
from chapters_lib.evaluation.intervals import paired
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.evaluation.likelihood import ACTIVE_VARIANCE
from chapters_lib.evaluation.neighbours import of_the_same_class
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import CLASSES
from chapters_lib.recording.experiment import Metrics, Panels
from chapters_lib.recording.judging import load_judge
from chapters_lib.reproducibility import generator

# by the prefix of their metrics, the recorded models whose codes are decoded
MODELS = {"cvae": "cvae-fashion-mnist", "decoder_only": "cvae-decoder-only-fashion-mnist"}
ENCODERS = {"vae": "vae-fashion-mnist"} | MODELS  # those whose codes are compared with one another
NEAR, WIDE = 10, 500  # neighbours that tell of clumps and of regions
READERS = ("quadratic_test_accuracy", "knn_test_accuracy")  # of active units and of idle ones


@dataclass(frozen=True)
class ClassCodesConfig:
    """Whose codes are decoded, and the seed of all draws."""

    dataset: str = "fashion-mnist"
    seed: int = 0


def other_class(labels: Tensor, seed: int) -> Tensor:
    """Return another class than its own for each label, each of the nine alike likely."""
    return (labels + torch.randint(1, CLASSES, labels.shape, generator=generator(seed))) % CLASSES


def decoded(config: ClassCodesConfig, name: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Return images by the kind of their code, with the class that was asked for.

    ``own`` and ``other``: codes drawn from q(z|x, y) of the test images, decoded as y and as
    another class; ``mean_own`` and ``mean_other``: the same of their means; ``prior``: codes
    from N(0, I), decoded as the test images' classes.
    """
    its, model = vae.recorded(name)
    test = data.load(config.dataset, "test")
    loc, scale = likelihood.encode(model, *vae.inputs(its, test))
    drawn = loc + scale * vae.prior_codes(its, len(loc), config.seed)
    own, other = test.labels, other_class(test.labels, config.seed)
    asked = {
        "own": (drawn, own),
        "other": (drawn, other),
        "mean_own": (loc, own),
        "mean_other": (loc, other),
        "prior": (vae.prior_codes(its, len(loc), config.seed + 1), own),
    }
    return {kind: (vae.decode(its, model, z, y), y) for kind, (z, y) in asked.items()}


def hits(config: ClassCodesConfig) -> dict[str, Tensor]:
    """Return for each image of each kind whether the judge takes it for the class asked for, float64 (N,).

    Keys are ``MODEL_KIND``, and ``real`` for the test images themselves and their own class.
    """
    judge, test = load_judge(config.dataset), data.load(config.dataset, "test")
    shown = {"real": (test.images, test.labels)}
    for prefix, name in MODELS.items():
        shown |= {f"{prefix}_{kind}": found for kind, found in decoded(config, name).items()}
    return {
        key: (features_and_probabilities(judge, images)[1].argmax(1) == asked).double()
        for key, (images, asked) in shown.items()
    }


def neighbours(config: ClassCodesConfig) -> Metrics:
    """Return of the test images' mean codes the share of the nearest that are of the same class."""
    found: Metrics = {}
    test = data.load(config.dataset, "test")
    for prefix, name in ENCODERS.items():
        its, model = vae.recorded(name)
        codes = likelihood.encode(model, *vae.inputs(its, test))[0].numpy()
        for number in (NEAR, WIDE):
            share = of_the_same_class(codes, test.labels.numpy(), number)
            found[f"{prefix}_of_{number}_nearest"] = share
    return found


def readings(config: ClassCodesConfig) -> Metrics:
    """Return what two classifiers read of the class from the means of active units alone, and of idle ones."""
    from chapters_lib.evaluation import probe  # scikit-learn takes a second to import

    found: Metrics = {}
    test = data.load(config.dataset, "test")
    for prefix, name in ENCODERS.items():
        its, model = vae.recorded(name)
        training = vae.split(its)[0].first(vae.PROBED)
        loc, test_loc = (
            likelihood.encode(model, *vae.inputs(its, part))[0] for part in (training, test)
        )
        active = loc.var(0) > ACTIVE_VARIANCE
        for of, units in (("active", active), ("idle", ~active)):
            read = probe.class_information(
                loc[:, units], training.labels, test_loc[:, units], test.labels
            )
            found |= {f"{prefix}_{of}_{key}": read[key] for key in READERS}
    return found


@torch.no_grad()
def redrawn(config: ClassCodesConfig) -> Metrics:
    """Return how many nats reconstructions lose when active or idle units of their codes are drawn from the prior."""
    found: Metrics = {}
    test = data.load(config.dataset, "test")
    for prefix, name in ENCODERS.items():
        its, model = vae.recorded(name)
        training = vae.split(its)[0].first(vae.PROBED)
        active = likelihood.encode(model, *vae.inputs(its, training))[0].var(0) > ACTIVE_VARIANCE
        x, *y = vae.inputs(its, test)
        loc, scale = likelihood.encode(model, x, *y)
        z = loc + scale * vae.prior_codes(its, len(loc), config.seed)
        other, whole = vae.prior_codes(its, len(loc), config.seed + 1), model.decoder(z, *y)
        for of, units in (("active", active), ("idle", ~active)):
            part = model.decoder(torch.where(units, other, z), *y)
            lost = paired(whole.log_prob(x), part.log_prob(x))
            found |= _named(f"{prefix}_{of}_redrawn", lost.difference, lost.sem)
    return found


def brightness(config: ClassCodesConfig) -> Tensor:
    """Return how images' brightness correlates with that of their mean codes decoded as another class, float64 (10,).

    It is taken over the test images of a class, and averaged over the nine others.
    """
    its, model = vae.recorded(MODELS["cvae"])
    test = data.load(config.dataset, "test")
    loc, _ = likelihood.encode(model, *vae.inputs(its, test))
    asked = (torch.full_like(test.labels, label) for label in range(CLASSES))
    drawn = (test.images, *(vae.decode(its, model, loc, y) for y in asked))
    bright = torch.stack([images.double().mean((1, 2, 3)) for images in drawn])
    kept = torch.stack(
        [torch.corrcoef(bright[:, test.labels == label])[0, 1:] for label in range(CLASSES)]
    )
    return (kept.sum(1) - kept.diagonal()) / (CLASSES - 1)


def evaluate(config: ClassCodesConfig, _: nn.Module) -> Metrics:
    """Measure how often codes are decoded as the class asked for, and what of the shortfall is the codes'.

    ``…_hit`` are shares of the 10,000 images, with standard errors over them. By the page's
    `eq-cvae-optimum` codes of the images of a class, all together, would be distributed as the
    prior, were there nothing of the class in them: ``…_own_less_prior`` is then 0.
    ``…_prior_less_mixture`` compares prior draws with a tenth of own classes and nine tenths of
    others, as codes would be that still tell their class and are drawn regardless of the one asked
    for. ``…_code_share`` is (own − prior)/(real − prior): the part of what prior draws lack to real
    images that goes when the code is one of the class's own. ``…_of_10_nearest`` and
    ``…_of_500_nearest`` are those of `neighbours`,
    ``…_active_…`` and ``…_idle_…`` those of `readings` and `redrawn`.
    """
    found = hits(config)
    metrics = neighbours(config) | readings(config) | redrawn(config)
    for key, hit in found.items():
        metrics |= _named(f"{key}_hit", float(hit.mean()), float(hit.std()) / math.sqrt(len(hit)))
    for prefix in MODELS:
        own, other, prior = (found[f"{prefix}_{kind}"] for kind in ("own", "other", "prior"))
        mixture = own / CLASSES + other * (1 - 1 / CLASSES)
        for name, a, b in (
            ("own_less_other", own, other),
            ("own_less_prior", own, prior),
            ("prior_less_mixture", prior, mixture),
        ):
            difference = paired(a, b)
            metrics |= _named(f"{prefix}_{name}", difference.difference, difference.sem)
        metrics |= _named(f"{prefix}_code_share", *ratio(own - prior, found["real"] - prior))
    return metrics


def _named(key: str, value: float, sem: float) -> Metrics:
    return {key: value, f"{key}_sem": sem}


def ratio(part: Tensor, whole: Tensor) -> tuple[float, float]:
    """Return mean(part)/mean(whole) of the same images, and its standard error to first order."""
    share = float(part.mean() / whole.mean())
    rest = part - share * whole
    return share, float(rest.std()) / math.sqrt(len(rest)) / abs(float(whole.mean()))


def panels(config: ClassCodesConfig, _: nn.Module) -> Panels:
    """Keep each kind's share of hits by the class asked for, and `brightness` by an image's own, float64 (10,)."""
    test = data.load(config.dataset, "test")
    other = other_class(test.labels, config.seed)
    kept: Panels = {"cvae_brightness": brightness(config).numpy()}
    for key, hit in hits(config).items():
        asked = other if key.endswith("other") else test.labels
        counts = torch.bincount(asked, minlength=CLASSES)
        kept[key] = (torch.bincount(asked, hit, minlength=CLASSES) / counts).numpy()
    return kept
