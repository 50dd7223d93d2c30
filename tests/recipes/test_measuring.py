"""The studies of the measures: what they measure, on stand-ins that take no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chapters_lib import data
from chapters_lib.data import Dataset
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.judge import features_and_probabilities
from chapters_lib.evaluation.kid import kernel_distance
from chapters_lib.models.classifier import Classifier
from chapters_lib.recipes import measuring
from chapters_lib.recipes.measuring import CropsConfig, RealConfig, SizesConfig
from chapters_lib.recording import scoreboard
from chapters_lib.recording.experiment import Session
from tests.conftest import Folders, use_data
from tests.recording.test_scoreboard import Net

SESSION = Session(torch.device("cpu"))


class Kindred(Net):
    """A network whose features are a tenth larger in the other precision, and twice as large without the 32."""

    def __init__(self, precision: str = "float32", by_way_of: int = 32) -> None:
        super().__init__()
        self.low, self.direct = precision == "bfloat16", by_way_of == 0
        self.protocol = "inception4" + "_low" * self.low + "_direct" * self.direct

    def __call__(self, images: Tensor) -> Tensor:
        return (super().__call__(images) + 0.1 * self.low) * (1 + self.direct)

    def like(self, precision: str = "float32", by_way_of: int = 32) -> Kindred:
        return Kindred(precision, by_way_of)


@pytest.fixture
def stand_ins(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A judge, a network, and samples that are noise."""
    torch.manual_seed(0)
    judge = Classifier(width=4)
    draw = torch.Generator().manual_seed(1)
    noise = torch.randint(0, 256, (300, 1, 28, 28), generator=draw, dtype=torch.uint8)
    monkeypatch.setattr(measuring, "load_judge", lambda dataset: judge)
    monkeypatch.setattr(scoreboard, "load_judge", lambda dataset: judge)
    monkeypatch.setattr(scoreboard, "network", Kindred)
    monkeypatch.setattr(measuring, "_samples", lambda config, count: noise[:count])
    return judge


def test_halves_have_nothing_in_common() -> None:
    found = measuring._halves(50, 20, 3)
    assert len(found) == 3
    for one, other in found:
        assert len(set(one.tolist()) | set(other.tolist())) == 40
        assert max(one.max(), other.max()) < 50
    assert not torch.equal(found[0][0], found[1][0])


def test_sizes(stand_ins: Classifier) -> None:
    config = SizesConfig("digits", "none", real_images=320, sizes=(30, 150), draws=2)
    history = measuring.measure_sizes(config, nn.Identity(), SESSION)
    assert len(history) == 2 * 2 * 2
    widths = set(history.column("features"))
    assert widths == {4.0, 16.0}
    test = data.load("digits", "test").images[:320]
    low = Kindred("bfloat16")  # the precision of the study
    known = {4.0: low(test), 16.0: features_and_probabilities(stand_ins, test)[0]}
    samples = measuring._samples(config, 150)
    drawn = {4.0: low(samples), 16.0: features_and_probabilities(stand_ins, samples)[0]}
    for row in history:
        size, number = int(row["images"]), int(row["draw"])
        one, other = measuring._halves(len(test), size, 2)[number]
        real, new = known[row["features"]], drawn[row["features"]]
        assert row["same_fid"] == pytest.approx(feature_distance(real[one], real[other]), rel=1e-6)
        if size == 150:  # all samples, in another order
            assert row["drawn_fid"] == pytest.approx(feature_distance(real[one], new), rel=1e-6)
            kernel = kernel_distance(real[one], new)
            assert (row["drawn_kid"], row["drawn_kid_sem"]) == pytest.approx(kernel, rel=1e-6)
    for width in widths:
        rows = history.where("features", width)
        few, many = (rows.where("images", n).column("same_fid").mean() for n in (30, 150))
        assert many < few


