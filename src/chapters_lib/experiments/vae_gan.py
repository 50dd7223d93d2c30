"""The experiments of the page VAE-GAN: the basic loss under two routings, the feature term, convolutions, the study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chapters_lib.experiments import autoencoder
from chapters_lib.models.vae_gan import VAEGAN
from chapters_lib.objectives.vae_gan import RECONSTRUCTION, SAMPLE
from chapters_lib.recipes import rivals, vae, vae_gan, vae_gan_outputs
from chapters_lib.recipes.autoencoder import AutoencoderConfig
from chapters_lib.recipes.rivals import RivalsConfig
from chapters_lib.recipes.vae import VaeConfig
from chapters_lib.recipes.vae_gan import TOLERANCES, VaeGanConfig, build, experiment, train
from chapters_lib.recipes.vae_gan_study import EARLIER, VaeGanStudyConfig, evaluate, study_cases
from chapters_lib.recording.experiment import FIVE_SEEDS, Experiment, measurement, no_panels
from chapters_lib.recording.study import numbered, study

GAMMA, LAYER = 0.1, 3  # found by the study
GAMMAS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


def two_units(base: AutoencoderConfig) -> VaeGanConfig:
    """Return the basic VAE-GAN made from an autoencoder: its layers, its two code units, L_prior + L_GAN."""
    return VaeGanConfig(
        base.dataset,
        routing="joint",
        drawn=(RECONSTRUCTION,),
        hidden=base.hidden,
        latent=base.code,
        activation=base.activation,
        frequency=base.frequency,
        input_dropout=base.dropout,
        epochs=15,
        learning_rate=5e-4,
        discriminator_rate=5e-5,
        followed_every=5,
    )


def from_vae(base: VaeGanConfig, name: str) -> VaeGanConfig:
    """Return a basic VAE-GAN that starts from a trained VAE, and whose decoder ascends log D.

    From nothing, and by log(1 − D), the discriminator wins on digits, and one image is left.
    """
    return replace(base, start=name, saturating=False, learning_rate=2e-4)


COLD = two_units(autoencoder.FASHION)  # from nothing, by the loss as it stands
BASIC = from_vae(COLD, "vae-2d-fashion-mnist")
PAPER = replace(BASIC, routing="paper")
DIGITS = from_vae(two_units(autoencoder.MNIST), "vae-2d-mnist")
BOTH = replace(BASIC, drawn=(RECONSTRUCTION, SAMPLE), epochs=10)  # both kinds of drawn images
BOTH_DIGITS = replace(DIGITS, drawn=BOTH.drawn, epochs=BOTH.epochs)
NOISY = replace(BOTH, discriminator_rate=2e-4, noise=0.3)  # on what a faster discriminator sees
FASTER = replace(NOISY, learning_rate=5e-5, noise=0.5, epochs=4)  # than the decoder
ON_DIGITS: dict[str, Any] = {  # by Eq. 8
    "dataset": "mnist",
    "start": DIGITS.start,
    "input_dropout": DIGITS.input_dropout,
    "layer": LAYER,
    "routing": "paper",
}
SAMPLES = replace(BOTH, drawn=(SAMPLE,))  # those that Eq. 5 names
FASTER_SAMPLES = replace(FASTER, drawn=(SAMPLE,))
SLOW = replace(COLD, start=BASIC.start, epochs=30, portion=0.1, followed_every=1)

DISL = VaeGanConfig(
    "fashion-mnist",
    layer=LAYER,
    gamma=GAMMA,
    hidden=(400,),
    latent=20,
    epochs=30,
    learning_rate=1e-3,
    discriminator_rate=2e-4,
    followed_every=5,
)

CONV = replace(
    DISL,
    convolutional=True,
    width=32,
    gamma=GAMMA / 8,  # the layer has eight times as many units
    discriminator_rate=1e-4,
    epochs=15,
    followed_every=3,
)

CONV_VAE = VaeConfig(  # CONV's encoder and decoder, their updates and their Adam; no third network
    CONV.dataset,
    latent=CONV.latent,
    convolutional=True,
    width=CONV.width,
    epochs=CONV.epochs,
    batch_size=CONV.batch_size,
    learning_rate=CONV.learning_rate,
    beta1=CONV.beta1,
    schedule="cosine",
    precision=CONV.precision,
)

STUDY = VaeGanStudyConfig(
    "fashion-mnist",
    study_cases(
        replace(DISL, epochs=5),
        GAMMAS,
        tuple(n for n in (0, 1, 2, 3) if n != LAYER),
        {
            "basic": replace(DISL, layer=None, epochs=5),
            "basic-joint": replace(DISL, layer=None, routing="joint", epochs=5),
            "two-units": replace(COLD, routing="paper", layer=LAYER, gamma=GAMMA, epochs=5),
        },
    ),
)


def _followed(
    name: str, summary: str, config: VaeGanConfig, **parts: Any
) -> Experiment[VaeGanConfig, VAEGAN]:
    """Make a training whose losses and discriminator are followed; most keep no weights."""
    kept = {"weights_stored": False} | parts
    return vae_gan_outputs.experiment(name, "vae-gan", summary, config, **kept)


EXPERIMENTS = (
    experiment(
        "vaegan-fashion-mnist",
        "vae-gan",
        "basic loss, jointly minimised, Fashion-MNIST; non-saturating, started from a VAE",
        BASIC,
        seeds=FIVE_SEEDS,
    ),
    experiment(
        "vaegan-mnist",
        "vae-gan",
        "basic loss, jointly minimised, MNIST; non-saturating, started from a VAE",
        DIGITS,
        seeds=(0,),
    ),
    experiment(
        "vaegan-fashion-mnist-paper",
        "vae-gan",
        "the same as vaegan-fashion-mnist under the paper's Algorithm 1",
        PAPER,
        seeds=(0,),
        weights_stored=False,
    ),
    *(
        experiment(
            f"vaegan-fashion-mnist{end}-warm",
            "vae-gan",
            "the basic loss as it stands, followed closely from the trained VAE on",
            replace(SLOW, routing=end[1:] or "joint"),
            seeds=(0,),
            weights_stored=False,
        )
        for end in ("", "-paper")
    ),
    _followed(
        "vaegan-fashion-mnist-both",
        "basic loss, jointly minimised; the discriminator sees samples, too, and what it says is followed",
        BOTH,
        seeds=FIVE_SEEDS,
    ),
    *(
        _followed(
            f"vaegan-fashion-mnist-both-layer-{layer}",
            f"vaegan-fashion-mnist-both and L_llike, in {f'layer {layer}' if layer else 'pixels'}",
            replace(BOTH, layer=layer),
            panels=no_panels if layer in (1, 2) else vae_gan.panels,
            seeds=(0,),
            weights_stored=layer == LAYER,
        )
        for layer in range(4)
    ),
    _followed(
        "vaegan-mnist-both",
        "basic loss, jointly minimised, MNIST; the discriminator sees samples, too",
        BOTH_DIGITS,
    ),
    *(
        _followed(
            f"vaegan-{config.dataset}-samples",
            "basic loss, drawn images as in Eq. 5: the discriminator sees samples of p(z) alone",
            config,
            seeds=(0,),
        )
        for config in (SAMPLES, replace(BOTH_DIGITS, drawn=SAMPLES.drawn))
    ),
    *(
        _followed(
            f"vaegan-{config.dataset}-equal-rates",
            "basic loss, jointly minimised; the discriminator as fast as the decoder",
            replace(config, discriminator_rate=config.learning_rate),
            seeds=(0,),
        )
        for config in (BOTH, BOTH_DIGITS)
    ),
    _followed(
        "vaegan-fashion-mnist-noise",
        "basic loss, jointly minimised; noise on what the discriminator sees, which is as fast as the decoder",
        NOISY,
        seeds=(0,),
    ),
    _followed(
        "vaegan-fashion-mnist-faster-dis",
        "basic loss, jointly minimised; more noise, and a discriminator four times as fast as the decoder",
        FASTER,
        seeds=FIVE_SEEDS,
    ),
    _followed(
        "vaegan-fashion-mnist-faster-dis-samples",
        "vaegan-fashion-mnist-faster-dis, drawn images as in Eq. 5: samples of p(z) alone",
        FASTER_SAMPLES,
        seeds=FIVE_SEEDS,
        weights_stored=True,
    ),
    _followed(
        f"vaegan-fashion-mnist-faster-dis-samples-layer-{LAYER}",
        f"vaegan-fashion-mnist-faster-dis-samples and L_llike, in layer {LAYER}",
        replace(FASTER_SAMPLES, layer=LAYER),
        panels=vae_gan_outputs.drawn_panels,
        seeds=(0,),
    ),
    _followed(
        "vaegan-mnist-layer-3",
        "Eq. 8 by the paper's Algorithm 1, MNIST, started from a VAE of two units",
        replace(BOTH_DIGITS, layer=LAYER, routing="paper"),
        seeds=(0,),
    ),
    _followed(
        "vaegan-mnist-layer-3-noise",
        "the same; noise on what the discriminator sees, which is as fast as the decoder",
        replace(NOISY, **ON_DIGITS),
    ),
    *(
        _followed(
            f"vaegan-mnist-layer-3-faster-dis{end}",
            f"the same{start}; more noise, and a discriminator four times as fast as the decoder",
            replace(FASTER, moved=bool(end), **ON_DIGITS),
            seeds=(0, 1, 2) if end else (0,),
            weights_stored=bool(end),
        )
        for end, start in (("", ""), ("-moved", " from the VAE with its codes moved to its prior"))
    ),
    experiment(
        "vaegan-disl-fashion-mnist",
        "vae-gan",
        "784-400-20 with the feature term, Eq. 8",
        DISL,
        seeds=FIVE_SEEDS,
    ),
    experiment(
        "vaegan-conv-fashion-mnist",
        "vae-gan",
        "convolutional, with the feature term, Eq. 8",
        CONV,
    ),
    vae.experiment(
        "vae-conv-fashion-mnist",
        "vae-gan",
        "control: the convolutional VAE-GAN's encoder and decoder, trained as a VAE",
        CONV_VAE,
        evaluate=vae.evaluate_likeness,
        tolerances=TOLERANCES,
    ),
    measurement(
        "vaegan-rivals-fashion-mnist",
        "vae-gan",
        "shifted copies against each measure's own nearest image of another class; untrained layers beside",
        RivalsConfig(),
        rivals.evaluate,
        needs=("judge-fashion-mnist", *rivals.LAYERS.values()),
    ),
    study(
        "vaegan-study-fashion-mnist",
        "vae-gan",
        "short trainings: γ, the layer l, and what each term is for",
        STUDY,
        lambda config: numbered(dict(config.cases)),
        build=build,
        train=train,
        evaluate=evaluate,
        seeds=(0, 1, 2),
        needs=("judge-fashion-mnist", *EARLIER.values()),
    ),
)
