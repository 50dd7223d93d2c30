"""The page *VAE-GAN*, its closer looks: the unlearning, the controls, γ and the layer, pairs of images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import below, check, number, run, signed, table
from chapters_lib.pages.vae_gan import (
    CONV,
    DISL,
    JOINT,
    PAGE,
    STUDY,
    WARM,
    WARM_PAPER,
    cases,
    config,
    percent,
)
from chapters_lib.recipes.vae_gan_study import gamma_name
from chapters_lib.recording.runs import Metric


def _rivals() -> None:
    """Glue how often a shifted copy is before the rival that each measure chooses, in percent, over images."""
    found = run("vaegan-rivals-fashion-mnist")
    for kind in ("pixel", "full", "conv", "judge"):
        PAGE.keep(**{f"own_rival_{kind}": 100 * found[f"{kind}_own_rival"]})
    for kind in ("full", "conv"):
        less = found.metric(f"{kind}_less_pixel")
        PAGE.keep(**{f"{kind}_less": signed(100 * less.mean)})
        PAGE.keep(**{f"{kind}_less_sem": 100 * less.sem})
        PAGE.keep(**{f"own_rival_{kind}_first": 100 * found[f"{kind}_untrained_own_rival"]})
        check({f"{kind}: no gain over pixels is shown": less.mean < 2 * less.sem})
    control = run("vae-conv-fashion-mnist")
    PAGE.keep(conv_vae_fid=control["fid_judge"], conv_vae_share=100 * control["recognisable"])


def numbers() -> None:
    """Give the text the numbers of the closer looks, and hold its claims against them."""
    _unlearning()
    _controls()
    _sweeps()
    _sweep_claims()
    _pairs()
    _pairs_claims()
    _rivals()


def study(key: str, case: str) -> Metric:
    """Return a metric of a case of the study, on held-out training images."""
    return run(STUDY).metric(f"val_{key}_{case}")


def unlearning() -> Figure:
    """Draw agreement and L_prior over the images seen, from a trained VAE on, under both routings."""
    courses = {"joint": run(WARM).history, "paper's routing": run(WARM_PAPER).history}
    seen = courses["joint"].column("images").cumsum() / 1000
    figure, (left, right) = figures.panels(2, height=2.5)
    agreement = {label: 100 * h.column("train_agreement") for label, h in courses.items()}
    prior = {label: h.column("prior")[1:] for label, h in courses.items()}
    figures.functions(seen, agreement, ylabel="agreement, per cent", ax=left)
    figures.functions(seen[1:], prior, ylabel="nats", ax=right)
    left.set(ylim=(0, 100), title="Reconstructions", xlabel="images seen, thousands")
    right.set(title="$L_{prior}$", xlabel="images seen, thousands")
    figures.reference_lines({"chance": 10}, ax=left)
    return figure


def _unlearning() -> None:
    both = run(WARM), run(WARM_PAPER)
    joint, paper = (100 * r.history.column("train_agreement") for r in both)
    looks = [r.history.column("images").cumsum() / 1000 for r in both]
    PAGE.keep(warm_begin=joint[0], warm_joint=joint[-1], warm_paper=paper[-1])
    PAGE.keep(warm_paper_half=looks[1][1])
    claims = {
        "both begin where the VAE ended": abs(joint[0] - paper[0]) < 1e-9 and joint[0] > 50,
        "under the paper's routing it ends near chance": paper[-1] < 20,
        "jointly minimised, too": joint[-1] < 25,
        "nothing of it is left at the first look": max(joint[1], paper[1]) < 12,
        "which is at the same time in both": looks[0][1] == looks[1][1],
        "and after a tenth of a pass": config(WARM).portion == config(WARM_PAPER).portion == 0.1,
        "the recorded final numbers say the same": all(
            r["agreement"] - r["agreement_shuffled"] < 0.1 for r in both
        ),
    }
    check(claims)


def at_run() -> str:
    """Return the name of the study's case that has the γ and the layer of the full run."""
    return gamma_name(config(DISL).gamma)


def table_controls() -> Markdown:
    """Return the short trainings with and without the term, on 20 units and on two."""
    labels = {
        at_run(): "20 units, full loss",
        "basic": "20 units, basic loss, paper's routing",
        "basic-joint": "20 units, basic loss, joint",
        "two-units": "two units (first chapter's layers), with the term, reconstructions alone judged",
    }
    rows = [["Short training", "agreement, %", "shuffled, %", "`fid_judge`", "`recognisable`"]]
    for case, label in labels.items():
        shares = [percent(study(key, case)) for key in ("agreement", "agreement_shuffled")]
        judged = [number(study("fid_judge", case), 2), number(study("recognisable", case), 3)]
        rows.append([label, *shares, *judged])
    caption = (
        "What the term does, and what the network and the number of units do: short trainings, measured on held-out "
        "training images. Mean ± standard error over three seeds."
    )
    return table(caption, "tab-vaegan-controls", "40 15 15 15 15", rows)


