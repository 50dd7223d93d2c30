"""The page *VAE-GAN*: its numbers, its tables, and what it claims of the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval, paired
from chapters_lib.figures import schematics
from chapters_lib.findings.verdicts import (
    Verdict,
    both,
    difference,
    greater,
    less,
    level,
    outcome,
    shown,
)
from chapters_lib.findings.words import in_words, interval, number, signed
from chapters_lib.pages import Page, check, model, run, table
from chapters_lib.recipes.vae_gan_study import gamma_name
from chapters_lib.recording.runs import Metric

PAGE = Page("vaegan")
drawing = schematics.vae_gan
JOINT, PAPER = "vaegan-fashion-mnist", "vaegan-fashion-mnist-paper"  # the basic loss
MNIST = "vaegan-mnist"
SLOW, TUNED = f"{JOINT}-both", f"{JOINT}-faster-dis"  # the same with samples; and with noise
FIFTH = f"{TUNED}-samples"  # with samples alone, as in the paper's Eq. 5
EQUAL, NOISE = f"{JOINT}-equal-rates", f"{JOINT}-noise"  # between the two
WARM, WARM_PAPER = "vaegan-fashion-mnist-warm", "vaegan-fashion-mnist-paper-warm"
DISL, CONV = "vaegan-disl-fashion-mnist", "vaegan-conv-fashion-mnist"  # the full loss
STUDY, RIVALS = "vaegan-study-fashion-mnist", "vaegan-rivals-fashion-mnist"
VAE, VAE2, CODER = "vae-fashion-mnist", "vae-2d-fashion-mnist", "ae-fashion-mnist"
CONV_VAE = "vae-conv-fashion-mnist"
MOVED = "vae-2d-moved-fashion-mnist"  # the start, its draws moved to its codes
PAIR = CONV, CONV_VAE
STARTED = ("vaegan-fashion-mnist-both", "vaegan-fashion-mnist-both-layer-3")
LIKENESS = (
    *("agreement", "agreement_shuffled", "test_mse", "test_mse_shuffled"),
    *("feature_distance", "feature_distance_shuffled"),
)


@cache
def config(name: str) -> SimpleNamespace:
    """Return the configuration that a run was trained by."""
    return SimpleNamespace(**run(name).config)


@cache
def cases() -> dict[str, SimpleNamespace]:
    """Return the configurations of the study's short trainings, by name."""
    return {name: SimpleNamespace(**case) for name, case in run(STUDY).config["cases"]}


def study(key: str, case: str) -> Metric:
    """Return a metric of a case of the study, on held-out training images."""
    return run(STUDY).metric(f"val_{key}_{case}")


def at_run() -> str:
    """Return the name of the study's case that has the γ and the layer of the full run."""
    return gamma_name(config(DISL).gamma)


def gammas() -> dict[float, str]:
    """Return the study's cases by γ, rising."""
    swept = (c.gamma for name, c in cases().items() if name.startswith("gamma"))
    return {gamma: gamma_name(gamma) for gamma in sorted(swept)}


def layers() -> dict[int, str]:
    """Return the study's cases by layer; 0 is the pixels."""
    return {n: f"layer-{n}" for n in range(4)} | {config(DISL).layer: at_run()}


def earlier(key: str, name: str) -> Metric:
    """Return a metric of the first training of an earlier chapter's model, as the study measured it."""
    return Metric.of(run(STUDY).metric(f"{key}_{name}").values[:1])


def spread(name: str, key: str, *compared: str) -> Metric | None:
    """Return a metric of the trainings whose spread a single one is taken to have; nothing where all are several."""
    counts = [len(run(one).metric(key).values) for one in compared]
    return None if counts and min(counts) > 1 else run(name).metric(key)


@cache
def units(name: str) -> int:
    """Return how many units the layer has in which a run measures likeness."""
    image = torch.zeros(1, 1, 28, 28)
    seen, _ = model(name).discriminator.layer_and_features(image, config(name).layer)
    return int(seen.shape[1])


def numbers() -> None:
    """Give the text its numbers, and test what it says of them."""
    figures.use_style()
    _settings()
    _alike()
    _basic_loss()
    _scores()
    _sweeps()
    _rivals()
    _findings()
    _findings_of_the_study()


