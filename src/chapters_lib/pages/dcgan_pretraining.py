"""What the cells of the page on the DCGAN call: its networks, its choices, its samples, speed and precision."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor, nn

from chapters_lib import figures
from chapters_lib.experiments import find
from chapters_lib.models.dcgan import dcgan
from chapters_lib.models.gan import GAN
from chapters_lib.models.layers import count_parameters, output_shapes
from chapters_lib.objectives.adversarial import discriminator_loss
from chapters_lib.pages import Page, check, model, run, table
from chapters_lib.recipes import gan
from chapters_lib.recording import runs
from chapters_lib.reproducibility import generator, seed_everything

PAGE = Page("dcgan")
RUNS = {"min-max": "dcgan-mnist", "non-saturating": "dcgan-mnist-nonsaturating"}
MINMAX, OTHER = RUNS.values()
FIRST, CONNECTED, JUDGE = "dcgan-mnist-batch-128", "gan-fc-mnist", "judge-mnist"
CONFIG = find(MINMAX).config
NORM = CONFIG.discriminator_norm
SHEET = {  # the shapes of the sheet's figure
    "generator": [(100,), (256, 7, 7), (128, 14, 14), (64, 28, 28), (32, 28, 28), (1, 28, 28)],
    "discriminator": [(1, 28, 28), (64, 14, 14), (128, 7, 7), (256, 4, 4), (512, 4, 4)],
}
WANTED = {"recognisable": 0.93, "class_entropy": 0.98}  # what was asked of the samples


def keep(**values: str | float) -> None:
    """Glue numbers and words: counts as they are, other numbers in percent, too."""
    PAGE.keep(**{k: str(v) if isinstance(v, int) else v for k, v in values.items()})
    shares = {k: v for k, v in values.items() if not isinstance(v, str | int)}
    PAGE.keep(**{f"{k}_percent": 100 * float(v) for k, v in shares.items()})


def both() -> list[runs.Run]:
    """Return the runs of both losses."""
    return [run(name) for name in RUNS.values()]


def numbers() -> None:
    """Set the book's look; glue what the text says of the two trainings, and check it."""
    figures.use_style()
    _of_settings()
    _of_networks()
    _of_scores()
    _of_training()
    _of_precision()


def _of_settings() -> None:
    minmax, other = both()
    settings, others = (
        {k: v for k, v in found.config.items() if k != "saturating"} for found in both()
    )
    first = find(FIRST).config
    check(
        {
            "the two runs differ in the generator's loss alone": settings == others,
            "the first has the min-max loss": minmax.config["saturating"]
            and not other.config["saturating"],
            "one seed each": all(len(found.provenance["seeds"]) == 1 for found in both()),
            "the figure's width": CONFIG.width == 64 and CONFIG.noise == 100,
            "trained on MNIST's train split": minmax.data_used["train"]["name"] == "mnist",
            "no choice of epoch": minmax.history.column("epoch")[-1] == CONFIG.epochs,
            "the first attempt differs by two choices": first
            == replace(CONFIG, batch_size=128, dropout_epochs=0),
            "the losses are all that differs": find(OTHER).config
            == replace(CONFIG, saturating=False),
        }
    )
    keep(
        images=f"{minmax.data_used['train']['images']:,}",
        tests=f"{minmax.data_used['test']['images']:,}",
        first_batch=run(FIRST).config["batch_size"],
    )


# The networks


def full_width() -> GAN:
    """Return an untrained pair of the recorded width."""
    return dcgan(
        noise=CONFIG.noise, width=CONFIG.width, dropout=CONFIG.dropout, discriminator_norm=NORM
    )


