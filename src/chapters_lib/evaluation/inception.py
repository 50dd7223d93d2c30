"""Features of images by torchvision's Inception v3: those that the Fréchet Inception distance is taken in.

Two sets of weights: the published ``IMAGENET1K_V1`` (2048 features after the last block), and a
file with the weights of 2015 up to Mixed_6e (768 features), which is what the first publications
used, one pooling layer earlier. Distances in the one are not distances in the other.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from chapters_lib.data.idx import sha256
from chapters_lib.data.torchvision_shim import torchvision
from chapters_lib.errors import ChaptersError
from chapters_lib.evaluation.arguments import checked

SIDE = 32  # pixels to which every image is brought first, as the sheet asks
INPUT = 299  # pixels that the network was trained on; 32 are too few for its strides
PRECISIONS = ("float32", "bfloat16")
BATCH = 5  # images at a time, few enough for activations to stay in the processor's cache
BATCH_ELSEWHERE = 100  # on an accelerator, whose units want work
PUBLISHED = "Inception_V3_Weights.IMAGENET1K_V1"
_FILE = "inception_v3_google-0cc3c7bd.pth"
_TO_MIXED_6E = (
    *(
        "Conv2d_1a_3x3",
        "Conv2d_2a_3x3",
        "Conv2d_2b_3x3",
        "maxpool1",
        "Conv2d_3b_1x1",
    ),
    *("Conv2d_4a_3x3", "maxpool2", "Mixed_5b", "Mixed_5c", "Mixed_5d"),
    *("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
)
_LAYERS = {
    768: _TO_MIXED_6E,
    2048: (*_TO_MIXED_6E, "Mixed_7a", "Mixed_7b", "Mixed_7c"),
}
# What follows, in each branch of a block, the 1x1 convolution that reads the block's input; a
# tuple stands for convolutions side by side.
_BRANCHES: dict[str, dict[str, Sequence[str | tuple[str, str]]]] = {
    "InceptionA": {
        "branch1x1": (),
        "branch5x5_1": ("branch5x5_2",),
        "branch3x3dbl_1": ("branch3x3dbl_2", "branch3x3dbl_3"),
    },
    "InceptionC": {
        "branch1x1": (),
        "branch7x7_1": ("branch7x7_2", "branch7x7_3"),
        "branch7x7dbl_1": tuple(f"branch7x7dbl_{i}" for i in (2, 3, 4, 5)),
    },
    "InceptionE": {
        "branch1x1": (),
        "branch3x3_1": (("branch3x3_2a", "branch3x3_2b"),),
        "branch3x3dbl_1": (
            "branch3x3dbl_2",
            ("branch3x3dbl_3a", "branch3x3dbl_3b"),
        ),
    },
}


@checked
def as_input(
    images: UInt8[Tensor, "n c h w"], by_way_of: int = SIDE
) -> Float[Tensor, "n 3 299 299"]:
    """Return images of one or three channels as the network takes them.

    Its inputs lie in [-1, 1]. They are resized to 32x32, then to 299x299.
    Both resizings are bilinear, the first with antialiasing where it
    shrinks; nothing is rounded in between. A single channel is repeated
    three times. With `by_way_of` 0 the first resizing is left out.
    """
    x = (images.float() - 127.5) / 127.5
    side = (by_way_of, by_way_of)
    if by_way_of and x.shape[-2:] != side:
        x = F.interpolate(
            x, side, mode="bilinear", align_corners=False, antialias=True
        )
    x = F.interpolate(
        x, (INPUT, INPUT), mode="bilinear", align_corners=False
    )
    return x.expand(-1, 3, -1, -1)


class _Convolution(nn.Module):
    """torchvision's BasicConv2d with its batch normalisation folded into the weights."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.conv = _folded(layer)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.conv(x))


def _folded(layer: nn.Module) -> nn.Conv2d:
    return fuse_conv_bn_eval(
        cast(nn.Conv2d, layer.conv), cast(nn.BatchNorm2d, layer.bn)
    )


class _SideBySide(nn.Module):
    """Layers that read the same input, their outputs one after the other."""

    def __init__(self, layers: Sequence[nn.Module]):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(x) for layer in self.layers], 1)


