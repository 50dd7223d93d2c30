"""The page on a flow as prior: the likelihoods of the runs at full scale, and the parts of the bound."""

from __future__ import annotations

import math

from IPython.display import Markdown
from matplotlib.figure import Figure

from chapters_lib import figures
from chapters_lib.pages import Page, below, check, number, run, table
from chapters_lib.recording.runs import Run

PAGE = Page("flow")
NORMAL = "$\\mathcal{N}(0, I)$"
GAUSSIAN, REALNVP = "vae-gaussian-mnist", "vae-realnvp-mnist"
WIDER, REFITTED = "vae-gaussian-wide-mnist", "vae-gaussian-mnist-refitted"
LIMIT = math.log(10_000)  # of the information, for as many test images

MARKS = {"standard normal": 86.5, "flow": 81.0}  # set before the runs were trained
GAIN_MARK = 4

PUBLISHED = (  # what could be read, and where: the text says which of them at second hand
    ("VAE, 50 latent units (Burda et al., 2016)", 86.76, "dynamic"),
    ("IWAE with 50 samples (Burda et al., 2016)", 84.78, "dynamic"),
    ("VAE with a VampPrior (Tomczak and Welling, 2018)", 85.57, "not rechecked"),
)


def compared() -> dict[str, Run]:
    """Return the three runs by what the tables call them: the normal, the wider one, the flow."""
    return {NORMAL: run(GAUSSIAN), "the same, wider": run(WIDER), "RealNVP": run(REALNVP)}


def first(of: Run, key: str) -> float:
    """Return a metric of the first seed."""
    return of.metric(key).values[0]


def gained(key: str) -> float:
    """Return by how much a metric is lower under the flow than under the normal."""
    return run(GAUSSIAN)[key] - run(REALNVP)[key]


def numbers() -> None:
    """Give the text what it says of the runs at full scale, and hold its claims against them."""
    figures.use_style()
    _setting()
    _overfitting()
    _likelihood()
    _parts()
    _spent()


def _setting() -> None:
    used, runs = run(REALNVP).config, compared().values()
    PAGE.keep(epochs=used["epochs"], minutes=run(REALNVP)["train_seconds"] / 60, limit=LIMIT)
    PAGE.keep(gaussian_active_units=run(GAUSSIAN)["active_units"])
    sizes = {"hidden": [400, 400, 400], "latent": 40, "couplings": 8, "validation": 1 / 12}
    drawn = [(of.config["nll_samples"], of.config["nll_images"]) for of in (*runs, run(REFITTED))]
    check(
        {
            "5,000 draws, 500 for the refitted flow, and all images": (
                drawn == [(5000, 0)] * 3 + [(500, 0)]
            ),
            "three seeds, the control one": (
                [len(of.provenance["seeds"]) for of in runs] == [3, 1, 3]
            ),
            "the sizes": {key: used[key] for key in sizes} == sizes,
            "residual layers and the path's gradient": used["residual"] and used["path_gradient"],
            "they differ by the flow alone": {**used, "couplings": 0} == run(GAUSSIAN).config,
        }
    )


def _overfitting() -> None:
    over = [of["val_negative_elbo"] - of["train_negative_elbo"] for of in compared().values()]
    normal, _, flow = over
    more = "more" if flow - normal > 0.3 else "less" if flow - normal < -0.3 else "about as much"
    PAGE.keep(gaussian_over=normal, realnvp_over=flow, overfit=more)
    lower = below(
        run(REALNVP).metric("val_negative_elbo"), run(GAUSSIAN).metric("val_negative_elbo")
    )
    check({"the flow's validation bound is the lower one in every pair of seeds": lower})
    check({"train lies below validation": min(over) > 0})


def loss() -> Figure:
    """Return the bound over the epochs, on training and validation images, under both priors."""
    figure, axes = figures.panels(2, height=2.7, sharey=True)
    for ax, name, title in zip(axes, (GAUSSIAN, REALNVP), ("N(0, I)", "RealNVP"), strict=True):
        figures.learning_curves(
            run(name).history,
            {"train": "train_eval_negative_elbo", "validation": "val_negative_elbo"},
            ylabel="$-\\mathcal{L}$ in nats an image" if name == GAUSSIAN else "",
            title=title,
            legend=name == GAUSSIAN,
            ax=ax,
        )
    axes[0].set_ylim(top=125)
    return figure