def _settings() -> None:
    joint, full, conv = config(JOINT), config(DISL), config(CONV)
    keep = PAGE.keep
    keep(epochs=joint.epochs, batch=joint.batch_size, full_epochs=full.epochs)
    keep(d_layers=len(joint.discriminator_hidden), d_width=joint.discriminator_hidden[0])
    keep(latent=full.latent, gamma=f"{full.gamma:g}", layer=full.layer)
    keep(conv_gamma=f"{conv.gamma:g}", conv_layer=conv.layer, conv_width=conv.width)
    keep(conv_epochs=conv.epochs, study_epochs=cases()["basic"].epochs)
    keep(full_units=units(DISL), conv_units=units(CONV))
    joints, fulls, studies = (in_words(run(name).trainings) for name in (JOINT, DISL, STUDY))
    keep(trainings=joints, full_trainings=fulls, study_trainings=studies)
    ours, control = (len(run(name).metric("fid_judge").values) for name in PAIR)
    plural = "s" * (max(ours, control) > 1)
    same = f"{in_words(ours)} training{plural} each"
    other = f"{in_words(ours)} and {in_words(control)} training{plural}"
    PAGE.of("pair").keep(trainings=same if ours == control else other)


def _alike() -> None:
    """Check what the text says of the configurations."""
    joint, mnist, full, conv = (vars(config(name)) for name in (JOINT, MNIST, DISL, CONV))
    plain, pair, control = cases()["basic"], cases()["two-units"], config(CONV_VAE)
    shared = ("width", "latent", "epochs", "batch_size", "learning_rate", "beta1")
    basic = {"routing": "joint", "layer": None, "drawn": ["reconstruction"], "saturating": False}
    whole = {"routing": "paper", "drawn": ["reconstruction", "sample"], "saturating": True}
    check("the basic loss, jointly", joint | basic == joint)
    check("the routing alone differs", joint | {"routing": "paper"} == vars(config(PAPER)))
    slow, tuned = vars(config(SLOW)), vars(config(TUNED))
    rates = tuned["discriminator_rate"] / tuned["learning_rate"]
    check(
        "four times as fast, from a quarter",
        rates == 1 / (slow["discriminator_rate"] / slow["learning_rate"]) == 4,
    )
    equal, noise = vars(config(EQUAL)), vars(config(NOISE))
    rate = {"discriminator_rate": equal["learning_rate"]}
    check(
        "the rate, then noise",
        slow | rate == equal and equal | {"noise": config(NOISE).noise} == noise,
    )
    alone = {"drawn": ["sample"]}
    check("samples alone", tuned | alone == vars(config(FIFTH)) and tuned["start"] == VAE2)
    check("from their VAEs", (joint["start"], mnist["start"]) == (VAE2, "vae-2d-mnist"))
    check("the first chapter's two units", joint["latent"] == config(CODER).code == 2)
    check("Algorithm 1's, with both kinds", all(it | whole == it for it in (full, conv)))
    check("the VAE's layers", full["hidden"] == config(VAE).hidden)
    part = config(VAE).validation == 0.2 and full["validation"] == 0
    check(
        "four fifths of the images, at a constant rate", part and config(VAE).schedule == "constant"
    )
    check("the VAE's units", full["latent"] == conv["latent"] == config(VAE).latent)
    check("γ by the units", math.isclose(conv["gamma"] * units(CONV), full["gamma"] * units(DISL)))
    check("followed by tenths", config(WARM).portion == config(WARM_PAPER).portion == 0.1)
    check("a control without the term", (plain.layer, plain.latent) == (None, full["latent"]))
    check("one with two units", (pair.layer, pair.latent) == (full["layer"], 2))
    check("of the basic runs' layers", pair.hidden == joint["hidden"])
    check("the control is the pair", all(vars(control)[key] == conv[key] for key in shared))


