"""The comparison's records: two data sets, three models of each, and the ways between their codes."""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torchinfo import summary

from chapters_lib.experiments import find
from chapters_lib.findings import board, run
from chapters_lib.findings.board import EQUAL
from chapters_lib.findings.colour import CONTROL, colour_set
from chapters_lib.findings.colour import title as colour_title
from chapters_lib.findings.verdicts import difference
from chapters_lib.findings.words import in_words, interval, number
from chapters_lib.models.layers import count_parameters
from chapters_lib.recipes import comparing
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs
from chapters_lib.recording.judging import load_judge

PARTS = ("mnist", "colour")
AUTOENCODERS = MODELS[:2]
NORMAL, FLOW, GAN = MODELS
NAMES = {NORMAL: "VAE, $\\mathcal{N}(0, I)$", FLOW: "VAE, RealNVP prior", GAN: "GAN"}
SAID = {NORMAL: "VAE", FLOW: "VAE with flow", GAN: "GAN"}
Way = tuple[str, str]  # a model, and where a line between two of its codes is straight
IN_Z, IN_BASE = (FLOW, "z"), (FLOW, "base")
WAYS: dict[Way, str] = {
    (NORMAL, "z"): "VAE",
    IN_Z: "VAE with flow, straight in $z$",
    IN_BASE: "VAE with flow, straight in the base space",
    (GAN, "z"): "GAN",
}
RANKS = {"under 1 %": 0.0, "1–25 %": 0.01, "25–50 %": 0.25, "over 50 %": 0.5}
KERNEL = "test_kid"  # of as many samples as there are test images
PROTOCOLS = [EQUAL, "fid_inception2048", board.FLOAT32, board.LOW]


def dataset(part: str) -> str:
    """Return the data set of a part; the colour set's control has its models, too."""
    return {"mnist": "mnist", "control": CONTROL}.get(part) or colour_set().name


def title(part: str) -> str:
    """Return what figures and tables call the data set of a part."""
    named = {"mnist": "MNIST", "control": "Control: rendered house numbers"}
    return named.get(part) or colour_title()


def short(part: str) -> str:
    """Return what rows of tables and plots call the data set of a part."""
    return "MNIST" if part == "mnist" else colour_set().short


def of(part: str) -> dict[str, runs.Run]:
    """Return the runs of the three models."""
    return {model: run(f"{model}-{dataset(part)}") for model in MODELS}