def _likelihood() -> None:
    normal, wider, flow = compared().values()
    for name, of in (("gaussian", normal), ("realnvp", flow)):
        kept = {
            "test_nll": of["test_nll"],
            "test_nll_effective_samples": of["test_nll_effective_samples"],
            "nll_spread": of.metric("test_nll").sem,
            "gap": of["test_negative_elbo"] - of["test_nll"],
            "last": of["test_nll_k_500"] - of["test_nll"],
        }
        PAGE.keep(**{f"{name}_{key}": value for key, value in kept.items()})
    gain, gain_control = gained("test_nll"), wider["test_nll"] - flow["test_nll"]
    gain_wide = normal["test_nll"] - wider["test_nll"]
    PAGE.keep(gain=gain, gain_control=gain_control, gain_wide=gain_wide)
    PAGE.keep(control_test_nll=wider["test_nll"], verdicts=_verdicts())
    marks = [f"{mark:.1f} nats under the {name}" for name, mark in MARKS.items()]
    PAGE.keep(marks=" and ".join(marks))
    nll = flow.metric("test_nll")
    last = [of["test_nll_k_500"] - of["test_nll"] for of in compared().values()]
    check(
        {
            "the flow below the normal, in every pair of seeds": below(
                nll, normal.metric("test_nll")
            ),
            "and below the control": below(nll, wider.metric("test_nll")),
            "most of it against the control too": gain_control > 0.5 * gain,
            "the control has as many weights": 1 <= wider["parameters"] / flow["parameters"] < 1.01,
            "ten times the draws move it by less than a nat": min(last) > 0 and max(last) < 1,
            "the spread over seeds is below the error over images": all(
                of.metric("test_nll").sem < of["test_nll_sem"] for of in (normal, flow)
            ),
            "the flow's is the lowest of the published": (
                flow["test_nll"] < min(value for _, value, _ in PUBLISHED)
            ),
        }
    )


def _verdicts() -> str:
    """Say of each mark whether it was met, and by how much."""
    said = []
    for (name, mark), of in zip(MARKS.items(), (run(GAUSSIAN), run(REALNVP)), strict=True):
        by, met = f"{abs(of['test_nll'] - mark):.2f}", of["test_nll"] <= mark
        word = f"meets its mark with {by} to spare" if met else f"misses its mark by {by}"
        said.append(f"the {name} {word}")
    over = gained("test_nll") - GAIN_MARK
    word = "exceeds" if over >= 0 else "falls short of"
    return ", ".join([*said, f"and the gain {word} {GAIN_MARK} nats by {abs(over):.2f}"])


def table_nll() -> Markdown:
    """Return the likelihoods of the three runs."""
    rows = [["Prior", "Weights (of them the flow's)", "NLL, $K = 5000$", "error over images"]]
    rows[0] += ["$-\\mathcal{L}$", "$-\\mathcal{L}$ minus NLL"]
    for name, of in compared().items():
        weights = f"{of['parameters']:,.0f} ({of['flow_parameters']:,.0f})"
        nll, bound = of.metric("test_nll"), of.metric("test_negative_elbo")
        row = [name, weights, number(nll, 2), f"{of['test_nll_sem']:.2f}", number(bound, 2)]
        rows.append([*row, f"{bound.mean - nll.mean:.2f}"])
    return table(
        "Negative log-likelihood of the 10,000 test images of MNIST, binarised once by a recorded seed, in nats "
        "an image: importance sampling with 5,000 draws, mean ± standard error over three seeds (the wider one: "
        "one seed); beside it the standard error over images (of one seed), minus the bound, and their difference.",
        "tab-flow-nll",
        "18 25 17 12 17 11",
        rows,
    )


