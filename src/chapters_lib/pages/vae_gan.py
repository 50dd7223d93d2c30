"""The page *VAE-GAN*: its numbers, its tables, and what it claims of the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from IPython.display import Markdown

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval, welch
from chapters_lib.models.layers import count_parameters
from chapters_lib.pages import Page, check, interval, model, number, run, signed, table
from chapters_lib.pages.claims import Verdict, greater, less, level, shown
from chapters_lib.recipes.vae_gan_study import gamma_name
from chapters_lib.recording.runs import Metric

PAGE = Page("vaegan")
JOINT, PAPER = "vaegan-fashion-mnist", "vaegan-fashion-mnist-paper"  # the basic loss
MNIST = "vaegan-mnist"
WARM, WARM_PAPER = "vaegan-fashion-mnist-warm", "vaegan-fashion-mnist-paper-warm"
DISL, CONV = "vaegan-disl-fashion-mnist", "vaegan-conv-fashion-mnist"  # the full loss
STUDY, RIVALS = "vaegan-study-fashion-mnist", "vaegan-rivals-fashion-mnist"
VAE, VAE2, CODER = "vae-fashion-mnist", "vae-2d-fashion-mnist", "ae-fashion-mnist"
CONV_VAE = "vae-conv-fashion-mnist"
COUNTS = ("no", "one", "two", "three", "four", "five")
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
    value = run(STUDY).metric(f"{key}_{name}").values[0]
    return Metric(value, math.nan, (value,))


def spread(name: str, key: str) -> Metric:
    """Return a metric of the trainings whose spread a single one is taken to have."""
    return run(name).metric(key)


def hundred(metric: Metric) -> Metric:
    """Return a share in per cent."""
    return Metric(100 * metric.mean, 100 * metric.sem, tuple(100 * v for v in metric.values))


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
    keep(d_parameters=f"{count_parameters(model(JOINT).discriminator):,.0f}")
    for prefix, name in {"": JOINT, "full_": DISL, "conv_": CONV}.items():
        keep(**{f"{prefix}parameters": f"{run(name)['parameters']:,.0f}"})
    keep(latent=full.latent, gamma=f"{full.gamma:g}", layer=full.layer)
    keep(conv_gamma=f"{conv.gamma:g}", conv_layer=conv.layer, conv_width=conv.width)
    keep(conv_epochs=conv.epochs, study_epochs=cases()["basic"].epochs)
    keep(full_units=units(DISL), conv_units=units(CONV))
    count = {
        name: len(run(name).provenance["seeds"]) for name in (JOINT, DISL, STUDY, CONV, CONV_VAE)
    }
    keep(trainings=COUNTS[count[JOINT]], full_trainings=COUNTS[count[DISL]])
    keep(study_trainings=COUNTS[count[STUDY]])
    for key, name in {"conv": CONV, "conv_vae": CONV_VAE}.items():
        many = "s" if count[name] > 1 else ""
        keep(**{f"{key}_trainings": f"{COUNTS[count[name]]} training{many}"})


def _alike() -> None:
    """Check what the text says of the configurations."""
    joint, mnist, full, conv = (vars(config(name)) for name in (JOINT, MNIST, DISL, CONV))
    plain, pair, control = cases()["basic"], cases()["two-units"], config(CONV_VAE)
    shared = ("width", "latent", "epochs", "batch_size", "learning_rate", "beta1")
    basic = {"routing": "joint", "layer": None, "drawn": ["reconstruction"], "saturating": False}
    whole = {"routing": "paper", "drawn": ["reconstruction", "sample"], "saturating": True}
    check(
        {
            "the basic loss, jointly": joint | basic == joint,
            "the routing alone differs": joint | {"routing": "paper"} == vars(config(PAPER)),
            "from their VAEs": (joint["start"], mnist["start"]) == (VAE2, "vae-2d-mnist"),
            "the first chapter's two units": joint["latent"] == config(CODER).code == 2,
            "Algorithm 1's, with both kinds": all(it | whole == it for it in (full, conv)),
            "the VAE's layers": full["hidden"] == config(VAE).hidden,
            "the VAE's units": full["latent"] == conv["latent"] == config(VAE).latent,
            "γ by the units": math.isclose(
                conv["gamma"] * units(CONV), full["gamma"] * units(DISL)
            ),
            "followed by tenths": config(WARM).portion == config(WARM_PAPER).portion == 0.1,
            "a control without the term": (plain.layer, plain.latent) == (None, full["latent"]),
            "one with two units": (pair.layer, pair.latent) == (full["layer"], 2),
            "the control is the pair": all(vars(control)[key] == conv[key] for key in shared),
        }
    )


def _basic_loss() -> None:
    for short, name in {"joint": JOINT, "paper": PAPER, "mnist": MNIST}.items():
        for key in ("agreement", "agreement_shuffled"):
            PAGE.keep(**{f"{short}_{key}": 100 * run(name)[key]})
    for key in ("test_mse", "test_mse_shuffled"):
        PAGE.keep(**{f"joint_{key}": run(JOINT)[key]})
    PAGE.keep(joint_kl=run(JOINT)["test_kl"], paper_kl=run(PAPER)["test_kl"])
    both = run(WARM), run(WARM_PAPER)
    (begin, joint), (_, paper) = (100 * r.history.column("train_agreement")[:2] for r in both)
    PAGE.keep(warm_begin=begin, warm_joint=joint, warm_paper=paper)
    PAGE.keep(warm_images=both[0].history.column("images").cumsum()[1])


def _scores() -> None:
    full, joint, vae = run(DISL), run(JOINT), run(VAE)
    for short, name in {"disl": DISL, "conv": CONV, "conv_vae": CONV_VAE, "vae": VAE}.items():
        PAGE.keep(**{f"{short}_fid": run(name)["fid_judge"]})
        PAGE.keep(**{f"{short}_share": 100 * run(name)["recognisable"]})
    PAGE.keep(joint_fid=joint["fid_judge"], vae2_fid=run(VAE2)["fid_judge"])
    PAGE.keep(disl_agreement=100 * full["agreement"], conv_agreement=100 * run(CONV)["agreement"])
    PAGE.keep(
        vae_agreement=100 * earlier("agreement", "vae").mean,
        vae_mse=earlier("test_mse", "vae").mean,
    )
    PAGE.keep(disl_mse=full["test_mse"], disl_kl=full["test_kl"])
    for word, key, other in (
        ("gain", "agreement", joint),
        ("share", "recognisable", vae),
        ("distance", "fid_judge", vae),
    ):
        scale = 1 if word == "distance" else 100
        a, b = ([scale * value for value in it.metric(key).values] for it in (full, other))
        PAGE.keep(**{f"{word}_interval": interval(welch(a, b), 1)})


def _sweeps() -> None:
    small, *_, large = gammas()
    PAGE.keep(gamma_small=f"{small:g}", gamma_large=f"{large:g}")
    found = {"small": gamma_name(small), "run": at_run(), "large": gamma_name(large)}
    found |= {f"layer_{n}": case for n, case in layers().items()}
    found |= {"basic": "basic", "basic_joint": "basic-joint", "two": "two-units"}
    weight, layer = _by_rule(gammas()), _by_rule(dict(list(layers().items())[1:]))
    PAGE.keep(rule_gamma=f"{weight:g}", rule_layer=f"{layer:g}")
    for name, case in found.items():
        PAGE.keep(**{f"{name}_agreement": 100 * study("agreement", case).mean})
        if name in ("small", "run", "large", "layer_0", "layer_3"):
            PAGE.keep(**{f"{name}_fid": study("fid_judge", case).mean})


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
    for kind in ("pixel", "full", "conv"):
        PAGE.keep(**{f"own_rival_{kind}": 100 * found[f"{kind}_own_rival"]})
    for key in ("full_less_pixel", "conv_less_pixel", "full_less_untrained", "conv_less_untrained"):
        less_of = found.metric(key)
        PAGE.keep(**{key: f"{signed(100 * less_of.mean)} ± {100 * less_of.sem:.1f}"})


def over_images(key: str, sign: int) -> Verdict:
    """Return whether a difference over the thousand images has a sign, by its 95 % interval."""
    found = hundred(run(RIVALS).metric(key))
    reach = 1.96 * found.sem
    interval = Interval(found.mean, found.sem, found.mean - reach, found.mean + reach)
    return shown(interval, sign=sign, digits=1)


def _findings() -> None:
    """The findings of the runs; one training beside several takes their spread."""
    joint, full, conv, vae = (run(name) for name in (JOINT, DISL, CONV, VAE))
    agree, near, known = "agreement", "fid_judge", "recognisable"
    control = run(CONV_VAE)
    PAGE.claims(
        basic_agreement=level(joint.metric(agree), joint.metric(f"{agree}_shuffled")),
        basic_pixels=level(joint.metric("test_mse"), joint.metric("test_mse_shuffled")),
        basic_samples=greater(joint.metric(near), run(VAE2).metric(near)),
        term_gains=greater(full.metric(agree), joint.metric(agree)),
        vae_pixels=less(vae.metric("test_mse"), full.metric("test_mse")),
        full_share=less(full.metric(known), vae.metric(known)),
        full_distance=greater(full.metric(near), vae.metric(near)),
        full_agreement=level(full.metric(agree), earlier(agree, "vae"), spread=spread(DISL, agree)),
        conv_distance=less(conv.metric(near), full.metric(near), spread=spread(DISL, near)),
        conv_share=greater(conv.metric(known), full.metric(known), spread=spread(DISL, known)),
        conv_agreement=greater(conv.metric(agree), full.metric(agree), spread=spread(DISL, agree)),
        pair_distance=less(conv.metric(near), control.metric(near), spread=spread(VAE, near)),
        pair_share=level(conv.metric(known), control.metric(known), spread=spread(VAE, known)),
        control_share=level(control.metric(known), vae.metric(known), spread=spread(VAE, known)),
        rival_full=over_images("full_less_pixel", -1),
        rival_conv=over_images("conv_less_pixel", 0),
        rival_judge=over_images("judge_less_pixel", 1),
        rival_full_trained=over_images("full_less_untrained", 1),
        rival_conv_trained=over_images("conv_less_untrained", 1),
    )


def _findings_of_the_study() -> None:
    agreement = {name: study("agreement", name) for name in cases()}
    distance = {name: study("fid_judge", name) for name in cases()}
    ours, (small, *_, large) = at_run(), list(gammas().values())
    pixels, one, two, _ = layers().values()
    PAGE.claims(
        control_term=greater(agreement[ours], agreement["basic"]),
        control_joint=greater(agreement[ours], agreement["basic-joint"]),
        control_two=greater(agreement["two-units"], agreement["basic"]),
        gamma_agreement=less(agreement[small], agreement[ours]),
        gamma_distance=greater(distance[small], distance[ours]),
        gamma_flat=level(distance[ours], distance[large]),
        layer_one=greater(agreement[ours], agreement[one]),
        layer_two=greater(agreement[ours], agreement[two]),
        layer_pixels=greater(agreement[ours], agreement[pixels]),
        pixels_nearest=less(distance[pixels], distance[ours]),
    )


def table_likeness() -> Markdown:
    """Return how like their originals reconstructions are, by the page's models and earlier ones."""
    own = {"Basic, joint": JOINT, "Basic, paper's routing": PAPER, "Basic, joint, MNIST": MNIST}
    own |= {"Full, fully connected": DISL, "Full, convolutional": CONV}
    own |= {"VAE, convolutional": CONV_VAE}
    old = {"Autoencoder, two units": "ae", "VAE, two units": "vae-2d", "VAE, 784-400-20": "vae"}
    found = {label: [run(name).metric(key) for key in LIKENESS] for label, name in own.items()}
    found |= {label: [earlier(key, name) for key in LIKENESS] for label, name in old.items()}
    rows = [["Model", "agreement, %", "shuffled, %", "error per pixel", "shuffled"]]
    rows[0] += ["feature distance", "shuffled"]
    for label, metrics in found.items():
        shares = [number(hundred(metric), 1) for metric in metrics[:2]]
        rows.append([label, *shares, *map(number, metrics[2:], (4, 4, 1, 1))])
    caption = (
        "How like their originals the reconstructions of the 10,000 test images are (from mean codes), beside the "
        "same under shuffled pairing. Mean ± standard error over trainings; without ±, one training. Fashion-MNIST "
        "but for the third row, whose errors and distances are not comparable to the others'."
    )
    return table(caption, "tab-vaegan-likeness", "22 13 13 13 13 13 13", rows)


