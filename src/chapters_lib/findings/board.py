"""The scoreboard's rows: which recorded runs draw images, what is known of real ones, how far two distances agree."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import NamedTuple

import numpy as np
from scipy import stats

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings import run
from chapters_lib.findings.words import in_words, number
from chapters_lib.recording import runs
from chapters_lib.recording.data_used import require_same_data, superseded
from chapters_lib.recording.runs import Run
from chapters_lib.recording.scoreboard import SAMPLES

PROTOCOLS = [f"fid_inception{width}{low}" for width in (768, 2048) for low in ("", "_bfloat16")]
FLOAT32 = "fid_inception768"
LOW = f"{FLOAT32}_bfloat16"  # the same network in bfloat16, under a key of its own
EQUAL = "test_fid768"  # of as many samples as there are test images, where these are few
TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "house-numbers": "House numbers (rendered stand-in for SVHN)",
    "svhn-crops": "Real crops of SVHN",
    "svhn": "SVHN",
}
KINDS = {"ae": "autoencoder", "vae": "VAE", "cvae": "VAE", "gan": "GAN", "dcgan": "GAN"}
KINDS |= {"vaegan": "VAE-GAN", "rbm": "RBM"}


class Entry(NamedTuple):
    """A row of the scoreboard: a run, and the prefix of the metrics of one way to draw from it."""

    run: Run
    prefix: str

    def has(self, key: str) -> bool:
        """Whether a metric is recorded."""
        return self.prefix + key in self.run.metrics

    def first(self, key: str) -> float:
        """Return a metric of the first training."""
        return self.run.metric(self.prefix + key).values[0]

    def text(self, key: str, digits: int) -> str:
        """Return a metric with its standard error over trainings, or a dash where there is none."""
        return number(self.run.metric(self.prefix + key), digits) if self.has(key) else "–"

    def first_text(self, key: str, digits: int) -> str:
        """Return a metric of the first training, or a dash where there is none."""
        return f"{self.first(key):.{digits}f}" if self.has(key) else "–"


def scores(entry: Entry, key: str, digits: int) -> list[str]:
    """Return what a board shows of a row: three scores by the judge, Inception's distance, precision and recall.

    `key`, `digits`: of Inception's distance, a first training's where it is of 10,000 samples.
    """
    by_judge = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    distance = (entry.text if key == EQUAL else entry.first_text)(key, digits)
    shares = (entry.first_text(f"{share}_judge", 2) for share in ("precision", "recall"))
    return [*(entry.text(of, places) for of, places in by_judge.items()), distance, *shares]


@cache
def entries() -> tuple[Entry, ...]:
    """Return every recorded run that draws images and was judged, once for each way to draw.

    Raises `ChaptersError` if those of one data set, and its judge, are of different images.
    """
    found = [
        Entry(run(name), prefix)
        for name in runs.names()
        if name in EXPERIMENTS and not superseded(EXPERIMENTS[name])
        for prefix in EXPERIMENTS[name].samples
    ]
    judged = tuple(entry for entry in found if entry.has("fid_judge"))
    names = dict.fromkeys(entry.run.name for entry in judged)
    judges = (name for name in runs.names() if name in EXPERIMENTS and name.startswith("judge-"))
    require_same_data(*(run(name) for name in [*names, *judges]))
    return judged


def drawn_from(dataset: str) -> list[Entry]:
    """Return the rows of one data set."""
    return [entry for entry in entries() if entry.run.config["dataset"] == dataset]


@cache
def shown() -> str:
    """Return the key under which most runs that keep their weights, and so can be asked again, have one."""
    asked = [entry for entry in entries() if EXPERIMENTS[entry.run.name].weights_stored]
    return max(PROTOCOLS, key=lambda key: sum(entry.has(key) for entry in asked))


def family(entry: Entry) -> str:
    """Return the kind of model behind a row."""
    return KINDS.get(start := entry.run.name.split("-")[0], start)


def yardstick(dataset: str) -> tuple[Entry, str]:
    """Return the row of real images, and what it is."""
    if (through := f"sent-through-{dataset}") in runs.names():
        said = "First row: as many training images, on which the judge was trained."
        return Entry(run(through), "train_"), said
    said = "First row: all test images; their distance is to the whole training set, on which the judge was trained."
    return Entry(run(f"judge-{dataset}"), ""), said


def real_images(dataset: str, key: str = "") -> Run | None:
    """Return what Inception makes of as many training images as there are samples, where it was asked.

    `key`: of the distance; that which the boards show without it.
    """
    named = (f"real-{dataset}", f"real-{dataset}-float32")
    found = (run(name) for name in named if name in runs.names())
    return next((of for of in found if f"train_{key or shown()}" in of.metrics), None)


def of_real_images(dataset: str, key: str = "") -> str:
    """Return what a caption says of Inception's distance of real images: of how many it is, or would be."""
    if found := real_images(dataset, key):
        count = found.config["images"]
        few = "; fewer images read farther" if count < SAMPLES else ""
        return f" Inception's is of {count:,} training images beside as many test images{few}."
    if (study := f"measures-{dataset}") not in runs.names():
        return " Inception was not asked about real images."
    sizes = run(study).history.where("features", 768)
    most = max(sizes.column("images"))
    read = float(sizes.where("images", most).column("same_fid").mean())
    return (
        f" Inception was not asked about as many real images: two sets of {most:,.0f} read {read:.4f}, and with "
        f"a bias in $1/n$ {SAMPLES:,} would read about {read * most / SAMPLES:.4f}."
    )


