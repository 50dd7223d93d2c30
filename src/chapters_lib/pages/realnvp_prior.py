"""The page on a flow as prior: its numbers, its tables, and what it claims of the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from statistics import mean, stdev

from IPython.display import Markdown

from chapters_lib import figures
from chapters_lib.evaluation.intervals import Interval, paired, welch
from chapters_lib.experiments.realnvp_prior import STUDIED, WITHOUT
from chapters_lib.pages import Page, check, interval, number, run, table
from chapters_lib.pages.claims import Verdict, above, below, greater, less, level, outcome, shown
from chapters_lib.recording.runs import Metric, Run

PAGE = Page("flow")
NORMAL = "$\\mathcal{N}(0, I)$"
GAUSSIAN, REALNVP = "vae-gaussian-mnist", "vae-realnvp-mnist"
WIDER, REFITTED = "vae-gaussian-wide-mnist", "vae-gaussian-mnist-refitted"
PLANES = {"N(0, I)": "vae-gaussian-2d-mnist", "RealNVP": "vae-realnvp-2d-mnist"}
ELBO, VALIDATION = "test_negative_elbo", "val_negative_elbo"

MARKS = {GAUSSIAN: 86.5, REALNVP: 81.0}  # set before the runs were trained
GAIN_MARK = 4

# The records of both runs before the ones shown, without the three choices: 80 epochs, three seeds,
# under the standard normal and under the flow, at FIRST_COMMIT in this repository's history.
FIRST_ATTEMPT = {VALIDATION: (91.5139, 86.4914), "test_nll": (86.7619, 83.0636)}
FIRST_COMMIT = "a5f6a15"

BURDA = {"vae": 86.76, "iwae": 84.78}  # Burda et al. (2016), one layer of 50 units, K = 5000

BASE, LAYERS = "nothing: as the runs below", "plain layers, 500 wide, for the residual ones"
PATH, RATE = "the whole gradient for the path alone", "a rate of 0.001 for 0.003"
PRIORS = {"normal": 0, "flow": 8}  # couplings
STUDY = {  # what was changed: the candidate's name, with its prior and its couplings
    BASE: "40-units-{couplings}-couplings-{short}-epochs",
    "20 code units": "20-units-{couplings}-couplings-{short}-epochs",
    "80 code units": "80-units-{couplings}-couplings-{short}-epochs",
    LAYERS: "{prior}-plain-layers",
    PATH: "{prior}-whole-gradient",
    RATE: "{prior}-smaller-rate",
    "these three together": "{prior}-all-three",
    "20 epochs": "40-units-{couplings}-couplings-20-epochs",
    "40 epochs": "40-units-{couplings}-couplings-40-epochs",
    "80 epochs": "",
    "80 epochs, 20 code units": "20-units-{couplings}-couplings-80-epochs",
}
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def compared() -> dict[str, Run]:
    """Return the three runs by what the tables call them: the normal, the wider one, the flow."""
    return {NORMAL: run(GAUSSIAN), "the same, wider": run(WIDER), "RealNVP": run(REALNVP)}


def first(of: Run, key: str) -> float:
    """Return a metric of the first seed."""
    return of.metric(key).values[0]


def gained(key: str) -> Interval:
    """Return by how much a metric is lower under the flow, with Welch's interval."""
    return welch(run(GAUSSIAN).metric(key).values, run(REALNVP).metric(key).values)


def apart(of: Run, high: str, low: str) -> Metric:
    """Return the difference of two metrics, training by training."""
    values = [a - b for a, b in zip(of.metric(high).values, of.metric(low).values, strict=True)]
    return Metric(mean(values), stdev(values) / math.sqrt(len(values)), tuple(values))


def spread(name: str, key: str) -> float:
    """Return the standard deviation of a metric from one training to the next."""
    return stdev(run(name).metric(key).values)


def numbers() -> None:
    """Give the text its numbers, and test what it says of them."""
    figures.use_style()
    _setting()
    _likelihood()
    _parts()
    _samples()
    _study()
    _findings()
    _findings_of_the_study()


def _setting() -> None:
    used, flow, control = run(REALNVP).config, run(REALNVP), run(WIDER)
    PAGE.keep(epochs=used["epochs"], couplings=used["couplings"])
    PAGE.keep(trainings=COUNTS[len(flow.provenance["seeds"])])
    PAGE.keep(draws=f"{used['nll_samples']:,}", latent=used["latent"])
    PAGE.keep(active_units=run(GAUSSIAN)["active_units"])
    sizes = {"hidden": [400, 400, 400], "latent": 40, "couplings": 8, "validation": 1 / 12}
    check(
        {
            "the sizes": {key: used[key] for key in sizes} == sizes,
            "residual layers and the path's gradient": used["residual"] and used["path_gradient"],
            "they differ by the flow alone": {**used, "couplings": 0} == run(GAUSSIAN).config,
            "all images": all(of.config["nll_images"] == 0 for of in compared().values()),
            "the control has as many weights": (
                1 <= control["parameters"] / flow["parameters"] < 1.01
            ),
        }
    )