def table_controls() -> Markdown:
    """Return the short trainings with and without the term, on 20 units and on two."""
    labels = {
        at_run(): "20 units, full loss",
        "basic": "20 units, without the term, paper's routing",
        "basic-joint": "20 units, without the term, joint",
        "two-units": "two units, with the term",
    }
    rows = [["Short training", "agreement, %", "shuffled, %", "distance", "recognised, %"]]
    for case, label in labels.items():
        keys = ("agreement", "agreement_shuffled", "recognisable")
        agree, mixed, known = (number(hundred(study(key, case)), 1) for key in keys)
        rows.append([label, agree, mixed, number(study("fid_judge", case), 2), known])
    caption = (
        "What the term does, and what the network and the number of units do: short trainings, measured on "
        "held-out training images. Mean ± standard error over trainings. The 20-unit rows have samples as drawn "
        "images, too; the row with two units has reconstructions alone, and rates of its own."
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
        "the nearest image of another class, which each measure chooses for itself; ± is over images. First "
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
        rows.append([label, number(hundred(known), 1), number(even, 3), number(far, 2)])
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
    PAGE.claims(
        own=True,
        digits_basic=_own(max(paper, joint) < 20, paper, joint),
        digits_full=_own(full > full_shuffled + 40, full, full_shuffled),
    )


def digits_yardstick(shrunk: tuple[float, float], cured: tuple[float, float]) -> None:
    """Give the text the distance of two digits and the agreement, with the leak and without."""
    PAGE.keep(shrunk_apart=shrunk[0], cured_apart=cured[0])
    PAGE.keep(shrunk_agree=shrunk[1], cured_agree=cured[1])
    PAGE.claims(own=True, yardstick=_own(shrunk[0] < 0.5 * cured[0], shrunk[0], cured[0]))


def _own(holds: bool, a: float, b: float) -> Verdict:
    return Verdict(holds, f"{a:.1f} and {b:.1f}")