def test_effects(stand_ins: Classifier) -> None:
    config = SizesConfig("digits", "none", sizes=(30, 150), effect_images=100)
    found = measuring.measure_effects(config, nn.Identity())
    test = data.load("digits", "test").images
    known, beside = Net()(test[:100]), Net()(test[100:200])
    drawn = Net()(measuring._samples(config, 100))
    expected = {
        "float32_same_fid": feature_distance(known, beside),
        "float32_drawn_fid": feature_distance(known, drawn),
        "bfloat16_drawn_fid": feature_distance(known, drawn),  # both sides moved alike
        "direct_drawn_fid": 4 * feature_distance(known, drawn),
        "bfloat16_shift": 4 * 0.1**2,  # four features, moved by a tenth
        "direct_shift": feature_distance(known + 0.1, 2 * (known + 0.1)),
        "bfloat16_relative_change": float(0.2 * 100**0.5 / known.norm()),
        "direct_relative_change": 1.0,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-3)
    speeds = {key for key in found if key.endswith("_images_per_second")}
    assert set(found) == set(expected) | speeds and len(speeds) == 2
    assert all(found[key] > 0 for key in speeds)


def test_real_images(stand_ins: Classifier) -> None:
    found = measuring.measure_real(RealConfig("digits", 100), nn.Identity())
    train, test = (
        Kindred("bfloat16")(data.load("digits", p).images[:100]) for p in ("train", "test")
    )
    low = "inception4_low"
    assert set(found) == {f"train_fid_{low}", f"train_kid_{low}", f"train_kid_{low}_sem"}
    assert found[f"train_fid_{low}"] == pytest.approx(feature_distance(test, train))


def write_crops(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels = (np.arange(40) % 10).astype(np.uint8)
    kinds = np.where(np.arange(40) < 30, "official", "uncertain")
    (folder / "svhn").mkdir(parents=True)
    path = folder / "svhn" / measuring._CROPS
    np.savez(path, images=images, labels=labels, label_kind=kinds)
    return images, labels


def test_real_crops_from_a_file(folders: Folders) -> None:
    images, labels = write_crops(folders.data)
    found, of_found, official = measuring.real_crops(35)
    assert found.shape == (35, 3, 32, 32)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), images[:35])
    assert of_found.tolist() == labels[:35].tolist() and int(official.sum()) == 30
    path = folders.data / "svhn" / measuring._CROPS
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[200] ^= 1
    for damaged in (b"half", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(ChaptersError, match="is damaged"):
            measuring.real_crops(35)


def test_real_crops_from_svhn(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such file: the first of the set itself, whose labels are all official."""
    with pytest.raises(ChaptersError, match="could not be downloaded"):
        measuring.real_crops(3)
    whole = Dataset("svhn", "train", torch.zeros(9, 3, 32, 32, dtype=torch.uint8), torch.arange(9))
    use_data(monkeypatch, lambda name, split: whole)
    images, labels, official = measuring.real_crops(4)
    assert len(images) == 4 and labels.tolist() == [0, 1, 2, 3] and bool(official.all())


def test_held_against_real(
    stand_ins: Classifier, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = write_crops(folders.data)
    judge = Classifier(channels=3, width=4)
    monkeypatch.setattr(measuring, "load_judge", lambda dataset: judge)
    monkeypatch.setattr(scoreboard, "load_judge", lambda dataset: judge)
    rendered = torch.full((60, 3, 32, 32), 90, dtype=torch.uint8)
    rendered += torch.randint(0, 40, rendered.shape, dtype=torch.uint8)
    sets = {
        "house-numbers": Dataset("house-numbers", "test", rendered, torch.arange(60) % 10),
        "mnist": Dataset("mnist", "test", rendered[:, :1] // 4, torch.arange(60) % 10),
    }
    use_data(monkeypatch, lambda name, split: sets[name])
    found = measuring.hold_against_real(CropsConfig(), nn.Identity())
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    read = features_and_probabilities(judge, x)[1].argmax(1).numpy()
    share = float((read == labels)[:30].mean())
    assert found["real_accuracy"] == pytest.approx(share)
    assert found["real_accuracy_sem"] == pytest.approx((share * (1 - share) / 30) ** 0.5)
    assert (found["real_images"], found["official_images"]) == (40, 30)
    expected = kernel_distance(Net()(x), Net()(rendered[:40])).value
    assert found["kid_inception4"] == pytest.approx(expected, rel=1e-6)
    assert found["mnist_kid_inception4"] != found["kid_inception4"]
    assert {"halves_fid_inception4", "precision_judge", "recall_judge"} <= set(found)
    shown = measuring.few_crops(CropsConfig(), nn.Identity())
    assert shown["real"].shape == shown["rendered"].shape == (measuring.SHOWN, 3, 32, 32)
