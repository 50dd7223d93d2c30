"""The experiments of the page Evaluation: the judges, and studies of the measures."""

from __future__ import annotations

from chapters_lib.recipes import judge, measuring
from chapters_lib.recipes.judge import JudgeConfig
from chapters_lib.recipes.measuring import CropsConfig, RealConfig, SizesConfig
from chapters_lib.recording.experiment import Experiment, build_nothing, measure_nothing, no_panels

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
    *(
        Experiment(
            f"measures-{config.dataset}",
            CHAPTER,
            f"distances over the number of images; effects of precision and resizing: {config.model}",
            config,
            build_nothing,
            measuring.measure_sizes,
            measuring.measure_effects,
            no_panels,
            seeds=(0,),
            needs=(f"judge-{config.dataset}", config.model),
            weights_stored=False,
        )
        for config in (SIZES, COLOUR_SIZES)
    ),
    *(
        Experiment(
            f"real-{dataset}",
            CHAPTER,
            f"training images of {dataset} held against as many test images, in Inception's features",
            RealConfig(dataset),
            build_nothing,
            measure_nothing,
            measuring.measure_real,
            no_panels,
            seeds=(0,),
            weights_stored=False,
        )
        for dataset in REAL
    ),
    Experiment(
        "house-numbers-beside-svhn",
        CHAPTER,
        "rendered house numbers held against real ones",
        CropsConfig(),
        build_nothing,
        measure_nothing,
        measuring.hold_against_real,
        measuring.few_crops,
        seeds=(0,),
        needs=("judge-house-numbers",),
        weights_stored=False,
    ),
)