def _word(layer: nn.Module) -> str | None:
    """Return what a layer is, in a few words; None for those that go with the one before."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        kind = "transposed\nconv" if isinstance(layer, nn.ConvTranspose2d) else "conv"
        return f"{kind} {layer.kernel_size[0]}, stride {layer.stride[0]}"
    return "linear" if isinstance(layer, nn.Unflatten) else None


def _stages(body: Any, x: Tensor) -> tuple[list[tuple[int, ...]], list[str]]:
    """Return the shapes from the input on, and what leads from each to the next."""
    found = [(word, shape) for layer, shape in output_shapes(body, x) if (word := _word(layer))]
    return [tuple(x.shape[1:]), *(shape for _, shape in found)], [word for word, _ in found]


@cache
def _shapes() -> dict[str, tuple[list[tuple[int, ...]], list[str]]]:
    pair = full_width()
    return {
        "generator": _stages(pair.generator.body, torch.randn(2, CONFIG.noise)),
        "discriminator": _stages(pair.discriminator.body, torch.rand(2, 1, 28, 28)),
    }


def _of_networks() -> None:
    check(
        {f"the {part} has the sheet's shapes": _shapes()[part][0] == SHEET[part] for part in SHEET}
    )
    pair, w = full_width(), CONFIG.width
    generator_count, count = (count_parameters(p) for p in (pair.generator, pair.discriminator))
    by_hand = 17 * w + (32 + 72 + 288) * w**2 + (28 if NORM else 14) * w + 128 * w + 1
    g_by_hand = 100 * 49 * 4 * w + (128 + 32) * w**2 + 9 * w * w // 2 + 9 * w // 2 + 1 + 15 * w
    check(
        {
            "the discriminator's count": count == by_hand,
            "the generator's count": generator_count == g_by_hand,
            "most parameters in the last convolution": 288 * w**2 > by_hand / 2,
        }
    )
    keep(
        norm="have it, too, in all convolutions but the first" if NORM else "have none",
        noise=f"{CONFIG.noise}",
        features=f"{pair.discriminator.head.in_features:,}",
        d_parameters=f"{count:,}",
        g_parameters=f"{generator_count:,}",
    )


def networks() -> Figure:
    """Draw both networks from the shapes that forward hooks reported."""
    (g_shapes, g_words), (d_shapes, d_words) = _shapes().values()
    figure, axes = figures.panels(1, 2, height=1.75)
    words = [*g_words[:-1], f"{g_words[-1]},\nsigmoid"]
    figures.network(g_shapes, words, title="Generator", ax=axes[0])
    words = [*d_words, "linear,\nsigmoid"]
    figures.network([*d_shapes, (1,)], words, title="Discriminator", ax=axes[1])
    return figure


def _size_by_hand(layer: Any, n: int) -> int:
    """Return what the formulas of the text give for n pixels."""
    k, s, p = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    transposed = isinstance(layer, nn.ConvTranspose2d)
    return s * (n - 1) + k - 2 * p if transposed else (n + 2 * p - k) // s + 1


def table_shapes() -> Markdown:
    """Return the layers with weights, their shapes and receptive fields, held against the text's formulas."""
    pair = full_width()
    rows = [["Layer", "Kernel, stride, padding", "Output", "Pixels seen", "Parameters"]]
    fields, field, jump = [], 1, 1
    inputs = {"G": torch.randn(2, CONFIG.noise), "D": torch.rand(2, 1, 28, 28)}
    bodies: dict[str, Any] = {"G": pair.generator.body, "D": pair.discriminator.body}
    for name, body in bodies.items():
        size = inputs[name].shape[-1]
        for layer, shape in output_shapes(body, inputs[name]):
            parameters = f"{count_parameters(layer):,}"
            if isinstance(layer, nn.Linear):
                rows.append([f"{name}: linear", "", "7×7×256", "", parameters])
            if isinstance(layer, nn.Unflatten):
                size = shape[-1]
            if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                continue
            check({"the formulas give the layer's size": _size_by_hand(layer, size) == shape[-1]})
            size, k, s = shape[-1], layer.kernel_size[0], layer.stride[0]
            if name == "D":
                field, jump = field + (k - 1) * jump, s * jump
                fields.append(field)
            transposed = "transposed " if isinstance(layer, nn.ConvTranspose2d) else ""
            stop, output = f"{k}, {s}, {layer.padding[0]}", f"{shape[1]}×{shape[2]}×{shape[0]}"
            seen = str(field) if name == "D" else ""
            rows.append([f"{name}: {transposed}convolution", stop, output, seen, parameters])
    rows.append(["D: linear", "", "1", "", f"{count_parameters(pair.discriminator.head):,}"])
    check({"the receptive fields of the text": fields == [4, 10, 18, 34]})
    return table(
        "The layers with weights; batch normalisation aside. *Pixels seen*: width of the receptive field. "
        "All sizes agree with the text's formulas.",
        "tab-dcgan-shapes",
        "30 26 18 14 16",
        rows,
    )