def _basic_loss() -> None:
    drawn = {"joint": JOINT, "paper": PAPER, "mnist": MNIST, "tuned": TUNED, "fifth": FIFTH}
    drawn |= {"disl": DISL}
    for short, name in drawn.items():
        PAGE.of(short).keep(drawn=100 * run(name)["drawn_agreement"])
    for short, name in {"joint": JOINT, "paper": PAPER}.items():
        kl = run(name)["test_kl"]
        PAGE.of(short).keep(kl=kl, bound=100 * math.sqrt(max(kl, 0.0) / 2))  # Pinsker, points
    PAGE.of("fifth").keep(trainings=in_words(run(FIFTH).trainings))
    PAGE.claims(no_help=_by_chance(JOINT), fifth_no_help=_by_chance(FIFTH))
    _kept_start()
    _as_generators()
    _of_warm()
    paper, tests = run(PAPER), run(PAPER).data_used["test"]["images"]
    share, mixed = paper["agreement"], paper["agreement_shuffled"]
    PAGE.of("paper").keep(agreement=100 * share, shuffled=100 * mixed)
    sem = math.hypot(*(math.sqrt(p * (1 - p) / tests) for p in (share, mixed)))
    below = Interval.about(100 * (share - mixed), 100 * sem, 1.96)
    PAGE.claims(paper_below=shown(below, sign=-1, digits=1))


def _by_chance(name: str) -> Verdict:
    """Return whether drawn codes agree no more often than independent pairs, over the trainings."""
    agreed = run(name).metric("drawn_agreement").percent.values
    mean = paired(agreed, [0.0] * len(agreed))
    return Verdict(mean.low <= 10, f"{interval(mean, 1)} %")


def _as_generators() -> None:
    """How far the basic loss's samples are by its settings, and those of the VAE that it starts from."""
    of_three = {"slow": SLOW, "equal": EQUAL, "noise": NOISE, "tuned": TUNED}
    slow, equal, _, tuned = (run(name)["fid_judge"] for name in of_three.values())
    for short in ("equal", "noise"):
        PAGE.of(short).keep(fid=run(of_three[short])["fid_judge"])
    for short in ("slow", "tuned"):
        PAGE.of(short).keep(epochs=in_words(config(of_three[short]).epochs))
        PAGE.of(short).keep(fid=number(run(of_three[short]).metric("fid_judge"), 1))
    for short in ("noise", "tuned"):
        PAGE.of(short).keep(noise=config(of_three[short]).noise)
    by_rates = slow - equal > (slow - tuned) / 2
    PAGE.claims(rates_most=Verdict(by_rates, f"{slow - equal:.1f} of {slow - tuned:.1f}"))
    moved, ours = run(MOVED)["fitted_normal_fid_judge"], run(TUNED).metric("fid_judge").values
    PAGE.of("moved").keep(fid=moved)
    PAGE.claims(moved_nearer=shown(paired(ours, [moved] * len(ours)), sign=1))


def _of_warm() -> None:
    """How the two trainings that were followed closely lose what the VAE knew."""
    joint, paper = (
        100 * run(name).history.column("train_agreement") for name in (WARM, WARM_PAPER)
    )
    of = PAGE.of("warm")
    of.keep(begin=joint[0], joint=joint[1], paper=paper[1])
    seen = run(WARM).history.column("images").cumsum()
    of.keep(images=seen[1], later=seen[3])
    ends = sorted({f"{share:.0f}" for share in (joint[3:].min(), joint[3:].max())}, key=int)
    later = joint[3:].tolist() + paper[3:].tolist()
    of.keep(stays=" to ".join(ends), lowest=min(later), highest=max(later))


def _kept_start() -> None:
    """What a VAE's agreement becomes with the term and without, from the same start and by the same settings."""
    without, term = (run(name) for name in STARTED)
    check("the term alone differs", without.config | {"layer": term.config["layer"]} == term.config)
    end, kept = (one.metric("agreement").percent for one in (without, term))
    begin = 100 * earlier("agreement", "vae-2d").mean
    PAGE.of("started").keep(without=end.mean, term=kept.mean, begin=begin)
    PAGE.claims(start_kept=greater(kept, end, spread=end))


