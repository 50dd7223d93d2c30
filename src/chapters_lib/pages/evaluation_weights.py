"""The page on evaluation: a bound, a judge and Inception, asked of one model under four weights of its KL term."""

from __future__ import annotations

from IPython.display import Markdown

from chapters_lib.pages import check, run, table
from chapters_lib.pages.claims import Verdict
from chapters_lib.pages.evaluation import PAGE
from chapters_lib.pages.evaluation_board import Entry, header, shown

WEIGHTS = {
    0.5: "vae-fc-mnist-weight-0.5",
    1.0: "vae-fc-mnist",
    2.0: "vae-fc-mnist-weight-2",
    4.0: "vae-fc-mnist-weight-4",
}


def _weighted() -> dict[float, Entry]:
    """Return the trainings of one autoencoder by the weight of their KL term."""
    return {weight: Entry(run(name), "") for weight, name in WEIGHTS.items()}


def numbers() -> None:
    """Give the text what it says of the four weights, and hold its claims against the records."""
    studied = _weighted()
    bound, distance, kl, mse, precision, recall = (
        {weight: entry.first(key) for weight, entry in studied.items()}
        for key in (
            "test_negative_elbo",
            "fid_judge",
            "test_kl",
            "test_mse",
            "precision_judge",
            "recall_judge",
        )
    )
    for word, weight in (("one", 1.0), ("four", 4.0)):
        PAGE.keep(**{f"bound_{word}": bound[weight], f"distance_{word}": distance[weight]})
        PAGE.keep(**{f"kl_{word}": kl[weight], f"mse_{word}": mse[weight]})
        PAGE.keep(**{f"precision_{word}": precision[weight], f"recall_{word}": recall[weight]})
    _second_opinion()
    others = [
        {
            key: value
            for key, value in entry.run.config.items()
            if key not in ("beta", "iwae_samples")
        }
        for entry in studied.values()
    ]
    check(
        {
            "nothing but the weight differs": all(config == others[0] for config in others),
            "and it is the one said": all(e.run.config["beta"] == w for w, e in studied.items()),
        }
    )
    PAGE.claims(
        bound_best_at_one=Verdict(min(bound, key=bound.__getitem__) == 1.0, _told(bound, 1)),
        nearest_at_four=Verdict(min(distance, key=distance.__getitem__) == 4.0, _told(distance, 2)),
        recall_falls=Verdict(recall[1.0] > recall[2.0] > recall[4.0], _told(recall, 2)),
    )


def _told(values: dict[float, float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f} at {weight:g}" for weight, value in values.items())


def _second_opinion() -> None:
    """Keep what the Inception distance says of weights 1 and 4: words that follow the numbers."""
    found = {w: entry.run[shown()] for w, entry in _weighted().items() if entry.has(shown())}
    if not {1.0, 4.0} <= found.keys():
        PAGE.keep(
            second_opinion="The Inception distance has not been measured for both of them yet.",
            sides="recall sides with the bound there",
            nearer="The Inception distance has not been asked.",
        )
        return
    against = f"{found[4.0]:.4f} against {found[1.0]:.4f}"
    if found[4.0] < found[1.0]:
        PAGE.keep(
            second_opinion=f"The Inception distance says the same of the two, {against}.",
            sides="recall sides with the bound there, and the Inception distance with the judge",
            nearer="The Inception distance says the same.",
        )
        return
    second = f"The Inception distance contradicts: {against}; which samples are nearer hangs on the features."
    if len(found) == len(WEIGHTS) and min(found, key=found.__getitem__) == 1.0:
        second += f" Of all {len(WEIGHTS)} weights it has weight 1 first, as the bound has."
    PAGE.keep(
        second_opinion=second,
        sides="recall and the Inception distance side with the bound there",
        nearer="That was written before it was measured. It does put weight 1 before weight 4: so the order is a "
        "property of the judge's features and not of the samples.",
    )


def table_weights() -> Markdown:
    """Return the bound and the distances of one autoencoder under four weights of its KL term."""
    rows = [["Weight of the KL term", "bound, nats", "`fid_judge`", header(), "`recognisable`"]]
    rows[0] += ["precision", "recall"]
    for weight, entry in _weighted().items():
        row = [f"{weight:g}", f"{entry.first('test_negative_elbo'):.1f}"]
        row += [f"{entry.first('fid_judge'):.2f}", entry.text(shown(), 4)]
        row += [f"{entry.first('recognisable'):.3f}"]
        rows.append(row + [f"{entry.run[key]:.2f}" for key in ("precision_judge", "recall_judge")])
    return table(
        "One variational autoencoder (784-200-32, MNIST) trained under four weights of its Kullback–Leibler term, "
        "the first training of each. Bound: negative evidence lower bound of test images at weight 1, lower is "
        "better. The best bound and the nearest samples are not in the same row.",
        "tab-eval-weights",
        "22 14 14 16 14 10 10",
        rows,
    )
