"""What the text says of the records before the written answer."""

from __future__ import annotations

import math
from itertools import pairwise

from chapters_lib.pages import check, signed
from chapters_lib.pages.comparison import records
from chapters_lib.pages.comparison.records import AUTOENCODERS, PAGE, PARTS
from chapters_lib.recipes.comparing import MODELS


def numbers() -> None:
    """Glue the numbers of set-up, curves, likelihood, density and neighbours, and check the text."""
    PAGE.keep(**records.COLOUR_WORDS[records.dataset("colour")], even_step=1 / 11)
    for part in PARTS:
        _settings(part)
        _sizes(part)
        _curves(part)
        _likelihood(part)
    _counts()
    _density()
    _neighbours()


def _settings(part: str) -> None:
    found = records.of(part).values()
    vae, flow, gan = (record.config for record in found)
    shown = list(gan["shown_epochs"])
    same = ("epochs", "batch_size", "validation", "shown_epochs", "followed_every")
    claims = {f"{part}: {key} is the same": vae[key] == flow[key] == gan[key] for key in same}
    claims |= {
        f"{part}: codes of the same length": vae["latent"] == flow["latent"] == gan["noise"],
        f"{part}: 40 or 64 units": gan["noise"] == {"mnist": 40, "colour": 64}[part],
        f"{part}: they differ by the flow alone": flow == vae | {"couplings": flow["couplings"]},
        f"{part}: the same seeds": len({tuple(r.provenance["seeds"]) for r in found}) == 1,
        f"{part}: samples every ten epochs": shown == list(range(0, shown[-1] + 1, 10)),
    }
    check(claims)
    records.keep(part, epochs=gan["epochs"], batch=gan["batch_size"], latent=gan["noise"])
    records.keep(part, g_rate=f"{gan['learning_rate']:g}", d_rate=f"{gan['discriminator_rate']:g}")


def _counts() -> None:
    single = (
        "Of the colour models there is one training each; they are listed from best to worst with "
        "commas, and what another seed would change is not known."
    )
    of_colour = records.trainings("colour")
    PAGE.keep(colour_trainings=records.IN_WORDS[of_colour], single=single if of_colour == 1 else "")
    held = [records.of(part)["gan"].config["validation"] for part in PARTS]
    PAGE.keep(held_expected=100 * held[0])
    claims = {
        "three trainings on MNIST": records.trainings("mnist") == 3,
        "a twelfth is held out": held == [1 / 12, 1 / 12],
        "2,000 samples": records.side("mnist").config["images"] == 2000,
    }
    check(claims)


def _sizes(part: str) -> None:
    vae, flow, gan = records.sizes(part).values()
    records.keep(part, flow_share=100 * flow.flow / vae.both)
    claims = {
        f"{part}: within a tenth of the VAE's": 0.9 <= gan.both / vae.both <= 1.1,
        f"{part}: as many weights under both priors": flow.both == vae.both,
    }
    check(claims)


def _curves(part: str) -> None:
    found = records.of(part)
    for model in AUTOENCODERS:
        trained, held = (found[model][f"{of}_negative_elbo"] for of in ("train", "val"))
        records.keep(part, **{f"{model.removeprefix('vae-')}_over": held - trained})
        check({f"{part}: {model} has the lower bound on training images": trained < held})
    trained, held = (found["gan"][f"{of}_real_probability"] for of in ("train", "val"))
    finds = trained - held
    word = "more" if finds > 0.02 else "no more" if finds > -0.02 else "less"
    records.keep(part, p_train=trained, p_val=held, d_word=word)


def _likelihood(part: str) -> None:
    found = [records.of(part)[model] for model in AUTOENCODERS]
    records.keep(part, effective=min(record["test_nll_effective_samples"] for record in found))
    if part == "colour":
        one, fifty = (
            min(record[f"test_nll_k_{k}"] - record["test_nll"] for record in found) for k in (1, 50)
        )
        records.keep(part, tighter=one, falling=fifty)


def _density() -> None:
    found = records.densities("mnist")
    z, base, seen = found.along["z"], found.along["base"], found.seen
    PAGE.keep(density_ends=signed(z[0]), density_z=signed(min(z)), density_base=signed(max(base)))
    PAGE.keep(seen_unlikely=100 * seen[0], seen_likely=100 * seen[-1])
    chance = 2 * math.hypot(found.errors[0], found.errors[-1])
    claims = {
        "a valley among codes": min(z) < min(z[0], z[-1]) - 3,
        "a hill in the base space": max(base) > max(base[0], base[-1]) + 3,
        "both in the middle": {z.index(min(z)), base.index(max(base))} <= {5, 6},
        "likelier middles are recognised more often": all(a < b for a, b in pairwise(seen)),
        "far beyond chance": seen[-1] - seen[0] > chance,
    }
    check({f"MNIST: {claim}": true for claim, true in claims.items()})


def _neighbours() -> None:
    count = records.side("mnist").config["images"]
    held = 100 * records.of("mnist")["gan"].config["validation"]
    error = math.sqrt(held * (100 - held) / count)
    shares = {
        (part, model, space): 100 * records.side(part)[f"{model}_{space}_held"]
        for part in PARTS
        for model in (*MODELS, "test")
        for space in ("pixel", "judge")
    }
    check({f"{key} does not live on copies": share > 0.7 * held for key, share in shares.items()})
    real = [share for (_, model, _), share in shares.items() if model == "test"]
    drawn = {key: share for key, share in shares.items() if key[1] != "test"}
    part, model, space = most = max(drawn, key=lambda key: drawn[key])
    by = "pixels" if space == "pixel" else "features"
    PAGE.keep(held_error=error, nearest_count=f"{count:,}")
    PAGE.keep(held_least=min(drawn.values()), held_most=drawn[most])
    PAGE.keep(held_test_least=min(real), held_test_most=max(real))
    PAGE.keep(held_most_name=f"{records.PLAIN[model]} ({records.title(part)}, by {by})")
    PAGE.keep(held_most_by=(drawn[most] - held) / error)
