"""Numbers and figures of the data page on the few real crops: what rendered ones are worth to their models."""

from __future__ import annotations

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.evaluation.likelihood import bits_per_dimension
from chapters_lib.pages import Page, run, table
from chapters_lib.pages.claims import Verdict, apart, both
from chapters_lib.pages.words import with_error
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Run
from chapters_lib.training import History

PAGE = Page("crops")
SET = "svhn-crops"
BEGUN, ALONE = "begun with rendered crops", "from nothing"
BEFORE = "of rendered crops alone"
KINDS = {
    "vae-gaussian": "VAE, $\\mathcal{N}(0, I)$",
    "vae-realnvp": "VAE, RealNVP prior",
    "gan": "GAN",
}
SAID = {"vae-gaussian": "VAE", "vae-realnvp": "VAE with the flow", "gan": "GAN"}
VALUES = 3 * 32 * 32
FLOORS = {
    "train": "*other real crops, of the train part*",
    "val": "*other real crops, of the validation part*",
    "rendered": "*house numbers, rendered*",
}


def pair(kind: str) -> dict[str, Run]:
    """Return the recorded trainings of a model, by where they began."""
    found = {BEGUN: f"{kind}-{SET}", ALONE: f"{kind}-{SET}-from-nothing"}
    return {beginning: run(name) for beginning, name in found.items() if name in runs.names()}


def numbers() -> None:
    """Glue how many crops there are, how the models were trained, and what is found."""
    used = run(f"{MODELS[0]}-{SET}").data_used
    counts = {split: int(of["images"]) for split, of in used.items()}
    PAGE.keep(**{split: f"{count:,}" for split, count in counts.items()})
    judge, floors = run(f"judge-{SET}"), run(f"floors-{SET}")
    PAGE.keep(
        all=f"{sum(counts.values()):,}",
        official=f"{int(judge.panels['train_counts'].sum()):,}",
        judge=100 * judge["test_accuracy"],
        rendered_judge=100 * floors["rendered_judge_accuracy"],
        epochs=run(f"{MODELS[0]}-{SET}").config["epochs"],
    )
    PAGE.claims(
        far=both(*(far(kind) for kind in MODELS)),
        gained=both(*(gained(kind) for kind in MODELS[:2])),
        gan_gained=~gained("gan"),
        falling=both(*(falling(kind) for kind in MODELS[:2])),
    )


def gained(kind: str) -> Verdict:
    """Samples are nearer to real crops than those of the model that training began with."""
    now, before = pair(kind)[BEGUN].metric("test_kid"), run(f"floors-{SET}").metric(f"{kind}_kid")
    return Verdict(apart(before, now).low > 0, f"{kind}: {now.mean:.4f} against {before.mean:.4f}")


def far(kind: str) -> Verdict:
    """Samples are further from real crops than other real crops are."""
    drawn = pair(kind)[BEGUN].metric("test_kid")
    floor = run(f"floors-{SET}").metric("train_kid")
    return Verdict(
        apart(drawn, floor).low > 0, f"{kind}: {drawn.mean:.4f} against {floor.mean:.4f}"
    )


def falling(kind: str) -> Verdict:
    """The bound on the validation part is at its best after the last epoch or the one before, in every training."""
    best = [
        int(part.column("epoch")[part.column("val_negative_elbo").argmin()])
        for found in pair(kind).values()
        for seed in found.provenance["seeds"]
        for part in [found.history.where("seed", seed)]
    ]
    last = pair(kind)[BEGUN].config["epochs"]
    return Verdict(min(best) >= last - 1, f"{kind}: best after epochs {best}")


def _kid(source: Run, key: str) -> str:
    return with_error(source.metric(key).times(1000), 2)


def table_beginnings() -> Markdown:
    """Return both distances and the likelihood of each model in both trainings, below the floors."""
    floors = run(f"floors-{SET}")

    def floor(title: str, key: str) -> list[str]:
        return [title, _kid(floors, f"{key}_kid"), f"{floors[f'{key}_fid768']:.3f}", "–"]

    rows = [
        ["Held against the test crops", "kernel distance", "Fréchet distance", "bits per value"]
    ]
    rows += [floor(f"{title}, {floors[f'{k}_images']:.0f}", k) for k, title in FLOORS.items()]
    for kind, title in KINDS.items():
        rows.append(floor(f"{title}, {BEFORE}", kind))
        for beginning, found in pair(kind).items():
            key = "test_bits_per_dimension"
            bits = with_error(found.metric(key)) if key in found.metrics else "–"
            distance = f"{found['test_fid768']:.3f}"
            rows.append([f"{title}, {beginning}", _kid(found, "test_kid"), distance, bits])
    caption = (
        f"Models of {sum(int(of['images']) for of in run(f'gan-{SET}').data_used.values()):,} real crops of SVHN, "
        f"held against {floors['train_images']:.0f} test crops, as many images on both sides (in the second "
        f"row {floors['val_images']:.0f}). Distances "
        "are of 768 features of the Inception network of 2015 in bfloat16, the kernel distance in thousandths. Behind "
        "±: standard errors over images; one training each."
    )
    return table(caption, "tab-data-crops", "46 20 18 18", rows)


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
    """Draw the bound of both autoencoders over the epochs, on training images and on the validation part."""
    figure, (ax,) = figures.panels(1, width=4.6, height=2.9)
    for number, kind in enumerate(MODELS[:2]):
        history = _in_bits(pair(kind)[BEGUN].history)
        for style, part in (("--", "train_eval"), ("-", "val")):
            for seed in dict.fromkeys(history.column("seed")):
                rows = history.where("seed", seed)
                ax.plot(
                    rows.column("epoch"),
                    rows.column(f"{part}_negative_elbo"),
                    style,
                    color=figures.SERIES_COLOURS[number],
                    label=None if seed else f"{SAID[kind]}, {part.split('_')[0]}",
                )
    ax.set_xlabel("epoch")
    ax.set_ylabel("−ELBO, bits per value")
    ax.legend()
    return figure
