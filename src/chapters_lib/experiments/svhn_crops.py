"""Three models of a few thousand real crops of SVHN: begun with those of house numbers, and from nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chapters_lib.experiments.comparison import COLOUR, COLOUR_GAN, compared, sent
from chapters_lib.recipes import comparing, crops, gan, likelihood_vae
from chapters_lib.recipes.comparing import ComparedModelsConfig
from chapters_lib.recipes.crops import FloorsConfig
from chapters_lib.recipes.sent_through import SentThroughConfig
from chapters_lib.recording.experiment import FIVE_SEEDS, Experiment, measurement

CHAPTER = "comparison"
NAME = "svhn-crops"
RENDERED = "house-numbers"
ALIKE: dict[str, Any] = {  # of all three
    "dataset": NAME,
    "epochs": 60,
    "shown_epochs": (0, 20, 40, 60),
    "followed_every": 10,
    "shift": 2,
    "colour": 0.2,
}
VAE = replace(COLOUR, nll_samples=100, nll_images=0, **ALIKE)
GAN = replace(COLOUR_GAN, **ALIKE)
SLOWER = {"learning_rate": 3e-4}  # chosen on the val part: 1e-3 undoes what was learned before


def models(
    recipe: Any, kind: str, summary: str, config: Any, **changes: Any
) -> tuple[Experiment[Any, Any], ...]:
    """Return a model that begins with the weights of rendered crops, and its control, which begins with none.

    `changes` are those numbers of the first that do not fit the second. The control is held
    against real crops alone, not judged.
    """
    known = {
        "seeds": FIVE_SEEDS,
        "evaluate": crops.measured(recipe.evaluate, recipe.samples, NAME),
        "tolerances": recipe.TOLERANCES | crops.TOLERANCES,
    }
    begun = f"{kind}-{RENDERED}"
    return (
        recipe.experiment(
            f"{kind}-{NAME}",
            CHAPTER,
            f"{summary} on real crops, begun with {begun}",
            replace(config, begun=begun, **changes),
            **known,
        ),
        recipe.experiment(
            f"{kind}-{NAME}-from-nothing",
            CHAPTER,
            f"control: {summary} on real crops alone",
            replace(config, judged=False),
            weights_stored=False,
            **known,
        ),
    )


EXPERIMENTS = (
    *models(likelihood_vae, "vae-gaussian", "convolutional VAE under N(0, I)", VAE, **SLOWER),
    *models(
        likelihood_vae,
        "vae-realnvp",
        "convolutional VAE under a RealNVP prior",
        replace(VAE, couplings=8),
        **SLOWER,
    ),
    *models(gan, "gan", "convolutional GAN", GAN),
    measurement(
        f"floors-{NAME}",
        CHAPTER,
        "real crops held against other real ones, and against rendered ones",
        FloorsConfig(NAME, RENDERED),
        crops.measure_floors,
        needs=comparing.needs(RENDERED),
    ),
    compared(ComparedModelsConfig(NAME, lines=300, images=500, real_lines=2)),
    *sent(SentThroughConfig(NAME, images=250), "crops", "bfloat16"),
)
