"""Data sets: read as they are, refused when damaged; splits and batches."""

from __future__ import annotations

import http.client
import socket
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from chapters_lib import data
from chapters_lib.data import Batches, Dataset, stratified_split, to_float
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.errors import ChaptersError
from chapters_lib.folders import root
from tests.conftest import Folders
from tests.data.test_idx import content

TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}


def write_set(folders: Folders, name: str, train: int = 30, test: int = 20) -> Path:
    """Write a small data set of random images in the layout of torchvision; return its folder."""
    raw = folders.data / TORCHVISION[name] / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        draw = np.random.default_rng(len(part))  # a larger set begins with the smaller one
        pixels = draw.integers(0, 256, count * 784, dtype=np.uint8).tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(content(count, 28, 28, values=0) + pixels)
        labels = (np.arange(count) % 10).astype(np.uint8).tobytes()
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(content(count, values=0) + labels)
    return raw


def small(count: int = 23, classes: int = 3) -> Dataset:
    """Return a data set whose image i has the grey level i everywhere."""
    images = torch.arange(count, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    return Dataset("digits", "train", images.contiguous(), torch.arange(count) % classes)


# what is there


def test_digits_need_nothing(folders: Folders) -> None:
    train, test = data.load("digits", "train"), data.load("digits", "test")
    assert (len(train), len(test)) == (1438, 359)
    for part in (train, test):
        assert part.images.dtype == torch.uint8 and part.images.shape[1:] == (1, 28, 28)
        assert part.images.max() == 255 and part.images.min() == 0
        assert part.labels.dtype == torch.int64 and part.labels.unique().tolist() == list(range(10))
    assert data.load("digits", "test").sha256 == test.sha256 != train.sha256


def test_no_digit_is_in_both_splits() -> None:
    rows = [{i.numpy().tobytes() for i in data.load("digits", s).images} for s in ("train", "test")]
    assert not rows[0] & rows[1]


@pytest.mark.parametrize("name", TORCHVISION)
def test_counts_are_read_off(folders: Folders, name: str) -> None:
    """A set with fewer images than the published one is taken as it is, and its count is what it says."""
    raw = write_set(folders, name, train=31, test=20)
    train = data.load(name, "train")
    assert len(train) == 31 and train.images.shape == (31, 1, 28, 28)
    assert train.images.dtype == torch.uint8 and train.labels.dtype == torch.int64
    assert train.labels.tolist() == [i % 10 for i in range(31)]
    stored = (raw / "train-images-idx3-ubyte").read_bytes()[16:]
    assert train.images.numpy().tobytes() == stored
    assert len(data.load(name, "test")) == 20


def test_svhn(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours come first, and the digit zero, stored as class 10, gets the label 0."""
    folder = folders.data / "svhn"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 6), dtype=np.uint8)
    labels = np.array([1, 10, 9, 10, 5, 2], dtype=np.uint8)[:, None]
    savemat(folder / "test_32x32.mat", {"X": pixels, "y": labels})
    SVHN = torchvision().datasets.SVHN
    md5 = torchvision().datasets.utils.calculate_md5(folder / "test_32x32.mat")
    url, file, _ = SVHN.split_list["test"]
    monkeypatch.setattr(SVHN, "split_list", SVHN.split_list | {"test": [url, file, md5]})
    found = data.load("svhn", "test")
    assert found.images.shape == (6, 3, 32, 32) and found.images.dtype == torch.uint8
    assert found.images.is_contiguous()
    assert np.array_equal(found.images[2, 1].numpy(), pixels[:, :, 1, 2])
    assert found.labels.tolist() == [1, 0, 9, 0, 5, 2]


CROPS = root() / "svhn" / "official_rgb_crops_845_32x32.npz"


@pytest.mark.skipif(not CROPS.is_file(), reason="no real crops of SVHN")
def test_svhn_on_real_crops(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real photographs, written as the published file holds them, come back pixel by pixel, with their colours."""
    with np.load(CROPS, allow_pickle=False) as kept:
        chosen = kept["label_kind"] == "official"
        images, labels = kept["images"][chosen], kept["labels"][chosen]
    folder = folders.data / "svhn"
    folder.mkdir(parents=True)
    stored = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    savemat(folder / "train_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": stored})
    SVHN = torchvision().datasets.SVHN
    md5 = torchvision().datasets.utils.calculate_md5(folder / "train_32x32.mat")
    url, file, _ = SVHN.split_list["train"]
    monkeypatch.setattr(SVHN, "split_list", SVHN.split_list | {"train": [url, file, md5]})
    found = data.load("svhn", "train")
    assert len(found) == len(labels) > 300
    assert np.array_equal(found.images.permute(0, 2, 3, 1).numpy(), images)
    assert found.labels.tolist() == labels.tolist() and 0 in labels
    red, _, blue = to_float(found.images).mean((0, 2, 3)).tolist()
    assert 0.35 < red < blue < 0.6  # as in the whole set: 0.438, 0.444, 0.473


def test_torchvision_imports_beside_any_torch() -> None:
    assert torchvision().datasets.MNIST.__name__ == "MNIST"
    assert torchvision() is torchvision()


PUBLISHED = {
    "mnist": (60_000, 10_000),
    "fashion-mnist": (60_000, 10_000),
    "kmnist": (None, 10_000),  # the train split may be partial
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.data(name)) for name in PUBLISHED]
)
def test_published_sets(name: str) -> None:
    """Complete files are the published ones: `load` compares their SHA-256."""
    train, test = data.load(name, "train"), data.load(name, "test")
    expected = PUBLISHED[name]
    assert len(test) == expected[1] and len(train) == (expected[0] or len(train)) > 0
    assert torch.bincount(test.labels).tolist() == [1000] * 10 or name == "mnist"
    assert train.images.shape == (len(train.labels), 1, 28, 28)
    assert train.labels.unique().tolist() == list(range(10))