class _Block(nn.Module):
    """One Inception block: its 1x1 convolutions of the same input as one, and pooling after the last of them.

    A mean over positions and a map of channels can change places; after the map there are fewer
    channels to pool. The bias comes after the mean, for where padding is counted its share of
    the mean is smaller.
    """

    def __init__(self, block: nn.Module, pads_counted: bool):
        super().__init__()
        branches = _BRANCHES[type(block).__name__]
        first = [_folded(block.get_submodule(name)) for name in branches]
        pooled = _folded(block.get_submodule("branch_pool"))
        biases = [conv.bias for conv in (*first, pooled)]
        assert all(bias is not None for bias in biases)
        self.sizes = [conv.out_channels for conv in (*first, pooled)]
        self.first = nn.Conv2d(pooled.in_channels, sum(self.sizes), 1)
        with torch.no_grad():
            self.first.weight.copy_(
                torch.cat([conv.weight for conv in (*first, pooled)])
            )
            bias = torch.cat([*biases[:-1], torch.zeros_like(biases[-1])])  # type: ignore[list-item,arg-type]
            self.first.bias.copy_(bias)  # type: ignore[union-attr]
        self.pool_bias = nn.Parameter(biases[-1].detach()[:, None, None])  # type: ignore[union-attr]
        self.pads_counted = pads_counted
        self.rest = nn.ModuleList(
            nn.Sequential(*(_layer(block, name) for name in names))
            for names in branches.values()
        )

    def forward(self, x: Tensor) -> Tensor:
        *parts, pooled = self.first(x).split(self.sizes, 1)
        mean = F.avg_pool2d(
            pooled, 3, 1, 1, count_include_pad=self.pads_counted
        )
        branches = [
            rest(part.relu())
            for rest, part in zip(self.rest, parts, strict=True)
        ]  # an empty Sequential passes its input on
        return torch.cat([*branches, torch.relu_(mean + self.pool_bias)], 1)


def _layer(block: nn.Module, name: str | tuple[str, str]) -> nn.Module:
    if isinstance(name, tuple):
        return _SideBySide([_layer(block, part) for part in name])
    return _Convolution(block.get_submodule(name))


def _fold(module: nn.Module, pads_counted: bool) -> nn.Module:
    """Return a layer of torchvision's network in the form that is quick to evaluate."""
    if type(module).__name__ in _BRANCHES:
        return _Block(module, pads_counted)
    if type(module).__name__ == "BasicConv2d":
        return _Convolution(module)
    for name, child in module.named_children():
        setattr(module, name, _fold(child, pads_counted))
    return module


class Inception(nn.Module):
    """Inception v3 without its classifier: bytes in, features out.

    `network`: torchvision's `inception_v3`, with weights.
    `features`: 768 (mean over space after Mixed_6e) or 2048 (after Mixed_7c).
    `weights`, `sha256`: what the weights are called, and the SHA-256 of their file.
    `pads_counted`: whether average pooling counts its padding, as torchvision's does; the network
    of 2015 does not.
    `precision`: ``float32``, or ``bfloat16`` for weights and activations.
    `by_way_of`: side to which images are brought before they are brought to 299x299; 0 for none.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        features: int = 2048,
        weights: str = "random",
        sha256: str = "",
        pads_counted: bool = True,
        precision: str = "float32",
        by_way_of: int = SIDE,
    ):
        super().__init__()
        self.features, self.weights, self.sha256 = features, weights, sha256
        self.precision, self.by_way_of = precision, by_way_of
        layers = [
            _fold(network.get_submodule(n), pads_counted)
            for n in _LAYERS[features]
        ]
        self.body = nn.Sequential(*layers).eval().requires_grad_(False)
        self.body.to(
            getattr(torch, precision), memory_format=torch.channels_last
        )  # type: ignore[call-overload]

    @property
    def protocol(self) -> str:
        """What a distance in these features is called: ``inception768``, ``inception2048_bfloat16``, …"""
        low = "" if self.precision == "float32" else f"_{self.precision}"
        way = "" if self.by_way_of == SIDE else f"_by{self.by_way_of}"
        return f"inception{self.features}{way}{low}"

    def like(
        self, *, precision: str = "float32", by_way_of: int = SIDE
    ) -> Inception:
        """Return the same network with another precision or resizing."""
        other = copy.deepcopy(self)
        other.precision, other.by_way_of = precision, by_way_of
        other.body.to(getattr(torch, precision))
        return other

    @checked
    @torch.no_grad()
    def activations(
        self, x: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, "n features"]:
        """Return the features of inputs in [-1, 1], float32."""
        x = x.to(
            getattr(torch, self.precision),
            memory_format=torch.channels_last,
        )
        return self.body(x).float().mean((2, 3))

    @checked
    def forward(
        self, images: UInt8[Tensor, "n c h w"]
    ) -> Float[Tensor, "n features"]:
        """Return the features of uint8 images of one or three channels and any size, float32, on the CPU.

        They are computed on the network's device.
        """
        device = next(self.body.parameters()).device
        size = BATCH if device.type == "cpu" else BATCH_ELSEWHERE
        return torch.cat(
            [
                self.activations(as_input(part.to(device), self.by_way_of))
                for part in images.split(size)
            ]
        ).cpu()


def architecture() -> nn.Module:
    """Return torchvision's `inception_v3` with arbitrary weights, in evaluation mode."""
    return (
        torchvision()
        .models.inception_v3(
            weights=None,
            aux_logits=False,
            transform_input=False,
            init_weights=False,
        )
        .eval()
    )


