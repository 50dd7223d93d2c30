"""The comparison's records: two data sets, three models of each, and the ways between their codes."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import torch
from torchinfo import summary

from chapters_lib.evaluation.judge import SURE, features_and_probabilities
from chapters_lib.experiments import find
from chapters_lib.models.layers import count_parameters
from chapters_lib.pages import Page, below, check, run
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs
from chapters_lib.recording.judging import load_judge
from chapters_lib.reproducibility import generator

PAGE = Page("cmp")
PARTS = ("mnist", "colour")
AUTOENCODERS = MODELS[:2]
NORMAL, FLOW, GAN = MODELS
NAMES = {NORMAL: "VAE, $\\mathcal{N}(0, I)$", FLOW: "VAE, RealNVP prior", GAN: "GAN"}
PLAIN = {NORMAL: "the VAE under N(0, I)", FLOW: "the VAE with the flow", GAN: "the GAN"}
SAID = {NORMAL: "VAE", FLOW: "VAE with flow", GAN: "GAN"}
TITLES = {"mnist": "MNIST", "house-numbers": "house numbers (stand-in)", "svhn": "SVHN"}
Way = tuple[str, str]  # a model, and where a line between two of its codes is straight
IN_Z, IN_BASE = (FLOW, "z"), (FLOW, "base")
WAYS: dict[Way, str] = {
    (NORMAL, "z"): "VAE",
    IN_Z: "VAE with flow, straight in $z$",
    IN_BASE: "VAE with flow, straight in the base space",
    (GAN, "z"): "GAN",
}
CLASSES_OF_DENSITY = {"under 1 %": 0.0, "1–25 %": 0.01, "25–50 %": 0.25, "over 50 %": 0.5}
PROTOCOLS = [f"fid_inception{width}{low}" for width in (2048, 768) for low in ("", "_bfloat16")]
IN_WORDS = {1: "one", 2: "two", 3: "three"}
COLOUR_WORDS = {  # by data set, as the text has them
    "svhn": {
        "set": "SVHN",
        "title": "SVHN",
        "full": "SVHN",
        "licence": "Images: SVHN and learned from it, for research that is not commercial, not under "
        "this book's licence.",
        "colour_look": "Each row has a look of its own.",
    },
    "house-numbers": {
        "set": "house numbers (the rendered stand-in for SVHN)",
        "title": "House numbers, a rendered stand-in for SVHN",
        "full": "house numbers that the library renders, a stand-in for SVHN",
        "licence": "Images: house numbers rendered by the library, a stand-in for SVHN, and learned "
        "from them.",
        "colour_look": "Under the standard normal prior light and dark are exaggerated, as if every "
        "crop were one of the few of highest contrast, and there is a shape in the middle that is "
        "often no digit. With the flow colours and contrast are those of real crops, and the digit is "
        "soft. The GAN's images have edges and grain, and the chequered pattern that strided "
        "transposed convolutions leave.",
    },
}


@cache
def dataset(part: str) -> str:
    """Return the data set of a part; in colour SVHN where all that the page shows of it is recorded."""
    if part == "mnist":
        return "mnist"
    needed = {"judge-svhn", "compared-svhn", *(f"{model}-svhn" for model in MODELS)}
    return "svhn" if needed <= set(runs.names()) else "house-numbers"


def title(part: str) -> str:
    """Return what figures and tables call the data set of a part."""
    return TITLES[dataset(part)]


def full_title(part: str) -> str:
    """Return what the caption of a table calls the data set of a part."""
    return "MNIST" if part == "mnist" else COLOUR_WORDS[dataset(part)]["title"]


def of(part: str) -> dict[str, runs.Run]:
    """Return the runs of the three models."""
    return {model: run(f"{model}-{dataset(part)}") for model in MODELS}


def side(part: str) -> runs.Run:
    """Return what was measured of the three models side by side."""
    return run(f"compared-{dataset(part)}")


@cache
def drawers(part: str) -> dict[str, comparing.Drawer]:
    """Return the three recorded models as what draws images."""
    return comparing.recorded(dataset(part))


def trainings(part: str) -> int:
    """Return how many trainings of each model are recorded."""
    return len(of(part)[GAN].provenance["seeds"])


def along(part: str, way: Way, key: str) -> runs.Metric:
    """Return what was measured along a thousand lines of one way."""
    return side(part).metric("_".join((*way, key)))


def roughness(part: str) -> dict[str, float]:
    """Return the roughness of each model's samples and of test images, by ``test``."""
    return {name: side(part)[f"{name}_roughness"] for name in (*MODELS, "test")}


def inception(part: str) -> str:
    """Return the key under which all three models have a distance in Inception's features, or ``""``."""
    of_all = [found.metrics for found in of(part).values()]
    return next((key for key in PROTOCOLS if all(key in metrics for metrics in of_all)), "")