def state() -> str:
    """Say which rows have the Inception distance."""
    measured = sum(entry.has(shown()) for entry in entries())
    state = f"The Inception distance has the key {shown()}; {measured} of all {len(entries())} rows have it."
    if few := sum(entry.has(EQUAL) for entry in entries()):
        state += f" A further {few} have one of as many samples as test images, over all trainings (key {EQUAL})."
    return state + " A dash: not measured."


def unread() -> str:
    """Say on which of the printed boards Inception was not asked about real images."""
    unread = [
        of for of in ("mnist", "fashion-mnist") if "not asked about real" in of_real_images(of)
    ]
    named = " and ".join(TITLES[dataset] for dataset in unread)
    return f"; for Inception on {named} we have not" if unread else ""


def number_format() -> str:
    """Say in which number format the scoreboard is, and what the other would do to it."""
    other = LOW if shown() == FLOAT32 else FLOAT32
    names = ["bfloat16" if key.endswith("bfloat16") else "float32" for key in (shown(), other)]
    few = shown() == FLOAT32 and any(entry.has(EQUAL) for entry in entries())
    but = " (where test images are few: bfloat16)" if few else ""
    said = f"The scoreboard below is in {names[0]}{but}, not to be compared with {names[1]}."
    both = [
        entry
        for entry in entries()
        if entry.has(shown()) and entry.has(other) and not entry.has(EQUAL)
    ]
    if both:
        ratios = [entry.first(LOW) / entry.first(FLOAT32) for entry in both]
        least, most = (100 * (of(ratios) - 1) for of in (min, max))
        bottom = f"{-least:.0f} % less" if least < 0 else f"{least:.0f}"
        said += (
            f" Of {in_words(len(both))} generators both are recorded, of {SAMPLES:,} samples: "
            f"bfloat16 reads between {bottom} and {most:.0f} % more. So two rows that are less than "
            f"{100 * (max(ratios) / min(ratios) - 1):.0f} % apart may have the other order in {names[1]}."
        )
    return said


# How far its two distances agree.

NEAREST = 7  # generators, among which the orders matter


@cache
def distances() -> dict[str, dict[str, tuple[float, float]]]:
    """Return the judge's and Inception's distance of the first trainings, where four or more have both."""
    pairs = {
        dataset: {
            entry.run.name: (entry.first("fid_judge"), entry.first(shown()))
            for entry in drawn_from(dataset)
            if entry.has(shown())
        }
        for dataset in TITLES
    }
    return {dataset: found for dataset, found in pairs.items() if len(found) >= 4}


def correlation(dataset: str, count: int | None = None) -> float:
    """Return Spearman's rank correlation of the two distances, of all or of those nearest by the judge."""
    found = sorted(distances()[dataset].values())[:count]
    return float(stats.spearmanr(*zip(*found, strict=True)).statistic)


@cache
def least_rank(count: int) -> float:
    """Return the least rank correlation of so many that chance reaches, with either sign, in 5 % of cases at most."""
    every = np.array(list(permutations(range(count))))
    squares = ((every - np.arange(count)) ** 2).sum(1)
    sizes = np.sort(np.abs(1 - 6 * squares / (count * (count**2 - 1))))
    rare = [size for size in np.unique(sizes.round(9)) if (sizes > size - 1e-9).mean() <= 0.05]
    return float(rare[0])


def odd_one(dataset: str) -> str:
    """Return the generator whose places in the two orders differ most, or nothing where none does."""
    found = distances()[dataset]
    judge, inception = (stats.rankdata(values) for values in zip(*found.values(), strict=True))
    odd = int(np.abs(judge - inception).argmax())
    return "" if judge[odd] == inception[odd] else list(found)[odd]
