"""The page on a flow as prior: what was tuned for its runs, and what three choices were worth."""

from __future__ import annotations

from itertools import pairwise
from statistics import stdev

from IPython.display import Markdown

from chapters_lib.experiments.realnvp_prior import STUDIED, STUDY, WITHOUT, label
from chapters_lib.pages import check, run, table
from chapters_lib.pages.realnvp_prior import GAUSSIAN, NORMAL, PAGE, REALNVP, first, gained

SHORT = STUDIED.epochs  # of most of the study's trainings
VALIDATION = "val_negative_elbo"

# The records of both runs before the ones shown, without the three choices: 80 epochs, three seeds,
# under the standard normal and under the flow, at FIRST_COMMIT in this repository's history.
FIRST_ATTEMPT = {VALIDATION: (91.5139, 86.4914), "test_nll": (86.7619, 83.0636)}
FIRST_COMMIT = "a5f6a15"

CHOICES = {
    "plain-layers": "residual layers (500-500 instead, about as many weights)",
    "whole-gradient": "the path alone (the whole gradient instead)",
    "smaller-rate": "the rate (0.001 instead)",
    "all-three": "all three",
}


def numbers() -> None:
    """Give the text what it says of the study, and hold its claims against the record."""
    _units_and_epochs()
    _choices()


def _trials() -> dict[tuple[int, int, int], float]:
    """Return minus the bound on validation images, by units, couplings and epochs."""
    study, full = run("vae-realnvp-mnist-tuning"), run(REALNVP).config["epochs"]
    trials = {
        (c.latent, c.couplings, c.epochs): study[f"{VALIDATION}_{label(c)}"]
        for c in STUDY.candidates
        if not label(c).startswith(("normal", "flow"))
    }
    trials[40, 0, full] = first(run(GAUSSIAN), VALIDATION)
    trials[40, 8, full] = first(run(REALNVP), VALIDATION)
    return trials


def _units_and_epochs() -> None:
    trials, full = _trials(), run(REALNVP).config["epochs"]
    budgets = sorted(epochs for units, couplings, epochs in trials if (units, couplings) == (40, 8))
    bounds = [trials[40, 8, epochs] for epochs in budgets]
    doubled = [before - after for before, after in pairwise(bounds)]
    normal, flow = (trials[40, c, SHORT] - trials[40, c, full] for c in (0, 8))

    def twenty(couplings: int, epochs: int) -> str:
        """How the bound of twenty units compares with that of forty."""
        gain = trials[40, couplings, epochs] - trials[20, couplings, epochs]
        return f"{abs(gain):.2f} nats {'lower' if gain > 0 else 'higher'}"

    PAGE.keep(study_epochs=SHORT, longer_normal=normal, longer_flow=flow)
    PAGE.keep(doubled="{:.1f}, {:.1f} and {:.1f}".format(*doubled))
    PAGE.keep(short_normal=twenty(0, SHORT), short_flow=twenty(8, SHORT))
    PAGE.keep(full_normal=twenty(0, full))
    ranked = [sorted((20, 40, 80), key=lambda n: trials[n, c, SHORT]) for c in (0, 8)]
    check(
        {
            "three doublings": len(doubled) == 3 and all(b == 2 * a for a, b in pairwise(budgets)),
            "more epochs help": bounds == sorted(bounds, reverse=True),
            "each doubling by less": doubled == sorted(doubled, reverse=True),
            "under the normal as under the flow": abs(normal - flow) < 0.5,
            "after few epochs twenty units are the best under both": (
                all(order[0] == 20 for order in ranked)
            ),
            "and eighty the worst": all(order[-1] == 80 for order in ranked),
            "the normal uses no more than twenty of its forty": run(GAUSSIAN)["active_units"] <= 20,
            "at the full budget it makes little difference under the normal": (
                abs(trials[40, 0, full] - trials[20, 0, full]) < 0.25
            ),
        }
    )


def table_study() -> Markdown:
    """Return the study's candidates with their bounds."""
    rows = [["Latent units", "Prior", "Epochs", "Validation $-\\mathcal{L}$"]]
    for (units, couplings, epochs), bound in _trials().items():
        rows.append([str(units), "RealNVP" if couplings else NORMAL, str(epochs), f"{bound:.2f}"])
    return table(
        "The study: minus the bound on validation images, in nats an image, one seed each. The last two rows "
        "are the first seeds of the runs below.",
        "tab-flow-study",
        "25 30 20 25",
        rows,
    )


def _without() -> dict[str, list[float]]:
    """Return minus the bound without each of the choices, under the normal and under the flow."""
    study = run("vae-realnvp-mnist-tuning")
    return {
        kind: [study[f"{VALIDATION}_{prior}-{kind}"] for prior in ("normal", "flow")]
        for kind in CHOICES
    }


def _with_all() -> list[float]:
    """Return the same with all three."""
    return [_trials()[40, couplings, SHORT] for couplings in (0, 8)]


def _choices() -> None:
    worse = {
        kind: [value - with_all for value, with_all in zip(values, _with_all(), strict=True)]
        for kind, values in _without().items()
    }
    layers, path, three = (worse[kind] for kind in ("plain-layers", "whole-gradient", "all-three"))
    then, then_bound = FIRST_ATTEMPT["test_nll"], FIRST_ATTEMPT[VALIDATION]
    full_normal = then_bound[0] - run(GAUSSIAN)[VALIDATION]
    full_flow = then_bound[1] - run(REALNVP)[VALIDATION]
    PAGE.keep(layers_normal=layers[0], layers_flow=layers[1])
    PAGE.keep(path_normal=path[0], path_flow=path[1])
    PAGE.keep(three_normal=three[0], three_flow=three[1])
    PAGE.keep(full_worth_normal=full_normal, full_worth_flow=full_flow)
    PAGE.keep(attempt_normal=then[0], attempt_flow=then[1], attempt_gain=then[0] - then[1])
    rate, hidden = WITHOUT["smaller-rate"]["learning_rate"], WITHOUT["plain-layers"]["hidden"]
    check(
        {
            "the choices are those of the table": set(CHOICES) == set(WITHOUT),
            "the rate and the layers instead, too": (rate, hidden) == (1e-3, (500, 500)),
            "path and rate help under both priors": all(
                min(values) > 0.3 for kind, values in worse.items() if kind != "plain-layers"
            ),
            "the path helps the flow more": path[1] > path[0],
            "the layers under the flow": layers[1] > 0.3,
            "and under the normal by no more than seeds differ": (
                0 < layers[0] < stdev(run(GAUSSIAN).metric(VALIDATION).values)
            ),
            "at the full budget the three are worth less, and more under the normal": (
                full_flow < full_normal < three[0] and full_flow < three[1]
            ),
            "the gain is smaller than in the first attempt": gained("test_nll") < then[0] - then[1],
        }
    )


def table_without() -> Markdown:
    """Return the bounds without each of the three choices."""
    found = {"— (as the runs below)": _with_all()}
    found |= {CHOICES[kind]: values for kind, values in _without().items()}
    rows = [["Without", NORMAL, "RealNVP"]]
    rows += [[title, *(f"{value:.2f}" for value in values)] for title, values in found.items()]
    return table(
        "Three choices, each left out in turn: minus the bound on validation images after ten epochs, in nats "
        "an image, one seed each, lower is better.",
        "tab-flow-without",
        "50 25 25",
        rows,
    )