def _scores() -> None:
    full, vae = run(DISL), run(VAE)
    for short, name in {"disl": DISL, "conv": CONV, "conv_vae": CONV_VAE}.items():
        PAGE.of(short).keep(fid=run(name)["fid_judge"], share=100 * run(name)["recognisable"])
    PAGE.keep(joint_fid=run(JOINT)["fid_judge"], vae2_fid=run(VAE2).metric("fid_judge").values[0])
    PAGE.keep(vae_fid=vae["fid_judge"])
    PAGE.keep(disl_agreement=100 * full["agreement"], conv_agreement=100 * run(CONV)["agreement"])
    PAGE.keep(
        vae_agreement=100 * earlier("agreement", "vae").mean,
        vae_mse=earlier("test_mse", "vae").mean,
    )
    PAGE.keep(disl_mse=full["test_mse"], disl_kl=full["test_kl"])
    PAGE.keep(conv_kl=run(CONV)["test_kl"], conv_vae_kl=run(CONV_VAE)["test_kl"])
    share, nearer = "recognisable", "fid_judge"
    apart = {
        "share": (full.metric(share).percent, vae.metric(share).percent),
        "distance": (full.metric(nearer), vae.metric(nearer)),
        "term": tuple(study("agreement", case).percent for case in (at_run(), "basic")),
        "gamma": tuple(study("agreement", case).percent for case in (_next()[1], at_run())),
        "first": tuple(study("agreement", case).percent for case in (at_run(), layers()[1])),
        "second": tuple(study("agreement", case).percent for case in (at_run(), layers()[2])),
    }
    for word, (a, b) in apart.items():
        PAGE.of(word).keep(interval=interval(difference(a, b), 1))
    PAGE.of("pair").keep(said=_pair_said())
    PAGE.of("control").keep(said=_control_said())


def _pair_said() -> str:
    """Say what is shown of the convolutional pair: Welch's of several trainings each, or by a borrowed spread."""
    (far, known), (far_control, known_control) = (
        (run(name).metric("fid_judge"), run(name).metric("recognisable").percent) for name in PAIR
    )
    if spread(VAE, "fid_judge", *PAIR) is None:
        said = outcome(known, known_control, ("fewer", "no difference in", "more"))
        return (
            f"The VAE-GAN's distance is smaller by {interval(difference(far_control, far), 1)} (Welch), and it shows "
            f"{said} recognised samples ({interval(difference(known, known_control), 1)} points)."
        )
    by_vae, by_gan = (
        interval(difference(known, known_control, run(name).metric("recognisable").percent), 1)
        for name in (VAE, DISL)
    )
    near_by_vae, near_by_gan = (
        interval(difference(far_control, far, run(name).metric("fid_judge")), 1)
        for name in (VAE, DISL)
    )
    return (
        "For one training we borrow a spread: that of the full VAE-GAN where two VAE-GANs are compared, that of "
        "the 784-400-20 VAE where a VAE is one of the two. Neither is convolutional, and the choice decides what is "
        f"shown of the pair's shares. By the VAE's spread the VAE-GAN leads by {by_vae} points. By the VAE-GAN's it "
        f"is {by_gan}. The distance is smaller by {near_by_vae} or {near_by_gan}."
    )


def _control_said() -> str:
    """Say what convolutions alone change, against the fully connected VAE."""
    ours, theirs = run(CONV_VAE), run(VAE)
    lent = {key: spread(VAE, key, CONV_VAE) for key in ("recognisable", "fid_judge")}
    known = difference(
        ours.metric("recognisable").percent,
        theirs.metric("recognisable").percent,
        lent["recognisable"] and lent["recognisable"].percent,
    )
    far = difference(ours.metric("fid_judge"), theirs.metric("fid_judge"), lent["fid_judge"])
    none = "" if known.clear or far.clear else ": no difference is shown"
    return (
        "From the fully connected VAE, which had other epochs and a part of the images, the control differs by "
        f"{interval(known, 1)} points in recognised samples and by {interval(far, 1)} in distance{none}."
    )