def transposes(matrix: Tensor, transposed: Tensor) -> None:
    """Check the small matrix and its transpose, and the adjointness on the generator's own layers."""
    draw, worst = generator(0), 0.0
    for layer in (m for m in full_width().generator.modules() if isinstance(m, nn.ConvTranspose2d)):
        weight = layer.weight.detach().double()
        y = torch.randn(1, layer.in_channels, 7, 7, dtype=torch.float64, generator=draw)
        x = torch.randn(1, layer.out_channels, 14, 14, dtype=torch.float64, generator=draw)
        left = (F.conv2d(x, weight, stride=2, padding=1) * y).sum()
        right = (x * F.conv_transpose2d(y, weight, stride=2, padding=1)).sum()
        worst = max(worst, float((left - right).abs() / left.abs()))
    identity = torch.eye(4, dtype=torch.float64)
    check(
        {
            "the matrix of the text": matrix.tolist() == [[2, 3, 4, 0], [0, 1, 2, 3]],
            "its transpose": torch.equal(transposed, matrix.T),
            "the two inner products agree": worst < 1e-10,
            "and it is no inverse": not torch.allclose(matrix.T @ matrix, identity),
        }
    )


# The choices


def _dropout() -> tuple[str, str]:
    """Return where the discriminator has dropout, and why."""
    if not CONFIG.dropout:
        return "none", (
            "Nothing to regularise: each image returns once an epoch, and the samples are always new"
        )
    share = (
        f"{100 * CONFIG.dropout:g} % of the units, behind each of the discriminator's convolutions"
    )
    wins = "A discriminator that cannot rely on single units wins less quickly"
    off = ". Off in evaluation mode, so features are not noisy"
    if not CONFIG.dropout_epochs:
        return share, wins + off
    part = f" in the first {CONFIG.dropout_epochs} epochs, none later"
    return share + part, wins + ". That is wanted while samples are bad" + off


def _noise() -> tuple[str, str]:
    """Return whether both half-steps share their noise, and why."""
    if CONFIG.fresh_noise:
        return "apart", "New ones in either step, as in Algorithm 1"
    return "shared", (
        "The samples of the discriminator's step serve in the generator's, where Algorithm 1 draws new ones: one pass "
        "of the generator fewer. The expectation is only nearly the same: the discriminator has just made a step on "
        "these very samples"
    )


def _norm() -> list[list[str]]:
    """Return the rows on batch normalisation."""
    if not NORM:
        where = "In all the generator's layers but the last; none in the discriminator"
        why = (
            "The paper has it in the discriminator, too. But a batch of samples and a batch of real images differ in "
            "their statistics at once, and a discriminator that normalises each by its own wins too early"
        )
        return [["Batch norm", where, why]]
    why = (
        "The paper's: the discriminator should see grey levels as they are, and outputs should depend on batch mates "
        "no more than they must"
    )
    return [
        ["Batch norm", "In all layers but the discriminator's first and both last", why],
        [
            "Running averages",
            "Of real images only, in the discriminator",
            "They are what its features are computed with",
        ],
    ]


def table_choices() -> Markdown:
    """Return what the sheet leaves free, or this book chose, each with its reason."""
    low = "bfloat16 in convolutions and products; weights, last layer and losses float32"
    course = ", falling to 0 along a cosine" if CONFIG.decay else ""
    rates = (
        f"Adam, rates {CONFIG.learning_rate:g} (generator) and {CONFIG.discriminator_rate:g} (discriminator), "
        f"first moment {CONFIG.beta1:g}{course}"
    )
    pixels = "Images need no conversion between data, networks and judge; the sigmoid reaches the whole range"
    slope = "The paper's: the slope lets gradients through to the generator where a ReLU would stop them"
    rows = [
        ["Choice", "Here", "Why"],
        ["Noise", f"$z \\sim \\mathcal N(0, I)$, {CONFIG.noise} numbers", "The sheet's"],
        ["Pixels", "[0, 1], sigmoid at the generator's end", pixels],
        [
            "Activations",
            "ReLU in the generator, leaky ReLU (slope 0.2) in the discriminator",
            slope,
        ],
        *_norm(),
        ["Dropout", *_dropout()],
        ["First weights", "$\\mathcal N(0, 0.02^2)$", "The paper's"],
        [
            "Optimiser",
            rates,
            "The paper's moment of 0.5 forgets sooner, as a game asks whose loss changes",
        ],
        ["Noise of both half-steps", *_noise()],
        ["Arithmetic", low if CONFIG.precision == "bfloat16" else "float32", "Speed; see below"],
        [
            "Epochs, batch",
            f"{CONFIG.epochs}, {CONFIG.batch_size}; one seed a loss",
            "Hours on a processor. Nothing here says how much a second seed would differ",
        ],
    ]
    caption = "What the sheet leaves free, or this book chose."
    return table(caption, "tab-dcgan-choices", "18 36 46", rows)


