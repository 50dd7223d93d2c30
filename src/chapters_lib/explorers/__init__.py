"""Decoders exported for the page: ``book/_static/latent-explorer.js`` runs them in the reader's browser.

A page opened from disk may not fetch() a file, but may load a script: each decoder becomes a
JavaScript text that registers its numbers, as base64, under a name. Weights travel in half
precision, as the record stores them: nothing is lost on the way.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from chapters_lib.data import CLASSES
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.models.layers import Sine
from chapters_lib.models.vae import GaussianDecoder
from chapters_lib.recording import runs

RUNS = (
    "ae-fashion-mnist",
    "ae-normalized-fashion-mnist",
    "vae-2d-fashion-mnist",
    "ae-mnist",
    "ae-normalized-mnist",
    "vae-2d-mnist",
)
TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "kmnist": "KMNIST"}
ACTIVATIONS = {f.__name__.lower(): f for f in (nn.SiLU, nn.ReLU, nn.Tanh, nn.Sigmoid, Sine)}
POINTS = 2000  # test codes shown; more would hide one another


class Layer(NamedTuple):
    """h ↦ activation(W h + b), with the activation's name ("identity" where there is none)."""

    weight: Tensor
    bias: Tensor
    activation: str


def layers(decoder: nn.Module) -> tuple[list[Layer], tuple[int, int]]:
    """Read a fully connected decoder of grey images off its modules.

    Returns its linear layers with what follows each, and the image's (H, W).

    Raises
    ------
    ChaptersError
        if it is made of anything but linear layers, the activations SiLU, ReLU, tanh, sigmoid
        and sine, dropout, and a last Unflatten to (1, H, W), or its codes are not of two
        numbers.
    """
    found: list[Layer] = []
    shape: tuple[int, ...] = ()
    for module in _leaves(decoder):
        kind = type(module).__name__.lower()
        if isinstance(module, nn.Linear) and not shape:
            bias = torch.zeros(module.out_features) if module.bias is None else module.bias
            found.append(Layer(module.weight.detach(), bias.detach(), "identity"))
        elif ACTIVATIONS.get(kind) is type(module) and found and found[-1].activation == "identity":
            found[-1] = found[-1]._replace(activation=kind)
        elif isinstance(module, nn.Unflatten) and not shape:
            shape = tuple(module.unflattened_size)
        elif not isinstance(module, nn.Dropout):
            raise ChaptersError(
                f"the page cannot run a decoder with {module} in this place: export an nn.Sequential of "
                "Linear layers, each followed by SiLU, ReLU, Tanh, Sigmoid, Sine or nothing, and Unflatten"
            )
    if not found or found[0].weight.shape[1] != 2:
        raise ChaptersError("the page shows a plane of codes: export a decoder of two code units")
    if len(shape) != 3 or shape[0] != 1:
        raise ChaptersError("the page shows grey images: end the decoder by Unflatten to (1, H, W)")
    return found, (shape[1], shape[2])


def _leaves(module: nn.Module) -> list[nn.Module]:
    if not isinstance(module, nn.Sequential):
        return [module]
    return [leaf for child in module for leaf in _leaves(child)]


