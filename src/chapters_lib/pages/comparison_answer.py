"""What the comparison says of its records: numbers and words to glue, and the findings that the records must bear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from chapters_lib.evaluation.intervals import Interval, paired
from chapters_lib.findings import compared as records
from chapters_lib.findings import convolutions, in_colour
from chapters_lib.findings.compared import AUTOENCODERS, FLOW, GAN, NORMAL, PARTS
from chapters_lib.findings.verdicts import (
    Verdict,
    above,
    apart,
    both,
    difference,
    greater,
    less,
    level,
    shown,
)
from chapters_lib.findings.words import interval, number, signed, with_error
from chapters_lib.pages import Page, run
from chapters_lib.recipes.comparing import MODELS
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Run

PAGE = Page("cmp")
CONVOLUTIONAL, IN_BATCHES = "dcgan-mnist-nonsaturating", "dcgan-mnist-batch-128"
NETWORKS = ("the judge", "Inception")


def numbers() -> None:
    """Glue what the text says of samples, lines and neighbours, and mark the findings that do not hold."""
    for part in PARTS:
        _of_samples(part)
    _of_lines()
    grey, coloured = (records.protocol(part) for part in PARTS)
    said = grey
    if grey != coloured:
        said = f"{grey}. In colour it is from {coloured.replace('; ', ', of ')}"
    PAGE.keep(protocol=said.replace("; ", ". It is of ", 1))
    PAGE.keep(
        gap_flow_gan=records.gap("mnist", "fid_judge", (FLOW, GAN)),
        gap_flow_normal=records.gap("mnist", "fid_judge", (NORMAL, FLOW)),
        gap_nll=records.of("mnist")[NORMAL]["test_nll"] - records.of("mnist")[FLOW]["test_nll"],
    )
    _over_time()
    _of_colour()
    _of_specks()
    PAGE.of("conv").keep(**convolutions.numbers())
    PAGE.claims(**convolutions.verdicts())
    _sent_through()
    _of_neighbours()
    samples()
    _find_lines()
    _find_density()


def _over_time() -> None:
    """Keep how the last epochs change the distances, and how large a difference of two models is not excluded."""
    epochs, _ = records.followed("mnist", GAN)
    followed = {model: records.followed("mnist", model)[1] for model in MODELS}
    change = {model: paired(of[:, -1], of[:, -2]) for model, of in followed.items()}
    PAGE.of("mnist").keep(before_last=int(epochs[-2]))
    PAGE.of("gan").keep(change=interval(change[GAN], 2))
    of_gan, of_flow = (records.of("mnist")[model].metric("fid_judge") for model in (GAN, FLOW))
    gap = difference(of_gan, of_flow)
    reach = max(abs(gap.low), abs(gap.high))
    PAGE.keep(gap_reach=reach, gap_reach_share=100 * reach / of_flow.mean)
    PAGE.claims(last_epochs_level=both(*(shown(of, sign=0) for of in change.values())))


def _of_samples(part: str) -> None:
    found, key = records.of(part), records.inception(part)
    PAGE.of(part).keep(
        faults=" ".join(
            f"{name.capitalize()}: {records.ranked(part, f'{name}_judge', 2, lower=False)}."
            for name in ("precision", "recall")
            if f"{name}_judge" in found[GAN].metrics
        )
    )
    if part == "mnist":
        PAGE.of(part).keep(by_inception=records.ranked(part, key, 4))
    else:
        by_kernel = records.ranked(
            part, key.replace("fid768", "kid").replace("fid", "kid"), 2, scale=1e3
        )
        PAGE.of(part).keep(by_kernel=by_kernel)
    rough = {name: records.side(part)[f"{name}_roughness"] for name in (*MODELS, "test")}
    for model in MODELS:
        name = model.removeprefix("vae-")
        PAGE.of(f"{part}_rough").keep(**{name: 100 * rough[model] / rough["test"]})
        if part == "mnist":
            PAGE.of(f"{part}_fid").keep(**{name: number(found[model].metric("fid_judge"), 2)})


def _of_lines() -> None:
    """Keep what the judge recognises along the flow's lines on MNIST, and what it would not see in colour."""
    seen = {way: records.along("mnist", way, "middle_recognisable").mean for way in records.WAYS}
    ends_of_flow = records.along("mnist", records.IN_Z, "ends_recognisable").mean
    PAGE.of("mnist_realnvp_z").keep(ends=100 * ends_of_flow, middle=100 * seen[records.IN_Z])
    PAGE.of("mnist_base").keep(middle=100 * seen[records.IN_BASE])
    for way in (records.IN_Z, records.IN_BASE):
        odd = records.along("mnist", way, "middle_unlikely").mean
        PAGE.of(f"mnist_{way[1]}").keep(unlikely=100 * odd)
    reach = [lost("colour", way).high - lost("colour", way).difference for way in records.WAYS]
    ends = [records.along("colour", way, "ends_recognisable").mean for way in records.WAYS]
    for name, shares in {"loss_unseen": reach, "ends_seen": ends}.items():
        PAGE.of("colour").keep(**{name: f"{100 * min(shares):.0f} to {100 * max(shares):.0f}"})