def _sweeps() -> None:
    small, *_, large = gammas()
    PAGE.keep(gamma_large=f"{large:g}")
    PAGE.keep(gamma_next=f"{_next()[0]:g}")
    found = {"small": gamma_name(small), "run": at_run()}
    found |= {f"layer_{n}": case for n, case in layers().items() if n != 2}
    found |= {"basic": "basic", "basic_joint": "basic-joint", "two": "two-units"}
    weight, layer = _by_rule(gammas()), _by_rule(dict(list(layers().items())[1:]))
    PAGE.keep(rule_gamma=f"{weight:g}", rule_layer=f"{layer:g}")
    for name, case in found.items():
        PAGE.of(name).keep(agreement=100 * study("agreement", case).mean)
        if name in ("small", "run", "layer_0", "layer_3"):
            PAGE.of(name).keep(fid=study("fid_judge", case).mean)


def _next() -> tuple[float, str]:
    """Return the least γ of the study above the run's, with its case."""
    return next(it for it in gammas().items() if it[0] > config(DISL).gamma)


def _by_rule(swept: Mapping[Any, str]) -> float:
    """Return the least that keeps nine tenths of the best agreement and is not shown farther than the nearest."""
    agreement = {key: study("agreement", case) for key, case in swept.items()}
    distance = {key: study("fid_judge", case) for key, case in swept.items()}
    nearest = min(distance.values(), key=lambda metric: metric.mean)
    enough = 0.9 * max(metric.mean for metric in agreement.values())
    kept = (key for key in swept if agreement[key].mean >= enough)
    return float(min(key for key in kept if not greater(distance[key], nearest).holds))


def _rivals() -> None:
    found = run(RIVALS)
    for kind in ("pixel", "full", "conv", "judge"):
        PAGE.keep(**{f"own_rival_{kind}": 100 * found[f"{kind}_own_rival"]})
    for key in ("full_less_pixel", "conv_less_pixel", "full_less_untrained", "conv_less_untrained"):
        less_of = found.metric(key)
        PAGE.keep(**{key: f"{signed(100 * less_of.mean)} ± {100 * less_of.sem:.1f}"})


def over_images(key: str, sign: int) -> Verdict:
    """Return whether a difference over the thousand images has a sign, by its 95 % interval."""
    found = run(RIVALS).metric(key).percent
    return shown(Interval.about(found.mean, found.sem, 1.96), sign=sign, digits=1)


def _findings() -> None:
    """The findings of the runs; one training beside several takes their spread."""
    joint, full, conv, vae = (run(name) for name in (JOINT, DISL, CONV, VAE))
    pixels = paired(joint.metric("test_mse").values, joint.metric("test_mse_shuffled").values)
    PAGE.of("pixels").keep(interval=interval(pixels, 5))
    agree, near, known = "agreement", "fid_judge", "recognisable"
    control = run(CONV_VAE)
    began = joint.metric(near), run(VAE2).metric(near).values[0]
    PAGE.claims(
        basic_pixels=shown(pixels, sign=0, digits=5),
        basic_samples=shown(paired(began[0].values, [began[1]] * joint.trainings), sign=1),
        tuned_nearer=less(run(TUNED).metric(near), run(SLOW).metric(near)),
        term_gains=greater(full.metric(agree), joint.metric(agree)),
        vae_pixels=less(vae.metric("test_mse"), full.metric("test_mse")),
        full_share=less(full.metric(known), vae.metric(known)),
        full_distance=greater(full.metric(near), vae.metric(near)),
        full_agreement=level(full.metric(agree), earlier(agree, "vae"), spread=spread(DISL, agree)),
        conv_distance=less(
            conv.metric(near), full.metric(near), spread=spread(DISL, near, CONV, DISL)
        ),
        conv_share=greater(
            conv.metric(known), full.metric(known), spread=spread(DISL, known, CONV, DISL)
        ),
        conv_agreement=greater(
            conv.metric(agree), full.metric(agree), spread=spread(DISL, agree, CONV, DISL)
        ),
        pair_distance=less(
            conv.metric(near), control.metric(near), spread=spread(VAE, near, *PAIR)
        ),
        rival_full=over_images("full_less_pixel", -1),
        rival_conv=over_images("conv_less_pixel", 0),
        rival_judge=over_images("judge_less_pixel", 1),
        rival_full_trained=over_images("full_less_untrained", 1),
        rival_conv_trained=over_images("conv_less_untrained", 1),
    )


