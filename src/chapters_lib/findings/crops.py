"""What the trainings on few real crops show: where they began, and how near their samples come."""

from __future__ import annotations

from chapters_lib.findings import run
from chapters_lib.findings.verdicts import Verdict, apart, shown
from chapters_lib.recording import runs
from chapters_lib.recording.runs import Run

SET = "svhn-crops"
BEGUN, ALONE = "begun with rendered crops", "from nothing"


def pair(kind: str) -> dict[str, Run]:
    """Return the recorded trainings of a model, by where they began."""
    found = {BEGUN: f"{kind}-{SET}", ALONE: f"{kind}-{SET}-from-nothing"}
    return {beginning: run(name) for beginning, name in found.items() if name in runs.names()}


def gained(kind: str) -> Verdict:
    """Samples are nearer to real crops than those of the model that training began with."""
    now, before = pair(kind)[BEGUN].metric("test_kid"), run(f"floors-{SET}").metric(f"{kind}_kid")
    return shown(apart(before, now), sign=1, digits=4)


def helped(kind: str, key: str) -> Verdict:
    """A metric is lower in the training that began with rendered crops than in that from nothing."""
    now, alone = (found.metric(key) for found in pair(kind).values())
    return shown(apart(alone, now), sign=1, digits=4)


def far(kind: str, key: str = "train_kid", sign: int = 1) -> Verdict:
    """Samples are further from real crops than other real crops are, or rendered ones; 0: no difference is shown."""
    drawn, floor = pair(kind)[BEGUN].metric("test_kid"), run(f"floors-{SET}").metric(key)
    return shown(apart(drawn, floor), sign=sign, digits=4)


def falling(kind: str) -> Verdict:
    """The bound on the validation part is at its best in the last tenth of the epochs, in every training."""
    best = [
        int(part.column("epoch")[part.column("val_negative_elbo").argmin()])
        for found in pair(kind).values()
        for seed in found.provenance["seeds"]
        for part in [found.history.where("seed", seed)]
    ]
    last = pair(kind)[BEGUN].config["epochs"]
    return Verdict(min(best) >= 0.9 * last, f"{kind}: best after epochs {best}")