def _controls() -> None:
    full, joint = run(DISL), run(JOINT)
    least = min(full.metric("agreement").values) - max(joint.metric("agreement").values)
    PAGE.keep(gain=100 * (full["agreement"] - joint["agreement"]), least_gain=100 * least)
    controls = ("basic", "basic-joint", "two-units")
    with_term = study("agreement", at_run())
    basic, basic_joint, two = (study("agreement", case) for case in controls)
    PAGE.keep(control_basic=100 * basic.mean, control_joint=100 * basic_joint.mean)
    PAGE.keep(control_two=100 * two.mean)
    plain, pair, ours = cases()["basic"], cases()["two-units"], config(DISL)
    claims = {
        "at least 40 points, in every pair of trainings": least >= 0.40,
        "20 units alone do not do it": below(basic, with_term),
        "under neither routing": max(*basic.values, *basic_joint.values) < 0.2,
        "two units gain, too": min(two.values) - max(basic.values) > 0.25,
        "and less than twenty": below(two, with_term),
        "one control has no term": plain.layer is None and plain.latent == ours.latent,
        "the other has two units and the term": (pair.latent, pair.layer) == (2, ours.layer),
        "pixel errors are smaller than shuffled": below(
            full.metric("test_mse"), full.metric("test_mse_shuffled")
        ),
    }
    check(claims)


def gammas() -> dict[float, str]:
    """Return the study's cases by γ, rising."""
    swept = (c.gamma for name, c in cases().items() if name.startswith("gamma"))
    return {gamma: gamma_name(gamma) for gamma in sorted(swept)}


def layers() -> dict[int, str]:
    """Return the study's cases by layer; 0 is the pixels."""
    return {n: f"layer-{n}" for n in range(4)} | {config(DISL).layer: at_run()}


def gamma_sweep() -> Figure:
    """Draw likeness and samples over γ."""
    figure, axes = _sweep(gammas(), "$\\gamma$")
    dotted = (0, (1, 1.5))
    for ax in axes:
        ax.set_xscale("log")
        ax.axvline(config(DISL).gamma, color=figures.MUTED, linestyle=dotted, linewidth=1.2)
    return figure


def layer_sweep() -> Figure:
    """Draw likeness and samples over the layer l."""
    figure, axes = _sweep(layers(), "layer $l$")
    for ax in axes:
        ax.set_xticks(list(layers()))
    return figure


def _sweep(swept: Mapping[Any, str], xlabel: str) -> tuple[Figure, list[Axes]]:
    figure, axes = figures.panels(3, height=2.4)
    for ax, title, key, scale in zip(
        axes,
        ("agreement, per cent", "distance of samples", "recognised, per cent"),
        ("agreement", "fid_judge", "recognisable"),
        (100, 1, 100),
        strict=True,
    ):
        metrics = [study(key, case) for case in swept.values()]
        means, errors = [scale * m.mean for m in metrics], [scale * m.sem for m in metrics]
        figures.lines([*swept], {title: means}, {title: errors}, xlabel=xlabel, title=title, ax=ax)
        ax.legend().remove()
    return figure, axes


def chosen(names: Sequence[str], *, first_rule: bool = False) -> str:
    """Return the first case with nine tenths of the best agreement whose distance is not told from the least of these.

    By two standard errors of the difference; by the rule that was written down first, one of the least.
    """
    agreement = [study("agreement", name).mean for name in names]
    distances = {name: study("fid_judge", name) for name in names}
    good = [n for n, share in zip(names, agreement, strict=True) if share >= 0.9 * max(agreement)]
    least = min((distances[name] for name in good), key=lambda metric: metric.mean)

    error = {n: math.hypot(distances[n].sem, least.sem) for n in good}
    margin = {n: least.sem if first_rule else 2 * error[n] for n in good}
    return next(n for n in good if distances[n].mean - least.mean <= margin[n])


def at_the_end(case: str, term: str) -> float:
    """Return a term of the loss in a case's last epoch, the mean over seeds."""
    history = run(STUDY).history.where("case", list(cases()).index(case))
    return float(history.where("epoch", cases()[case].epochs).column(term).mean())


def _sweeps() -> None:
    small, *_, large = gammas()
    PAGE.keep(gamma_small=f"{small:g}", gamma_large=f"{large:g}")
    for word, share, case in (
        ("small", "gamma_small_share", gamma_name(small)),
        ("best", "gamma_run_share", at_run()),
        ("large", "gamma_large_share", gamma_name(large)),
    ):
        PAGE.keep(**{f"{word}_agreement": 100 * study("agreement", case).mean})
        PAGE.keep(**{f"{word}_fid": study("fid_judge", case).mean})
        PAGE.keep(**{share: 100 * study("recognisable", case).mean})
    for n, case in layers().items():
        PAGE.keep(**{f"layer_{n}_agreement": 100 * study("agreement", case).mean})
        PAGE.keep(**{f"layer_{n}_fid": study("fid_judge", case).mean})
        PAGE.keep(**{f"layer_{n}_kl": at_the_end(case, "prior")})
        PAGE.keep(**{f"layer_{n}_likeness": at_the_end(case, "likeness")})


