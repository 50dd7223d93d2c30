"""The experiments of the page Evaluation: the judges, and studies of the measures."""

from __future__ import annotations

from torch import nn

from chapters_lib.recipes import judge, measuring
from chapters_lib.recipes.judge import JudgeConfig
from chapters_lib.recipes.measuring import CropsConfig, RealConfig, SizesConfig
from chapters_lib.recording.experiment import Experiment, measurement

CHAPTER = "evaluation"
JUDGES = (
    JudgeConfig("mnist", width=24, epochs=12),
    JudgeConfig("fashion-mnist", width=32, epochs=20, mirror=True),
    JudgeConfig("kmnist", width=32, epochs=80),
    JudgeConfig("house-numbers", width=32, epochs=10, shift=0),
    JudgeConfig("svhn", width=32, epochs=12, shift=0),
    JudgeConfig(
        "svhn-crops",
        width=32,
        epochs=30,
        learning_rate=1e-3,
        begun="judge-house-numbers",
        colour=0.2,
    ),
)
SIZES = SizesConfig("mnist", "gan-fc-mnist")
REAL = ("mnist", "fashion-mnist")
COLOUR_SIZES = SizesConfig(
    "house-numbers",
    "gan-house-numbers",
    real_images=4000,
    sizes=(500, 1000, 2000),
    effect_images=100,
)


def measures(config: SizesConfig) -> Experiment[SizesConfig, nn.Module]:
    """Make the study of what the number of images does to the distances of a data set."""
    return measurement(
        f"measures-{config.dataset}",
        CHAPTER,
        f"distances over the number of images; effects of precision and resizing: {config.model}",
        config,
        measuring.measure_effects,
        history=measuring.measure_sizes,
        needs=(f"judge-{config.dataset}", config.model),
    )


EXPERIMENTS = (
    *(
        Experiment(
            f"judge-{config.dataset}",
            CHAPTER,
            f"classifier on {config.dataset} that judges samples",
            config,
            judge.build,
            judge.train_on,
            judge.evaluate,
            judge.panels,
            seeds=(0,),
            needs=(config.begun,) if config.begun else (),
            tolerances={"test_accuracy": 3e-4, "recognisable": 1e-3, "class_entropy": 1e-4},
        )
        for config in JUDGES
    ),
    *(measures(config) for config in (SIZES, COLOUR_SIZES)),
    *(
        measurement(
            f"real-{dataset}",
            CHAPTER,
            f"training images of {dataset} held against as many test images, in Inception's features",
            RealConfig(dataset),
            measuring.measure_real,
        )
        for dataset in REAL
    ),
    *(
        measurement(
            f"real-{dataset}-float32",
            CHAPTER,
            f"training images of {dataset} held against as many test images, Inception in float32",
            RealConfig(dataset, precision="float32"),
            measuring.measure_real,
        )
        for dataset in REAL
    ),
    measurement(
        "house-numbers-beside-svhn",
        CHAPTER,
        "rendered house numbers held against real ones",
        CropsConfig(),
        measuring.hold_against_real,
        measuring.few_crops,
        needs=("judge-house-numbers",),
    ),
)