def published(folder: Path, precision: str = "float32") -> Inception:
    """Return the network with torchvision's weights IMAGENET1K_V1, 2048 features.

    They are looked for in `folder` and downloaded into it (104 MB) where they are missing.
    torchvision scales pixels by the mean and deviation of ImageNet and then undoes it again:
    what reaches the first convolution is x in [-1, 1].

    Raises `ChaptersError` if they are not there and cannot be downloaded, or are damaged.
    """
    path = folder / _FILE
    try:
        state = torchvision().models.Inception_V3_Weights.IMAGENET1K_V1.get_state_dict(
            model_dir=str(folder),
            check_hash=True,
            progress=False,
            weights_only=True,
            map_location="cpu",
        )
    except Exception as error:  # network, disk, damaged file: whatever a download can end in
        reason = (
            str(error).strip().splitlines() or [type(error).__name__]
        )[-1]
        raise ChaptersError(
            f"the weights {_FILE} are not in {folder} and could not be had ({reason[:120]}): connect to the "
            "network, put that file there, or name another set by --weights FILE"
        ) from None
    network = architecture()
    network.load_state_dict(
        {
            key: value
            for key, value in state.items()
            if not key.startswith("AuxLogits")
        }
    )
    return Inception(
        network,
        weights=PUBLISHED,
        sha256=sha256(path),
        precision=precision,
    )


def from_file(path: Path, precision: str = "float32") -> Inception:
    """Return the network with the weights of 2015 from a safetensors file, 768 features.

    The file holds ``<module>.weight`` and ``<module>.bias`` of every convolution up to
    Mixed_6e, batch normalisation folded in.

    Raises `ChaptersError` if the file is not there, or is something else.
    """
    if not path.is_file():
        raise ChaptersError(
            f"no file {path}: --weights names a safetensors file of Inception v3"
        )
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ChaptersError(
            f"{path} is no safetensors file ({type(error).__name__})"
        ) from None
    network = architecture()
    for name in _TO_MIXED_6E:
        for inner, module in network.get_submodule(name).named_modules():
            if type(module).__name__ == "BasicConv2d":
                _put(module, f"{name}.{inner}".rstrip("."), state, path)
    return Inception(
        network,
        features=768,
        weights=path.name,
        sha256=sha256(path),
        pads_counted=False,
        precision=precision,
    )


def _put(
    layer: nn.Module, name: str, state: Mapping[str, Tensor], path: Path
) -> None:
    """Put folded weights into a layer whose batch normalisation then has nothing to do."""
    weight, bias = state.get(f"{name}.weight"), state.get(f"{name}.bias")
    if weight is None or bias is None:
        raise ChaptersError(
            f"{path} lacks {name}: it holds no Inception v3 up to Mixed_6e"
        )
    conv, norm = cast(nn.Conv2d, layer.conv), cast(nn.BatchNorm2d, layer.bn)
    assert norm.running_mean is not None and norm.running_var is not None
    if weight.shape != conv.weight.shape:
        raise ChaptersError(
            f"{path}: {name} has the shape {tuple(weight.shape)}, not Inception's"
        )
    with torch.no_grad():
        conv.weight.copy_(weight)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0)
        norm.weight.fill_((1.0 + norm.eps) ** 0.5)
        norm.bias.copy_(bias)
