"""One drawing of each model: who computes what, where chance enters, which gradient goes where."""

from chapters_lib.figures.schematics.adversarial import dcgan_pretraining, gan, vae_gan
from chapters_lib.figures.schematics.autoencoders import autoencoder, naive_generation
from chapters_lib.figures.schematics.energies import gb_rbm, realnvp_prior
from chapters_lib.figures.schematics.measuring import comparison, evaluation
from chapters_lib.figures.schematics.variational import c_vae, vae

__all__ = [
    "autoencoder",
    "c_vae",
    "comparison",
    "dcgan_pretraining",
    "evaluation",
    "gan",
    "gb_rbm",
    "naive_generation",
    "realnvp_prior",
    "vae",
    "vae_gan",
]
