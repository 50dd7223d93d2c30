"""The scoreboard's rows: which recorded runs draw images, and what is known of real ones."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings import run
from chapters_lib.findings.words import number
from chapters_lib.recording import runs
from chapters_lib.recording.data_used import require_same_data, superseded
from chapters_lib.recording.runs import Run
from chapters_lib.recording.scoreboard import SAMPLES

PROTOCOLS = [f"fid_inception{width}{low}" for width in (768, 2048) for low in ("", "_bfloat16")]
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
    """Return the key under which most Inception distances are recorded."""
    return max(PROTOCOLS, key=lambda key: sum(entry.has(key) for entry in entries()))


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


def real_images(dataset: str) -> Run | None:
    """Return what Inception makes of as many training images as there are samples, where it was asked."""
    name = f"real-{dataset}"
    found = run(name) if name in runs.names() else None
    return found if found and f"train_{shown()}" in found.metrics else None


def of_real_images(dataset: str) -> str:
    """Return what a caption says of Inception's distance of real images: of how many it is, or would be."""
    if found := real_images(dataset):
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
