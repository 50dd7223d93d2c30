"""The five sheets, as one table."""

from __future__ import annotations

from chapters_lib.assignments.questions import Number, Question, Sheet

FASHION, MNIST = "Fashion-MNIST", "MNIST"


def _four_autoencoder(dataset: str) -> tuple[Question, ...]:
    """Return Assignment Four's questions 1 and 2 on one data set."""
    slug = dataset.lower()
    short, ae, naive = slug.split("-")[0], f"ae-{slug}", f"ae-normalized-{slug}"
    return (
        Question(
            "1",
            20,
            f"Build a fully connected autoencoder with a bottleneck of two neurons and the mean squared error as its "
            f"objective, on {dataset}; plot train and test loss; show ten random test images and their decodings.",
            "autoencoder",
            ("sec-ae-answer", "sec-ae-code"),
            ("fig-ae-loss", f"fig-ae-{short}-ten", "tab-ae-results"),
            (ae,),
            Number(ae, "test_mse", ".4f", "test error per pixel"),
        ),
        Question(
            "2A",
            10,
            "Feed random numbers to the trained decoder; show ten images.",
            "naive-generation",
            ("sec-naive-random",),
            (f"fig-naive-{short}",),
            (ae,),
            Number(ae, "standard_normal_recognisable", ".3f", "share recognised, normal draws"),
        ),
        Question(
            "2B",
            15,
            "Restrict each bottleneck neuron to mean zero and variance one, retrain, draw codes from the standard "
            "normal; show ten images.",
            "naive-generation",
            ("sec-naive-layer",),
            (f"fig-naive-{short}", "tab-naive-codes"),
            (naive,),
            Number(naive, "recognisable", ".3f", "share recognised"),
        ),
        Question(
            "2C",
            5,
            "Are the outputs of A and B different, and if so, why?",
            "naive-generation",
            ("sec-naive-answer",),
            (f"fig-naive-{short}",),
            (ae, naive),
            Number(naive, "class_entropy", ".3f", "evenness of the classes, B"),
        ),
    )


def _four(dataset: str, bonus: tuple[Question, ...]) -> tuple[Question, ...]:
    """Return Assignment Four's questions on one data set."""
    slug = dataset.lower()
    short, two = slug.split("-")[0], f"vae-2d-{slug}"
    loss = " with the prior's loss and the GAN's" if dataset == FASHION else ""
    return (
        *_four_autoencoder(dataset),
        Question(
            "3, VAE",
            30,
            "Make a variational autoencoder of that autoencoder and show ten random images; are they of a different "
            "quality?",
            "vae",
            ("sec-vae-answer-two", "sec-vae-two"),
            (f"fig-vae-two-{short}", f"tab-vae-two-{short}", f"fig-vae-planes-{short}"),
            (two,),
            Number(two, "class_entropy", ".3f", "evenness of the classes"),
        ),
        Question(
            "3, VAE-GAN",
            20,
            f"Train a VAE-GAN on the fully connected VAE{loss}; show ten new images, and ten random test images with "
            "their reconstructions.",
            "vae-gan",
            ("sec-vaegan-answer-basic", "sec-vaegan-code"),
            ("fig-vaegan-samples", f"fig-vaegan-{short}", "tab-vaegan-routing"),
            (f"vaegan-{slug}",),
            Number(f"vaegan-{slug}", "class_entropy", ".3f", "evenness of the classes"),
        ),
        *bonus,
    )