def _findings_of_the_study() -> None:
    agreement = {name: study("agreement", name) for name in cases()}
    distance = {name: study("fid_judge", name) for name in cases()}
    ours, more, (small, *_, large) = at_run(), _next()[1], list(gammas().values())
    pixels, one, two, _ = layers().values()
    PAGE.claims(
        control_term=greater(agreement[ours], agreement["basic"]),
        control_joint=greater(agreement[ours], agreement["basic-joint"]),
        control_two=greater(agreement["two-units"], agreement["basic"]),
        gamma_agreement=less(agreement[small], agreement[ours]),
        gamma_distance=greater(distance[small], distance[ours]),
        gamma_more=greater(agreement[more], agreement[ours]),
        gamma_flat=both(
            level(distance[ours], distance[more]),
            level(distance[more], distance[large]),
            level(agreement[more], agreement[large]),
        ),
        layer_one=greater(agreement[ours], agreement[one]),
        layer_pixels=greater(agreement[ours], agreement[pixels]),
        layer_worse=less(agreement[one], agreement[pixels]),
        pixels_nearest=both(*(less(distance[pixels], distance[n]) for n in (one, two, ours))),
    )


def table_likeness() -> Markdown:
    """Return how like their originals reconstructions are, by the page's models and earlier ones."""
    own = {"Basic, joint": JOINT, "Basic, paper's routing": PAPER, "Basic, joint, MNIST": MNIST}
    own |= {"Full, fully connected": DISL, "Full, convolutional": CONV}
    own |= {"VAE, convolutional": CONV_VAE}
    old = {"Autoencoder, two units": "ae", "VAE, two units": "vae-2d", "VAE, 784-400-20": "vae"}
    found = {label: [run(name).metric(key) for key in LIKENESS] for label, name in own.items()}
    found |= {label: [earlier(key, name) for key in LIKENESS] for label, name in old.items()}
    rows = [["Model", "drawn codes, %", "mean codes, %", "shuffled, %"]]
    rows[0] += ["error per pixel", "shuffled", "feature distance", "shuffled"]
    for label, metrics in found.items():
        drawn = run(own[label]).metric("drawn_agreement").percent if label in own else None
        shares = [number(metric.percent, 1) for metric in metrics[:2]]
        first = number(drawn, 1) if drawn else "–"
        rows.append([label, first, *shares, *map(number, metrics[2:], (4, 4, 1, 1))])
    caption = (
        "How like their originals the reconstructions of the 10,000 test images are, beside the same under shuffled "
        "pairing. The agreement is from drawn and from mean codes (a dash: not measured), the rest from mean codes. "
        "Mean ± standard error over trainings; without ±, one training. Fashion-MNIST but for the third row, whose "
        "errors and distances are not comparable to the others'."
    )
    return table(caption, "tab-vaegan-likeness", "62 47 47 56 79 70 47 47", rows)


def table_controls() -> Markdown:
    """Return the short trainings with and without the term, and the basic runs' network with it."""
    labels = {
        at_run(): "20 units, full loss",
        "basic": "20 units, without the term, paper's routing",
        "basic-joint": "20 units, without the term, joint",
        "two-units": "two units, with the term",
    }
    rows = [["Short training", "agreement, %", "shuffled, %", "distance", "recognised, %"]]
    for case, label in labels.items():
        keys = ("agreement", "agreement_shuffled", "recognisable")
        agree, mixed, known = (number(study(key, case).percent, 1) for key in keys)
        rows.append([label, agree, mixed, number(study("fid_judge", case), 2), known])
    caption = (
        "What the term does: short trainings, measured on held-out training images. Mean ± standard error over "
        "trainings. The 20-unit rows have samples as drawn images, too; the row with two units has the layers of "
        "the basic runs, reconstructions alone, and rates of its own."
    )
    return table(caption, "tab-vaegan-controls", "36 16 16 16 16", rows)