# Samples and scores


def samples() -> Figure:
    """Draw twelve new samples of each generator, from the same codes."""
    drawn = {
        f"{name}\nloss": gan.samples(CONFIG, model(found), 12, seed=1).numpy()
        for name, found in RUNS.items()
    }
    return figures.image_rows(drawn)


def timeline() -> Figure:
    """Draw the same eight codes after so many epochs, for both losses."""
    figure, axes = figures.panels(2, height=3.1)
    for ax, (name, found) in zip(axes, RUNS.items(), strict=True):
        kept = model(found).timeline
        rows = {str(epoch): kept[i, :8].numpy() for i, epoch in enumerate(CONFIG.shown_epochs)}
        figures.image_rows(rows, ax=ax)
        ax.set_title(f"{name} loss")
    axes[0].set_ylabel("epochs")
    return figure


def spread(found: runs.Run, key: str, form: str) -> str:
    """Return a metric with its standard error over seeds, where there are several."""
    metric = found.metric(key)
    several = metric.sem == metric.sem and len(metric.values) > 1
    return f"{metric.mean:{form}}" + (f" ± {metric.sem:{form}}" if several else "")


def table_scores() -> Markdown:
    """Return what the judge says of 10,000 samples of each pair."""
    rows = [["Images", "`recognisable`", "`class_entropy`", "`fid_judge`", "Parameters", "Seeds"]]
    pairs = {
        "fully connected GAN": CONNECTED,
        "DCGAN, min-max, first attempt": FIRST,
        "DCGAN, min-max": MINMAX,
        "DCGAN, non-saturating": OTHER,
    }
    for label, name in pairs.items():
        found = run(name)
        scores = [
            spread(found, key, form)
            for key, form in (
                ("recognisable", ".3f"),
                ("class_entropy", ".3f"),
                ("fid_judge", ".2f"),
            )
        ]
        seeds = str(len(found.provenance["seeds"]))
        rows.append([label, *scores, f"{found['parameters']:,.0f}", seeds])
    judge = run(JUDGE)
    real = [f"{judge[key]:.3f}" for key in ("recognisable", "class_entropy")]
    rows.append(["real test images", *real, "", "", ""])
    caption = (
        "What the judge says of 10,000 samples. Standard errors where there are several seeds."
    )
    return table(caption, "tab-dcgan-scores", "30 17 17 14 14 8", rows)


def followed(name: str, column: str = "train_fid_judge") -> Any:
    """Return a column of a run's history."""
    return run(name).history.column(column)


