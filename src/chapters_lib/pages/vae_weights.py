"""What the page of the variational autoencoder shows of the KL term's weight: 784-200-32 on MNIST."""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise

import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from torch import Tensor

from chapters_lib import figures
from chapters_lib.evaluation.judge import SURE, features_and_probabilities
from chapters_lib.experiments.vae import WEIGHTS, weight_name
from chapters_lib.pages import INCEPTION, claims, model, run, table
from chapters_lib.pages.claims import Verdict, both
from chapters_lib.pages.vae import PAGE, config, trainings
from chapters_lib.recipes import vae
from chapters_lib.recipes.vae import SAMPLES
from chapters_lib.recording.judging import load_judge
from chapters_lib.recording.runs import Metric, Run

ENOUGH = 0.95  # class entropy that a chosen weight must reach
DIGITS = ("zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines")


def study() -> dict[float, Run]:
    """Return the recorded run of each weight."""
    return {beta: run(weight_name(beta)) for beta in WEIGHTS}


def winner() -> float:
    """Return the weight of the smallest distance to training images among those whose new images are even enough."""
    even = [beta for beta, found in study().items() if found["class_entropy"] >= ENOUGH]
    return min(even, key=lambda beta: study()[beta]["train_fid_judge"])


def measures() -> Markdown:
    """Return bound, units and the judge's view of each weight, the chosen one in bold."""
    columns = {
        "reconstruction": ("test_reconstruction", ".1f"),
        "KL": ("test_kl", ",.1f"),
        "$-\\mathrm{ELBO}$": ("test_negative_elbo", ",.1f"),
        "units": ("active_units", ".0f"),
        "recognised": ("recognisable", ".3f"),
        "evenness": ("class_entropy", ".3f"),
        "rarest class": ("class_share_min", ".1%"),
        "distance (train)": ("train_fid_judge", ".1f"),
        "distance (test)": ("fid_judge", ".1f"),
    }
    rows = [["$\\beta$", *columns]]
    for beta, found in study().items():
        cells = [f"{beta:g}", *(f"{found[key]:{form}}" for key, form in columns.values())]
        mark = "**" if beta == winner() else ""
        rows.append([f"{mark}{cell.replace('%', ' %')}{mark}" for cell in cells])
    return table(
        "The KL weight $\\beta$ on MNIST. Reconstruction, KL and their sum are of test images, in nats; units are "
        "active latent units of 32; the other columns judge 10,000 new images. Bold: the chosen weight. "
        f"{trainings(weight_name(1)).capitalize()} trainings of weight 1, one of every other.",
        "tab-vae-weights",
        "7 15 11 11 8 12 10 9 9 9",
        rows,
    )


def samples() -> Figure:
    """Show new images of each weight, all from the same codes."""
    rows = {}
    for beta in WEIGHTS:
        name = weight_name(beta)
        rows[f"weight {beta:g}"] = vae.samples(config(name), model(name), SAMPLES)[:10]
    return figures.image_rows(rows)


# The chosen weight: reconstructions, and its new images digit by digit.


def three_rows() -> Figure:
    """Show test images, their reconstructions and new images of the chosen weight."""
    name = weight_name(winner())
    images, labels = (torch.from_numpy(run(name).panels[key])[:10] for key in ("images", "labels"))
    return figures.image_rows(
        {
            "existing": images,
            "reconstruction": vae.reconstruct(config(name), model(name), images, labels.long()),
            "new": vae.samples(config(name), model(name), SAMPLES)[:10],
        }
    )


