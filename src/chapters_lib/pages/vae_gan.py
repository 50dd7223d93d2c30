"""The page *VAE-GAN*: settings, reconstructions, scoreboard, digits; `vae_gan_studies` looks closer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.models.layers import count_parameters
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.vae_gan import Terms, network_losses
from chapters_lib.pages import Page, below, check, model, number, run, table
from chapters_lib.recording.runs import Metric, Run

PAGE = Page("vaegan")
JOINT, PAPER = "vaegan-fashion-mnist", "vaegan-fashion-mnist-paper"  # the basic loss
MNIST = "vaegan-mnist"
WARM, WARM_PAPER = "vaegan-fashion-mnist-warm", "vaegan-fashion-mnist-paper-warm"
DISL, CONV = "vaegan-disl-fashion-mnist", "vaegan-conv-fashion-mnist"  # the full loss
STUDY = "vaegan-study-fashion-mnist"
VAE, VAE2, CODER = "vae-fashion-mnist", "vae-2d-fashion-mnist", "ae-fashion-mnist"
LIKENESS = (
    *("agreement", "agreement_shuffled", "test_mse", "test_mse_shuffled"),
    *("feature_distance", "feature_distance_shuffled"),
)


def numbers() -> None:
    """Give the text the numbers of the recorded runs, and hold its claims against them."""
    figures.use_style()
    _settings()
    _settings_claims()
    _basic_loss()
    basic_claims()
    _scoreboard()


@cache
def config(name: str) -> SimpleNamespace:
    """Return the configuration that a run was trained by."""
    return SimpleNamespace(**run(name).config)


@cache
def cases() -> dict[str, SimpleNamespace]:
    """Return the configurations of the study's short trainings, by name."""
    return {name: SimpleNamespace(**case) for name, case in run(STUDY).config["cases"]}


def earlier(key: str, name: str) -> Metric:
    """Return a metric of the first training of an earlier chapter's model, as the study measured it."""
    value = run(STUDY).metric(f"{key}_{name}").values[0]
    return Metric(value, math.nan, (value,))


def percent(metric: Metric) -> str:
    """Return a share in per cent, with its standard error over seeds where there are several."""
    values = tuple(100 * value for value in metric.values)
    return number(Metric(100 * metric.mean, 100 * metric.sem, values), 1)


@cache
def units(name: str) -> int:
    """Return how many units the layer has in which a run measures likeness."""
    image = torch.zeros(1, 1, 28, 28)
    seen, _ = model(name).discriminator.layer_and_features(image, config(name).layer)
    return seen.shape[1]


def _settings() -> None:
    joint, full, conv = config(JOINT), config(DISL), config(CONV)
    keep = PAGE.keep
    keep(epochs=joint.epochs, batch=joint.batch_size, beta1=f"{joint.beta1:g}")
    keep(rate=f"{joint.learning_rate:g}", d_rate=f"{joint.discriminator_rate:g}")
    keep(d_layers=len(joint.discriminator_hidden), d_width=joint.discriminator_hidden[0])
    keep(d_parameters=f"{count_parameters(model(JOINT).discriminator):,.0f}")
    for prefix, name in {"": JOINT, "full_": DISL, "conv_": CONV}.items():
        keep(**{f"{prefix}parameters": f"{run(name)['parameters']:,.0f}"})
    keep(minutes=run(JOINT)["train_seconds"] / 60, conv_minutes=run(CONV)["train_seconds"] / 60)
    keep(latent=full.latent, gamma=f"{full.gamma:g}", layer=full.layer, full_epochs=full.epochs)
    keep(conv_gamma=f"{conv.gamma:g}", conv_layer=conv.layer, conv_width=conv.width)
    keep(conv_epochs=conv.epochs, study_epochs=cases()["basic"].epochs)
    keep(full_units=units(DISL), conv_units=units(CONV))