def lost(part: str, way: records.Way) -> Interval:
    """Return how much more often the judge recognises the ends of a way than its middle."""
    ends, middle = (
        records.along(part, way, f"{place}_recognisable") for place in ("ends", "middle")
    )
    return apart(ends, middle)


def losing(part: str) -> str:
    """Say on which lines the judge recognises fewer in the middle, beyond two standard errors."""
    losses = [name for way, name in records.WAYS.items() if lost(part, way).low > 0]
    return f"a loss is shown on {'; '.join(losses)}" if losses else "no loss is shown on any line"


def _of_colour() -> None:
    found, floor = records.of("colour"), records.floors("colour")
    normal, flow = (found[model] for model in AUTOENCODERS)
    agree, alone = first_places("colour"), in_colour.from_random_weights()
    PAGE.of("colour").keep(
        agree=agree,
        alone=alone,
        short=f"By the judge: {records.ranked('colour', 'fid_judge', 2)}. {agree}".strip(),
        **in_colour.faults(found),
        differences=records.differences("colour"),
        nll_said=in_colour.likelihoods(normal, flow),
        terms=in_colour.terms(),
        lose=losing("colour"),
        spread=in_colour.spread(),
        through=in_colour.sent_through(),
        grain=in_colour.grain("colour", 2),
    )
    PAGE.of("colour").keep(
        overfit=in_colour.overfitting(normal, flow),
        floor=_floor(floor),
        floored=_floored(found),
        changed=_changed(found),
    )
    key = records.inception("colour")
    judged, inception = ({name: of[by] for name, of in found.items()} for by in ("fid_judge", key))
    firsts = [min(of, key=of.__getitem__) for of in (judged, inception)]
    told = [
        f"by {of} the {records.SAID[first]}" for of, first in zip(NETWORKS, firsts, strict=True)
    ]
    PAGE.claims(colour_firsts=Verdict(firsts == [GAN, FLOW], ", ".join(told)))


def _floor(floor: Run | None) -> str:
    """Say what the kernel distance is of other real crops, and of rendered ones."""
    if not floor:
        return ""
    rendered = with_error(floor.metric("rendered_kid").times(1000), 2)
    return (
        f". Other real crops have {1000 * floor['train_kid']:.2f}, and rendered ones "
        f"{rendered} (± over images)"
    )


def _floored(found: Mapping[str, Run]) -> str:
    """Say that the flow's samples are as far as rendered crops by Inception, and mark whether it is so."""
    if not (floor := records.floors("colour")):
        PAGE.claims(colour_floored=Verdict(True, "no rendered crops were measured"))
        return ""
    rendered = floor.metric("rendered_kid")
    farther = {model: apart(found[model].metric(records.KERNEL), rendered) for model in MODELS}
    PAGE.claims(
        colour_floored=both(
            *(shown(farther[m], sign=0 if m == FLOW else 1, digits=5) for m in MODELS)
        )
    )
    return (
        "By Inception the flow's samples are about as far from real crops as rendered crops are, "
        "and those of the other two are farther."
    )


def _recoloured(found: Mapping[str, Run]) -> bool:
    """Whether all three learn from images that are moved and recoloured at random."""
    return all(of.config.get("shift") and of.config.get("colour") for of in found.values())


