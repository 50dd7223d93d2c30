"""The decoder that the page runs: what is read off, how it is rounded, what the browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chapters_lib import data, figures
from chapters_lib import explorers as explorer
from chapters_lib.data import to_float
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.explorers import dense, many, packing
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.layers import Sine
from chapters_lib.models.realnvp import Coupling, RealNVP
from chapters_lib.models.vae import fully_connected
from chapters_lib.recording import runs
from chapters_lib.training import History
from tests import tiny

STATIC = Path(__file__).parents[2] / "book" / "_static" / "play"
SCRIPT = STATIC / "core.js"
NODE = shutil.which("node")
LARGEST = 2e-4  # of a pixel's range: node adds in another order
BYTES = 1_250_000  # of a file; what a page loads unasked is at most a megabyte: test_every.py
FULL = 4 / 255  # of a pixel's range, to what the record's own weights draw

DECODE = """
const [script, model, name, codes, out] = process.argv.slice(2), fs = require("fs");
require(script);
(0, eval)(fs.readFileSync(model, "utf16le").slice(1));
const record = play.unpack(play.models[name]);
const images = JSON.parse(fs.readFileSync(codes)).map((z) => play.decode(record, z));
fs.writeFileSync(out, Buffer.concat(images.map((image) => Buffer.from(image.buffer))));
"""


def in_node(text: str, name: str, codes: Tensor, folder: Path) -> Tensor:
    """Return the images that the page's own script makes of `codes`, shape (N, H·W)."""
    if NODE is None:
        pytest.skip("node is not installed: the page's script cannot be run here")
    files = [folder / file for file in ("decode.cjs", "model.js", "codes.json", "images.bin")]
    for file, content in zip(files, (DECODE, text, json.dumps(codes.tolist())), strict=False):
        coding = explorer.ENCODING if file.name == "model.js" else "utf-8"
        file.write_text(content, encoding=coding)
    command = [NODE, files[0], SCRIPT, files[1], name, files[2], files[3]]
    subprocess.run(list(map(str, command)), check=True, timeout=120)
    return torch.from_numpy(np.fromfile(files[3], np.float32)).reshape(len(codes), -1)


@torch.no_grad()
def run_rounded(
    decoder: nn.Module, codes: Tensor, text: str, prior: nn.Module | None = None
) -> Tensor:
    """Return what torch makes of codes, or of draws behind a flow, with the weights of an exported text."""
    parts, _ = dense.layers(decoder)
    record = json.loads(text.partition('": ')[2].rpartition(" };")[0])
    h = codes if prior is None else rounded_flow(prior, record)(codes)
    for part, packed in zip(parts, record["layers"], strict=True):
        weight = unpacked(packed).reshape(part.weight.shape)
        h = part._replace(weight=weight, bias=sixteen(packed["bias"]))(h)
    return h


def rounded_flow(prior: nn.Module, record: dict) -> Callable[[Tensor], Tensor]:
    """Return what takes draws to codes with the numbers of a record."""
    prior = deepcopy(prior)
    assert isinstance(prior, RealNVP)
    for layer, packed in zip(prior.couplings, record["couplings"], strict=True):
        assert isinstance(layer, Coupling)
        layer.bound.copy_(sixteen(packed["bound"]))
        linear = [part for part in layer.net if isinstance(part, nn.Linear)]
        for part, numbers in zip(linear, packed["layers"], strict=True):
            part.weight.copy_(unpacked(numbers).reshape(part.weight.shape))
            part.bias.copy_(sixteen(numbers["bias"]))
    return prior.to_code


def units(text: str) -> np.ndarray:
    codes = np.frombuffer(text.encode("utf-16-le"), "<u2").astype(int) - 93
    return codes - np.where(codes > 0xD800, 0x800, 0)


def sixteen(packed: dict) -> Tensor:
    return torch.from_numpy((units(packed["text"]) - 31500) / 31500 * packed["peak"]).float()


