"""Tables of the recorded models."""

from __future__ import annotations

from IPython.display import Markdown

from chapters_lib.pages import number, run, table
from chapters_lib.pages.comparison import records
from chapters_lib.pages.comparison.records import AUTOENCODERS, NAMES, PARTS, WAYS


def table_weights() -> Markdown:
    """Return the weights of the three models, and the work of drawing one image."""
    head = "Data, model|encoder or discriminator|decoder or generator|both, beside the VAE's|flow|work of one image"
    rows = [head.split("|")]
    for part in PARTS:
        for model, of in records.sizes(part).items():
            share = f"{100 * of.both / records.sizes(part)['vae-gaussian'].both:.0f} %"
            flow = f"{of.flow:,}" if of.flow else "–"
            cells = [f"{of.judging:,}", f"{of.drawing:,}", f"{of.both:,} ({share})", flow]
            rows.append([f"{records.title(part)}: {NAMES[model]}", *cells, f"{of.work:.2f}"])
    caption = (
        "Weights, counted by torchinfo; the flow's separately. Last column: multiply-adds of drawing "
        "one image, in millions, with the flow where there is one."
    )
    return table(caption, "tab-cmp-weights", "30 16 15 18 10 11", rows)


def table_board(part: str) -> Markdown:
    """Return how the samples of the three models score."""
    protocol, judge = records.inception(part), run(f"judge-{records.dataset(part)}")
    several = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    single = {protocol: 3, "precision_judge": 2, "recall_judge": 2}
    head = [*(f"`{key}`" for key in several), "Inception distance", "precision", "recall"]
    real = [number(judge.metric(key), digits) for key, digits in several.items()]
    rows = [["Samples of", *head], ["*real test images*", *real, "–", "–", "–"]]
    for model, found in records.of(part).items():
        cells = [number(found.metric(key), digits) for key, digits in several.items()]
        for key, digits in single.items():
            cells.append(f"{found[key]:.{digits}f}" if key in found.metrics else "–")
        rows.append([NAMES[model], *cells])
    over, of = "one training each", "the same"
    if records.trainings(part) > 1:
        over = f"mean ± standard error over {records.IN_WORDS[records.trainings(part)]} trainings"
        of = "the first training"
    which = f"is {protocol}, of 10,000 samples" if protocol else "is not recorded yet"
    caption = (
        f"{records.full_title(part)}: 10,000 samples before the judge and beside the test set; {over}; the "
        f"Inception distance {which}, and precision and recall (in the judge's features) are of {of}. "
        "Real test images: all of them against the whole training set, on which the judge was "
        "trained; the bias of that distance is smaller than that of the others."
    )
    return table(caption, f"tab-cmp-board-{part}", "20 15 17 13 14 12 9", rows)


def table_likelihood() -> Markdown:
    """Return the likelihood of the autoencoders, and the time of all three."""
    head = "Data|Model|NLL, nats|bits per dimension|training, minutes|images a second"
    rows = [head.split("|")]
    for part in PARTS:
        for model, found in records.of(part).items():
            nll, bits = "has none", "–"
            if model in AUTOENCODERS:
                nll = number(found.metric("test_nll"), 2 if part == "mnist" else 0)
            if "test_bits_per_dimension" in found.metrics:
                bits = number(found.metric("test_bits_per_dimension"))
            time = [f"{found['train_seconds'] / 60:.0f}", f"{found['images_per_second']:,.0f}"]
            rows.append([records.title(part), NAMES[model], nll, bits, *time])
    caption = (
        "Likelihood and time. Negative log-likelihood of test images by importance sampling: MNIST "
        "binarised, $K = 5000$, all images; colour on 256 levels, $K = 500$, 1,000 images. Minutes of "
        "one training and images a second in training on the machine that recorded it, which may "
        "have been busy."
    )
    return table(caption, "tab-cmp-likelihood", "22 24 16 14 12 12", rows)


def table_lines() -> Markdown:
    """Return what the judge recognises along lines between draws, and how evenly they go."""

    def cell(part: str, way: records.Way, key: str, scale: int = 100, digits: int = 1) -> str:
        found = records.along(part, way, key)
        return f"{scale * found.mean:.{digits}f} ± {scale * found.sem:.{digits}f}"

    head = "Data, line|ends recognised, %|middle recognised, %|longest step|middle unlikely, %"
    rows = [head.split("|")]
    for part in PARTS:
        for way, label in WAYS.items():
            seen = [cell(part, way, f"{place}_recognisable") for place in ("ends", "middle")]
            step = cell(part, way, "largest_step", 1, 3)
            odd = cell(part, way, "middle_unlikely") if way[0] == "vae-realnvp" else "–"
            rows.append([f"{records.title(part)}: {label}", *seen, step, odd])
    caption = (
        "A thousand lines between draws, of the first training each; ± standard errors over lines."
    )
    return table(caption, "tab-cmp-lines", "40 15 16 14 15", rows)


def table_nearest() -> Markdown:
    """Return how near samples are to training images, and how often a held-out one is the nearest."""
    head = (
        "Data, images|nearest by pixels|held out, % (pixels)|nearest by features|held out, % (features)"
        "|roughness"
    )
    rows = [head.split("|")]
    for part in PARTS:
        for key, label in ({"test": "*real test images*"} | NAMES).items():
            cells = [f"{records.title(part)}: {label}"]
            for space, digits in {"pixel": 4, "judge": 2}.items():
                cells.append(f"{records.side(part)[f'{key}_{space}_nearest']:.{digits}f}")
                cells.append(f"{100 * records.side(part)[f'{key}_{space}_held']:.1f}")
            rows.append([*cells, f"{records.side(part)[f'{key}_roughness']:.4f}"])
    caption = (
        "Samples beside the images trained on: mean squared distance to the nearest of them (per "
        "pixel value; in the judge's features), and how often the nearest of all images is one that "
        "was held out. Roughness: mean squared difference of neighbouring pixel values."
    )
    return table(caption, "tab-cmp-nearest", "32 14 14 14 14 12", rows)


def table_specks() -> Markdown:
    """Return how samples score before and after specks are moved."""
    rows = [["Samples", "`fid_judge`", "Inception distance", "precision", "recall"]]
    for label, of in records.specks().items():
        cells = [f"{of[key]:.2f}" for key in ("precision", "recall")]
        rows.append([label, f"{of['judge']:.2f}", f"{of['inception']:.3f}", *cells])
    caption = (
        "Ten thousand samples of the first trainings on MNIST, as they were drawn and with specks "
        "moved, by the same protocol as above."
    )
    return table(caption, "tab-cmp-specks", "40 14 18 14 14", rows)