def order(
    part: str, key: str, digits: int, *, lower: bool = True, models: tuple[str, ...] = MODELS
) -> str:
    """Return the models from best to worst by a metric, in words.

    "<" or ">" stands where all trainings are apart, "~" where some overlap; models of one training
    each are a list.
    """
    metrics = {model: of(part)[model].metric(key) for model in models}
    ranked = sorted(metrics, key=lambda model: metrics[model].mean, reverse=not lower)
    words = [f"{SAID[model]} {metrics[model].mean:.{digits}f}" for model in ranked]
    if trainings(part) == 1:
        return ", ".join(words)
    text = words[0]
    for better, worse, word in zip(ranked, ranked[1:], words[1:], strict=False):
        low, high = (better, worse) if lower else (worse, better)
        apart = below(metrics[low], metrics[high])
        text += f" {('<' if lower else '>') if apart else '~'} {word}"
    return text


def keep(part: str, **values: str | float) -> None:
    """Give the text numbers of one part: ``cmp-mnist-epochs``."""
    PAGE.keep(**{f"{part}_{key}": value for key, value in values.items()})


class Sizes(NamedTuple):
    """Weights of the parts of a model, and millions of multiply-adds of drawing one image."""

    judging: int
    drawing: int
    flow: int
    work: float

    @property
    def both(self) -> int:
        """All weights but the flow's."""
        return self.judging + self.drawing


@cache
def sizes(part: str) -> dict[str, Sizes]:
    """Return how large the three models are, by torchinfo."""

    def weights(module: Any) -> int:
        return summary(module, verbose=0).total_params

    def work(module: Any, inputs: int) -> float:
        return summary(module, input_size=(1, inputs), verbose=0).total_mult_adds / 1e6

    found = {}
    for name in MODELS:
        experiment = find(f"{name}-{dataset(part)}")
        config: Any = experiment.config
        model: Any = experiment.build(config)
        if name == GAN:
            cost = work(model.generator.body, config.noise)
            found[name] = Sizes(weights(model.discriminator), weights(model.generator), 0, cost)
        else:
            flow, cost = 0, work(model.decoder.net, config.latent)
            if config.couplings:
                flow = weights(model.prior)
                cost += sum(work(layer.net, len(layer.kept)) for layer in model.prior.couplings)
            found[name] = Sizes(weights(model.encoder), weights(model.decoder), flow, cost)
        counted = found[name].both + found[name].flow
        check({f"the library, too, counts {counted} weights": counted == count_parameters(model)})
    return found


class Densities(NamedTuple):
    """What the flow's prior says of a thousand lines between draws."""

    along: dict[str, list[float]]  # by space the mean log-density at the twelve points
    seen: list[float]  # for each class of density the share of middles that the judge recognises
    errors: list[float]  # two standard errors of it


@cache
@torch.no_grad()
def densities(part: str) -> Densities:
    """Return how likely the points of lines are, and how often middles are recognised by their density."""
    drawer, config = drawers(part)[FLOW], side(part).config
    prior: Any = drawer.prior
    size = (2, config["lines"], drawer.latent)
    start, end = torch.randn(size, generator=generator(config["seed"]))
    codes = {space: comparing.codes_along(drawer, start, end, space) for space in drawer.spaces}
    log_p = {space: prior.log_prob(of) for space, of in codes.items()}
    images = drawer.decode(codes["z"][:, comparing.MIDDLE].flatten(0, 1))
    sure = features_and_probabilities(load_judge(dataset(part)), images)[1].amax(1) >= SURE
    edges = torch.tensor(list(CLASSES_OF_DENSITY.values())[1:])
    edges = log_p["z"][:, [0, -1]].flatten().quantile(edges)
    found = torch.bucketize(log_p["z"][:, comparing.MIDDLE].flatten(), edges)
    seen, errors = [], []
    for i in range(len(CLASSES_OF_DENSITY)):
        count, share = int((found == i).sum()), float(sure[found == i].double().mean())
        seen.append(share)
        errors.append(2 * math.sqrt(share * (1 - share) / count) if count else math.nan)
    return Densities({space: of.mean(0).tolist() for space, of in log_p.items()}, seen, errors)


def specks() -> dict[str, dict[str, float]]:
    """Return how samples of the first trainings score before and after specks are moved, by title."""
    found, moved = of("mnist"), run("specks-mnist")
    sources = {
        "GAN": (found[GAN], ""),
        "GAN, specks removed": (moved, "gan_swept_"),
        "with a flow": (found[FLOW], ""),
        "with a flow, the GAN's specks added": (moved, "specked_"),
    }
    keys = {key: f"{key}_judge" for key in ("precision", "recall")}
    keys |= {"judge": "fid_judge", "inception": inception("mnist")}
    return {
        name: {key: source.metric(prefix + of).values[0] for key, of in keys.items()}
        for name, (source, prefix) in sources.items()
    }