def table_pairs() -> Markdown:
    """Return how often a shifted copy is nearer than the rival that each measure chooses."""
    found = run(RIVALS)
    rows = [["Share of 1,000 images, %", "pixels", "Dis$_l$, fully connected"]]
    rows[0] += ["Dis$_l$, convolutional", "judge"]
    for label, end in {"trained": "", "with first weights": "_untrained"}.items():
        keys = [f"{kind}{end}_own_rival" for kind in ("pixel", "full", "conv", "judge")]
        cells = (
            f"{100 * found[key]:.1f} ± {100 * found.metric(key).sem:.1f}"
            if key in found.metrics
            else "–"
            for key in keys
        )
        rows.append([label, *cells])
    caption = (
        "In how many per cent of the images the copy that was shifted by one pixel is nearer to the original than "
        "the nearest image of another class. Each measure chooses that rival for itself; ± is over images. First "
        "weights: the mean of five draws. One training of each discriminator."
    )
    return table(caption, "tab-vaegan-pairs", "28 14 22 22 14", rows)


def table_scoreboard() -> Markdown:
    """Return how the judge scores samples of every model so far."""
    rows = [["Model", "recognised, %", "evenness of classes", "distance"]]
    for label, name, prefix in (
        ("Real test images", "judge-fashion-mnist", ""),
        ("Autoencoder, codes from N(0, I)", CODER, "standard_normal_"),
        ("VAE, two units", VAE2, ""),
        ("VAE, 784-400-20", VAE, ""),
        ("VAE, convolutional", CONV_VAE, ""),
        ("VAE-GAN, basic, joint", JOINT, ""),
        ("VAE-GAN, basic, paper's routing", PAPER, ""),
        ("VAE-GAN, full", DISL, ""),
        ("VAE-GAN, full, convolutional", CONV, ""),
    ):
        known, even, far = (
            run(name).metric(prefix + key) for key in ("recognisable", "class_entropy", "fid_judge")
        )
        rows.append([label, number(known.percent, 1), number(even, 3), number(far, 2)])
    caption = (
        "Fashion-MNIST: ten thousand samples of each model before the judge; mean ± standard error over trainings; "
        "without ±, one training. The first row is the yardstick; its distance is to the training images."
    )
    return table(caption, "tab-vaegan-board", "40 20 20 20", rows)


def digits_likeness(again: Mapping[str, tuple[float, float]], kl: Mapping[str, float]) -> None:
    """Give the text what the three models of digits reconstruct."""
    (paper, paper_shuffled), (joint, joint_shuffled), (full, full_shuffled) = again.values()
    PAGE.keep(digits_paper=paper, digits_joint=joint, digits_full=full)
    PAGE.keep(digits_paper_shuffled=paper_shuffled, digits_joint_shuffled=joint_shuffled)
    paper_kl, _, full_kl = kl.values()
    PAGE.keep(digits_paper_kl=paper_kl, digits_full_kl=full_kl)
    PAGE.own_claims(
        digits_basic=_own(max(paper, joint) < 20, paper, joint),
        digits_full=_own(full > full_shuffled + 40, full, full_shuffled),
    )


def digits_yardstick(shrunk: tuple[float, float], cured: tuple[float, float]) -> None:
    """Give the text the distance of two digits and the agreement, with the leak and without."""
    PAGE.keep(shrunk_apart=shrunk[0], cured_apart=cured[0])
    PAGE.keep(shrunk_agree=shrunk[1], cured_agree=cured[1])
    PAGE.own_claims(yardstick=_own(shrunk[0] < 0.5 * cured[0], shrunk[0], cured[0]))


def _own(holds: bool, a: float, b: float) -> Verdict:
    return Verdict(holds, f"{a:.1f} and {b:.1f}")


# The figures.


def samples() -> Figure:
    """Draw ten images from p(z) of every model of the page."""
    shown = {"basic,\njoint": JOINT, "basic,\npaper's": PAPER, "basic,\nMNIST": MNIST}
    shown |= {"full": DISL, "full,\nconvolutions": CONV}
    return figures.image_rows({label: run(name).panels["samples"] for label, name in shown.items()})