def _view(codes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the corners of what is shown: codes, their box, and N(0, I) but for about a thousandth of its draws."""
    inner = np.quantile(codes, [0.002, 0.998], axis=0)
    low = np.minimum(np.minimum(inner[0], box[0]), -3.2)
    high = np.maximum(np.maximum(inner[1], box[1]), 3.2)
    return np.stack([low - 0.03 * (high - low), high + 0.03 * (high - low)])


def export_decoder(
    decoder: nn.Module,
    codes: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    name: str,
    model: str = "autoencoder",
    dataset: str = "",
    box: ArrayLike | None = None,
) -> str:
    """Return a JavaScript text that registers `decoder` as ``latentExplorerModels[name]``.

    Parameters
    ----------
    decoder
        fully connected, from two code units to a grey image in [0, 1]; see `layers`.
    codes, labels
        of real images, shapes (N, 2) and (N,); the page gets 2000 of them at random.
    classes
        the classes' names, by label.
    name, model, dataset
        what it is registered as, and what the reader sees it called.
    box
        the corners of the code box, shape (2, 2); without it, the 0.5 % and 99.5 % quantiles
        of `codes`.

    Raises
    ------
    ChaptersError
        if the page cannot run the decoder.
    """
    parts, shape = layers(decoder)
    z, y = np.asarray(codes, dtype=np.float64), np.asarray(labels, dtype=np.uint8)
    if z.ndim != 2 or z.shape[1] != 2 or y.shape != z.shape[:1]:
        raise ChaptersError(
            f"{name}: codes {z.shape}, labels {y.shape}; the page needs (N, 2), (N,)"
        )
    corners = np.quantile(z, [0.005, 0.995], axis=0) if box is None else np.asarray(box, float)
    view = _view(z, corners)
    inside = np.flatnonzero(((z >= view[0]) & (z <= view[1])).all(1))
    chosen = np.random.default_rng(0).permutation(inside)[:POINTS]
    fraction = (z[chosen] - view[0]) / (view[1] - view[0])
    record = {
        **{"model": model, "dataset": dataset, "shape": shape, "classes": list(classes)},
        "box": corners.round(4).tolist(),
        "view": view.tolist(),
        "codes": _base64(np.round(fraction * 65535), "<u2"),
        "labels": _base64(y[chosen], "u1"),
        "layers": [
            {
                "weight": _base64(layer.weight, "<f2"),
                "bias": _base64(layer.bias, "<f2"),
                "activation": layer.activation,
            }
            for layer in parts
        ],
    }
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=True)
    return f"(globalThis.latentExplorerModels ??= {{}})[{json.dumps(name)}] = {text};\n"


def _base64(values: ArrayLike, dtype: str) -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode("ascii")


def write(run_names: Sequence[str], folder: Path | str) -> list[str]:
    """Write the decoders of recorded autoencoders into `folder`, and ``index.js`` which lists them.

    An autoencoder may be variational: the page then draws its decoder's mean. Runs that are not
    recorded are left out; files whose run and exporter are as they were stay as they are.
    Returns the names of the runs exported.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for name in [name for name in run_names if name in runs.names()]:
        run, experiment = runs.load(name), find(name)
        dataset = run.config["dataset"]
        entry = {
            "name": name,
            "model": _kind(run.config),
            "dataset": TITLES.get(dataset, dataset),
        }
        index.append(entry)
        path, stamp = folder / f"{name}.js", f"// {_stamp(run.folder)}\n"
        # The stamp comes last: a torn file has none.
        if path.exists() and path.read_text(encoding="utf-8").endswith(stamp):
            continue
        decoder = mean_of(run.restore(experiment.build(experiment.config)).get_submodule("decoder"))
        codes, labels = run.panels["test_codes"], run.panels["test_labels"]
        box = run.panels.get("code_box")
        text = export_decoder(decoder, codes, labels, CLASSES[dataset], box=box, **entry)
        path.write_text(text + stamp, encoding="utf-8")
    (folder / "index.js").write_text(
        f"globalThis.latentExplorerIndex = {json.dumps(index)};\n", encoding="utf-8"
    )
    return [entry["name"] for entry in index]


def mean_of(decoder: nn.Module) -> nn.Module:
    """Return the network that draws: of a Gaussian decoder, which returns p(x|z), the one that makes its mean."""
    return decoder.net if isinstance(decoder, GaussianDecoder) else decoder


def _kind(config: Mapping[str, Any]) -> str:
    if "latent" in config:
        return "variational autoencoder"
    return "normalised autoencoder" if config.get("normalized") else "autoencoder"


def _stamp(folder: Path) -> str:
    """Hash all that an export depends on."""
    files = [Path(__file__), *sorted(folder.glob("[!.]*.*"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