def _changed(found: Mapping[str, Run]) -> str:
    """Say what it means that images are changed in training, where they are."""
    if not _recoloured(found):
        return ""
    return (
        "In colour images are shifted and recoloured in training: the autoencoders learn the changed images, the GAN "
        f"the unchanged ones. Samples are held against unchanged images, which favours the GAN{_by_how_much()}."
    )


def _by_how_much() -> str:
    """Say what the changes alone do to the judge's distance, where that was measured."""
    name, key = f"sent-through-{records.dataset('colour')}", "train_changed_fid_judge"
    if name not in runs.names() or key not in run(name).metrics:
        return "; by how much was not measured"
    judge, model = run(f"judge-{records.dataset('colour')}"), records.of("colour")[NORMAL]
    as_well = all(judge.config.get(how) == model.config[how] for how in ("shift", "colour"))
    return (
        f". By the judge training images have a distance of {run(name)['train_fid_judge']:.1f} from as many test "
        f"images, the changed ones {run(name)[key]:.1f}"
        + "; it learned from images changed in the same way, so it may notice little"
        * as_well
    )


def _sent_through() -> None:
    """Keep how far test images are from others by way of an autoencoder, and how far its draws are."""
    found, keep = run("sent-through-mnist"), PAGE.of("through").keep
    keep(images=f"{found.config['images']:,}")
    ways, floor, trained = [], found["real_fid_judge"], found["training_fid_judge"]
    for model in AUTOENCODERS:
        through, drawn = (found[f"{model}_{way}_fid_judge"] for way in ("through", "drawn"))
        rough = found[f"{model}_through_roughness"] / found["real_roughness"]
        keep(**{f"{model.removeprefix('vae-')}_rough": 100 * rough})
        ways.append((through - floor) / (drawn - trained))
    told = ", ".join(f"{100 * way:.0f} % of the way" for way in ways)
    key, redrawn = records.inception("mnist").replace("fid", "kid"), run("redrawn-real-mnist")
    of_real = redrawn.metric(f"train_through_{key}").times(1000)
    of_drawn = run("redrawn-mnist").metric(f"{FLOW}_drawn_{key}").times(1000)
    keep(kernel=with_error(of_real, 3), count=f"{redrawn.config['images']:,}")
    PAGE.keep(drawn_kernel=with_error(of_drawn, 3))
    no_nearer = apart(of_real, of_drawn).high >= 0
    PAGE.claims(
        drawing_is_it=Verdict(max(ways) < 0.2, told),
        through_no_nearer=Verdict(no_nearer, f"{of_real.mean:.3f} and {of_drawn.mean:.3f}"),
    )


def first_places(part: str) -> str:
    """Say whether the judge and Inception put the same model first."""
    found, key = records.of(part), records.inception(part)
    if not key:
        return ""
    judge, inception = (
        records.SAID[min(MODELS, key=lambda model: found[model][of])] for of in ("fid_judge", key)
    )
    if judge == inception:
        return f"Both networks put the {judge} first."
    return f"The judge puts the {judge} first, Inception the {inception}."


def samples() -> None:
    """Mark what the text finds of the samples of MNIST, and of its discriminator."""
    found, rough = records.of("mnist"), records.side("mnist")
    normal, flow, gan = (found[model].metric("fid_judge") for model in MODELS)
    seen = [found[model].metric("recognisable") for model in MODELS]
    precise, wide = (
        [found[model][f"{key}_judge"] for model in MODELS] for key in ("precision", "recall")
    )
    kids = [found[m].metric(records.inception("mnist").replace("fid", "kid")) for m in MODELS]
    real, held = (found[GAN].metric(f"{of}_real_probability") for of in ("train", "val"))
    ratio = [rough[f"{m}_roughness"] / rough["test_roughness"] for m in MODELS]
    real_recall = run("sent-through-mnist")["train_recall_judge"]
    PAGE.of("recall").keep(gan=wide[2], real=real_recall)
    some_loss = Verdict(
        real_recall - 0.3 < wide[2] < real_recall - 0.02, f"{wide[2]:.2f}, {real_recall:.2f}"
    )
    told = f"precision {precise[0]:.3f}, {precise[1]:.3f}, {precise[2]:.3f}; recall {wide[0]:.3f}, "
    told += f"{wide[1]:.3f}, {wide[2]:.3f}"
    precise_as_said = precise[2] - precise[0] > 0.01 > precise[2] - precise[1]
    PAGE.claims(
        gan_level=level(gan, flow),
        likelihood=less(*(found[of].metric("test_nll") for of in (FLOW, NORMAL))),
        both_nearer=both(less(gan, normal), less(flow, normal)),
        seen_more=both(greater(seen[1], seen[0]), greater(seen[2], seen[0])),
        seen_level=level(seen[2], seen[1]),
        inception_order=both(
            shown(apart(kids[1], kids[0]), sign=-1, digits=6),
            shown(apart(kids[0], kids[2]), sign=-1, digits=6),
        ),
        some_loss=some_loss,
        even=above(found[GAN].metric("class_entropy"), 0.98),
        faults=Verdict(precise_as_said and wide[2] < min(wide[:2]) - 0.01, told),
        smooth=Verdict(max(ratio[:2]) < 1 < ratio[2], ", ".join(f"{100 * r:.0f} %" for r in ratio)),
        knows_its_images=shown(paired(real.values, held.values), sign=1),
    )


