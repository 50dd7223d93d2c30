"""Decoders exported for the page: ``book/_static/play/`` runs them in the reader's browser.

A page opened from disk may not fetch() a file, but may load a script: each decoder becomes a
JavaScript text that registers its numbers under a name. Weights travel with eight bits each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from chapters_lib.data import CLASSES
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.explorers import many, packing
from chapters_lib.explorers.dense import image_of, layers, rounded
from chapters_lib.models.gan import GAN
from chapters_lib.recording import runs

RUNS = (  # in the order in which they are exported
    "ae-fashion-mnist",
    "ae-normalized-fashion-mnist",
    "vae-2d-fashion-mnist",
    "ae-mnist",
    "ae-normalized-mnist",
    "vae-2d-mnist",
    "vaegan-fashion-mnist-both-layer-3",
    "vaegan-fashion-mnist",
    "cvae-fashion-mnist",
    "gan-fc-mnist",
    "vae-gaussian-mnist",
    "vae-realnvp-mnist",
    "gan-mnist",
)
TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "kmnist": "KMNIST"}
POINTS = 2000  # test codes shown; more would hide one another
FITTED = (
    3000  # test codes, and as many places of the plane, at which rounding errors are made up for
)
ENCODING = "utf-16"  # with its mark, which a browser obeys: see `packing`


def _view(codes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the corners of what is shown: codes, their box, and N(0, I) but for about a thousandth of its draws."""
    inner = np.quantile(codes, [0.002, 0.998], axis=0)
    low = np.minimum(np.minimum(inner[0], box[0]), -3.2)
    high = np.maximum(np.maximum(inner[1], box[1]), 3.2)
    return np.stack([low - 0.03 * (high - low), high + 0.03 * (high - low)])


def plane(
    decoder: nn.Module, codes: ArrayLike | None = None, box: ArrayLike | None = None
) -> dict[str, Any]:
    """Return what the page needs for a plane of two code units, but for the points on it.

    `decoder`: fully connected, from two code units to a grey image in [0, 1]; see `dense.layers`.
    `codes`: of real images, shape (N, 2); without them, draws from N(0, I), for the roundings
    alone.
    `box`: the corners of the code box, shape (2, 2); without it, the 0.5 % and 99.5 % quantiles of
    `codes`.
    """
    parts, shape = layers(decoder)
    if parts[0].weight.shape[1] != 2:
        raise ChaptersError("the page shows a plane of codes: export a decoder of two code units")
    chance = np.random.default_rng(1)
    z = chance.normal(size=(FITTED, 2)) if codes is None else np.asarray(codes, dtype=np.float64)
    corners = np.quantile(z, [0.005, 0.995], axis=0) if box is None else np.asarray(box, float)
    view = _view(z, corners)
    places = [chance.permutation(z)[:FITTED], chance.uniform(view[0], view[1], (FITTED, 2))]
    _, records = rounded(parts, torch.from_numpy(np.concatenate(places)).float())
    return {
        "shape": shape,
        "box": corners.round(4).tolist(),
        "view": view.round(6).tolist(),
        "moments": np.stack([z.mean(0), z.std(0)]).round(4).tolist(),
        "layers": records,
    }


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
    """Return a JavaScript text that registers `decoder` as ``play.models[name]``.

    `decoder`, `codes`, `box`: see `plane`.
    `labels`: shape (N,); the page gets 2000 of codes and labels at random.
    `classes`: the classes' names, by label.
    `name`, `model`, `dataset`: what it is registered as, and what the reader sees it called.
    Raises `ChaptersError` if the page cannot run the decoder.
    """
    z, y = np.asarray(codes, dtype=np.float64), np.asarray(labels, dtype=np.uint8)
    if z.ndim != 2 or z.shape[1] != 2 or y.shape != z.shape[:1]:
        raise ChaptersError(
            f"{name}: codes {z.shape}, labels {y.shape}; the page needs (N, 2), (N,)"
        )
    record = plane(decoder, z, box)
    inside = np.flatnonzero(((z >= record["view"][0]) & (z <= record["view"][1])).all(1))
    chosen = np.random.default_rng(0).permutation(inside)[:POINTS]
    record |= {
        **{"model": model, "dataset": dataset, "classes": list(classes)},
        "numbers": {"codes": packing.numbers(z[chosen])},
        "labels": packing.units(y[chosen]),
    }
    return registered(name, record)


def registered(name: str, record: Mapping[str, Any]) -> str:
    """Return the text of a script that puts a record where the page looks for it."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    return f"play.models = {{ ...play.models, {json.dumps(name)}: {text} }};\n"


def write(run_names: Sequence[str], folder: Path | str) -> list[str]:
    """Write the decoders of recorded autoencoders into `folder`, and ``index.js`` which lists them.

    An autoencoder may be variational: the page then draws its decoder's mean. Runs that are not
    recorded are left out; files whose run and exporter are as they were stay as they are.
    Returns the names of the runs exported.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index: list[dict[str, Any]] = []
    for name in [name for name in run_names if name in runs.names()]:
        run, experiment = runs.load(name), find(name)
        dataset = run.config["dataset"]
        entry = {"name": name, "model": _kind(run.config), "dataset": TITLES.get(dataset, dataset)}
        path, stamp = folder / f"{name}.js", f"// {_stamp(run.folder)}\n"
        # The stamp comes last: a torn file has none.
        if not (path.exists() and path.read_bytes().endswith(stamp.encode("utf-16-le"))):
            text = _exported(run, experiment.restored(), entry)
            path.write_text(text + stamp, encoding=ENCODING)
        index.append({**entry, "bytes": path.stat().st_size})
    (folder / "index.js").write_text(f"play.index = {json.dumps(index)};\n", encoding="utf-8")
    return [entry["name"] for entry in index]


def _exported(run: runs.Run, model: nn.Module, entry: dict[str, str]) -> str:
    """Return the script of a run: which kind it is, its configuration says."""
    classes, network = CLASSES[run.config["dataset"]], image_of(drawing(model))
    if "discriminator_norm" in run.config:
        record = many.generator(network, run.config["noise"])
    elif "couplings" in run.config:
        record = many.generator(network, run.config["latent"], model.get_submodule("prior"))
    elif run.config.get("conditional"):
        record = many.conditional(network, run.config["latent"], len(classes))
    elif "test_codes" in run.panels:
        codes, labels = run.panels["test_codes"], run.panels["test_labels"]
        box = run.panels.get("code_box")
        return export_decoder(network, codes, labels, classes, box=box, **entry)
    else:
        record = plane(network)
    return registered(entry["name"], {**entry, "classes": list(classes), **record})


def drawing(model: nn.Module) -> nn.Module:
    """Return the part of a model that makes images."""
    return model.get_submodule("generator" if isinstance(model, GAN) else "decoder")


def _kind(config: Mapping[str, Any]) -> str:
    if "gamma" in config:
        layer = config["layer"]
        return "VAE-GAN, basic loss" if layer is None else f"VAE-GAN, likeness in layer {layer}"
    if "noise" in config:
        return "GAN"
    if config.get("couplings"):
        return "variational autoencoder with a flow for its prior"
    if config.get("conditional"):
        return "conditional variational autoencoder"
    if "latent" in config:
        return "variational autoencoder"
    return "normalised autoencoder" if config.get("normalized") else "autoencoder"


def _stamp(folder: Path) -> str:
    """Hash all that an export depends on."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), *sorted(folder.glob("[!.]*.*"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