def _likelihood() -> None:
    normal, wider, flow = compared().values()
    for name, of in (("gaussian", normal), ("realnvp", flow)):
        over = apart(of, VALIDATION, "train_negative_elbo").mean
        PAGE.keep(**{f"{name}_test_nll": of["test_nll"], f"{name}_over": over})
        PAGE.keep(**{f"{name}_gap": apart(of, ELBO, "test_nll").mean})
        PAGE.keep(**{f"{name}_last": apart(of, "test_nll_k_500", "test_nll").mean})
        PAGE.keep(**{f"{name}_effective": of["test_nll_effective_samples"]})
    gain = gained("test_nll")
    PAGE.keep(gain=gain.difference, gain_interval=interval(gain, 2))
    PAGE.keep(first_gain=first(normal, "test_nll") - first(flow, "test_nll"))
    PAGE.keep(control_test_nll=wider["test_nll"], gain_control=wider["test_nll"] - flow["test_nll"])
    pairs = run("nll-pairs-mnist")
    PAGE.keep(paired_gain=pairs["gain"], paired_sem=pairs["gain_sem"])
    PAGE.keep(unpaired_sem=pairs["gain_unpaired_sem"], correlation=pairs["correlation"])
    PAGE.keep(better_share=100 * pairs["better_share"], paired_draws=pairs.config["nll_samples"])
    PAGE.keep(normal_mark=MARKS[GAUSSIAN], flow_mark=MARKS[REALNVP], gain_mark=GAIN_MARK)
    PAGE.keep(burda_vae=BURDA["vae"], burda_iwae=BURDA["iwae"])


def _parts() -> None:
    normal, refitted = run(GAUSSIAN), run(REFITTED)
    refit = first(normal, ELBO) - refitted[ELBO]
    PAGE.keep(gain_bound=gained(ELBO).difference, refit_gain=refit)
    PAGE.keep(bound_interval=interval(gained(ELBO), 2))
    PAGE.keep(reconstruction_interval=interval(gained("test_reconstruction"), 2))
    PAGE.keep(kl_interval=interval(gained("test_kl"), 2))
    PAGE.keep(first_nll=first(normal, "test_nll_k_500"), refit_nll=refitted["test_nll"])
    PAGE.keep(refit_epochs=refitted.config["epochs"], refit_draws=refitted.config["nll_samples"])
    plane = run(PLANES["N(0, I)"])
    PAGE.keep(
        two_images=plane.config["nll_images"], two_flow_nll=run(PLANES["RealNVP"])["test_nll"]
    )
    for key in ("nll", "marginal_kl", "mutual_information"):
        PAGE.keep(**{f"two_normal_{key}": plane[f"test_{key}"]})


def _samples() -> None:
    normal, flow, refitted = run(GAUSSIAN), run(REALNVP), run(REFITTED)
    key = "recognisable"
    by_flow, by_normal = ([100 * v for v in of.metric(key).values] for of in (flow, normal))
    PAGE.keep(realnvp_share=mean(by_flow), gaussian_share=mean(by_normal))
    PAGE.keep(share_interval=interval(welch(by_flow, by_normal), 1), first_share=by_normal[0])
    nearer = welch(flow.metric("fid_judge").values, normal.metric("fid_judge").values)
    PAGE.keep(distance_interval=interval(nearer, 2), first_distance=first(normal, "fid_judge"))
    PAGE.keep(refit_share=100 * refitted[key], refit_distance=refitted["fid_judge"])