def _settings_claims() -> None:
    joint, mnist, full, conv = (vars(config(name)) for name in (JOINT, MNIST, DISL, CONV))
    coder, vae = config(CODER), config(VAE)
    alike = ("epochs", "discriminator_rate", "learning_rate", "batch_size", "latent", "routing")
    both = {"reconstruction", "sample"}
    seeds = {name: len(run(name).provenance["seeds"]) for name in (JOINT, DISL, STUDY)}
    once = [len(run(name).provenance["seeds"]) for name in (PAPER, MNIST, CONV, WARM, WARM_PAPER)]
    followed = ((config(WARM), config(JOINT)), (config(WARM_PAPER), config(PAPER)))
    claims = {
        "the first run is jointly minimised": joint["routing"] == "joint",
        "the routing alone differs": joint | {"routing": "paper"} == vars(config(PAPER)),
        "digits are trained like garments": all(joint[key] == mnist[key] for key in alike),
        "all by -log D": not joint["saturating"] and not mnist["saturating"],
        "garments start from their VAE": joint["start"] == VAE2,
        "digits start from theirs": mnist["start"] == "vae-2d-mnist",
        "no images are compared": joint["layer"] is None and mnist["layer"] is None,
        "reconstructions alone are judged": joint["drawn"] == ["reconstruction"],
        "the first chapter's layers": joint["hidden"] == coder.hidden,
        "the first chapter's two units": joint["latent"] == coder.code == 2,
        "the full loss is Algorithm 1's": full["routing"] == conv["routing"] == "paper",
        "with the term": bool(full["layer"] and conv["layer"]),
        "and both kinds of drawn images": set(full["drawn"]) == set(conv["drawn"]) == both,
        "by log(1 - D)": full["saturating"] and conv["saturating"],
        "the VAE's layers": full["hidden"] == vae.hidden,
        "the VAE's units": full["latent"] == conv["latent"] == vae.latent,
        "gamma falls as the layer's units rise": math.isclose(
            conv["gamma"] * units(CONV), full["gamma"] * units(DISL), abs_tol=1e-9
        ),
        "three trainings": set(seeds.values()) == {3},
        "one training": set(once) == {1},
        "what is followed closely starts alike": all(a.start == b.start for a, b in followed),
        "is routed alike": all(a.routing == b.routing for a, b in followed),
        "and descends log(1 - D)": all(a.saturating for a, _ in followed),
    }
    check(claims)


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
    check({"the same images": all((images == rows["original"]).all() for images in others)})
    return figures.image_rows(rows)


def mnist_reconstructions() -> Figure:
    """Draw ten test digits, and what mean codes and drawn codes of the basic loss make of them."""
    panels = run(MNIST).panels
    rows = {"original": panels["images"], "joint,\nmean code": panels["reconstructions"]}
    return figures.image_rows(rows | {"joint,\ndrawn code": panels["drawn_reconstructions"]})


def _basic_loss() -> None:
    for short, name, keys in (
        ("joint", JOINT, (*LIKENESS, "drawn_agreement", "test_kl")),
        ("paper", PAPER, ("agreement", "agreement_shuffled", "drawn_agreement", "test_kl")),
        ("mnist", MNIST, (*LIKENESS, "drawn_agreement")),
        ("disl", DISL, ("agreement", "test_mse", "test_kl")),
        ("conv", CONV, ("agreement", "test_mse")),
    ):
        for key in keys:
            PAGE.keep(**{f"{short}_{key}": run(name)[key] * (100 if "agreement" in key else 1)})
    PAGE.keep(vae_agreement=100 * earlier("agreement", "vae").mean)
    PAGE.keep(vae_2d_agreement=100 * earlier("agreement", "vae-2d").mean)


def basic_claims() -> None:
    """Check that under the basic loss reconstructions say nothing of their originals."""
    paper = run(PAPER)
    rows = [run(name).panels["reconstructions"].astype(float) for name in (JOINT, PAPER)]
    claims = {
        "the paper's routing leaves no KL": paper["test_kl"] < 0.05 and paper["active_units"] == 0,
        "mean codes give one image for all": all(row.std(0).mean() < 3 for row in rows),
    }
    for name in (JOINT, PAPER, MNIST):
        for key in ("agreement", "drawn_agreement", "test_mse", "feature_distance"):
            own, other = (run(name).metric(f"{key}{end}").values for end in ("", "_shuffled"))
            claims[f"{name}: {key} is hardly better than shuffled"] = all(
                a - b < 0.05 if "agreement" in key else a > 0.9 * b
                for a, b in zip(own, other, strict=True)
            )
    check(claims)


