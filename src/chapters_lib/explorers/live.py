"""Models and curves that the page's explorers run besides decoders: a flow, a Boltzmann machine, error rates.

Each becomes a JavaScript text beside the decoders' (see the package). Weights travel in half
precision, as the record stores them: nothing is lost on the way.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.recording import runs

FLOW, RBM = "vae-realnvp-2d-mnist", "rbm-kmnist-64"
PROBES, END_TO_END, LABELS = "dcgan-pretraining-mnist", "dcgan-end-to-end-mnist", "label-shares"
MISTAKES = "dcgan-mistakes-mnist"
KINDS = {"pixels": "pixels", "untrained": "untrained discriminator", "dcgan": "trained discriminator"}  # fmt: skip
POINTS = 1500  # test codes shown


def halves(values: ArrayLike) -> str:
    """Write numbers in half precision, as base64."""
    return base64.b64encode(np.asarray(values).astype("<f2").tobytes()).decode("ascii")


def network(layers: nn.Module) -> list[dict[str, Any]]:
    """Read linear layers, layer normalisations and SiLU off a stack, in their order."""
    found: list[dict[str, Any]] = []
    for module in layers.modules():
        if isinstance(module, nn.Linear):
            entry = {"kind": "linear", "columns": module.in_features}
        elif isinstance(module, nn.LayerNorm):
            entry = {"kind": "norm", "eps": module.eps}
        elif isinstance(module, nn.SiLU):
            found.append({"kind": "silu"})
            continue
        elif isinstance(module, nn.Sequential):
            continue
        else:
            raise ChaptersError(f"the page cannot run a network with {module} in it")
        weights = {"weight": halves(module.weight.detach()), "bias": halves(module.bias.detach())}
        found.append({**entry, **weights})
    return found


def flow(prior: RealNVP, decoder: nn.Module, codes: ArrayLike, classes: ArrayLike) -> dict[str, Any]:  # fmt: skip
    """Return a flow of two units, coupling by coupling, its decoder, and some test codes with their classes."""
    couplings = []
    for coupling in prior.layers():
        if len(coupling.kept) + len(coupling.moved) != 2:
            raise ChaptersError("the page draws a plane: export a flow of two units")
        couplings.append(
            {
                "kept": int(coupling.kept),
                "bound": float(coupling.bound.detach()),
                "net": network(coupling.net),
            }
        )
    z, y = np.asarray(codes, dtype=np.float64), np.asarray(classes)
    chosen = np.random.default_rng(0).permutation(len(z))[:POINTS]
    return {
        "couplings": couplings,
        "decoder": network(decoder),
        "codes": halves(z[chosen]),
        "classes": y[chosen].tolist(),
        "view": _middle(z),
    }


def _middle(z: np.ndarray) -> list[list[float]]:
    """Return the corners of a square that holds nearly all codes."""
    low, high = np.quantile(z, [0.002, 0.998], axis=0)
    half = 1.1 * (high - low).max() / 2
    return [((low + high) / 2 + side * half).round(3).tolist() for side in (-1, 1)]


def rbm(machine: GaussianBernoulliRBM, images: ArrayLike, statistics: ArrayLike) -> dict[str, Any]:
    """Return a machine, some test images in [0, 1], and the mean and deviation by which it sees them."""
    weights = {
        "weight": machine.weight,
        "visible": machine.visible_bias,
        "hidden": machine.hidden_bias,
    }
    pixels = np.asarray(images, dtype=np.float64).reshape(len(np.asarray(images)), -1) / 255
    return {
        **{name: halves(values.detach()) for name, values in weights.items()},
        "images": [halves(image) for image in pixels],
        "statistics": [float(v) for v in np.asarray(statistics)],
    }


def shares(study: runs.Run, whole: runs.Run, images: int) -> dict[str, Any]:
    """Return test errors in per cent by the share of `images` training images with labels."""
    each = [round(100 * share, 6) for share in study.config["shares"]]

    def errors(record: runs.Run, kind: str) -> dict[str, list[float]]:
        keys = {f"{share:g}": f"{kind}_{share:g}_test_accuracy" for share in each}
        there = {share: key for share, key in keys.items() if key in record.metrics}
        return {
            share: [100 - 100 * record[key], 100 * record.metrics.get(f"{key}_sd", 0.0)]
            for share, key in there.items()
        }

    found = {title: errors(study, kind) for kind, title in KINDS.items()}
    found["end to end"] = errors(whole, "end_to_end")
    return {"shares": each, "images": images, "errors": found, "draws": study.config["draws"]}


def mistakes(records: Sequence[runs.Run], readers: Mapping[str, str]) -> dict[str, Any]:
    """Return the first test images that each reader gets wrong, by its title and the share of the labels in per cent.

    `records`: what keeps them; see `recipes.mistakes.kept`.
    `readers`: the readers' names there, and their titles.
    """
    images: dict[int, tuple[str, int]] = {}
    found: dict[str, dict[str, list[list[int]]]] = {}
    for record in records:
        panels = record.panels
        for place, image, label in zip(
            *(panels.get(key, ()) for key in ("index", "images", "labels")), strict=True
        ):
            images[int(place)] = (base64.b64encode(image.tobytes()).decode("ascii"), int(label))
        for key in (key for key in panels if key.endswith("_at")):
            name, _, share = key.removesuffix("_at").rpartition("_")
            places = panels["index"][panels[key]].tolist()
            said = panels[f"{name}_{share}_said"].tolist()
            wrong = [[p, s] for p, s in zip(places, said, strict=True)]
            found.setdefault(readers[name], {})[share] = wrong
    return {"wrong": found, "pictures": images}


def _flow() -> dict[str, Any]:
    model, panels = find(FLOW).restored(), runs.load(FLOW).panels
    codes, classes = panels["test_codes"], panels["test_labels"]
    return flow(model.prior, model.decoder.net, codes, classes)


def _rbm() -> dict[str, Any]:
    panels = runs.load(RBM).panels
    return rbm(find(RBM).restored(), panels["test_images"], panels["statistics"])


def _shares() -> dict[str, Any]:
    study, whole = runs.load(PROBES), runs.load(END_TO_END)
    images = runs.load(study.config["pretrained"]).data_used["train"]["images"]
    readers = {"pixels": KINDS["pixels"], "dcgan": KINDS["dcgan"], "end_to_end": "end to end"}
    records = [runs.load(name) for name in (MISTAKES, END_TO_END) if name in runs.names()]
    return shares(study, whole, images) | mistakes(records, readers)


EXPORTS: dict[str, tuple[tuple[str, ...], Callable[[], dict[str, Any]]]] = {
    FLOW: ((FLOW,), _flow),
    RBM: ((RBM,), _rbm),
    LABELS: ((PROBES, END_TO_END), _shares),
}


def write(folder: Path | str) -> list[str]:
    """Write a script for each export whose runs are recorded, unless it is as it would be; return their names."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = []
    for name, (needed, make) in EXPORTS.items():
        if not set(needed) <= set(runs.names()):
            continue
        used = [one for one in (*needed, MISTAKES) if one in runs.names()]
        path, stamp = folder / f"{name}.js", f"// {_stamp(used)}\n"
        if not (path.exists() and path.read_text(encoding="utf-8").endswith(stamp)):
            text = json.dumps(make(), separators=(",", ":"), allow_nan=False)
            call = f"play.models = {{ ...play.models, {json.dumps(name)}: {text} }};\n"
            path.write_text(call + stamp, encoding="utf-8")
        done.append(name)
    return done


def _stamp(names: Sequence[str]) -> str:
    """Hash all that an export depends on."""
    folders = [runs.load(name).folder for name in names]
    files = [Path(__file__), *(path for f in folders for path in sorted(f.glob("[!.]*.*")))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