def _findings() -> None:
    """The findings of the runs at full scale; one training beside several takes their spread."""
    normal, wider, flow = compared().values()
    of_normal = spread(GAUSSIAN, "test_nll")
    gain = run("nll-pairs-mnist").panels
    nll = gain["realnvp_nll"].astype("float64")
    both = {key: (flow.metric(key), normal.metric(key)) for key in normal.metrics}
    gaps = [apart(of, ELBO, "test_nll") for of in (flow, normal)]
    over = [apart(of, VALIDATION, "train_negative_elbo") for of in (flow, normal)]
    said = (
        "The control lies below the trainings of the narrow model: more weights alone gain, too.",
        "The control lies among the trainings of the narrow model: no gain from more weights alone is shown.",
        "The control lies above the trainings of the narrow model: more weights alone gain nothing.",
    )
    nll_of = (wider.metric("test_nll"), normal.metric("test_nll"))
    PAGE.keep(wide_said=outcome(*nll_of, said, spread=of_normal))
    PAGE.claims(
        lower_nll=less(*both["test_nll"]),
        paired_gain=shown(paired(nll, nll + gain["gain"].astype("float64")), sign=-1),
        below_wide=less(flow.metric("test_nll"), wider.metric("test_nll"), spread=of_normal),
        reconstructs=less(*both["test_reconstruction"]),
        kl_level=level(*both["test_kl"]),
        together_more=greater(
            run(REFITTED).metric(ELBO), flow.metric(ELBO), spread=spread(GAUSSIAN, ELBO)
        ),
        gap_narrower=less(*gaps),
        overfits_less=less(*over),
        nearer=less(*both["fid_judge"]),
        recognised=greater(*both["recognisable"]),
        normal_mark=below(normal.metric("test_nll"), MARKS[GAUSSIAN]),
        flow_mark=above(flow.metric("test_nll"), MARKS[REALNVP]),
        gain_mark=below(_one(gained("test_nll").difference), GAIN_MARK),
    )


def trial(change: str, couplings: int) -> Metric:
    """Return minus the bound on validation images of a training of the study; nan if there is none."""
    if not STUDY[change]:
        return _one(first(run(REALNVP if couplings else GAUSSIAN), VALIDATION))
    prior = "flow" if couplings else "normal"
    name = STUDY[change].format(prior=prior, couplings=couplings, short=STUDIED.epochs)
    return _one(run("vae-realnvp-mnist-tuning").metrics.get(f"{VALIDATION}_{name}", math.nan))


def _one(value: float) -> Metric:
    return Metric(value, math.nan, (value,))


def _worse(change: str, couplings: int, than: str = BASE) -> float:
    return trial(change, couplings).mean - trial(than, couplings).mean


def _study() -> None:
    budgets = [BASE, "20 epochs", "40 epochs", "80 epochs"]
    doubled = [-_worse(b, 8, a) for a, b in pairwise(budgets)]
    PAGE.keep(study_epochs=STUDIED.epochs, doubled="{:.1f}, {:.1f} and {:.1f}".format(*doubled))
    for name, change in {
        "path": PATH,
        "rate": RATE,
        "layers": LAYERS,
        "twenty": "20 code units",
    }.items():
        for prior, couplings in PRIORS.items():
            if (name, prior) != ("layers", "normal"):  # where no difference is shown
                PAGE.keep(**{f"{name}_{prior}": abs(_worse(change, couplings))})
    then = FIRST_ATTEMPT["test_nll"]
    PAGE.keep(attempt_normal=then[0], attempt_flow=then[1], attempt_gain=then[0] - then[1])
    check(
        {
            "the table names what was left out": (
                WITHOUT["smaller-rate"] == {"learning_rate": 1e-3}
                and WITHOUT["plain-layers"]["hidden"] == (500, 500)
                and run(REALNVP).config["learning_rate"] == 3e-3
            ),
            "doublings, from the study's budget to the runs'": (
                (STUDIED.epochs, run(REALNVP).config["epochs"]) == (10, 80)
            ),
        }
    )


def _findings_of_the_study() -> None:
    """One training each: the tolerance is the spread of the finished runs over their seeds."""
    found = {}
    for prior, couplings in PRIORS.items():
        tolerance = spread(REALNVP if couplings else GAUSSIAN, VALIDATION)
        layers = greater if couplings else level
        told_of = {"path": (PATH, greater), "rate": (RATE, greater), "layers": (LAYERS, layers)}
        told_of["twenty"] = ("20 code units", less)
        for key, (change, verdict) in told_of.items():
            a, b = trial(change, couplings), trial(BASE, couplings)
            found[f"{key}_{prior}"] = verdict(a, b, spread=tolerance)
    last, twenty = trial("80 epochs", 0), trial("80 epochs, 20 code units", 0)
    found["twenty_full"] = level(twenty, last, spread=spread(GAUSSIAN, VALIDATION))
    PAGE.claims(own=False, **found)