def table_likeness() -> Markdown:
    """Return how like their originals reconstructions are, by the page's models and earlier ones."""
    own = {"Basic, joint": JOINT, "Basic, paper's routing": PAPER, "Basic, joint, MNIST": MNIST}
    own |= {"Full, fully connected": DISL, "Full, convolutional": CONV}
    old = {"Autoencoder, two units": "ae", "Autoencoder, normalised units": "normalised"}
    old |= {"VAE, two units": "vae-2d", "VAE, 784-400-20": "vae"}
    found = {label: [run(name).metric(key) for key in LIKENESS] for label, name in own.items()}
    found |= {label: [earlier(key, name) for key in LIKENESS] for label, name in old.items()}
    rows = [["Model", "agreement, %", "shuffled, %", "error per pixel", "shuffled"]]
    rows[0] += ["feature distance", "shuffled"]
    for label, metrics in found.items():
        rest = map(number, metrics[2:], (4, 4, 1, 1))
        rows.append([label, percent(metrics[0]), percent(metrics[1]), *rest])
    caption = (
        "How like their originals the reconstructions of the 10,000 test images are (from mean codes), beside the "
        "same under shuffled pairing. Mean ± standard error over three trainings, where there are three. "
        "Fashion-MNIST but for the third row; errors and distances of the two data sets are not comparable."
    )
    return table(caption, "tab-vaegan-likeness", "22 13 13 13 13 13 13", rows)


def convolutional_reconstructions() -> Figure:
    """Draw ten test images, and what both networks of the full loss make of them."""
    rows = {"original": run(CONV).panels["images"]}
    for label, name in {"fully\nconnected": DISL, "convolutions": CONV}.items():
        rows[label] = run(name).panels["reconstructions"]
    return figures.image_rows(rows)


def table_scoreboard() -> Markdown:
    """Return how the judge scores samples and reconstructions of every model so far."""
    shares = {
        name: percent(earlier("agreement", name)) for name in ("ae", "normalised", "vae-2d", "vae")
    }
    shares |= {name: percent(run(name).metric("agreement")) for name in (JOINT, PAPER, DISL, CONV)}
    digits = {"recognisable": 3, "class_entropy": 3, "fid_judge": 2}
    rows = [["Model", *(f"`{key}`" for key in digits), "agreement, %"]]
    for label, name, prefix, reconstructed in (
        ("Real test images", "judge-fashion-mnist", "", ""),
        ("Autoencoder, `torch.randn`", CODER, "standard_normal_", "ae"),
        ("Autoencoder, normal codes with its moments", CODER, "fitted_normal_", "ae"),
        ("Autoencoder, normalised units", "ae-normalized-fashion-mnist", "", "normalised"),
        ("VAE, two units", VAE2, "", "vae-2d"),
        ("VAE, 784-400-20", VAE, "", "vae"),
        ("VAE-GAN, basic, joint", JOINT, "", JOINT),
        ("VAE-GAN, basic, paper's routing", PAPER, "", PAPER),
        ("VAE-GAN, full", DISL, "", DISL),
        ("VAE-GAN, full, convolutions", CONV, "", CONV),
    ):
        scores = [number(run(name).metric(prefix + key), n) for key, n in digits.items()]
        rows.append([label, *scores, shares.get(reconstructed, "–")])
    caption = (
        "Fashion-MNIST: how the judge scores ten thousand samples of every model so far, and how often it takes a "
        "reconstruction for its original's class; mean ± standard error over trainings, where there are several "
        "(agreement of earlier models: of the first one). The first row is the yardstick, its distance taken to the "
        "training set."
    )
    return table(caption, "tab-vaegan-board", "36 17 17 15 15", rows)


def draws_better(good: Run, other: Run) -> bool:
    """Whether samples are nearer and recognised more often, in every pair of trainings."""
    nearer = below(good.metric("fid_judge"), other.metric("fid_judge"))
    return nearer and below(other.metric("recognisable"), good.metric("recognisable"))


