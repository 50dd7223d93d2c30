"""What the page of the variational autoencoder shows of the KL term's weight: 784-200-32 on MNIST."""

from __future__ import annotations

from functools import cache

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.evaluation.judge import SURE, features_and_probabilities
from chapters_lib.experiments.vae import WEIGHTS, weight_name
from chapters_lib.pages import check, model, run, table
from chapters_lib.pages.vae import PAGE, config
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recording import runs
from chapters_lib.recording.judging import load_judge

ENOUGH = 0.95  # class entropy that a chosen weight must reach


def numbers() -> None:
    """Give the text its numbers of the weights, and check what it says of them."""
    _each_weight()
    _chosen_weight()
    _digits()


def study() -> dict[float, runs.Run]:
    """Return the recorded run of each weight."""
    return {beta: run(weight_name(beta)) for beta in WEIGHTS}


def even() -> list[float]:
    """Return the weights whose new images are even enough over the classes."""
    return [beta for beta, found in study().items() if found["class_entropy"] >= ENOUGH]


def winner() -> float:
    """Return the weight of the smallest distance to training images among these."""
    return min(even(), key=lambda beta: study()[beta]["train_fid_judge"])


def measures() -> Markdown:
    """Return bound, units and the judge's view of each weight, the chosen one in bold."""
    columns = {
        "reconstruction": ("test_reconstruction", ".1f"),
        "KL": ("test_kl", ",.1f"),
        "$-\\mathcal{L}$": ("test_negative_elbo", ",.1f"),
        "units": ("active_units", ".0f"),
        "recognised": ("recognisable", ".3f"),
        "class entropy": ("class_entropy", ".3f"),
        "rarest class": ("class_share_min", ".1%"),
        "FID (train)": ("train_fid_judge", ".1f"),
        "FID (test)": ("fid_judge", ".1f"),
    }
    rows = [["$\\beta$", *columns]]
    for beta, found in study().items():
        cells = [f"{beta:g}", *(f"{found[key]:{form}}" for key, form in columns.values())]
        mark = "**" if beta == winner() else ""
        rows.append([f"{mark}{cell.replace('%', ' %')}{mark}" for cell in cells])
    return table(
        "The KL weight $\\beta$ on MNIST. Reconstruction, KL and their sum are of test images, in nats; units are "
        "active latent units of 32; the other columns judge 10,000 new images, the FID against 10,000 training "
        "images and against the test images. Bold: the chosen weight. Three seeds for weight 1 and for the chosen "
        "one, one seed for the others.",
        "tab-vae-weights",
        "7 15 11 11 8 12 10 9 9 9",
        rows,
    )


def curves() -> Figure:
    """Draw both terms of the bound and the judge's measures over the weights."""
    places = list(range(len(WEIGHTS)))
    figure, axes = figures.panels(2, 2, height=2.3)
    shown = (
        ["test_reconstruction"],
        ["test_kl"],
        ["recognisable", "class_entropy"],
        ["train_fid_judge"],
    )
    for ax, keys in zip(axes, shown, strict=True):
        metrics = {key: [found.metric(key) for found in study().values()] for key in keys}
        means = {key: [m.mean for m in found] for key, found in metrics.items()}
        errors = {
            key: [m.sem if len(m.values) > 1 else 0.0 for m in found]
            for key, found in metrics.items()
        }
        figures.lines(places, means, errors, ax=ax)
        ax.set_xticks(places, [f"{beta:g}" for beta in WEIGHTS])
        if len(keys) == 1 and (legend := ax.get_legend()):
            legend.remove()
    axes[0].set(title="reconstruction", ylabel="nats")
    axes[1].set(title="KL", ylabel="nats", ylim=(0, 1.15 * study()[0.1]["test_kl"]))
    axes[2].set(title="new images", xlabel="weight of the KL term", ylim=(0, 1.05))
    axes[3].set(title="distance to training images", xlabel="weight of the KL term", yscale="log")
    axes[3].yaxis.set_major_formatter("{x:.0f}")
    axes[3].yaxis.set_minor_formatter("{x:.0f}")
    return figure


def samples() -> Figure:
    """Show new images of each weight, all from the same codes."""
    rows = {}
    for beta in WEIGHTS:
        name = weight_name(beta)
        rows[f"weight {beta:g}"] = vae.samples(config(name), model(name), SAMPLES)[:12]
    return figures.image_rows(rows)


# The chosen weight: reconstructions, and its new images digit by digit.