def on_digits(kls: Mapping[str, float], nlls: Mapping[str, float]) -> None:
    """Keep what a flow fitted to a finished model gains on digits."""
    PAGE.keep(digits_kl_gain=kls["N(0, I)"] - kls["fitted"])
    PAGE.keep(digits_normal_nll=nlls["N(0, I)"], digits_fitted_nll=nlls["fitted"])
    PAGE.keep(digits_together_nll=nlls["RealNVP"])
    PAGE.claims(
        own=True,
        digits_kl=_order(kls["fitted"], kls["N(0, I)"]),
        digits_nll=_order(nlls["fitted"], nlls["N(0, I)"]),
        digits_together=_order(nlls["fitted"], nlls["RealNVP"]),
    )


def list_as_prior(kls: Mapping[str, tuple[float, float]], training: int) -> None:
    """Keep the KL terms, on training and test images, under the list of the training images."""
    train, test = kls["list"]
    PAGE.keep(list_train=train, list_test=test, list_limit=math.log(training))
    PAGE.keep(list_spread=test - train, plain_test=kls["N(0, I)"][1])
    PAGE.keep(fitted_spread=kls["fitted"][1] - kls["fitted"][0])
    PAGE.claims(
        own=True,
        list_train=_order(train, kls["fitted"][0]),
        list_test=_order(kls["N(0, I)"][1], test),
    )


def _order(a: float, b: float) -> Verdict:
    return Verdict(a < b, f"{a:.2f} against {b:.2f}")


def table_study() -> Markdown:
    """Return the study's trainings with their bounds under both priors."""
    rows = [["Changed", NORMAL, "RealNVP"]]
    for change in STUDY:
        values = [trial(change, couplings).mean for couplings in PRIORS.values()]
        rows.append([change, *("–" if math.isnan(value) else f"{value:.2f}" for value in values)])
    return table(
        f"What was tried: minus the bound on validation images, in nats an image, one training each, after "
        f"{STUDIED.epochs} epochs where the row does not say another number. The row of 80 epochs holds the first "
        "trainings of the runs below. A dash: not tried.",
        "tab-flow-study",
        "50 25 25",
        rows,
    )


def table_nll() -> Markdown:
    """Return the likelihoods of the three runs."""
    rows = [["Prior", "Weights (the flow's)", "NLL, $K = 5000$", "$-\\mathrm{ELBO}$", "their gap"]]
    for name, of in compared().items():
        weights = f"{of['parameters']:,.0f} ({of['flow_parameters']:,.0f})"
        nll, bound = of.metric("test_nll"), of.metric(ELBO)
        row = [name, weights, number(nll, 2), number(bound, 2)]
        rows.append([*row, f"{bound.mean - nll.mean:.2f}"])
    count = COUNTS[len(run(REALNVP).provenance["seeds"])]
    return table(
        "Negative log-likelihood of the 10,000 test images of MNIST, binarised once by a recorded seed, in nats an "
        f"image, by importance sampling; beside it minus the bound. Mean ± standard error over {count} trainings; "
        "the wider one is one training.",
        "tab-flow-nll",
        "18 27 21 21 13",
        rows,
    )


def table_parts() -> Markdown:
    """Return the bound's two terms on the test images, also of a flow fitted afterwards."""
    columns = {
        NORMAL: GAUSSIAN,
        "a flow fitted to it": REFITTED,
        "wider": WIDER,
        "RealNVP": REALNVP,
    }
    keys = {"reconstruction": "test_reconstruction", "KL": "test_kl", "$-\\mathrm{ELBO}$": ELBO}
    rows = [["Nats an image", *columns]]
    for title, key in keys.items():
        rows.append([title, *(number(run(name).metric(key), 2) for name in columns.values())])
    return table(
        "The bound's two terms on the test images, means ± standard errors over trainings. Second column: encoder "
        "and decoder of the first column's first training, with a flow fitted to its codes. Second and third "
        "column: one training.",
        "tab-flow-parts",
        "20 20 20 20 20",
        rows,
    )


def table_board() -> Markdown:
    """Return what the judge says of the samples."""
    found = {"real test images": run("judge-mnist"), **compared()}
    found["a flow fitted to the first"] = run(REFITTED)
    rows = [["Samples", "recognised, %", "evenness of classes", "distance to real images"]]
    for name, of in found.items():
        share = of.metric("recognisable")
        percent = Metric(100 * share.mean, 100 * share.sem, share.values)
        cells = [
            number(percent, 1),
            number(of.metric("class_entropy"), 3),
            number(of.metric("fid_judge"), 2),
        ]
        rows.append([name, *cells])
    return table(
        "Ten thousand samples before the judge (the scores of the [notation](notation.md)), mean ± standard error "
        "over trainings; the wider model and the flow that was fitted to the first are one training. The first "
        "row's distance is to the training images.",
        "tab-flow-board",
        "31 22 23 24",
        rows,
    )
