"""Figures and numbers of the page on the data."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from chapters_lib import data, figures
from chapters_lib.data import house_numbers
from chapters_lib.data.published import WHOLE
from chapters_lib.findings import colour
from chapters_lib.findings.verdicts import Verdict, apart
from chapters_lib.findings.words import with_error
from chapters_lib.pages import Page, run
from chapters_lib.recording.runs import Metric

PAGE = Page("data")
IN_TEST_PART = 37  # of the 845 crops of house-numbers-beside-svhn, in the test part of svhn-crops
SVHN = {  # which of its images the colour models of the book have seen
    "svhn": "The colour models of this book learn from {train} of its images and are measured on "
    "{test}; the next section describes a rendered set, which serves as their control, "
    "and the one after it some real crops.",
    "svhn-crops": "Of its crops {all} could be had where the runs of this book were recorded "
    "(the section Real crops of SVHN tells more), so a rendered set was made as well.",
    "house-numbers": "It was not at hand in full when the runs of this book were recorded, so the next "
    "section describes a stand-in.",
}


def numbers() -> None:
    """Set the book's look; glue how many digits there are, and how rendered crops compare with real ones."""
    figures.use_style()
    for split in ("train", "test"):
        PAGE.keep(**{f"digits_{split}": f"{len(data.load('digits', split)):,}"})
    PAGE.keep(kmnist=kmnist(), typefaces=str(len(house_numbers.TYPEFACES)))
    PAGE.keep(svhn_state=colour.words(SVHN[colour.colour_set().name]))
    record = run("house-numbers-beside-svhn")
    PAGE.keep(crops=record["real_images"], crops_official=record["official_images"])
    PAGE.keep(crops_in_test=IN_TEST_PART)
    read = record.metric("real_accuracy")
    PAGE.keep(crops_accuracy=100 * read.mean, crops_accuracy_sem=100 * read.sem)
    PAGE.keep(judge_accuracy=100 * run("judge-house-numbers")["test_accuracy"])
    (protocol,) = (k for k in record.metrics if k.startswith("kid_") and not k.endswith("_sem"))
    distance = {of: record.metric(f"{of}{protocol}") for of in ("", "halves_", "mnist_")}
    for of, metric in distance.items():
        thousandths = with_error(metric.times(1000), 2)
        PAGE.keep(**{f"crops_kid_{of}".rstrip("_"): thousandths})
    PAGE.claims(between=between(distance["halves_"], distance[""], distance["mnist_"]))


def kmnist() -> str:
    """Return how many of KMNIST's images the recorded runs had, where it was not all."""
    images, whole = run("judge-kmnist").data_used["train"]["images"], WHOLE["train"]
    if images >= whole:
        return ""
    return f"Of its {whole:,} training images the runs of this book had the first {images:,}."


def between(low: Metric, middle: Metric, high: Metric) -> Verdict:
    """The middle distance is greater than the low one and less than the high one, by two standard errors each."""
    least = min(apart(middle, low).low, apart(high, middle).low)
    told = ", ".join(f"{1000 * metric.mean:.2f}" for metric in (low, middle, high))
    return Verdict(least > 0, f"{told} in thousandths")


def digits() -> Figure:
    """Draw two images of each class of the digits, a class a column."""
    train = data.load("digits", "train")
    of_class = [(train.labels == label).nonzero().flatten()[:2] for label in range(10)]
    return figures.image_grid(train.images[torch.stack(of_class, dim=1).flatten()], columns=10)


def first_images(dataset: str) -> Figure:
    """Draw the first four images of each class of a data set, a class a column."""
    examples = run(f"judge-{dataset}").panels["examples"][:, :4]  # (classes, 4, C, H, W)
    images = examples.swapaxes(0, 1).reshape(-1, *examples.shape[2:])
    return figures.image_grid(images, columns=10)


def rendered_and_real() -> Figure:
    """Draw two rows of rendered crops above two of real ones."""
    kept = run("house-numbers-beside-svhn").panels
    rendered, real = kept["rendered"], kept["real"]
    rows = {"rendered": rendered[:12], " ": rendered[12:], "real": real[:12], "  ": real[12:]}
    return figures.image_rows(rows)
