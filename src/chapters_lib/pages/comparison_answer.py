"""What the comparison's written answer says of its records, and the claims that the records must bear."""

from __future__ import annotations

import math
from statistics import stdev

from chapters_lib.pages import below, check, run
from chapters_lib.pages import comparison_records as records
from chapters_lib.pages.comparison_records import AUTOENCODERS, FLOW, GAN, NORMAL, PAGE, PARTS
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs


def numbers() -> None:
    """Glue what the written answer says, and check it."""
    for part in PARTS:
        _of_samples(part)
        _of_lines(part)
    gap, spread = _gain()
    nll = records.order("mnist", "test_nll", 2, models=AUTOENCODERS)
    PAGE.keep(gap=gap, gap_spread=spread, mnist_by_nll=nll)
    _of_colour()
    _of_specks()
    claims = claims_of_samples() | claims_of_look() | claims_of_lines()
    check({f"MNIST: {claim}": true for claim, true in claims.items()})


def _of_samples(part: str) -> None:
    records.keep(
        part,
        by_judge=records.order(part, "fid_judge", 2),
        by_share=records.order(part, "recognisable", 3, lower=False),
        by_entropy=records.order(part, "class_entropy", 3, lower=False),
        by_inception=by_inception(part),
        precision=shares(part, "precision"),
        recall=shares(part, "recall"),
        pr_word=faults(part),
    )
    rough = records.roughness(part)
    for model in MODELS:
        name = model.removeprefix("vae-")
        records.keep(part, **{f"rough_{name}": 100 * rough[model] / rough["test"]})


def _of_lines(part: str) -> None:
    for model, space in records.WAYS:
        name = f"{model.removeprefix('vae-')}_{space}"
        for place in ("ends", "middle"):
            seen = records.along(part, (model, space), f"{place}_recognisable").mean
            records.keep(part, **{f"{name}_{place}": 100 * seen})
        if part == "mnist":
            step = records.along(part, (model, space), "largest_step").mean
            records.keep(part, **{f"{name}_step": step})
    for way in (records.IN_Z, records.IN_BASE):
        records.keep(
            part, **{f"{way[1]}_unlikely": 100 * records.along(part, way, "middle_unlikely").mean}
        )
    gan, vae = (records.along(part, (model, "z"), "largest_step") for model in (GAN, NORMAL))
    longer = gan.mean - vae.mean > 3 * math.hypot(gan.sem, vae.sem)
    records.keep(part, step_word="longer than" if longer else "no longer than")


def _gain() -> tuple[float, float]:
    """Return by how much the flow's samples of MNIST are nearer, and the larger spread over trainings."""
    normal, flow = (records.of("mnist")[model].metric("fid_judge") for model in AUTOENCODERS)
    return normal.mean - flow.mean, max(stdev(metric.values) for metric in (normal, flow))


def _of_colour() -> None:
    found = records.of("colour")
    normal, flow = (found[model] for model in AUTOENCODERS)
    by_nll, by_bound = (flow[key] - normal[key] for key in ("test_nll", "test_negative_elbo"))
    same = by_nll * by_bound >= 0
    sign = "both have the same sign" if same else "even its sign hangs on the measure"
    losing = [label for way, label in records.WAYS.items() if loses("colour", way)]
    verb = "lose" if len(losing) > 1 else "loses"
    lost = f"{len(losing)} of the four {verb} in the middle: {'; '.join(losing)}"
    records.keep(
        "colour",
        nearest_name=records.PLAIN[min(MODELS, key=lambda model: found[model]["fid_judge"])],
        by_bits=records.order("colour", "test_bits_per_dimension", 3, models=AUTOENCODERS),
        nll_change=_change(by_nll, 1),
        bound_change=_change(by_bound, 1),
        sign=sign,
        kl=normal["test_kl"],
        nll=normal["test_nll"],
        nll_share=100 * max(abs(by_nll), abs(by_bound)) / normal["test_nll"],
        fid_change=_change(100 * (flow["fid_judge"] / normal["fid_judge"] - 1), 0),
        lose=lost if losing else "none of the four loses in the middle",
    )