@cache
def verdicts(beta: float, count: int, length: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return images from normal codes times a length, the judge's classes, and whether it is sure of them."""
    name = weight_name(beta)
    images = vae.decode(config(name), model(name), length * vae.prior_codes(config(name), count))
    top, label = features_and_probabilities(load_judge("mnist"), images)[1].max(1)
    return images, label, top >= SURE


def by_digit() -> tuple[list[float], list[float]]:
    """Return each digit's share of the new images, and the share of these that the judge is sure of."""
    _, label, sure = verdicts(winner(), SAMPLES)
    parts = [sure[label == digit] for digit in range(10)]
    return [len(part) / len(label) for part in parts], [float(p.float().mean()) for p in parts]


def classes() -> Figure:
    """Show the first new images that the judge takes for each digit, its share, and how many are sure."""
    images, label, _ = verdicts(winner(), SAMPLES)
    rows = {}
    for digit, (share, sure) in enumerate(zip(*by_digit(), strict=True)):
        rows[f"{digit}: {100 * share:.0f} %, {100 * sure:.0f} %"] = images[label == digit][:10]
    return figures.image_rows(rows, width=5.6)


# What the text says of them.


def numbers() -> None:
    """Give the text its numbers of the weights, and mark what it says of them."""
    for beta, found in study().items():
        PAGE.of(f"w_{beta:g}".replace(".", "_")).keep(
            reconstruction=found["test_reconstruction"],
            kl=found["test_kl"],
            loss=found["test_negative_elbo"],
            units=found["active_units"],
            share=100 * found["recognisable"],
            entropy=found["class_entropy"],
            fid=found["train_fid_judge"],
            mse=found["test_mse"],
            inception=found[INCEPTION],
            recall=found["recall_judge"],
        )
    chosen, beta = study()[winner()], winner()
    entropy = chosen.metric("class_entropy")
    PAGE.keep(winner=f"{beta:g}", enough=ENOUGH, win_seeds=f"{len(entropy.values)}")
    PAGE.keep(win_share=100 * chosen["recognisable"], win_entropy=entropy.mean)
    PAGE.keep(win_entropy_sem=entropy.sem, win_margin=(entropy.mean - ENOUGH) / entropy.sem)
    PAGE.keep(win_fails=f"{sum(value < ENOUGH for value in entropy.values)}")
    PAGE.keep(win_min=100 * chosen["class_share_min"], win_fid=chosen["train_fid_judge"])
    PAGE.keep(win_test_fid=chosen["fid_judge"])
    _digits(beta)
    _claims()
    _prices()


def _prices() -> None:
    """Keep what a nat of KL costs in reconstruction from a weight to the next, and which weight others have first."""
    found, price = study(), {}
    for low, high in pairwise(WEIGHTS):
        rise = found[high]["test_reconstruction"] - found[low]["test_reconstruction"]
        price[low, high] = rise / (found[low]["test_kl"] - found[high]["test_kl"])
    PAGE.keep(price_half=price[0.5, 1.0], price_one=price[1.0, 2.0], price_two=price[2.0, 4.0])
    nearest = min(WEIGHTS, key=lambda weight: found[weight][INCEPTION])
    fullest = max(WEIGHTS, key=lambda weight: found[weight]["recall_judge"])
    alike = nearest == fullest == winner()
    PAGE.keep(others_said="agree with it" if alike else "have another weight first")
    PAGE.claims(
        price=Verdict(all(low < p < high for (low, high), p in price.items()), f"prices {price}"),
    )


def _digits(beta: float) -> None:
    """Keep how often each digit is drawn, how clearly, and what is drawn near the origin."""
    shares, clear = by_digit()
    most, least = shares.index(max(shares)), shares.index(min(shares))
    PAGE.keep(clear_digits=sum(share >= 0.5 for share in clear))
    PAGE.keep(clear_least=100 * min(clear), clear_most=100 * max(clear))
    PAGE.keep(most=DIGITS[most], most_share=100 * max(shares), least=DIGITS[least])
    PAGE.keep(least_share=100 * min(shares))
    origin = [int(verdicts(weight, 1, 0.0)[1]) for weight in WEIGHTS if weight >= 0.5]
    told = f"at the origin {[DIGITS[d] for d in origin]}"
    PAGE.claims(origin=Verdict(set(origin) == {most}, told))


def _claims() -> None:
    """Mark the course of each measure over the weights; the spread is that of the trainings at weight 1."""

    def steps(key: str, *weights: float, digits: int = 3) -> Verdict:
        """Whether a measure falls from each of these weights to the next."""
        metrics = [study()[weight].metric(key) for weight in weights]
        fall = partial(claims.less, spread=spread(key), digits=digits)
        return both(*(fall(low, high) for high, low in pairwise(metrics)))

    def flat(key: str, weight: float) -> Verdict:
        """Whether no difference of a measure is shown between a weight and weight 1."""
        return claims.level(study()[weight].metric(key), spread(key), spread=spread(key))

    up, down = WEIGHTS, WEIGHTS[::-1]
    PAGE.claims(
        trade=both(steps("test_reconstruction", *down, digits=1), steps("test_kl", *up, digits=1)),
        units=steps("active_units", 0.0, 1.0, 4.0, digits=0),
        distance=steps("train_fid_judge", *up[:5], digits=1),
        recognised=steps("recognisable", *down[:4]),
        uneven=both(*(flat("class_entropy", weight) for weight in (2.0, 4.0))),
        least_even=steps("class_entropy", 0.1, 0.0),
        enough=claims.above(study()[1.0].metric("class_entropy"), ENOUGH, digits=4),
        bound=both(steps("test_negative_elbo", 0.5, 1.0), steps("test_negative_elbo", 2.0, 1.0)),
    )


def spread(key: str) -> Metric:
    """Return a measure of the trainings of weight 1, whose spread a single one is taken to have."""
    metric: Metric = study()[1.0].metric(key)
    return metric