def _of_scores() -> None:
    first, judge, fc = run(FIRST), run(JUDGE), run(CONNECTED).metric("fid_judge")
    better, worse = sorted(RUNS, key=lambda name: run(RUNS[name])["fid_judge"])
    best, other = run(RUNS[better]), run(RUNS[worse])
    alike = CONFIG.dropout_epochs
    each = run(MINMAX).data_used["train"]["images"]
    updates = [
        found.config["epochs"] * (each // found.config["batch_size"])
        for found in (first, run(MINMAX))
    ]
    check(
        {
            "three seeds of the fully connected pair": len(fc.values) == 3,
            "both DCGANs are nearer than each of that pair's": other["fid_judge"] < min(fc.values),
            "both draw all classes, about equally often": min(r["class_share_min"] for r in both())
            > 0.08,
            "their entropy is as wanted": min(r["class_entropy"] for r in both())
            >= WANTED["class_entropy"],
            "fewer samples are recognised than were wanted": max(r["recognisable"] for r in both())
            < WANTED["recognisable"],
            "and fewer than real images": max(r["recognisable"] for r in both())
            < judge["recognisable"],
            "the second attempt is nearer": all(
                r["fid_judge"] < 0.5 * first["fid_judge"] for r in both()
            ),
            "and more of it is recognised": all(
                r["recognisable"] > first["recognisable"] for r in both()
            ),
            "most of it before the dropout ended": followed(MINMAX)[alike - 1]
            < 0.5 * followed(FIRST)[alike - 1],
            "four times the steps": updates[1] / updates[0] > 3.9,
            "over the last five epochs something was still gained": all(
                0.5 < followed(name)[-1] / followed(name)[-6] < 0.95 for name in RUNS.values()
            ),
        }
    )
    keep(
        better=better,
        better_fid=best["fid_judge"],
        worse_fid=other["fid_judge"],
        better_recognisable=best["recognisable"],
        better_entropy=best["class_entropy"],
        fc_fid=run(CONNECTED)["fid_judge"],
        real_recognisable=judge["recognisable"],
        worse_recognisable=other["recognisable"],
        worse_entropy=other["class_entropy"],
        wanted=WANTED["recognisable"],
        wanted_entropy=WANTED["class_entropy"],
        first_fid=first["fid_judge"],
        first_recognisable=first["recognisable"],
        alike=alike,
        first_alike=followed(FIRST)[alike - 1],
        second_alike=followed(MINMAX)[alike - 1],
        first_updates=f"{updates[0]:,}",
        second_updates=f"{updates[1]:,}",
        late_gain=1 - followed(MINMAX)[-1] / followed(MINMAX)[-6],
        other_late_gain=1 - followed(OTHER)[-1] / followed(OTHER)[-6],
    )


# The training


def training() -> Figure:
    """Draw distance and mean of D over the epochs of both losses and the first attempt."""
    figure, (left, right) = figures.panels(2, height=2.6)
    shown = {**RUNS, "min-max, first attempt": FIRST}
    for (label, name), colour in zip(shown.items(), figures.SERIES_COLOURS, strict=False):
        epochs = followed(name, "epoch")
        left.plot(epochs, followed(name), color=colour, label=label)
        right.plot(epochs, followed(name, "real_probability"), color=colour, label=label)
        right.plot(epochs, followed(name, "fake_probability"), color=colour, linestyle="--")
    left.set(xlabel="epoch", ylabel="distance to training images", yscale="log")
    right.set(xlabel="epoch", ylabel="mean of D", ylim=(0, 1))
    right.axhline(0.5, color=figures.MUTED, linestyle=":", linewidth=1)
    left.legend()
    return figure


def _of_training() -> None:
    last = {name: run(name).history.rows[-1] for name in RUNS.values()}
    alike, ahead = CONFIG.dropout_epochs, "real_probability"
    minmax, other = both()
    check(
        {
            "the discriminator is ahead to the end": all(
                row["real_probability"] > 0.5 > row["fake_probability"] for row in last.values()
            ),
            "samples come nearer": all(
                followed(name)[-1] < 0.5 * followed(name)[0] for name in last
            ),
            "the discriminators draw ahead when the dropout ends": all(
                followed(name, ahead)[-1] > followed(name, ahead)[alike - 1] + 0.2 for name in last
            ),
            "and the distances fall": all(
                followed(name)[-1] < 0.5 * followed(name)[alike - 1] for name in last
            ),
            "the first attempt's stays near one half": abs(followed(FIRST, ahead)[-1] - 0.5) < 0.06,
            "one epoch was suspended, and is amended": any(
                "suspended" in note for note in minmax.provenance["amended"].values()
            ),
            "the discriminator can still tell, one image at a time": minmax[
                "discriminator_accuracy"
            ]
            > 0.55,
        }
    )
    made = minmax.provenance
    threads = f"{made['threads']} thread{'' if made['threads'] == 1 else 's'}"
    keep(
        d_alike=followed(MINMAX, ahead)[alike - 1],
        d_real=last[MINMAX]["real_probability"],
        d_fake=last[MINMAX]["fake_probability"],
        d_alone=100 * minmax["discriminator_accuracy"],
        first_alone=100 * run(FIRST)["discriminator_accuracy"],
        minmax_speed=minmax["images_per_second"],
        minmax_hours=minmax["train_seconds"] / 3600,
        other_speed=other["images_per_second"],
        other_hours=other["train_seconds"] / 3600,
        machine=f"{made['processor']}, {made['device']}, {threads}",
    )


# Speed and precision


def step_seconds(precision: str, channels_last: bool, freeze: bool, images: int = 16) -> float:
    """Return the shortest of two times for one step of both networks, in seconds."""
    seed_everything(0)
    pair = dcgan(width=CONFIG.width, dropout=CONFIG.dropout, discriminator_norm=NORM)
    if channels_last:
        pair.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    g, d, x = pair.generator, pair.discriminator, torch.rand(images, 1, 28, 28)
    times = []
    for _ in range(3):  # the first is to warm up
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            fake = g(pair.draw_noise(images))
            discriminator_loss(d(x).float(), d(fake.detach()).float()).backward()
            d.requires_grad_(not freeze)
            logits = d(fake)
        F.softplus(logits.float()).mean().neg().backward()
        d.requires_grad_(True)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def table_speed() -> Markdown:
    """Return the images a second of one step under four options, measured now."""
    options = {
        "float32, plain": ("float32", False, False),
        "float32, frozen discriminator": ("float32", False, True),
        "and channels_last": ("float32", True, True),
        "and bfloat16": ("bfloat16", True, True),
    }
    timed = {name: step_seconds(*option) for name, option in options.items()}
    base = timed["float32, plain"]
    rows = [["Step", "Images a second", "Relative"]]
    rows += [[name, f"{16 / took:.0f}", f"{base / took:.2f}"] for name, took in timed.items()]
    return table(
        "Measured while this page was built, on the machine that built it, which may have been doing other things; "
        "no claim rests on it.",
        "tab-dcgan-speed",
        "50 25 25",
        rows,
    )


def _of_precision() -> None:
    """Glue what bfloat16 changes in one step of the recorded pair, and over three small trainings."""
    pair, codes = model(MINMAX), torch.randn(64, CONFIG.noise, generator=generator(2))
    slopes, images = {}, {}
    for name in ("float32", "bfloat16"):
        with torch.autocast("cpu", torch.bfloat16, enabled=name == "bfloat16"):
            fake = pair.generator(codes)
            logits = pair.discriminator(fake)
        images[name] = fake.detach()
        loss = F.softplus(logits.float()).mean().neg()
        parts = torch.autograd.grad(loss, list(pair.generator.parameters()))
        slopes[name] = torch.cat([part.flatten() for part in parts])
    levels = float(255 * (images["float32"] - images["bfloat16"]).abs().mean())
    cosine = float(F.cosine_similarity(slopes["float32"], slopes["bfloat16"], dim=0))
    check(
        {
            "samples differ by less than a grey level or two": levels < 2,
            "the generator's gradients point the same way": cosine > 0.9,
        }
    )
    plain, brief = halves().values()
    gap = brief["fid_judge"] - plain["fid_judge"]
    error = math.hypot(plain.metric("fid_judge").sem, brief.metric("fid_judge").sem)
    favoured = "float32" if gap > 0 else "bfloat16"
    verdict = (
        f"in favour of {favoured} by more than twice that: the recorded scores are those of the lower precision, and "
        "must be read so"
        if abs(gap) > 2 * error
        else "within twice that: no effect of the precision is seen, and one much larger than the seeds' spread would "
        "have been"
    )
    keep(levels=levels, cosine=cosine, half_epochs=plain.config["epochs"])
    keep(gap=gap, gap_error=error, precision_verdict=verdict)


def halves() -> dict[str, runs.Run]:
    """Return the small trainings in either precision, of which all else is the same."""
    found = {name: run(f"dcgan-half-mnist-{name}") for name in ("float32", "bfloat16")}
    plain, brief = found.values()
    same = [{k: v for k, v in r.config.items() if k != "precision"} for r in found.values()]
    small = plain.config["width"] * 2 == CONFIG.width and not plain.config["saturating"]
    check(
        {
            "the precision is all that differs": same[0] == same[1],
            "as the names say": [r.config["precision"] for r in found.values()] == list(found),
            "in small, as the text says": small
            and plain.config["dropout_epochs"] == 0
            and plain.config["dropout"] > 0,
            "the same three seeds": plain.provenance["seeds"]
            == brief.provenance["seeds"]
            == [0, 1, 2],
        }
    )
    return found


def table_precision() -> Markdown:
    """Return three small trainings in either precision."""
    rows = [["Precision", "`fid_judge`", "`recognisable`", "`class_entropy`"]]
    for name, found in halves().items():
        keys = (("fid_judge", ".2f"), ("recognisable", ".3f"), ("class_entropy", ".3f"))
        rows.append([name, *(spread(found, key, form) for key, form in keys)])
    return table(
        "Three small trainings in either precision: means over the same three seeds with standard errors. All is "
        "judged in float32.",
        "tab-dcgan-precision",
        "25 25 25 25",
        rows,
    )
