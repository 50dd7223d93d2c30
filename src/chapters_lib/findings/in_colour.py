"""What the comparison says of its records in colour, and of samples sent through the flow's model, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from chapters_lib.evaluation.intervals import Interval, paired
from chapters_lib.findings import compared as records
from chapters_lib.findings import run
from chapters_lib.findings.board import FLOAT32, LOW
from chapters_lib.findings.colour import CONTROL, colour_set
from chapters_lib.findings.compared import AUTOENCODERS, FLOW, GAN, NORMAL, PARTS
from chapters_lib.findings.grain import of_grain
from chapters_lib.findings.verdicts import difference
from chapters_lib.findings.words import interval, signed
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Run

FEW_DRAWS = 10  # draws in effect, below which an estimate of a likelihood is too loose to compare


def terms() -> str:
    """Say what the flow does to the two terms of the bound, beside what it does on MNIST; nothing of one training."""
    found = {part: [records.of(part)[model] for model in AUTOENCODERS] for part in PARTS}
    if min(of.trainings for pair in found.values() for of in pair) < 2:
        return ""

    def change(part: str, key: str, images: str = "test") -> Interval:
        normal, flow = (of.metric(f"{images}_{key}") for of in found[part])
        return difference(flow, normal)

    kl, back, bound = (change("colour", key) for key in ("kl", "reconstruction", "negative_elbo"))
    other = kl.high < 0 < back.low and change("mnist", "reconstruction").high < 0
    opening = "Here the flow does not do what it did on MNIST: it" if other else "The flow"
    alone = bound_from_random_weights()
    elsewhere = (
        f" (from random weights, in pairs of one seed, by {interval(alone, 0)})" if alone else ""
    )
    held, trained = (change("colour", "negative_elbo", images) for images in ("val", "train"))
    return (
        f"{opening} changes, on test images, the KL term by {signed(kl.difference)} nats, the reconstruction loss by "
        f"{signed(back.difference)} and their sum, −ELBO, by {interval(bound, 1)}{elsewhere}. On images held out the "
        f"sum changes by {interval(held, 1)}, on those trained on by {interval(trained, 1)}."
    )


def bound_from_random_weights() -> Interval | None:
    """Return by how much the flow changes −ELBO of colour from random weights, in pairs of one seed, if trained."""
    names = [f"{records.of('colour')[model].name}-from-nothing" for model in AUTOENCODERS]
    if not records.begun("colour") or not set(names) <= set(runs.names()):
        return None
    free, with_flow = (run(name).metric("test_negative_elbo") for name in names)
    return paired(with_flow.values, free.values)  # of one seed: one first encoder and decoder


def likelihoods(normal: Run, flow: Run) -> str:
    """Say by how much the likelihoods of both autoencoders differ, and what the estimate is worth."""
    change, nll = abs(flow["test_nll"] - normal["test_nll"]), f"{normal['test_nll']:,.0f}"
    gap = records.gap("colour", "test_nll", AUTOENCODERS, 0)
    by = f"{gap} nats (95 % interval over trainings)" if gap else f"{change:.0f} nats"
    said = f"By these estimates the two models differ by {by} of {nll}"
    if differ(normal, flow):
        return f"{said}, which is more than chance."
    if min(of["test_nll_effective_samples"] for of in (normal, flow)) < FEW_DRAWS:
        return f"{said}. Where so few draws count, that shows no difference of likelihoods."
    return f"{said}. That shows no difference of likelihoods."


def differ(normal: Run, flow: Run) -> bool:
    """Whether a difference of likelihoods in colour is shown: over trainings, by more than a few draws."""
    first, second = (of.metric("test_nll") for of in (normal, flow))
    several = min(len(of.values) for of in (first, second)) > 1
    counted = min(of["test_nll_effective_samples"] for of in (normal, flow)) >= FEW_DRAWS
    return several and counted and difference(first, second).clear


def overfitting(normal: Run, flow: Run) -> str:
    """Say whether the bounds of validation images in colour lag behind by more than the chance of so many images."""
    used, config = normal.data_used, normal.config
    measured = config["nll_images"] or used["test"]["images"]
    held = (
        used["val"]["images"] if "val" in used else config["validation"] * used["train"]["images"]
    )
    error = normal["test_nll_sem"] * math.sqrt(measured / held)
    lag = min(of["val_negative_elbo"] - of["train_negative_elbo"] for of in (normal, flow))
    said = f"the mean bound of so many validation images has a standard error of about {error:.0f} nats"
    if lag > 2 * error:
        return f"That is more than chance: {said}. So in colour both fit their own images better."
    return f"That may be chance: {said}, so in colour overfitting is neither shown nor excluded."


def spread() -> str:
    """Say what the errors of trainings are of that begin with the same weights, and what others show."""
    if not (alone := records.from_nothing()):
        return ""
    shown_then = f"{from_random_weights().removesuffix('.')} (kernel distances in thousandths: "
    return (
        "Their samples are of the same noise and held against the same test images. So errors and intervals are of the "
        "last epochs' seed alone, too narrow for a difference between models. "
        f"{shown_then}{records.in_order(alone, 1)}; {_rates()}the judge was not asked)."
    )


def _rates() -> str:
    """Say where the autoencoders from random weights had another rate than those that began with weights."""
    begun = records.of("colour")[NORMAL]
    rates = [of.config["learning_rate"] for of in (run(f"{begun.name}-from-nothing"), begun)]
    return f"the autoencoders' rate was {rates[0]:g} instead of {rates[1]:g}; " * (
        rates[0] != rates[1]
    )


def from_random_weights() -> str:
    """Say which of the colour models that began with random weights Inception tells apart, where there are some."""
    if not (alone := records.from_nothing()):
        return ""
    pairs = list(combinations(alone, 2))
    sure = 1 - 0.05 / len(pairs)  # so that 95 % hold for all pairs together (Bonferroni)
    clear = [pair for pair in pairs if difference(alone[pair[0]], alone[pair[1]], sure=sure).clear]
    said = "Of models trained from random weights instead, for as many epochs, Inception"
    if not clear:
        return f"{said} shows no difference between them."
    if clear == pairs:
        return f"{said} tells all three apart."
    named = " and ".join(" from ".join(f"the {records.SAID[of]}" for of in pair) for pair in clear)
    return f"{said} tells {named}, but no other pair apart (95 % for all pairs together)."


def _covers_most(found: Mapping[str, Run]) -> str:
    """Return what sentences call the model with the largest recall."""
    return records.SAID[max(found, key=lambda model: found[model]["recall_judge"])]


def faults(found: Mapping[str, Run]) -> dict[str, str]:
    """Say which model covers most, and whether that is what the prices of the two faults let one expect."""
    if any("recall_judge" not in of.metrics for of in found.values()):
        return {"covers": "", "expected": ""}
    recall = {model: of["recall_judge"] for model, of in found.items()}
    most = _covers_most(found)
    covers = f"In colour the {most} covers most"
    if colour_set().name != CONTROL and (other := _covers_most(records.of("control"))) != most:
        covers = f"Of the {records.short('colour')} the {most} covers most, of the rendered ones the {other}"
    more = "The prices of the two faults let one expect less recall of the GAN than of the VAE, not more."
    return {
        "covers": f"{covers} (one training each).",
        "expected": more if recall[GAN] > recall[NORMAL] else "",
    }


def sent_through() -> str:
    """Say how far test images are from others by way of an autoencoder, where that was measured in colour."""
    name = f"sent-through-{records.dataset('colour')}"
    if name not in runs.names():
        return ""
    found = run(name)
    floor, trained = found["real_fid_judge"], found["training_fid_judge"]
    through, drawn = (
        [found[f"{model}_{way}_fid_judge"] for model in AUTOENCODERS]
        for way in ("through", "drawn")
    )
    ways = [(a - floor) / (b - trained) for a, b in zip(through, drawn, strict=True)]
    most = "far more than" if max(ways) < 0.2 else "more than" if max(ways) < 1 else "no more than"
    return (
        f"By the judge the drawing of codes costs {most} sending images through.{_by_inception()}"
    )


def _by_inception() -> str:
    """Say how far training images sent through the flow's model are by Inception, where that was measured."""
    names = [f"{name}-{records.dataset('colour')}" for name in ("redrawn-real", "redrawn")]
    if not set(names) <= set(runs.names()):
        return ""
    kernel = _recorded(run(names[1])).replace("fid", "kid")
    real, drawn = (
        run(name)[f"{way}_{kernel}"]
        for name, way in zip(names, ("train_through", f"{FLOW}_drawn"), strict=True)
    )
    return (
        " By Inception's kernel distance training images sent through the flow's model are already "
        f"{100 * real / drawn:.0f} % as far as its samples (first training)."
    )


def _recorded(redrawn: Run) -> str:
    """Return the key under which Inception's distances of samples sent through a model are recorded."""
    return next(key for key in (FLOAT32, LOW) if f"{FLOW}_drawn_{key}" in redrawn.metrics)


def grain(part: str, digits: int) -> str:
    """Say what becomes of the GAN's samples by way of the flow's model, where that was measured."""
    name = f"redrawn-{records.dataset(part)}"
    if name not in runs.names():
        return ""
    found = run(name)
    key = _recorded(found)
    count = min(found.config["images"], found.data_used["test"]["images"])
    said = of_grain(found.metrics, key, "Inception's distance", digits)
    farther = "; a Fréchet distance of fewer reads farther" if part == "mnist" else ""
    if (control := f"redrawn-real-{records.dataset(part)}") in runs.names():
        ends = [run(control)[f"train_{way}_{key}"] for way in ("drawn", "through")]
        if ends[1] > ends[0]:
            said += (
                f" Real training images go from {ends[0]:.{digits}f} to {ends[1]:.{digits}f}: the way itself "
                "raises the distance, and how much of the GAN's is grain stays open."
            )
    return f"{said} (First trainings, {count:,} samples each{farther}.)"