def unpacked(layer: dict) -> Tensor:
    if "weight" in layer:
        return sixteen(layer["weight"])
    peaks, found = sixteen(layer["peaks"]), units(layer["levels"])
    if layer["most"] == 125:
        levels = np.stack([found // 251, found % 251], 1)
    else:
        whole = found[::2] * 63000 + found[1::2]
        levels = np.stack([whole // 1583**2, whole // 1583 % 1583, whole % 1583], 1)
    flat = torch.from_numpy(levels.reshape(-1) - layer["most"])[: len(peaks) * layer["columns"]]
    return flat.reshape(len(peaks), -1) / layer["most"] * peaks[:, None]


def small(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    middle = nn.Sequential(nn.Linear(7, 100), nn.Dropout(), activation)
    return nn.Sequential(
        nn.Linear(2, 7),
        nn.ReLU(),
        middle,
        nn.Linear(100, 60),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 10, 6)),
    ).eval()


@pytest.fixture(scope="module")
def trained() -> tuple[Autoencoder, Tensor, Tensor]:
    """The full-size autoencoder after a few seconds on the digits, with its codes and labels."""
    torch.manual_seed(0)
    digits = data.load("digits", "train")
    x, quick = to_float(digits.images), find("ae-digits")
    model = quick.build(quick.config)
    assert isinstance(model, Autoencoder)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(200):
        batch = x[torch.randint(len(x), (64,))]
        loss = (batch - model(batch)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return model.eval(), model.encoder(x), digits.labels


def test_layers_are_read_off_the_module() -> None:
    decoder = Autoencoder().decoder
    found, shape = dense.layers(decoder)
    assert shape == (28, 28)
    assert [layer.activation for layer in found] == ["silu", "silu", "silu", "sigmoid"]
    assert [tuple(layer.weight.shape) for layer in found] == [
        (128, 2),
        (256, 128),
        (512, 256),
        (784, 512),
    ]
    found, shape = dense.layers(small(nn.Tanh()))
    assert shape == (10, 6) and [layer.activation for layer in found] == ["relu", "tanh", "sigmoid"]


LINEAR, LAST = nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2))


@pytest.mark.parametrize(
    ("decoder", "why"),
    [
        (nn.Sequential(LINEAR, nn.LayerNorm(4), LAST), "LayerNorm"),
        (nn.Sequential(LINEAR, nn.ReLU(), nn.BatchNorm1d(4), LAST), "BatchNorm1d"),
        (nn.Sequential(LINEAR, nn.GELU(), LAST), "GELU"),
        (nn.Sequential(LINEAR, nn.Sigmoid(), nn.Tanh(), LAST), "Tanh"),
        (nn.Sequential(nn.Tanh(), LINEAR, LAST), "Tanh"),
        (nn.Sequential(LINEAR, LAST, nn.Linear(2, 2)), "in this place"),
        (nn.Sequential(nn.Linear(3, 4), LAST), "two code units"),
        (nn.Sequential(nn.Dropout()), "Unflatten"),
        (nn.Sequential(LINEAR, nn.Sigmoid()), "Unflatten"),
        (nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (3, 2, 2))), "grey"),
        (nn.ConvTranspose2d(2, 1, 3), "ConvTranspose2d"),
    ],
)
def test_other_decoders_are_refused(decoder: nn.Module, why: str) -> None:
    with pytest.raises(ChaptersError, match=why):
        explorer.export_decoder(decoder, np.zeros((3, 2)), np.zeros(3), ["a"], name="x")


def test_codes_must_fit_labels() -> None:
    with pytest.raises(ChaptersError, match="labels"):
        explorer.export_decoder(small(nn.SiLU()), np.zeros((3, 2)), np.zeros(4), ["a"], name="x")


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.ReLU(), nn.Tanh(), nn.Sigmoid(), Sine()])
def test_page_computes_what_torch_computes(activation: nn.Module, tmp_path: Path) -> None:
    decoder, codes = small(activation), 3 * torch.randn(50, 2)
    text = explorer.export_decoder(decoder, codes, np.arange(50) % 3, "abc", name="x")
    expected = run_rounded(decoder, codes, text)
    torch.testing.assert_close(in_node(text, "x", codes, tmp_path), expected, atol=1e-6, rtol=1e-5)
    with torch.no_grad():  # small layers have sixteen bits
        torch.testing.assert_close(expected, decoder(codes).flatten(1), atol=2e-3, rtol=0)


def test_batch_normalisation_becomes_part_of_the_layer() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4), LAST)
    net(torch.randn(40, 2) + 1)
    h = codes = torch.randn(10, 2)
    for layer in dense.layers(net)[0]:
        h = layer(h)
    torch.testing.assert_close(h, net.eval()(codes).flatten(1))


def test_characters_hold_all_numbers() -> None:
    values = np.arange(63001)
    text = packing.units(values)
    assert not set(text) & set(map(chr, [*range(93), *range(0xD800, 0xE000)]))
    assert json.loads(f'"{text}"') == text and (units(text) == values).all()


