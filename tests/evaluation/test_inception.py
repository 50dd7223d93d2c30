"""The quick form of Inception v3 gives torchvision's own features; weights from files; images on their way in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation import inception
from chapters_lib.evaluation.inception import (
    Inception,
    architecture,
    as_input,
    from_file,
    published,
)
from tests import far_device
from tests.conftest import Folders

SIZE = 107  # pixels: small enough to be quick, large enough for every layer


def network(seed: int = 0) -> nn.Module:
    """torchvision's network with random weights and batch statistics that are not the identity."""
    torch.manual_seed(seed)
    net = architecture()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return net


@torch.no_grad()
def plain(net: nn.Module, x: Tensor, features: int) -> Tensor:
    """torchvision's modules one after the other, as they come."""
    for name in inception._LAYERS[features]:
        x = net.get_submodule(name)(x)
    return x.mean((2, 3))


def inputs(count: int = 2) -> Tensor:
    return torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("features", [768, 2048])
def test_same_features_as_torchvision(features: int) -> None:
    net, x = network(), inputs()
    expected = plain(net, x, features)
    found = Inception(net, features=features).activations(x)
    assert found.shape == (2, features) and found.dtype == torch.float32
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
    assert float(expected.std()) > 0


def test_2048_features_are_those_before_the_classifier() -> None:
    """What torchvision's own forward pass multiplies by the last layer's weights."""
    net, x = network(), inputs()
    with torch.no_grad():
        logits = net(x)
        found = Inception(net).activations(x)
        expected = F.linear(found, net.get_parameter("fc.weight"), net.get_parameter("fc.bias"))
    assert torch.allclose(logits, expected, rtol=1e-3, atol=1e-4 * float(logits.abs().max()))


def test_padding_counted_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of 2015 leaves padding out of the mean: torchvision's, with its pooling told so, agrees."""
    net, x = network(), inputs()
    counted, uncounted = (
        Inception(network(), features=768, pads_counted=c).activations(x) for c in (True, False)
    )
    assert not torch.allclose(counted, uncounted, rtol=1e-2)
    pool = F.avg_pool2d

    def without_padding(*args: object, **settings: object) -> Tensor:
        return pool(*args, **(settings | {"count_include_pad": False}))  # type: ignore[arg-type]

    monkeypatch.setattr(F, "avg_pool2d", without_padding)
    expected = plain(net, x, 768)
    assert torch.allclose(uncounted, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def test_precision_is_named_and_near() -> None:
    x = inputs()
    exact = Inception(network(), features=768)
    low = Inception(network(), features=768, precision="bfloat16")
    assert (exact.protocol, low.protocol) == ("inception768", "inception768_bfloat16")
    found, expected = low.activations(x), exact.activations(x)
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).norm() / expected.norm()) < 0.05


def test_images_on_their_way_in() -> None:
    grey = torch.randint(0, 256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    x = as_input(grey.to(torch.uint8))
    assert x.shape == (3, 3, 299, 299) and x.dtype == torch.float32
    assert torch.equal(x[:, 0], x[:, 1]) and torch.equal(x[:, 0], x[:, 2])
    assert float(x.abs().max()) <= 1 + 1e-6
    ends = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 3, 32, 32)
    assert as_input(ends.contiguous()).amin((1, 2, 3)).tolist() == pytest.approx([-1, 1], abs=1e-6)
    small = grey.float() / 127.5 - 1
    by_32 = F.interpolate(small, (32, 32), mode="bilinear", align_corners=False)
    expected = F.interpolate(by_32, (299, 299), mode="bilinear", align_corners=False)
    assert torch.allclose(x[:, :1], expected, atol=1e-5)
    colour = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    assert not torch.equal(as_input(colour)[:, 0], as_input(colour)[:, 1])


def test_32_pixels_alone_are_too_few() -> None:
    """Why there is a second resizing."""
    with pytest.raises(RuntimeError, match=r"[Kk]ernel size can't be greater|too small"):
        Inception(network()).activations(torch.zeros(1, 3, 32, 32))


def write(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """Write a file of folded weights up to Mixed_6e."""
    torch.manual_seed(3)
    state = {}
    for name in inception._TO_MIXED_6E:
        for inner, module in architecture().get_submodule(name).named_modules():
            if type(module).__name__ == "BasicConv2d":
                key = f"{name}.{inner}".rstrip(".")
                assert isinstance(module.conv, nn.Conv2d)
                state[f"{key}.weight"] = module.conv.weight.detach().clone()
                state[f"{key}.bias"] = 0.1 * torch.randn(module.conv.out_channels)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "some.safetensors")
    return folder / "some.safetensors", state


def test_weights_from_a_file(tmp_path: Path) -> None:
    path, state = write(tmp_path)
    net = from_file(path)
    assert (net.protocol, net.weights, net.features) == ("inception768", "some.safetensors", 768)
    assert len(net.sha256) == 64
    first = net.body[0]
    assert torch.allclose(first.conv.weight, state["Conv2d_1a_3x3.weight"], rtol=1e-6)
    assert torch.allclose(first.conv.bias, state["Conv2d_1a_3x3.bias"], rtol=1e-6)
    block = net.body[-1]
    assert not block.pads_counted
    assert torch.allclose(block.pool_bias.flatten(), state["Mixed_6e.branch_pool.bias"], rtol=1e-6)
    del state["Mixed_6e.branch_pool.bias"]
    save_file(state, path)
    with pytest.raises(ChaptersError, match=r"lacks Mixed_6e.branch_pool"):
        from_file(path)
    state["Conv2d_1a_3x3.weight"] = torch.zeros(1, 2)
    save_file(state, path)
    with pytest.raises(ChaptersError, match="not Inception's"):
        from_file(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ChaptersError, match="no file"):
        from_file(tmp_path / "nothing.safetensors")
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with pytest.raises(ChaptersError, match="no safetensors file"):
        from_file(tmp_path / "text")


def test_no_network_and_no_weights(folders: Folders) -> None:
    with pytest.raises(ChaptersError, match=r"could not be had.*--weights") as caught:
        published(folders.data / "inception")
    message = str(caught.value)
    assert str(folders.data / "inception") in message and "\n" not in message


def test_published_weights_fit(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state as torchvision publishes it, classifier for training included, goes into the network."""
    from chapters_lib.data.torchvision_shim import torchvision

    whole = torchvision().models.inception_v3(weights=None, aux_logits=True, init_weights=False)
    kind = torchvision().models.Inception_V3_Weights
    folder = folders.data / "inception"
    folder.mkdir(parents=True)
    (folder / inception._FILE).write_bytes(b"downloaded")
    monkeypatch.setattr(kind, "get_state_dict", lambda self, **settings: whole.state_dict())
    net = published(folder)
    assert (net.protocol, net.weights) == ("inception2048", inception.PUBLISHED)
    x = inputs(1)
    assert torch.allclose(net.activations(x), plain(whole.eval(), x, 2048), rtol=1e-2, atol=1e-4)


def test_features_are_computed_where_the_network_is() -> None:
    """And come back from there, the same."""
    net = Inception(network(), features=768)
    images = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    expected = net(images)
    with far_device.used():
        found = net.to(far_device.device())(images)
        assert found.device == far_device.CPU
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