SHEETS = (
    Sheet(
        "a4-fashion",
        "Assignment Four, on Fashion-MNIST",
        100,
        _four(
            FASHION,
            (
                Question(
                    "Bonus 1",
                    5,
                    "Measure likeness in a hidden layer of the discriminator.",
                    "vae-gan",
                    ("sec-vaegan-answer-likeness", "sec-vaegan-likeness", "sec-vaegan-disl"),
                    ("tab-vaegan-likeness", "tab-vaegan-controls"),
                    ("vaegan-disl-fashion-mnist",),
                    Number("vaegan-disl-fashion-mnist", "agreement", ".3f", "agreement"),
                    bonus=True,
                ),
                Question(
                    "Bonus 2",
                    5,
                    "Use convolutions instead of fully connected layers.",
                    "vae-gan",
                    ("sec-vaegan-conv",),
                    ("fig-vaegan-conv", "tab-vaegan-board"),
                    ("vaegan-conv-fashion-mnist",),
                    Number(
                        "vaegan-conv-fashion-mnist", "fid_judge", ".2f", "distance to real images"
                    ),
                    bonus=True,
                ),
            ),
        ),
    ),
    Sheet("a4-mnist", "Assignment Four, on MNIST", 100, _four(MNIST, ())),
    Sheet(
        "hw7",
        "Homework 7",
        80,
        (
            Question(
                "VAE",
                40,
                "Train a variational autoencoder 784-200-32 on MNIST, with dropout in the encoder and 784 logistic "
                "outputs. Work up to it from a hundred images without the KL term; then raise the weight of that "
                "term until new images look real. Show existing images, their reconstructions and new images in three "
                "rows.",
                "vae",
                ("sec-vae-answer-weight", "sec-vae-ladder", "sec-vae-weight", "sec-vae-eq10"),
                ("fig-vae-three-rows", "tab-vae-weights", "fig-vae-ladder"),
                ("vae-fc-mnist", "vae-fc-mnist-ladder"),
                Number("vae-fc-mnist", "class_entropy", ".4f", "evenness of the classes"),
            ),
            Question(
                "GAN",
                40,
                "Train a fully connected GAN on MNIST (generator of four layers, discriminator of three behind "
                "dropout, batch normalisation, 256 wide), and show at least sixteen new images with most of the ten "
                "digits.",
                "gan",
                (
                    "sec-gan-answer-images",
                    "sec-gan-pair",
                    "sec-gan-algorithm",
                    "sec-gan-answer-loss",
                ),
                ("fig-gan-samples", "fig-gan-classes"),
                ("gan-fc-mnist",),
                Number("gan-fc-mnist", "class_entropy", ".3f", "evenness of the classes"),
            ),
        ),
    ),
    Sheet(
        "a4a",
        "Assignment 4a",
        10,
        (
            Question(
                "VAE",
                1,
                "Describe variational autoencoders, implement one with a standard normal prior, and train it with "
                "Adam on MNIST and SVHN.",
                "realnvp-prior",
                ("sec-flow-answer-models", "sec-flow-likelihood"),
                ("tab-flow-nll", "fig-flow-loss"),
                ("vae-gaussian-mnist",),
                Number("vae-gaussian-mnist", "test_nll", ".2f", "test NLL in nats"),
            ),
            Question(
                "RealNVP prior",
                1.5,
                "Derive the objective with a normalising flow as prior, say what it gains, and implement it with "
                "RealNVP.",
                "realnvp-prior",
                ("sec-flow-answer-gain", "sec-flow-elbo", "sec-flow-gain", "sec-flow-coupling"),
                ("tab-flow-nll", "fig-flow-samples"),
                ("vae-realnvp-mnist",),
                Number("vae-realnvp-mnist", "test_nll", ".2f", "test NLL in nats"),
            ),
            Question(
                "GAN",
                1.5,
                "Describe generative adversarial networks, and implement one with about as many weights.",
                "comparison",
                ("sec-cmp-answer-gan", "sec-cmp-weights", "sec-cmp-objectives"),
                ("tab-cmp-weights", "fig-cmp-distance"),
                ("gan-mnist", "gan-house-numbers"),
                Number("gan-mnist", "class_entropy", ".3f", "evenness of the classes"),
            ),
            Question(
                "Analysis, MNIST",
                3,
                "Compare the three: learning curves, FID and log-likelihood, samples, interpolations of two codes.",
                "comparison",
                ("sec-cmp-answer-mnist", "sec-cmp-answer-lines", "sec-cmp-nearest"),
                (
                    "fig-cmp-curves-mnist",
                    "fig-cmp-time-mnist",
                    "fig-cmp-samples-mnist",
                    "tab-cmp-board-mnist",
                    "tab-cmp-likelihood",
                    "fig-cmp-lines-mnist",
                    "fig-cmp-nearest-mnist",
                ),
                ("vae-gaussian-mnist", "vae-realnvp-mnist", "gan-mnist", "compared-mnist"),
                Number("gan-mnist", "fid_judge", ".2f", "distance to real images"),
            ),
            Question(
                "Analysis, SVHN",
                3,
                "The same on SVHN.",
                "comparison",
                ("sec-cmp-answer-colour", "sec-cmp-answer-lines"),
                (
                    "fig-cmp-curves-colour",
                    "fig-cmp-time-colour",
                    "fig-cmp-samples-colour",
                    "tab-cmp-board-colour",
                    "fig-cmp-lines-colour",
                    "tab-cmp-lines",
                    "tab-cmp-nearest",
                ),
                (
                    "vae-gaussian-house-numbers",
                    "vae-realnvp-house-numbers",
                    "gan-house-numbers",
                    "compared-house-numbers",
                ),
                Number("gan-house-numbers", "fid_judge", ".2f", "distance to test images"),
            ),
        ),
    ),
    Sheet(
        "hw5",
        "ECE 685D, Homework 5",
        110,
        (
            Question(
                "1.1",
                20,
                "Train a DCGAN with the layers of the sheet's figure and the min-max loss on MNIST; show 12 new "
                "samples.",
                "dcgan-pretraining",
                ("sec-dcgan-samples", "sec-dcgan-code"),
                ("fig-dcgan-samples", "fig-dcgan-networks", "tab-dcgan-choices"),
                ("dcgan-mnist",),
                Number("dcgan-mnist", "recognisable", ".3f", "share recognised"),
            ),
            Question(
                "1.2",
                15,
                "Take the discriminator's last linear layer off, train one linear layer on the features of 10 % of the "
                "training images; report and discuss train and test accuracy.",
                "dcgan-pretraining",
                ("sec-dcgan-written",),
                ("tab-dcgan-probe", "fig-dcgan-shares"),
                ("dcgan-mnist",),
                Number("dcgan-mnist", "probe_test_accuracy", ".3f", "test accuracy"),
            ),
            Question(
                "2.1",
                15,
                "Derive both conditionals of the Gaussian-Bernoulli restricted Boltzmann machine from its energy.",
                "gb-rbm",
                ("sec-rbm-visible", "sec-rbm-hidden"),
                ("fig-rbm-conditionals",),
            ),
            Question(
                "2.2",
                15,
                "Train machines with 16, 64 and 256 hidden units on KMNIST by CD-5; show originals and "
                "reconstructions; report the mean squared error on both sets, and say how the number of hidden units "
                "matters.",
                "gb-rbm",
                ("sec-rbm-answer", "sec-rbm-code"),
                ("fig-rbm-pairs", "tab-rbm-mse", "tab-rbm-settings"),
                ("rbm-kmnist-16", "rbm-kmnist-64", "rbm-kmnist-256"),
                Number(
                    "rbm-kmnist-256", "test_mse_pixel", ".4f", "test error at 256 units, in pixels"
                ),
            ),
            Question(
                "3.1",
                20,
                "Train a variational autoencoder 784-400-20 on Fashion-MNIST, what is left free tuned on 20 % of the "
                "training images.",
                "vae",
                ("sec-vae-answer-vanilla", "sec-vae-vanilla"),
                ("tab-vae-trials", "fig-vae-vanilla-loss", "fig-vae-vanilla-samples"),
                ("vae-fashion-mnist", "vae-fashion-mnist-tuning"),
                Number("vae-fashion-mnist", "test_negative_elbo", ".2f", "test loss in nats"),
            ),
            Question(
                "3.2",
                10,
                "Train a class-conditional autoencoder, the class given to encoder and decoder; show samples.",
                "c-vae",
                ("sec-cvae-images", "sec-cvae-code"),
                ("fig-cvae-samples", "fig-cvae-transfer", "tab-cvae-bound"),
                ("cvae-fashion-mnist",),
                Number("cvae-fashion-mnist", "test_negative_elbo", ".2f", "test loss in nats"),
            ),
            Question(
                "3.3",
                15,
                "Map the means of the test images' codes of both models to the plane by t-SNE; describe how the "
                "manifolds differ, and form a hypothesis why.",
                "c-vae",
                ("sec-cvae-answer",),
                ("fig-cvae-manifold", "fig-cvae-manifold-second", "tab-cvae-probe"),
                ("vae-fashion-mnist", "cvae-fashion-mnist"),
                Number(
                    "cvae-fashion-mnist", "probe_test_accuracy", ".3f", "accuracy of a linear probe"
                ),
            ),
        ),
    ),
)