def followed(part: str, model: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return after which epochs samples were held against training images, and the distances, a row a training."""
    record = of(part)[model]
    histories = [record.history.where("seed", seed) for seed in record.provenance["seeds"]]
    found = np.stack([history.column("train_fid_judge") for history in histories])
    at = np.flatnonzero(np.isfinite(found[0]))
    return at + 1, found[:, at]


def side(part: str) -> runs.Run:
    """Return what was measured of the three models side by side."""
    return run(f"compared-{dataset(part)}")


@cache
def drawers(part: str) -> dict[str, comparing.Drawer]:
    """Return the three recorded models as what draws images."""
    return comparing.recorded(dataset(part))


def trainings(part: str) -> str:
    """Return how often each model was trained, in words."""
    counts = {model: found.trainings for model, found in of(part).items()}
    if len(set(counts.values())) > 1:
        return ", ".join(f"{in_words(n)} of the {SAID[model]}" for model, n in counts.items())
    return f"{in_words(counts[GAN])} training{'s' * (counts[GAN] > 1)} of each model"


def begun(part: str) -> bool:
    """Whether all trainings of a model begin with the same recorded weights."""
    return all(found.config.get("begun") for found in of(part).values())


def along(part: str, way: Way, key: str) -> runs.Metric:
    """Return what was measured along a thousand lines of one way."""
    return side(part).metric("_".join((*way, key)))


def floors(part: str) -> runs.Run | None:
    """Return how far real and rendered images are from real ones, where as few as there are were measured."""
    name = f"floors-{dataset(part)}"
    return run(name) if name in runs.names() else None


def inception(part: str) -> str:
    """Return the key under which all three models have a distance in Inception's features, or ``""``."""
    of_all = [found.metrics for found in of(part).values()]
    return next((key for key in PROTOCOLS if all(key in metrics for metrics in of_all)), "")


def protocol(part: str) -> str:
    """Return which network, weights, layer, number format and images a distance in Inception's features is of."""
    if not (key := inception(part)):
        return "not recorded yet"
    if key == EQUAL:
        count = of(part)[GAN].data_used["test"]["images"]
        block = "the block Mixed_6e (768 features), the weights of 2015"
        return f"{block}, in bfloat16; {count:,} samples against as many test images"
    stated = of(part)[GAN].provenance["afterwards"][key.removeprefix("fid_")]
    layer = "the block Mixed_6e" if "768" in key else "the last pooling"
    return (
        f"Inception v3, weights {stated['weights']}, mean over space of {layer} ({key.split('_')[1][9:]} "
        f"features), in {'bfloat16' if key.endswith('bfloat16') else 'float32'}; {stated['samples']:,} "
        f"samples drawn with seed {stated['seed']} from the first training, against "
        f"{stated['real']['images']:,} test images"
    )


def ranked(
    part: str,
    key: str,
    digits: int,
    *,
    lower: bool = True,
    scale: float = 1,
) -> str:
    """Return the models from best to worst by a metric, in words; what is not recorded is said."""
    if any(key not in of(part)[model].metrics for model in MODELS):
        return "not recorded"
    metrics = {model: of(part)[model].metric(key).times(scale) for model in MODELS}
    return in_order(metrics, digits, lower=lower)


def in_order(metrics: dict[str, runs.Metric], digits: int, *, lower: bool = True) -> str:
    """Return models with their metrics, from best to worst."""
    order = sorted(metrics, key=lambda model: metrics[model].mean, reverse=not lower)
    return ", ".join(f"{SAID[model]} {number(metrics[model], digits)}" for model in order)


def from_nothing() -> dict[str, runs.Metric]:
    """Return the kernel distances, in thousandths, of colour models trained from random weights."""
    names = {model: f"{model}-{dataset('colour')}-from-nothing" for model in MODELS}
    if not begun("colour") or not set(names.values()) <= set(runs.names()):
        return {}
    return {model: run(name).metric(KERNEL).times(1000) for model, name in names.items()}


def gap(
    part: str,
    key: str,
    models: tuple[str, str],
    digits: int = 2,
    *,
    scale: float = 1,
    bare: bool = True,
) -> str:
    """Return the difference of two models with its 95 % interval, or nothing where one has one training.

    `bare` leaves out the sign where the difference is clear: the words beside it say which is less.
    """
    first, second = (of(part)[model].metric(key).times(scale) for model in models)
    if min(len(first.values), len(second.values)) < 2:
        return ""
    return interval(difference(first, second), digits, bare=bare)


def differences(part: str) -> str:
    """Say which kernel distances have no order, or that there is one training of a model."""
    if min(found.trainings for found in of(part).values()) < 2:
        return "With one training of a model, what another seed would change is not known."
    if any(KERNEL not in found.metrics for found in of(part).values()):
        return ""
    return unordered(part)


def unordered(part: str) -> str:
    """Say of which models no order is claimed: their kernel distances differ by less than three errors over images."""
    found = {model: each.metric(KERNEL).times(1000) for model, each in of(part).items()}
    error = max(each[f"{KERNEL}_sem"] for each in of(part).values()) * 1000
    close = [
        f"{SAID[a]} and {SAID[b]}"
        for a, b in combinations(MODELS, 2)
        if abs(found[a].mean - found[b].mean) < 3 * math.sqrt(2) * error
    ]
    said = f"Over the test images alone a kernel distance has an error of up to {error:.2f}"
    apart = "which are less than three errors of a difference apart"
    return f"{said}; no order is claimed of {'; '.join(close)}, {apart}." if close else f"{said}."


def held_share(part: str) -> float:
    """Return which share of the images at hand was held out of training."""
    found = of(part)[GAN]
    if "val" in found.data_used:  # where the file of the data says what is held out
        held, trained = (found.data_used[split]["images"] for split in ("val", "train"))
        return float(held / (held + trained))
    return float(found.config["validation"])


class Sizes(NamedTuple):
    """Weights of the parts of a model."""

    judging: int
    drawing: int
    flow: int

    @property
    def both(self) -> int:
        """All weights but the flow's."""
        return self.judging + self.drawing


@cache
def sizes(part: str) -> dict[str, Sizes]:
    """Return how large the three models are, by torchinfo."""
    found = {}
    for name in MODELS:
        experiment = find(f"{name}-{dataset(part)}")
        model: Any = experiment.build(experiment.config)
        parts = ("discriminator", "generator") if name == GAN else ("encoder", "decoder")
        flow = ("prior",) if name == FLOW else ()
        counts = [summary(getattr(model, of), verbose=0).total_params for of in (*parts, *flow)]
        found[name] = Sizes(*counts, *([] if flow else [0]))
        assert sum(counts) == count_parameters(model), f"{name}: torchinfo counts otherwise"
    return found


@cache
def densities(part: str) -> comparing.Densities:
    """Return how likely the points of lines are, and how often middles are recognised by their density."""
    config, ranks = side(part).config_as(comparing.ComparedModelsConfig), [*RANKS.values()]
    return comparing.densities(config, drawers(part)[FLOW], load_judge(dataset(part)), ranks)


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