def three_rows() -> Figure:
    """Show test images, their reconstructions and new images of the chosen weight."""
    name = weight_name(winner())
    existing, labels = (
        torch.from_numpy(run(name).panels[key])[:16] for key in ("images", "labels")
    )
    return figures.image_rows(
        {
            "existing": existing,
            "reconstruction": vae.reconstruct(config(name), model(name), existing, labels.long()),
            "new": vae.samples(config(name), model(name), SAMPLES)[:16],
        }
    )


def verdicts(beta: float, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the images that a weight's network decodes from codes, the judge's classes, and whether it is sure."""
    name = weight_name(beta)
    images = vae.decode(config(name), model(name), z)
    top, label = features_and_probabilities(load_judge("mnist"), images)[1].max(1)
    return images, label, top >= SURE


def codes() -> Tensor:
    """Return the codes that new images are decoded from."""
    return vae.prior_codes(config(weight_name(winner())), SAMPLES)


@cache
def drawn() -> tuple[Tensor, Tensor, Tensor]:
    """Return the verdicts on the chosen weight's ten thousand new images."""
    return verdicts(winner(), codes())


def by_digit() -> tuple[list[float], list[float]]:
    """Return each digit's share of the new images, and the share of these that the judge is sure of."""
    _, label, sure = drawn()
    parts = [sure[label == digit] for digit in range(10)]
    return [len(part) / len(label) for part in parts], [float(p.float().mean()) for p in parts]


def classes() -> Figure:
    """Show the first new images that the judge takes for each digit, its share, and how many are sure."""
    images, label, _ = drawn()
    rows = {}
    for digit, (share, sure) in enumerate(zip(*by_digit(), strict=True)):
        rows[f"{digit}: {100 * share:.0f} %, {100 * sure:.0f} %"] = images[label == digit][:10]
    return figures.image_rows(rows, width=5.6)


def eights() -> Markdown:
    """Return the share of eights by how far from the origin codes are."""

    def share(beta: float, length: float) -> float:
        few = codes()[: 2000 if length else 1]
        return float((verdicts(beta, length * few)[1] == 8).float().mean())

    lengths = (0.0, 0.5, 1.0, 1.5)
    found = {beta: [share(beta, length) for length in lengths] for beta in WEIGHTS if beta >= 0.5}
    at_origin, half_way, _, far_out = zip(*found.values(), strict=True)
    claims = {
        "the origin is an eight": set(at_origin) == {1},
        "half way most are eights": min(half_way) > 0.5,
        "further out there are fewer": all(s == sorted(s, reverse=True) for s in found.values()),
        "far out at most one and a half times their share": max(far_out) < 0.15,
    }
    check(claims)
    rows = [["KL weight", *(f"length {length:g}" for length in lengths)]]
    rows += [[f"{beta:g}", *(f"{100 * s:.0f} %" for s in shares)] for beta, shares in found.items()]
    return table(
        "Share of eights among the images decoded from 2,000 normal codes, each multiplied by a length; at length 0 "
        "there is one image. First seeds.",
        "tab-vae-eights",
        "28 18 18 18 18",
        rows,
    )


# What the text says of them.


def _each_weight() -> None:
    """Keep of each weight what the text names, ``vae-w-0-5-fid`` of weight 0.5."""
    for key, metric, named in (
        ("reconstruction", "test_reconstruction", (0, 1, 4)),
        ("kl", "test_kl", (0, 1, 4)),
        ("loss", "test_negative_elbo", (1,)),
        ("units", "active_units", (0, 1, 4)),
        ("share", "recognisable", (0, 0.5, 1, 2)),
        ("entropy", "class_entropy", (0, 0.5, 1, 2, 4)),
        ("fid", "train_fid_judge", (0, 0.5, 1, 2)),
        ("mse", "test_mse", (0,)),
    ):
        for beta in named:
            value = study()[beta][metric] * (100 if key == "share" else 1)
            PAGE.keep(**{f"w_{beta:g}_{key}".replace(".", "_"): value})
    PAGE.keep(zero_kl=study()[0]["test_kl"])


def _chosen_weight() -> None:
    """Keep the chosen weight's numbers and its neighbours'."""
    found, place = study(), WEIGHTS.index(winner())
    chosen, before, after = (found[WEIGHTS[place + step]] for step in (0, -1, 1))
    free = min(WEIGHTS, key=lambda beta: found[beta]["train_fid_judge"])  # by the distance alone
    PAGE.keep(winner=f"{winner():g}", enough=ENOUGH, free=f"{free:g}")
    PAGE.keep(free_fid=found[free]["train_fid_judge"], free_entropy=found[free]["class_entropy"])
    PAGE.keep(win_share=100 * chosen["recognisable"], win_entropy=chosen["class_entropy"])
    PAGE.keep(win_entropy_sem=chosen.metric("class_entropy").sem)
    PAGE.keep(win_min=100 * chosen["class_share_min"], win_fid=chosen["train_fid_judge"])
    PAGE.keep(win_test_fid=chosen["fid_judge"])
    PAGE.keep(win_before=f"{WEIGHTS[place - 1]:g}", win_before_fid=before["train_fid_judge"])
    PAGE.keep(win_after_entropy=after["class_entropy"])
    _trade(place)
    _choice(place, free)


def _trade(place: int) -> None:
    """Check what the text says of the course of each measure over the weights; the chosen one is at `place`."""

    def over(key: str) -> list[float]:
        return [found[key] for found in study().values()]

    fid, share, entropy = over("train_fid_judge"), over("recognisable"), over("class_entropy")
    half, one, two = (WEIGHTS.index(beta) for beta in (0.5, 1, 2))
    reconstruction, kl, units = over("test_reconstruction"), over("test_kl"), over("active_units")
    loss, mse, falling = over("test_negative_elbo"), over("test_mse"), fid[: place + 1]
    claims = {
        "reconstruction gets worse with the weight": reconstruction == sorted(reconstruction),
        "KL falls with the weight": kl == sorted(kl, reverse=True),
        "units go out of use": units == sorted(units, reverse=True) and units[-1] < units[0],
        "the distance falls up to the winner": falling == sorted(falling, reverse=True),
        "without KL fewer are recognised": share[0] < share[place],
        "the classes are the least even": entropy[0] == min(entropy),
        "and new images the furthest off": fid[0] == max(fid) > 1.7 * fid[place],
        "without KL reconstructions are nearly perfect": mse[0] < min(0.006, 0.7 * mse[one]),
        "from 0.5 to 2 more are recognised": share[half] < share[one] < share[two],
        "and the distance smaller": fid[half] > fid[one] > fid[two],
        "beyond 1 the classes are less even": max(entropy[two:]) < min(ENOUGH, entropy[one]),
        "weight 1 has the best bound": loss[one] == min(loss),
    }
    check(claims)


def _choice(place: int, free: float) -> None:
    """Check what the text says of the chosen weight, at `place`, beside the one that is `free` of the mark."""
    chosen, beta = study()[winner()], winner()
    seeds = {weight: len(found.provenance["seeds"]) for weight, found in study().items()}
    entropy = chosen.metric("class_entropy")
    by_test = min(even(), key=lambda weight: study()[weight]["fid_judge"])
    claims = {
        "three seeds for the winner and for weight 1": min(seeds[beta], seeds[1.0]) >= 3,
        "the winner is not at an end": 0 < place < len(WEIGHTS) - 1,
        "the mark is passed by less than its error": entropy.mean - ENOUGH < entropy.sem,
        "the mark of evenness decides": free != beta and free not in even(),
        "the next larger weight misses the mark": WEIGHTS[place + 1] not in even(),
        "every class is seen": chosen["class_share_min"] > 0.02,
        "and nearly half are recognised": chosen["recognisable"] > 0.45,
        "train and test FID name the same": by_test == beta,
    }
    check(claims)


def _digits() -> None:
    """Keep how often each digit is drawn, and how clearly."""
    shares, clear = by_digit()
    chosen = study()[winner()]
    recorded, rarest = (chosen.metric(key).values[0] for key in ("recognisable", "class_share_min"))
    sure = float(drawn()[2].float().mean())
    PAGE.keep(clear_digits=sum(share >= 0.5 for share in clear))
    PAGE.keep(clear_least=100 * min(clear), clear_most=100 * max(clear))
    PAGE.keep(eights=100 * shares[8], ones=100 * shares[1])
    claims = {
        "these are the images that the record judges": abs(sure - recorded) < 2e-3,
        "and these their classes": abs(min(shares) - rarest) < 2e-3,
        "most digits are clear": sum(share >= 0.5 for share in clear) >= 8,
        "eights are the most frequent": shares.index(max(shares)) == 8,
        "ones the rarest": shares.index(min(shares)) == 1,
    }
    check(claims)