def test_a_network_that_eight_bits_change_gets_more_levels(tmp_path: Path) -> None:
    """Large weights before a sigmoid: what is off by a little shows."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(40, 600),
        nn.ReLU(),
        nn.Linear(600, 784),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    texts, codes = {}, torch.randn(100, 40)
    for factor in (1, 60):
        with torch.no_grad():
            network[2].weight.mul_(factor)
        record = many.generator(network, 40)
        texts[factor] = explorer.registered("x", record)
        check(network, codes, texts[factor], "x", tmp_path)
    assert '"most":791' not in texts[1] and '"most":791' in texts[60]


def test_large_layers_have_eight_bits_and_draw_nearly_the_same(trained, tmp_path: Path) -> None:
    model, codes, labels = trained
    text = explorer.export_decoder(model.decoder, codes, labels, "0123456789", name="x")
    assert '"levels":' in text
    check(model.decoder, codes[:200], text, "x", tmp_path)


@torch.no_grad()
def check(
    decoder: nn.Module,
    codes: Tensor,
    text: str,
    name: str,
    folder: Path,
    prior: RealNVP | None = None,
) -> None:
    """Hold the page's images to torch's: the rounded weights' closely, the true ones' to four grey levels."""
    shown = in_node(text, name, codes, folder)
    behind = codes if prior is None else prior.to_code(codes)
    assert len(text.encode(explorer.ENCODING)) <= BYTES
    assert (shown - decoder(behind).flatten(1)).abs().max() <= FULL
    rounded = run_rounded(decoder, codes, text, prior)
    assert (shown - rounded).abs().max() <= LARGEST


def test_a_gaussian_decoder_is_shown_by_its_mean(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = fully_connected(hidden=(8,), latent=2, frequency=1.5, gaussian=True)
    codes = torch.randn(40, 2)
    drawn = dense.image_of(model.decoder)
    assert torch.equal(drawn(codes), model.decoder(codes).mean)
    text = explorer.export_decoder(drawn, codes, torch.zeros(40), ["a"], name="x")
    check(drawn, codes, text, "x", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", explorer.RUNS)
def test_recorded_decoders_are_the_recorded_ones(name: str, tmp_path: Path) -> None:
    """At a hundred codes: of test images where there are any, else drawn from N(0, I), of all classes in turn."""
    if name not in runs.names():
        pytest.skip(f"{name} is not recorded in {runs.root()}")
    assert explorer.write([name], tmp_path) == [name]
    experiment, run = find(name), runs.load(name)
    model = run.restore(experiment.build(experiment.config))
    decoder = dense.image_of(explorer.drawing(model))
    torch.manual_seed(0)
    codes = torch.randn(100, run.config.get("noise") or run.config.get("latent") or 2)
    if "test_codes" in run.panels:
        codes = torch.from_numpy(run.panels["test_codes"][:100])
    if run.config.get("conditional"):
        codes = torch.cat([codes, torch.eye(10).repeat(10, 1)], 1)
    text = (tmp_path / f"{name}.js").read_text(encoding=explorer.ENCODING)
    prior = model.prior if run.config.get("couplings") else None
    check(decoder, codes, text, name, tmp_path, prior)


def save_run(model: nn.Module, codes: Tensor, labels: Tensor, name: str = "ae-digits") -> None:
    runs.save(
        name,
        config={"dataset": "digits", "normalized": False},
        metrics={},
        provenance=tiny.PROVENANCE,
        history=History(),
        weights=runs.half(model.state_dict()),
        panels={"test_codes": codes.numpy(), "test_labels": labels.numpy()},
    )


def test_write_lists_what_is_recorded(folders, trained, tmp_path: Path) -> None:
    target = tmp_path / "explorers"
    assert explorer.write(["ae-digits", "ae-mnist"], target) == []
    index = (target / "index.js").read_text(encoding="utf-8")
    assert index == "play.index = [];\n"
    save_run(*trained)
    assert explorer.write(["ae-digits", "ae-mnist"], target) == ["ae-digits"]
    assert sorted(path.name for path in target.iterdir()) == ["ae-digits.js", "index.js"]
    index = json.loads(
        (target / "index.js").read_text(encoding="utf-8").partition("= ")[2].rstrip(";\n")
    )
    size = (target / "ae-digits.js").stat().st_size
    entry = {"name": "ae-digits", "model": "autoencoder", "dataset": "digits", "bytes": size}
    assert index == [entry]


def test_write_writes_anew_what_changed(folders, trained, tmp_path: Path, monkeypatch) -> None:
    save_run(*trained)
    explorer.write(["ae-digits"], tmp_path)
    path = tmp_path / "ae-digits.js"
    whole = path.read_text(encoding=explorer.ENCODING)
    with monkeypatch.context() as patch:
        patch.setattr(explorer, "export_decoder", lambda *_, **__: pytest.fail("nothing changed"))
        explorer.write(["ae-digits"], tmp_path)
    path.write_text(whole[:1000], encoding=explorer.ENCODING)  # as a stopped build leaves it
    explorer.write(["ae-digits"], tmp_path)
    assert path.read_text(encoding=explorer.ENCODING) == whole
    model, codes, labels = trained
    save_run(model, codes + 1, labels)
    explorer.write(["ae-digits"], tmp_path)
    assert path.read_text(encoding=explorer.ENCODING) != whole


def test_points_have_the_colours_of_the_figures() -> None:
    stated = re.search(r"COLOURS = \[(.*?)\]", SCRIPT.read_text(encoding="utf-8"), re.S)
    assert stated and json.loads(f"[{stated[1]}]") == list(figures.CLASS_COLOURS)


def test_pages_ask_for_nothing_from_outside() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?:|fetch\((?!\))|XMLHttpRequest|@import|url\(", text), path.name