def fashion_reconstructions() -> Figure:
    """Draw ten test images, and what mean codes and drawn codes of the basic loss make of them."""
    rows = {"original": run(JOINT).panels["images"]}
    for label, name in {"joint": JOINT, "paper's": PAPER}.items():
        rows[f"{label},\nmean code"] = run(name).panels["reconstructions"]
        rows[f"{label},\ndrawn code"] = run(name).panels["drawn_reconstructions"]
    rows["full loss,\nmean code"] = run(DISL).panels["reconstructions"]
    others = [run(name).panels["images"] for name in (PAPER, DISL, CONV)]
    check("the same images", all((images == rows["original"]).all() for images in others))
    return figures.image_rows(rows)


def mnist_reconstructions() -> Figure:
    """Draw ten test digits, and what mean codes and drawn codes of the basic loss make of them."""
    panels = run(MNIST).panels
    rows = {"original": panels["images"], "joint,\nmean code": panels["reconstructions"]}
    return figures.image_rows(rows | {"joint,\ndrawn code": panels["drawn_reconstructions"]})


def convolutional_reconstructions() -> Figure:
    """Draw ten test images, and what both networks of the full loss make of them."""
    rows = {"original": run(CONV).panels["images"]}
    for label, name in {"fully\nconnected": DISL, "convolutions": CONV}.items():
        rows[label] = run(name).panels["reconstructions"]
    return figures.image_rows(rows)


def digits_rows(rows: Mapping[str, Tensor]) -> Figure:
    """Draw ten digits, and what the three models make of drawn codes."""
    labels = ("original", "basic,\npaper's", "basic,\njoint", "with the\nlikeness")
    return figures.image_rows(dict(zip(labels, rows.values(), strict=True)))


def pairs() -> Figure:
    """Draw images, each with its shifted copy and the nearest of another class, and which of these is nearer."""
    panels = run(CONV).panels
    shifted, _, _, other = panels["pairs"]
    nearer = panels["pairs_pixel"][0] < panels["pairs_pixel"][3]
    titles = ["shifted" if it else "other" for it in nearer[: len(shifted)]]
    rows = {"original": panels["paired"], "shifted": shifted, "other\nclass": other}
    return figures.image_rows(rows, titles)


def unlearning() -> Figure:
    """Draw agreement and L_prior over the images seen, from a trained VAE on, under both routings."""
    courses = {"joint": run(WARM).history, "paper's routing": run(WARM_PAPER).history}
    seen = courses["joint"].column("images").cumsum() / 1000
    figure, (left, right) = figures.panels(2, height=2.5)
    agreement = {label: 100 * h.column("train_agreement") for label, h in courses.items()}
    prior = {label: h.column("prior")[1:] for label, h in courses.items()}
    figures.functions(seen, agreement, ylabel="agreement, %", ax=left)
    figures.functions(seen[1:], prior, ylabel="nats", ax=right)
    left.set(ylim=(0, 100), title="Reconstructions", xlabel="images seen, thousands")
    right.set(title="$L_{prior}$", xlabel="images seen, thousands")
    figures.reference_lines({"independent pairs, 10 %": 10}, ax=left)
    return figure


def gamma_sweep() -> Figure:
    """Draw likeness and samples over γ."""
    figure, axes = _sweep(gammas(), "weight $\\gamma$")
    for ax in axes:
        ax.set_xscale("log")
        ax.axvline(config(DISL).gamma, color=figures.MUTED, linestyle=(0, (1, 1.5)), linewidth=1.2)
    return figure


def layer_sweep() -> Figure:
    """Draw likeness and samples over the layer l."""
    figure, axes = _sweep(layers(), "layer $l$")
    for ax in axes:
        ax.set_xticks(list(layers()))
    return figure


def _sweep(swept: Mapping[Any, str], xlabel: str) -> tuple[Figure, list[Axes]]:
    figure, axes = figures.panels(2, height=2.5)
    found: dict[str, list[Metric]] = {
        "agreement of reconstructions, %": [study("agreement", c).percent for c in swept.values()],
        "distance of samples": [study("fid_judge", case) for case in swept.values()],
    }
    for ax, (title, metrics) in zip(axes, found.items(), strict=True):
        means, errors = [m.mean for m in metrics], [m.sem for m in metrics]
        figures.lines([*swept], {title: means}, {title: errors}, xlabel=xlabel, title=title, ax=ax)
        ax.legend().remove()
    return figure, axes
