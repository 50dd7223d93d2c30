"""What is measured of a run afterwards: added to its record and to nothing else; verified; refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from chapters_lib import command_line, data
from chapters_lib.command_line import main
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.kid import kernel_distance
from chapters_lib.evaluation.precision_recall import precision_recall
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.models.classifier import Classifier
from chapters_lib.recording import runs, scoreboard
from chapters_lib.recording.experiment import measure_nothing
from tests import tiny
from tests.conftest import Folders

Refused = Callable[..., str]


class Net:
    """Stands for the network: its features are the means of an image's four quarters."""

    features = 4
    weights = "stand-in"
    sha256 = "0" * 64
    protocol = "inception4"

    def __init__(self) -> None:
        self.seen = 0
        self.device = ""

    def to(self, device: torch.device) -> Net:
        self.device = str(device)
        return self

    def __call__(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        x = images.float().mean(1) / 255
        return torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)


def noise(config: object, model: object, count: int) -> Tensor:
    draw = torch.Generator().manual_seed(7)
    return torch.randint(0, 256, (count, 1, 28, 28), generator=draw, dtype=torch.uint8)


@pytest.fixture
def recorded(
    quick: str,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """The record of an experiment whose samples are noise."""
    drawing = replace(tiny.EXPERIMENT, samples={"": noise})
    monkeypatch.setitem(EXPERIMENTS, "tiny", drawing)
    assert main(["train", quick]) == 0
    capsys.readouterr()
    return folders.runs / quick


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    """The stand-in in the place of the network that the command line would load."""
    stand_in = Net()
    monkeypatch.setattr(scoreboard, "network", lambda weights, precision: stand_in)
    return stand_in


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A judge of the data set, as if one were recorded."""
    torch.manual_seed(0)
    classifier = Classifier(width=4)
    names = runs.names
    monkeypatch.setattr(runs, "names", lambda: [*names(), "judge-digits"])
    load = runs.load  # of the images that the experiment itself is of
    monkeypatch.setattr(runs, "load", lambda name: load(name.replace("judge-digits", "tiny")))
    monkeypatch.setattr(scoreboard, "load_judge", lambda dataset: classifier)
    return classifier


def expected(net: Net) -> dict[str, float]:
    real = data.load("digits", "test").images
    a, b = Net()(real), Net()(noise(None, None, len(real)))
    kernel = kernel_distance(a, b)
    return {
        "fid_inception4": feature_distance(a, b),
        "kid_inception4": kernel.value,
        "kid_inception4_sem": kernel.sem,
    }


def test_distances_join_the_record(
    recorded: Path, net: Net, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    others = {p.name: p.read_bytes() for p in recorded.iterdir() if p.name != "run.json"}
    before = json.loads((recorded / "run.json").read_text(encoding="utf-8"))
    assert main(["evaluate", "tiny"]) == 0
    out = capsys.readouterr().out
    after = json.loads((recorded / "run.json").read_text(encoding="utf-8"))
    found = {key: after["metrics"].pop(key) for key in expected(net)}
    assert found == pytest.approx(expected(net), rel=1e-9)
    assert found["fid_inception4"] > 0.01
    assert f"  fid_inception4 = {found['fid_inception4']:.6g}\n" in out
    assert f"{found['kid_inception4']:.6g} ± {found['kid_inception4_sem']:.2g}\n" in out
    stated = after["provenance"].pop("afterwards")["inception4"]
    assert (stated["weights"], stated["sha256"]) == ("stand-in", "0" * 64)
    test = data.load("digits", "test")
    assert stated["samples"] == len(test) and stated["real"]["sha256"] == test.sha256
    assert after == before  # nothing else has changed
    assert {p.name: p.read_bytes() for p in recorded.iterdir() if p.name != "run.json"} == others
    assert {p.name for p in folders.runs.iterdir()} == {"tiny"}


def test_the_network_runs_where_it_is_asked_to(
    recorded: Path, net: Net, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["evaluate", "tiny"]) == 0 and net.device == "cpu"
    assert "torch sees no device 'cuda:99'" in refused("evaluate", "tiny", "--device", "cuda:99")
    monkeypatch.setattr(command_line, "pick_device", torch.device)
    for command in (["evaluate"], ["verify", "--inception"]):
        net.device = ""
        assert main([*command, "tiny", "--device", "cpu:0"]) == 0 and net.device == "cpu:0"


def test_features_of_real_images_are_kept_those_of_samples_are_not(
    recorded: Path, net: Net, folders: Folders
) -> None:
    count = len(data.load("digits", "test"))
    assert main(["evaluate", "tiny"]) == 0
    assert net.seen == 2 * count
    kept = sorted((folders.cache / "inception").iterdir())
    assert len(kept) == 1
    assert main(["evaluate", "tiny"]) == 0
    assert net.seen == 3 * count
    kept[0].write_bytes(b"half")
    assert main(["evaluate", "tiny"]) == 0
    assert net.seen == 5 * count
    assert runs.load("tiny")["fid_inception4"] == pytest.approx(expected(net)["fid_inception4"])


def test_a_stopped_computation_goes_on(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoreboard, "_PART", 10)
    images = noise(None, None, 35)

    class Stops(Net):
        def __call__(self, part: Tensor) -> Tensor:
            if self.seen >= 20:
                raise KeyboardInterrupt
            return super().__call__(part)

    with pytest.raises(KeyboardInterrupt):
        scoreboard.features(Stops(), images)  # type: ignore[arg-type]
    again = Net()
    found = scoreboard.features(again, images)  # type: ignore[arg-type]
    assert again.seen == 15
    assert torch.equal(found, Net()(images))
    other = Net()
    other.sha256 = "1" * 64
    scoreboard.features(other, images)  # type: ignore[arg-type]
    assert other.seen == 35  # other weights, other features


def test_a_judge_of_other_images_is_refused(
    recorded: Path, judge: Classifier, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = runs.load

    def other(name: str) -> runs.Run:
        run = load(name)
        if name != "judge-digits":
            return run
        train = run.provenance["data"]["train"] | {"images": 200}
        stated = run.provenance["data"] | {"train": train}
        return replace(run, name=name, provenance=run.provenance | {"data": stated})

    monkeypatch.setattr(runs, "load", other)
    said = refused("evaluate", "tiny", "--judge-only")
    assert (
        "different train images of digits: tiny on 1,438" in said and "judge-digits on 200" in said
    )


def test_precision_and_recall_by_the_judge(
    recorded: Path, net: Net, judge: Classifier, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "tiny", "--judge-only"]) == 0
    assert net.seen == 0
    run, real = runs.load("tiny"), data.load("digits", "test").images
    pair = (data.to_float(x) for x in (real, noise(None, None, len(real))))
    with torch.no_grad():
        found = precision_recall(*(judge.eval().features(x) for x in pair))
    assert (run["precision_judge"], run["recall_judge"]) == (found.precision, found.recall)
    assert "fid_inception4" not in run.metrics
    assert main(["evaluate", "tiny"]) == 0
    assert {"fid_inception4", "recall_judge"} <= set(runs.load("tiny").metrics)


def test_verify(
    recorded: Path, net: Net, judge: Classifier, capsys: pytest.CaptureFixture[str]
) -> None:
    """Precision and recall always; distances in Inception features where asked."""
    assert main(["evaluate", "tiny"]) == 0
    capsys.readouterr()
    seen = net.seen
    assert main(["verify", "tiny"]) == 0
    assert capsys.readouterr().out == (
        "tiny: 4 metrics agree\n"
        "tiny: not recomputed without --inception: fid_inception4, kid_inception4\n"
    )
    assert net.seen == seen
    assert main(["verify", "tiny", "--inception"]) == 0
    assert capsys.readouterr().out == "tiny: 6 metrics agree\n"

    record = json.loads((recorded / "run.json").read_text(encoding="utf-8"))
    record["metrics"]["fid_inception4"] *= 1.01
    record["metrics"]["recall_judge"] += 0.01
    (recorded / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert main(["verify", "tiny", "--inception"]) == 1
    out = capsys.readouterr().out
    assert "fid_inception4 is recorded as" in out and "recall_judge is recorded as" in out


def test_verify_in_another_precision(
    recorded: Path, net: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was found in bfloat16 is no business of float32, though its name begins alike; and both can be held."""
    net.protocol = "inception4_bfloat16"
    assert main(["evaluate", "tiny"]) == 0
    net.protocol = "inception4"
    capsys.readouterr()
    assert main(["verify", "tiny", "--inception"]) == 0
    assert capsys.readouterr().out == (
        "tiny: 2 metrics agree\n"
        "tiny: not recomputed by inception4: fid_inception4_bfloat16, kid_inception4_bfloat16\n"
    )
    assert main(["evaluate", "tiny"]) == 0
    run = runs.load("tiny")
    assert {"fid_inception4", "fid_inception4_bfloat16"} <= set(run.metrics)
    assert set(run.provenance["afterwards"]) == {"inception4", "inception4_bfloat16"}


def test_verify_leaves_a_study_alone(
    recorded: Path,
    net: Net,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What draws no images may hold distances all the same; there is nothing to draw them anew from."""
    assert main(["evaluate", "tiny"]) == 0
    monkeypatch.setitem(EXPERIMENTS, "tiny", tiny.EXPERIMENT)
    capsys.readouterr()
    assert main(["verify", "tiny", "--inception"]) == 0
    assert capsys.readouterr().out == "tiny: 2 metrics agree\n"


def test_verify_with_other_weights(recorded: Path, net: Net, refused: Refused) -> None:
    assert main(["evaluate", "tiny"]) == 0
    net.sha256 = "1" * 64
    assert "evaluated with the weights stand-in" in refused("verify", "tiny", "--inception")


def test_refusals(recorded: Path, quick: str, net: Net, refused: Refused, folders: Folders) -> None:
    before = (recorded / "run.json").read_bytes()
    assert "unknown experiment" in refused("evaluate", "tinny")
    assert "draws no images" in refused("evaluate", "judge-mnist")
    assert "no run 'vae-fc-mnist'" in refused("evaluate", "vae-fc-mnist")
    assert "no judge-digits" in refused("evaluate", "tiny", "--judge-only")
    without = next(e.name for e in EXPERIMENTS.values() if e.samples and not e.weights_stored)
    assert "recorded without weights" in refused("evaluate", without)
    with FileLock(folders.cache / "tiny" / "lock"):
        assert "by another process" in refused("evaluate", "tiny")
    assert (recorded / "run.json").read_bytes() == before


def test_no_weights(recorded: Path, refused: Refused, folders: Folders) -> None:
    before = (recorded / "run.json").read_bytes()
    assert "could not be had" in refused("evaluate", "tiny")
    assert "no file" in refused("evaluate", "tiny", "--weights", str(folders.data / "none"))
    assert "no file" in refused("verify", "tiny", "--weights", str(folders.data / "none"))
    assert (recorded / "run.json").read_bytes() == before


def test_weights_by_the_environment(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPTERS_INCEPTION", str(folders.data / "elsewhere"))
    with pytest.raises(ChaptersError, match=r"no file .*elsewhere"):
        scoreboard.network()


def test_a_full_disk_leaves_the_record(
    recorded: Path, net: Net, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (recorded / "run.json").read_bytes()
    write = Path.write_text

    def full(self: Path, text: str, encoding: str) -> int:
        if self.name.endswith(".partial"):
            write(self, text[:50], encoding=encoding)
            raise OSError(28, "No space left on device")
        return write(self, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", full)
    assert "No space left" in refused("evaluate", "tiny")
    assert (recorded / "run.json").read_bytes() == before
    assert not list(recorded.glob("*.partial"))


def test_every_generative_experiment_can_be_evaluated() -> None:
    """A verdict in a record has a sampler by its prefix, unless the record is of a judge or of a study of others."""
    recorded = Path(__file__).parents[2] / "runs"
    verdicts = {}
    for path in recorded.glob("*/run.json"):
        name = path.parent.name
        if not name.startswith("judge-") and EXPERIMENTS[name].train is not measure_nothing:
            metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
            if any(key.endswith("fid_judge") for key in metrics):
                verdicts[name] = metrics
    assert len(verdicts) >= 25
    for name, metrics in verdicts.items():
        samples = EXPERIMENTS[name].samples
        assert samples and all(f"{prefix}fid_judge" in metrics for prefix in samples), name