def _parts() -> None:
    normal, refitted, runs = run(GAUSSIAN), run(REFITTED), compared().values()
    information, misfit = "test_mutual_information", "test_marginal_kl"
    # what a flow fitted afterwards brings: the first seed's encoder and decoder are its own
    fell = {
        key: first(normal, key) - refitted[key]
        for key in ("test_negative_elbo", "test_reconstruction", information, misfit)
    }
    gain, refit = gained("test_negative_elbo"), fell["test_negative_elbo"]
    PAGE.keep(gaussian_test_kl=normal["test_kl"], gaussian_test_marginal_kl=normal[misfit])
    PAGE.keep(least_misfit=normal["test_kl"] - LIMIT, refit_misfit=fell[misfit])
    PAGE.keep(gain_bound=gain, refit_gain=refit, second_gain=gain - refit)
    PAGE.keep(first_nll=first(normal, "test_nll_k_500"), refit_nll=refitted["test_nll"])
    PAGE.keep(refit_epochs=refitted.config["epochs"])
    check(
        {
            "the parts sum to the KL": all(
                abs(of[information] + of[misfit] - of["test_kl"]) < 0.1 for of in runs
            ),
            "the information is near its limit": all(of[information] > 0.97 * LIMIT for of in runs),
            "the misfit is the larger part": all(of[misfit] > of[information] for of in runs),
            "refitted: the reconstruction is the same": abs(fell["test_reconstruction"]) < 0.01,
            "refitted: and the information": abs(fell[information]) < 0.01,
            "refitted: nat for nat": abs(refit - fell[misfit]) < 0.1,
            "refitted: a gain, and less than that of training together": 0 < refit < gain,
            "the gains of the two terms sum to that of the bound": (
                abs(gained("test_reconstruction") + gained("test_kl") - gain) < 1e-6
            ),
        }
    )


def _spent() -> None:
    """Keep what training together makes of the gain: words that follow the numbers."""
    normal, flow = run(GAUSSIAN), run(REALNVP)
    better, cheaper = gained("test_reconstruction"), gained("test_kl")
    error = math.hypot(normal.metric("test_kl").sem, flow.metric("test_kl").sem)
    by = f"{abs(cheaper):.2f} nats {'lower' if cheaper > 0 else 'higher'}"
    share = better / gained("test_negative_elbo")
    spent = "So the gain is in both."
    if share > 0.75 and abs(cheaper) < 0.3:
        spent = (
            "So the encoder does not keep what the flow saves it: it pays as much as before, and nearly all of "
            "the gain is in the reconstruction."
        )
    elif share < 0.25:
        spent = "So the gain is in the price, and hardly in the reconstruction."
    narrower = gained("test_negative_elbo") > gained("test_nll")
    PAGE.keep(
        reconstructs=f"{abs(better):.2f} nats {'better' if better > 0 else 'worse'}",
        charged=by if abs(cheaper) > 3 * error else "the same within its spread over seeds",
        spent=spent,
        gap_word="narrower" if narrower else "wider",
    )
    check({"trained together the KL stays, and the gain is elsewhere": abs(cheaper) < 0.3})


def table_parts() -> Markdown:
    """Return the parts of the bound on the test images, also of a flow fitted afterwards."""
    columns = {NORMAL: GAUSSIAN, "a flow fitted to it": REFITTED, "wider": WIDER}
    columns |= {"RealNVP": REALNVP}
    keys = {
        "reconstruction": "test_reconstruction",
        "KL": "test_kl",
        "information $I$ (at most $\\log n$)": "test_mutual_information",
        "misfit $\\operatorname{KL}(q(z) \\Vert p)$": "test_marginal_kl",
        "$-\\mathcal{L}$": "test_negative_elbo",
    }
    rows = [["Test images, nats", *columns]]
    for title, key in keys.items():
        rows.append([title, *(number(run(name).metric(key), 2) for name in columns.values())])
    return table(
        "The bound in parts, on the test images. Information and misfit are against the aggregated posterior of "
        "these 10,000 images. Second column: encoder and decoder of the first seed of the first, with a flow "
        "fitted to its codes; one seed.",
        "tab-flow-parts",
        "28 19 17 18 18",
        rows,
    )


def table_published() -> Markdown:
    """Return published likelihoods and this book's."""
    rows = [["Model, one latent layer, fully connected", "NLL", "Binarisation in training", "$K$"]]
    rows += [[name, f"{value:.2f}", kind, "5000"] for name, value, kind in PUBLISHED]
    for name, of in compared().items():
        rows.append([f"**here:** {name}", f"{of['test_nll']:.2f}", "dynamic, test once", "5000"])
    return table(
        "MNIST, nats an image. Rows with different protocols are not comparable to the decimal.",
        "tab-flow-published",
        "48 12 25 15",
        rows,
    )