def _find_lines() -> None:
    """Mark what the text finds of lines between draws, on MNIST."""
    others = [way for way in records.WAYS if way != records.IN_Z]
    normal, in_z, in_base, gan = (
        records.along("mnist", way, "largest_step") for way in records.WAYS
    )
    odd = [
        records.along("mnist", way, "middle_unlikely") for way in (records.IN_Z, records.IN_BASE)
    ]
    told = ", ".join(f"{lost('mnist', way).difference:.3f}" for way in others)
    PAGE.claims(
        z_loses=shown(lost("mnist", records.IN_Z), sign=1),
        others_hold=Verdict(all(lost("mnist", way).low <= 0 for way in others), told),
        base_gains=shown(lost("mnist", records.IN_BASE), sign=-1),
        unlikely=shown(apart(*odd), sign=1),
        steps=both(
            *(
                shown(apart(uneven, even), sign=1)
                for uneven in (in_base, gan)
                for even in (normal, in_z)
            )
        ),
    )


def _find_density() -> None:
    """Mark what the text finds of the flow's density along lines, and keep its numbers."""
    found = records.densities("mnist")
    z, base, seen, ends = found.along["z"], found.along["base"], found.middles, found.ends
    peak, count = max(z[:6]), sum(seen.counts)
    as_likely, middles = (
        sum(n * share for n, share in zip(seen.counts, of.share, strict=True)) / count
        for of in (ends, seen)
    )
    PAGE.keep(density_ends=signed(z[0]), density_z=signed(min(z)), density_base=signed(max(base)))
    PAGE.keep(seen_unlikely=100 * seen.share[0], seen_likely=100 * seen.share[-1])
    PAGE.of("seen").keep(as_likely=100 * as_likely, middles=100 * middles)
    whole = records.along("mnist", records.IN_Z, "ends_recognisable").mean
    middle = {z.index(min(z)), base.index(max(base))} <= {5, 6} and z.index(peak) == 1
    rises = all(a < b for a, b in pairwise(seen.share))
    rises &= seen.share[-1] - seen.share[0] > math.hypot(seen.errors[0], seen.errors[-1])
    above = [
        share - other > math.hypot(error, beside)
        for share, other, error, beside in zip(
            ends.share, seen.share, ends.errors, seen.errors, strict=True
        )
    ]
    told = ", ".join(f"{s:.2f} and {e:.2f}" for s, e in zip(seen.share, ends.share, strict=True))
    PAGE.claims(
        valley_and_hill=Verdict(middle, f"{min(z):.1f}, {z[0]:.1f}, {peak:.1f}, {max(base):.1f}"),
        likelier_is_recognised=Verdict(rises, told),
        density_not_all=Verdict(all(above), told),
        density_little=Verdict(
            whole - as_likely < 0.5 * (whole - middles),
            f"{whole:.2f}, {as_likely:.2f} and {middles:.2f}",
        ),
    )