def _sweep_claims() -> None:
    by_gamma, by_layer, ours = list(gammas().values()), list(layers().values()), at_run()
    small, large, flat = by_gamma[0], by_gamma[-1], by_gamma[by_gamma.index(ours) :]
    names = {*by_gamma, *by_layer, "basic"}
    agreement = {name: study("agreement", name) for name in names}
    distance = {name: study("fid_judge", name) for name in names}
    at_ours, far = agreement[ours].mean, distance[ours].mean
    nats = [at_the_end(name, "prior") for name in by_layer]
    claims = {
        "the run's gamma is the rule's": chosen(by_gamma) == ours,
        "the first rule takes the largest gamma": chosen(by_gamma, first_rule=True) == large,
        "and the pixels": chosen(by_layer, first_rule=True) == "layer-0",
        "the run's layer is the rule's, among hidden ones": chosen(by_layer[1:]) == ours,
        "a small gamma loses likeness": below(agreement[small], agreement[ours]),
        "and samples": below(distance[ours], distance[small]),
        "from the run's on likeness stays": all(
            abs(agreement[name].mean - at_ours) < 0.05 for name in flat
        ),
        "and samples do": all(abs(distance[name].mean - far) < 0.05 * far for name in flat),
        "the largest is the least by a hair": all(
            distance[large].mean < distance[name].mean for name in by_gamma[:-1]
        ),
        "the layer of the run has the most agreement": all(
            below(agreement[name], agreement[ours]) for name in by_layer if name != ours
        ),
        "pixels have the nearest samples": all(
            below(distance["layer-0"], distance[name]) for name in by_layer[1:]
        ),
        "at a KL like the first layers'": all(abs(nats[0] - nats[n]) < 1 for n in (1, 2)),
        "which is less than half the run's": nats[3] > 2 * nats[0],
        "without the term samples are no nearer": below(distance[ours], distance["basic"]),
    }
    check(claims)


def pairs() -> Figure:
    """Draw an image and its four partners, with the ranks that pixels and the layer give these."""
    panels = run(CONV).panels
    pixel, layer = (
        panels[f"pairs_{by}"].argsort(0).argsort(0)[:, 0] + 1 for by in ("pixel", "layer")
    )
    titles = ["original"]
    for partner, *ranks in zip(("shifted", "blurred", "noisy", "other"), pixel, layer, strict=True):
        titles.append("{}\npixels: {}\nlayer: {}".format(partner, *ranks))
    row = np.stack([panels["paired"][0], *panels["pairs"][:, 0]])
    return figures.image_rows({" ": row}, titles, width=5.0)


def _shift_before(other: str) -> dict[str, Metric]:
    """Return, by each measure, how often the shifted copy is nearer than another partner."""
    key, full, conv = f"shift_before_{other}", run(DISL), run(CONV)
    shares = {"pixel": conv.metric(f"{key}_pixel"), "full": full.metric(f"{key}_layer")}
    return shares | {by: conv.metric(f"{key}_{by}") for by in ("layer", "judge")}


def table_pairs() -> Markdown:
    """Return how often the shifted copy is nearer than another partner, by each measure."""
    head = ["pixels", "Dis$_l$, fully connected", "Dis$_l$, convolutional", "judge"]
    rows = [["Share of 1,000 images, %", *head]]
    partners = {
        "other": "nearest of another class",
        "noisy": "noisy copy",
        "blurred": "blurred copy",
    }
    for other, label in partners.items():
        shares = _shift_before(other).values()
        rows.append([f"shifted copy is nearer than the {label}", *map(percent, shares)])
    caption = (
        "In how many per cent of the images the copy that was shifted by one pixel is nearer to the original than "
        "another partner, by three kinds of measure."
    )
    return table(caption, "tab-vaegan-pairs", "36 12 18 18 12", rows)


def _pairs() -> None:
    for other in ("other", "noisy", "blurred"):
        for by, metric in _shift_before(other).items():
            if by != "judge" or other == "other":
                PAGE.keep(**{f"shift_{other}_{by}": 100 * metric.mean})
    shifted, _, noisy, _ = run(CONV).panels["pairs_pixel"]
    PAGE.keep(noisy_left=100 * float((noisy / shifted).mean()))


def _pairs_claims() -> None:
    shifted, _, noisy, another = run(CONV).panels["pairs_pixel"]
    share = {by: metric.mean for by, metric in _shift_before("other").items()}
    by_pixel = run(DISL).metric("shift_before_other_pixel")
    claims = {
        "clipping leaves the noise a part of the shift's error": (noisy < shifted).all(),
        "the layer keeps the shift nearer than pixels do": share["layer"] > share["pixel"] + 0.05,
        "and so does the judge": share["judge"] > share["pixel"] + 0.05,
        "and the fully connected layer": below(by_pixel, _shift_before("other")["full"]),
        "the panels are the metrics": abs((shifted < another).mean() - share["pixel"]) < 3e-3,
    }
    for other in ("noisy", "blurred"):
        shares = list(_shift_before(other).values())
        claims[f"{other}: pixels, fully connected, convolutions, judge"] = all(
            map(below, shares, shares[1:])
        )
        claims[f"{other}: the judge alone mostly keeps it nearer"] = (
            shares[2].mean < 0.5 < shares[3].mean
        )
    check(claims)