def _scoreboard() -> None:
    joint, full, conv, vae, vae2 = (run(name) for name in (JOINT, DISL, CONV, VAE, VAE2))
    for short, r in {"joint": joint, "disl": full, "conv": conv, "vae": vae, "vae2": vae2}.items():
        PAGE.keep(**{f"{short}_fid": r["fid_judge"], f"{short}_share": 100 * r["recognisable"]})
    marks = {
        "lower `fid_judge` than the VAE": below(conv.metric("fid_judge"), vae.metric("fid_judge")),
        "higher `recognisable`": below(vae.metric("recognisable"), conv.metric("recognisable")),
        "agreement of at least 80 %": conv["agreement"] >= 0.8,
    }
    PAGE.keep(met=("none", "one", "two", "all three")[sum(marks.values())])
    PAGE.keep(vae_mse=vae["test_mse"])
    claims = {
        "convolutions draw better": draws_better(conv, full),
        "and agree more": below(full.metric("agreement"), conv.metric("agreement")),
        "the basic loss draws worse than the VAE of its layers": draws_better(vae2, joint),
        "fully connected, the full loss is no gain over the VAE": draws_better(vae, full),
        "and agrees as often": abs(full["agreement"] - earlier("agreement", "vae").mean) < 0.02,
        "the VAE has the smaller pixel error": all(
            below(vae.metric("test_mse"), r.metric("test_mse")) for r in (conv, full)
        ),
    }
    check(marks | claims)


def digits_gradients(
    model: VAEGAN, terms: Terms, norms: Callable[[Tensor, VAEGAN], list[float]]
) -> None:
    """Check which term depends on which network, and that the routing stops what the text says."""
    losses = network_losses(terms, gamma=0.1)
    without = network_losses(terms._replace(likeness=torch.zeros(())), gamma=0.1)
    prior, *others = (norms(term, model) for term in (terms.prior, terms.likeness, terms.value))
    claims = {
        "the prior depends on the encoder alone": prior[0] > 0 and prior[1:] == [0, 0],
        "likeness and value depend on all three": all(v > 0 for row in others for v in row),
        "the routing stops the likeness before D": norms(losses.discriminator, model)[2]
        == norms(without.discriminator, model)[2],
        "and the value before the encoder": norms(without.encoder, model) == prior,
    }
    check(claims)


def digits_rows(rows: Mapping[str, Tensor]) -> Figure:
    """Draw ten digits, and what the three models make of drawn codes."""
    labels = ("original", "basic,\npaper's", "basic,\njoint", "with the\nlikeness")
    return figures.image_rows(dict(zip(labels, rows.values(), strict=True)))


def digits_likeness(again: Mapping[str, tuple[float, float]], kl: Mapping[str, float]) -> None:
    """Give the text what the three models of digits reconstruct, and check what it says of them."""
    (paper, paper_shuffled), (joint, joint_shuffled), (full, full_shuffled) = again.values()
    paper_kl, _, full_kl = kl.values()
    PAGE.keep(digits_paper=paper, digits_joint=joint, digits_full=full)
    PAGE.keep(digits_paper_shuffled=paper_shuffled, digits_joint_shuffled=joint_shuffled)
    PAGE.keep(digits_paper_kl=paper_kl, digits_full_kl=full_kl)
    claims = {
        "by the paper's basic loss no better than shuffled": paper < paper_shuffled + 10,
        "nor jointly": joint < joint_shuffled + 10,
        "with the likeness far better": full > full_shuffled + 40,
        "the paper's routing leaves no KL": paper_kl < 0.05,
        "the full loss has more": full_kl > 3,
    }
    check(claims)


def digits_yardstick(shrunk: tuple[float, float], cured: tuple[float, float]) -> None:
    """Give the text the distance of two digits and the agreement, with the leak and without."""
    PAGE.keep(shrunk_apart=shrunk[0], cured_apart=cured[0])
    PAGE.keep(shrunk_agree=shrunk[1], cured_agree=cured[1])
    shrinks = shrunk[0] < 0.5 * cured[0]
    check({"the yardstick shrinks": shrinks, "and agreement suffers": shrunk[1] < cured[1] - 10})