def _change(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def by_inception(part: str) -> str:
    """Return what the Inception distance says of the order, in words."""
    key, found = records.inception(part), records.of(part)
    if not key:
        return "The distance in Inception features is not recorded yet."
    ranked, judged = (sorted(MODELS, key=lambda m: found[m][k]) for k in (key, "fid_judge"))
    listed = ", ".join(f"{records.SAID[model]} {found[model][key]:.3f}" for model in ranked)
    width = key.removeprefix("fid_inception").removesuffix("_bfloat16")
    return (
        f"By the Inception distance of the first trainings ({width} features) the order is {listed}: "
        + ("the same." if ranked == judged else "another one.")
    )


def shares(part: str, key: str) -> str:
    """Return the precision or recall of the first trainings, in words."""
    found = records.of(part)
    if not all(f"{key}_judge" in of_model.metrics for of_model in found.values()):
        return f"{key} is not recorded yet"
    return f"{key} " + ", ".join(
        f"{records.SAID[m]} {found[m][f'{key}_judge']:.2f}" for m in MODELS
    )


def faults(part: str) -> str:
    """Return whether the GAN makes up less and leaves out more than each autoencoder, in words.

    Nothing where precision and recall are not recorded; a hundredth counts as no difference.
    """
    keys = ("precision_judge", "recall_judge")
    found = records.of(part)
    if any(key not in of_model.metrics for of_model in found.values() for key in keys):
        return ""

    def beside(model: str) -> tuple[str, str, str]:
        precise, wide = (found[GAN][key] - found[model][key] for key in keys)
        return (
            _word(precise, "less precise", "as precise", "more precise"),
            _word(wide, "less", "as much", "more"),
            ("not what", "half of what", "what")[(precise >= 0.01) + (wide <= -0.01)],
        )

    first, second = (beside(model) for model in AUTOENCODERS)
    return (
        "Beside the VAE under the standard normal the GAN is {} and covers {}, which is {} "
        "the prices of the two faults let one expect; ".format(*first)
        + "beside the one with the flow, which descends the same divergence, it is {} and covers {}, "
        "which is {} was to be expected there.".format(*second)
    )


def _word(difference: float, less: str, same: str, more: str) -> str:
    return same if abs(difference) < 0.01 else more if difference > 0 else less


def loses(part: str, way: records.Way) -> bool:
    """Whether the judge recognises fewer in the middle of a way than at its ends, by three standard errors."""
    ends, middle = (
        records.along(part, way, f"{place}_recognisable") for place in ("ends", "middle")
    )
    return ends.mean - middle.mean > 3 * math.hypot(ends.sem, middle.sem)


def claims_of_samples() -> dict[str, bool]:
    """Return what the text claims of the samples of MNIST."""
    found = records.of("mnist")

    def of(key: str) -> list[runs.Metric]:
        return [found[model].metric(key) for model in MODELS]

    def level(one: runs.Metric, other: runs.Metric) -> bool:
        return not below(one, other) and not below(other, one)

    (normal, flow, gan), seen, (gap, spread) = of("fid_judge"), of("recognisable"), _gain()
    nll = [found[model].metric("test_nll") for model in AUTOENCODERS]
    far = sorted(MODELS, key=lambda model: found[model][records.inception("mnist")])
    slowest = max(MODELS, key=lambda model: found[model]["train_seconds"])
    return {
        "the likelihood is the flow's, in every pair of trainings": below(nll[1], nll[0]),
        "the normal's samples are farther than the GAN's, in every pair": below(gan, normal),
        "the flow's samples are nearer than the normal's, in every pair": below(flow, normal),
        "by more than the spread over trainings": gap > spread,
        "by the judge the flow's model and the GAN are level": level(flow, gan),
        "by Inception the flow's is first, the GAN's last": (far[0], far[-1]) == (FLOW, GAN),
        "no digits are as rare with the flow as with the GAN": level(seen[1], seen[2]),
        "and more frequent under the normal": all(below(seen[0], other) for other in seen[1:]),
        "the GAN's classes are even": min(of("class_entropy")[2].values) >= 0.98,
        "the GAN is the slowest": slowest == GAN,
    }


def claims_of_look() -> dict[str, bool]:
    """Return what the text claims of the roughness of samples."""
    mnist, colour = ({m: r[m] / r["test"] for m in MODELS} for r in map(records.roughness, PARTS))
    off = {model: abs(math.log(ratio)) for model, ratio in mnist.items()}
    crops = colour[NORMAL] > 1.5 and colour[FLOW] < 0.7 and colour[GAN] > 1
    return {
        "autoencoders' samples are smooth": all(mnist[model] < 0.95 for model in AUTOENCODERS),
        "the GAN's are the nearest to real ones in this": min(off, key=lambda m: off[m]) == GAN,
        "the look of house numbers": records.dataset("colour") != "house-numbers" or crops,
    }


def claims_of_lines() -> dict[str, bool]:
    """Return what the text claims of lines between draws, on MNIST."""
    step = {way: records.along("mnist", way, "largest_step") for way in records.WAYS}
    normal, in_z, in_base, gan = step.values()
    even, uneven = max(normal.mean, in_z.mean), min(in_base.mean, gan.mean)
    ends, middle = (
        records.along("mnist", records.IN_Z, f"{at}_recognisable").mean for at in ("ends", "middle")
    )
    odd, odd_in_base = (
        records.along("mnist", way, "middle_unlikely").mean
        for way in (records.IN_Z, records.IN_BASE)
    )
    return {
        "the base's longest step is as the GAN's": abs(in_base.mean - gan.mean) < 3 * gan.sem,
        "only the line in z loses in the middle": [w for w in records.WAYS if loses("mnist", w)]
        == [records.IN_Z],
        "it goes by more even steps than the base's and the GAN's, as the VAE's": even < uneven,
        "the most unlikely middles do not account for the loss": 0.9 * odd < ends - middle,
        "the line in z crosses unlikely places, that in the base none": odd
        > 0.03
        > 0.01
        > odd_in_base,
    }


def _of_specks() -> None:
    record, inception_of = run("specks-mnist"), records.inception("mnist")
    gan, swept, flow, specked = scores = list(records.specks().values())
    normal = records.of("mnist")[NORMAL][inception_of]
    names = ("inception_gan", "inception_swept", "inception_flow", "inception_specked")
    PAGE.keep(**{name: of["inception"] for name, of in zip(names, scores, strict=True)})
    difference = gan["inception"] - flow["inception"]
    taken = (gan["inception"] - swept["inception"]) / difference
    added = (specked["inception"] - flow["inception"]) / difference
    PAGE.keep(specks_taken=100 * taken, specks_added=100 * added, inception_normal=normal)
    PAGE.keep(inception_factor=gan["inception"] / flow["inception"])
    share = {name: record[f"{name}_speckled_share"] for name in (*MODELS, "test")}
    PAGE.keep(specks_share=100 * share[GAN], specks_share_flow=100 * share[FLOW])
    PAGE.keep(specks_test=100 * share["test"], specks_number=record["gan_specks"] / share[GAN])
    PAGE.keep(specks_judge=abs(swept["judge"] - gan["judge"]))
    PAGE.keep(specks_judge_flow=abs(specked["judge"] - flow["judge"]))
    minded = (abs(new["judge"] / old["judge"] - 1) for new, old in ((swept, gan), (specked, flow)))
    claims = {
        "specks are the GAN's": share[GAN] > 3 * max(share[NORMAL], share[FLOW]),
        "real images hardly have specks": share["test"] < 0.2 * share[GAN],
        "they are of the recorded samples": record.config["images"] == 10_000,
        "the GAN's were moved to the flow's samples": (
            record.config["speckled"],
            record.config["clean"],
        )
        == (GAN, FLOW),
        "the judge hardly minds specks": max(minded) < 0.15,
        "they are a part of the difference, and not the main one": 0.05 < taken <= 0.5,
        "without specks the GAN is behind the VAE, too": swept["inception"] > normal,
    }
    check({f"MNIST: {claim}": true for claim, true in claims.items()})
