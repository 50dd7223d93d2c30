"""What convolutional networks change of the GAN on MNIST: in both places, and in the generator alone."""

from __future__ import annotations

from chapters_lib.findings import board, compared, run
from chapters_lib.findings.compared import GAN
from chapters_lib.findings.verdicts import Verdict, greater, less
from chapters_lib.findings.words import in_words, number
from chapters_lib.recording.runs import Metric

PAIR = "gan-both-convolutional-mnist"
GENERATOR = "gan-convolutional-generator-mnist"  # convolutional before gan-mnist's discriminator
TO_TRAINING, SPECKLED = "train_fid_judge", "speckled_share"


def _inception() -> tuple[Metric, Metric]:
    """Return the pair's distances of all trainings, and of the compared GAN that of the first, both in bfloat16."""
    key = board.LOW  # the pair keeps no weights to be measured anew
    return run(PAIR).metric(key), Metric.of(compared.of("mnist")[GAN].metric(key).values[:1])


def _then() -> Metric:
    """Return the compared GAN's distances after as many epochs as the pair had."""
    epochs = run(PAIR).config["epochs"]
    return Metric.of(
        tuple(compared.of("mnist")[GAN].history.where("epoch", epochs).column(TO_TRAINING))
    )


def numbers() -> dict[str, float | str]:
    """Return what the text says of them, by name."""
    made, before = run(PAIR), compared.of("mnist")[GAN]
    far, first = _inception()
    return {
        "epochs": made.config["epochs"],
        "trainings": in_words(made.trainings),
        "times": made["parameters"] / before["parameters"],
        "specks": number(made.metric(SPECKLED).percent, 1),
        "alone": 100 * run(GENERATOR)[SPECKLED],
        "judge": number(made.metric(TO_TRAINING), 1),
        "then": number(_then(), 1),
        "end": number(before.metric(TO_TRAINING), 1),
        "inception": number(far, 3),
        "inception_alone": run(GENERATOR)[board.LOW],
        "recall_alone": run(GENERATOR)["recall_judge"],
        "inception_before": first.mean,
    }


def verdicts() -> dict[str, Verdict]:
    """Return whether the record bears out what the text says of them."""
    made, alone = run(PAIR), run(GENERATOR)
    near, shares = made.metric(TO_TRAINING), made.metric(SPECKLED).values
    was, left = run("specks-mnist")["gan_speckled_share"], alone[SPECKLED]
    as_long = alone.config["epochs"] == made.config["epochs"]
    far, first = _inception()
    return {
        "conv_specks": Verdict(as_long and max(shares) < left < was / 2, f"{shares}, {left:.3f}"),
        "conv_then": less(near, _then(), digits=2),
        "conv_alone_farther": Verdict(
            alone[board.LOW] > 2 * first.mean, f"{alone[board.LOW]:.3f} against {first.mean:.3f}"
        ),
        "conv_end": greater(near, compared.of("mnist")[GAN].metric(TO_TRAINING), digits=2),
        "conv_inception": less(far, first, spread=far, digits=4),
    }