MOMENTS = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.data(name)) for name in MOMENTS]
)
def test_moments_of_published_sets(name: str) -> None:
    x = to_float(data.load(name, "train").images).double()
    assert (float(x.mean()), float(x.std())) == pytest.approx(MOMENTS[name], abs=5e-5)


# what is not there, or damaged


def test_unknown_names() -> None:
    with pytest.raises(ChaptersError, match=r"'fashion-mnsit'.*did you mean fashion-mnist"):
        data.load("fashion-mnsit", "train")
    with pytest.raises(ChaptersError, match=r"there are digits, mnist"):
        data.load("zzz", "train")
    with pytest.raises(ChaptersError, match="unknown split 'val' of mnist: use train or test"):
        data.load("mnist", "val")


@pytest.mark.parametrize("name", [*TORCHVISION, "svhn"])
def test_no_network_and_no_data(folders: Folders, name: str) -> None:
    socket.setdefaulttimeout(12.5)
    with pytest.raises(ChaptersError) as caught:
        data.load(name, "train")
    message = str(caught.value)
    where = "svhn" if name == "svhn" else str(Path(TORCHVISION[name]) / "raw")
    for part in (
        name,
        "missing",
        str(folders.data / where),
        "no network in the tests",
        "network",
        "CHAPTERS_DATA",
    ):
        assert part in message
    assert "\n" not in message
    assert socket.getdefaulttimeout() == 12.5
    socket.setdefaulttimeout(None)


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError("timed out"),
        http.client.IncompleteRead(b""),
        urllib.error.HTTPError("http://x", 403, "Forbidden", None, None),  # type: ignore[arg-type]
        ConnectionResetError(),
    ],
)
@pytest.mark.parametrize("name", ["mnist", "svhn"])
def test_download_fails(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, failure: Exception, name: str
) -> None:
    def urlopen(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(ChaptersError, match="could not be downloaded") as caught:
        data.load(name, "test")
    assert "\n" not in str(caught.value)


def test_only_the_missing_files_are_named(folders: Folders) -> None:
    raw = write_set(folders, "mnist")
    (raw / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ChaptersError, match=r"\(missing: t10k-labels-idx1-ubyte\)"):
        data.load("mnist", "train")


def test_damaged_svhn(folders: Folders) -> None:
    (folders.data / "svhn").mkdir(parents=True)
    (folders.data / "svhn" / "train_32x32.mat").write_bytes(b"half a file")
    with pytest.raises(ChaptersError, match="not the published file"):
        data.load("svhn", "train")


def damage(raw: Path, how: str) -> None:
    images, labels = raw / "train-images-idx3-ubyte", raw / "train-labels-idx1-ubyte"
    whole = images.read_bytes()
    match how:
        case "truncated":
            images.write_bytes(whole[:-10])
        case "too long":
            images.write_bytes(whole + b"\0")
        case "magic number":
            images.write_bytes(b"\x1f\x8b" + whole[2:])
        case "labels where images belong":
            images.write_bytes(labels.read_bytes())
        case "30 images but 29 labels":
            labels.write_bytes(content(29))
        case "images of 14x56, not 28x28":
            images.write_bytes(content(30, 14, 56))
        case "holds no image":
            images.write_bytes(content(0, 28, 28))
            labels.write_bytes(content(0))
        case "holds a label 26":
            labels.write_bytes(labels.read_bytes()[:-1] + b"\x1a")


DAMAGES = [
    "truncated",
    "too long",
    "magic number",
    "labels where images belong",
    "30 images but 29 labels",
    "images of 14x56, not 28x28",
    "holds no image",
    "holds a label 26",
]


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files(folders: Folders, how: str) -> None:
    raw = write_set(folders, "kmnist")
    data.load("kmnist", "train")
    damage(raw, how)
    with pytest.raises(ChaptersError, match=how) as caught:
        data.load("kmnist", "train")
    assert "\n" not in str(caught.value)
    assert len(data.load("kmnist", "test")) == 20  # the other split is as good as before


def test_checksum_of_a_complete_set(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10,000 images, as published, each byte counts; fewer are somebody's own choice."""
    write_set(folders, "mnist", test=10_000)
    assert len(data.load("mnist", "train")) == 30
    with pytest.raises(ChaptersError, match=r"t10k-images.* is not the published file"):
        data.load("mnist", "test")


# splits


@settings(max_examples=50)
@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=200),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_stratified_split(labels: list[int], fraction: float, seed: int) -> None:
    y = torch.tensor(labels)
    rest, held = stratified_split(y, fraction, seed)
    assert torch.cat([rest, held]).sort().values.tolist() == list(range(len(y)))  # all, each once
    assert rest.tolist() == sorted(rest.tolist()) and held.tolist() == sorted(held.tolist())
    for label in y.unique():
        share = int((y[held] == label).sum())
        assert share == round(fraction * int((y == label).sum()))


def test_split_follows_its_seed_alone() -> None:
    y = torch.arange(1000) % 10
    state = torch.get_rng_state()
    first = stratified_split(y, 0.2, seed=0)[1]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    assert torch.equal(stratified_split(y, 0.2, seed=0)[1], first)
    assert not torch.equal(stratified_split(y, 0.2, seed=1)[1], first)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_split_needs_a_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        stratified_split(torch.zeros(4, dtype=torch.long), fraction, 0)


# batches


def shown(batches: Batches) -> list[int]:
    return [round(float(v) * 255) for x, _ in batches for v in x[:, 0, 0, 0]]


def test_every_image_once_an_epoch() -> None:
    dataset = small(20)
    batches = Batches(dataset, 5)
    assert len(batches) == 4 and [len(x) for x, _ in batches] == [5, 5, 5, 5]
    for _ in range(3):
        assert sorted(shown(batches)) == list(range(20))
    for x, y in batches:  # labels travel with their images
        assert torch.equal(dataset.labels[x[:, 0, 0, 0].mul(255).round().long()], y)


def test_last_batch_is_left_out() -> None:
    batches = Batches(small(23), 5)
    assert len(batches) == 4 and [len(x) for x, _ in batches] == [5, 5, 5, 5]
    seen = shown(batches)
    assert len(set(seen)) == 20
    torch.manual_seed(0)
    missed = [set(range(23)) - set(shown(batches)) for _ in range(30)]
    assert set.union(*missed) == set(range(23))  # not always the same images


def test_order_follows_the_seed() -> None:
    batches = Batches(small(40), 4)
    torch.manual_seed(1)
    first = [shown(batches), shown(batches)]
    assert first[0] != first[1] != sorted(first[1])
    torch.manual_seed(1)
    assert [shown(batches), shown(batches)] == first
    torch.manual_seed(2)
    assert shown(batches) != first[0]


def test_range_and_types() -> None:
    images = torch.tensor([0, 255, 51, 128], dtype=torch.uint8).reshape(4, 1, 1, 1)
    x = to_float(images)
    assert x.dtype == torch.float32 and x.shape == images.shape
    assert x.flatten().tolist() == pytest.approx([0, 1, 0.2, 128 / 255])
    assert images.flatten().tolist() == [0, 255, 51, 128]
    x, y = next(iter(Batches(data.load("digits", "train"), 64)))
    assert (float(x.min()), float(x.max())) == (0.0, 1.0) and y.dtype == torch.int64


@pytest.mark.parametrize("size", [0, -1, 24])
def test_batch_size_must_fit(size: int) -> None:
    with pytest.raises(ChaptersError, match="use 1 to 23"):
        Batches(small(23), size)


def test_sha256_tells_data_apart() -> None:
    one, other = small(), small()
    assert one.sha256 == other.sha256
    assert one.subset(torch.arange(22)).sha256 != one.sha256
    other.labels[0] += 1
    assert (
        small().sha256 == one.sha256
        and Dataset("d", "t", other.images, other.labels).sha256 != one.sha256
    )
