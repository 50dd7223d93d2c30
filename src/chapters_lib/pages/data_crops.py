"""Numbers and figures of the data page on the few real crops: what rendered ones are worth to their models."""

from __future__ import annotations

import numpy as np
from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.evaluation.likelihood import bits_per_dimension
from chapters_lib.findings.compared import NAMES
from chapters_lib.findings.crops import BEGUN, SET, falling, far, gained, helped, pair
from chapters_lib.findings.verdicts import both
from chapters_lib.findings.words import in_words, number, with_error
from chapters_lib.pages import Page, run, table
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording.runs import Run
from chapters_lib.training import History

PAGE = Page("crops")
BEFORE = "of rendered crops alone"
SAID = {"vae-gaussian": "VAE", "vae-realnvp": "VAE with the flow", "gan": "GAN"}
PARTS = {"train_eval": "training", "val": "validation"}
VALUES = 3 * 32 * 32
BITS = "test_bits_per_dimension"
OTHERS, RENDERED = "*other real crops*", "*house numbers, rendered*"
KEYS = ("test_kid", "val_kid", "test_fid768", "val_fid768")


def numbers() -> None:
    """Glue how many crops there are, how the models were trained, and what is found."""
    used = run(f"{MODELS[0]}-{SET}").data_used
    counts = {split: int(of["images"]) for split, of in used.items()}
    PAGE.keep(**{split: f"{count:,}" for split, count in counts.items()})
    judge, floors = run(f"judge-{SET}"), run(f"floors-{SET}")
    PAGE.keep(
        all=f"{sum(counts.values()):,}",
        official=f"{int(judge.panels['train_counts'].sum()):,}",
        floor=_kid(floors, "train_kid"),
        trainings=trainings(),
        judge=100 * judge["test_accuracy"],
        rendered_judge=100 * floors["rendered_judge_accuracy"],
        epochs=run(f"{MODELS[0]}-{SET}").config["epochs"],
    )
    for kind in MODELS:
        here, (now, alone) = PAGE.of(kind.removeprefix("vae-")), pair(kind).values()
        here.keep(begun=_kid(now, "test_kid"), alone=_kid(alone, "test_kid"))
        if kind != "gan":
            here.keep(begun_bits=now[BITS], alone_bits=alone[BITS])
    PAGE.claims(
        far=both(*(far(kind) for kind in MODELS)),
        rendered_ahead=both(*(far(k, "rendered_kid", sign=k != "vae-realnvp") for k in MODELS)),
        gained=both(*(gained(kind) for kind in MODELS)),
        helped=both(*(helped(kind, key) for kind in MODELS for key in KEYS[:2])),
        bits_helped=both(*(helped(kind, BITS) for kind in MODELS[:2])),
        falling=both(*(falling(kind) for kind in MODELS[:2])),
    )


def _kid(source: Run, key: str) -> str:
    return with_error(source.metric(key).times(1000), 2)


def table_beginnings() -> Markdown:
    """Return both distances and the likelihood of each model in both trainings, below the floors."""
    floors = run(f"floors-{SET}")
    rows = [["Held against", "kernel distance: test", "validation", "Fréchet distance: test"]]
    rows[0] += ["validation", "bits per value, test (NLL)"]
    nearest = [_kid(floors, "train_kid"), _kid(floors, "val_kid")]
    nearest += [f"{floors[f'{part}_fid768']:.2f}" for part in ("train", "val")]
    rows.append([OTHERS, *nearest, "–"])
    for key, title in {
        "rendered": RENDERED,
        **{k: f"{v}, {BEFORE}" for k, v in NAMES.items()},
    }.items():
        rows.append(
            [title, _kid(floors, f"{key}_kid"), "–", f"{floors[f'{key}_fid768']:.2f}", "–", "–"]
        )
        for beginning, found in pair(key).items() if key in NAMES else ():
            bits = with_error(found.metric(BITS), 2) if BITS in found.metrics else "–"
            distances = [_kid(found, k) for k in KEYS[:2]]
            distances += [number(found.metric(k), 2) for k in KEYS[2:]]
            rows.append([f"{NAMES[key]}, {beginning}", *distances, bits])
    trained, held, tested = (f"{floors[f'{k}_images']:.0f}" for k in ("train", "val", "train"))
    caption = (
        f"Samples (of the autoencoders the decoder's means) held against the {tested} test crops and against the "
        f"{held} of the validation part, as many on "
        f"both sides; in the first row {trained} crops of the train part against the test crops, and the validation "
        f"part against {held} of them. Distances are of 768 features of the Inception network of 2015 in bfloat16, "
        "the kernel distance in thousandths. A Fréchet distance of fewer images reads farther. Behind ±: standard "
        "errors over trainings where a model has several, else over images; the trainings begun with rendered crops "
        "share their start."
    )
    return table(caption, "tab-data-crops", "28 14 16 14 14 14", rows)


def trainings() -> str:
    """Say how often each model was trained on real crops."""
    counts = sorted({found.trainings for kind in MODELS for found in pair(kind).values()})
    return f"{' to '.join(map(in_words, counts))} training{'s' * (counts[-1] > 1)}"


def _in_bits(history: History) -> History:
    """Return a history whose bounds are in bits per pixel value."""
    return History(
        {
            key: bits_per_dimension(value, VALUES) if key.endswith("negative_elbo") else value
            for key, value in row.items()
        }
        for row in history
    )


def curves() -> Figure:
    """Draw the bound of both autoencoders over the epochs, on both parts; means over the trainings."""
    figure, (ax,) = figures.panels(1, width=4.6, height=2.9)
    for colour, kind in zip(figures.SERIES_COLOURS, MODELS[:2], strict=False):
        history = _in_bits(pair(kind)[BEGUN].history)
        trainings = [history.where("seed", seed) for seed in dict.fromkeys(history.column("seed"))]
        for style, part in zip(("--", "-"), PARTS, strict=True):
            bounds = [rows.column(f"{part}_negative_elbo") for rows in trainings]
            label = f"{SAID[kind]}, {PARTS[part]}"
            ax.plot(
                trainings[0].column("epoch"), np.mean(bounds, 0), style, color=colour, label=label
            )
    ax.set_xlabel("epoch")
    ax.set_ylabel("−ELBO, bits per value")
    ax.legend()
    return figure