def _of_neighbours() -> None:
    count = {part: records.side(part).config["images"] for part in PARTS}
    held = {part: 100 * records.held_share(part) for part in PARTS}
    error = {part: math.sqrt(of * (100 - of) / count[part]) for part, of in held.items()}
    shares = {
        (part, model, space): 100 * records.side(part)[f"{model}_{space}_held"]
        for part in PARTS
        for model in (*MODELS, "test")
        for space in ("pixel", "judge")
    }
    PAGE.keep(held_expected=held["mnist"], held_expected_colour=held["colour"])
    PAGE.keep(held_error=error["mnist"], nearest_count=f"{count['mnist']:,}")
    PAGE.keep(held_error_colour=error["colour"], nearest_count_colour=f"{count['colour']:,}")
    for part in PARTS:
        of_models = {key: of for key, of in shares.items() if key[0] == part and key[1] != "test"}
        most = max(of_models, key=of_models.__getitem__)
        space = {"pixel": "by pixels", "judge": "by features"}[most[2]]
        too_large = (of_models[most] - held[part]) / error[part]
        said = f"{of_models[most]:.1f} % ({records.SAID[most[1]]}, {space}: at most {too_large:.1f} errors too large)"
        PAGE.of(part).keep(unseen=100 * 3 * error[part] / held[part])
        if part == "mnist":
            PAGE.of(part).keep(held_low=min(of_models.values()), held_high=of_models[most])
            PAGE.of(part).keep(held_most=said)
        elif "val" in run(f"judge-{records.dataset(part)}").data_used:
            PAGE.of(part).keep(
                held_said="In colour the judge learned from the training images and not from those held out, so its "
                "features do not treat both alike. There only the column of pixels counts."
            )
        else:
            PAGE.of(part).keep(held_said=f"In colour the largest is {said}.")
    for name, model in {"gan": GAN, "test": "test"}.items():
        share, far = shares["mnist", model, "pixel"], 100 / held["mnist"]
        chance = math.sqrt(share * (100 - share) / count["mnist"])
        PAGE.of("copies").keep(**{name: f"{100 - far * share:.0f} ± {far * chance:.0f}"})
    short = {key: (held[key[0]] - share) / error[key[0]] for key, share in shares.items()}
    worst = max(short, key=lambda key: short[key])
    told = f"{shares[worst]:.1f} % ({records.SAID.get(worst[1])}), {short[worst]:.1f} errors below"
    PAGE.claims(no_copies=Verdict(short[worst] < 3, told))


def _of_specks() -> None:
    record, key = run("specks-mnist"), records.inception("mnist")
    gan, swept, flow, specked = (of["inception"] for of in records.specks().values())
    normal = records.of("mnist")[NORMAL].metric(key).values[0]
    taken, added = (gan - swept) / (gan - flow), (specked - flow) / (gan - flow)
    PAGE.keep(specks_taken=100 * taken, specks_added=100 * added)
    PAGE.keep(inception_swept=swept, inception_normal=normal, grain=in_colour.grain("mnist", 3))
    share = {name: 100 * record[f"{name}_speckled_share"] for name in (*MODELS, "test")}
    PAGE.keep(specks_share=share[GAN], specks_share_flow=share[FLOW], specks_test=share["test"])
    most = max(share[NORMAL], share[FLOW], share["test"])
    conv, others = run(CONVOLUTIONAL), records.of("mnist").values()
    PAGE.of("dcgan").keep(
        judge=conv["fid_judge"],
        batch=run(IN_BATCHES)["fid_judge"],
        times=conv["parameters"] / records.of("mnist")[GAN]["parameters"],
    )
    first = all(
        conv[of] < min(other.metric(of).values) for of in ("fid_judge", key) for other in others
    )
    kernel = key.replace("fid", "kid")
    with_specks = record.metric(f"specked_{kernel}").times(1000)
    without = records.of("mnist")[FLOW].metric(kernel).times(1000)
    PAGE.keep(specked_kernel=with_error(with_specks, 3), flow_kernel=with_error(without, 3))
    PAGE.claims(
        specks_are_the_gans=Verdict(share[GAN] > most, f"{share[GAN]:.1f} %, {most:.1f} %"),
        specks_add_nothing=Verdict(
            apart(with_specks, without).low <= 0, f"{with_specks.mean:.3f}, {without.mean:.3f}"
        ),
        specks_minor=Verdict(max(taken, added) < 0.5, f"{100 * taken:.0f} and {100 * added:.0f} %"),
        dcgan_first=Verdict(first, f"{conv['fid_judge']:.2f}, {conv[key]:.4f}"),
        swept_behind=Verdict(swept > normal, f"{swept:.4f} against {normal:.4f}"),
    )
