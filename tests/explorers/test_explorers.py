"""The decoder that the page runs: what is read off, how it is rounded, what the browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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
from chapters_lib.models.autoencoder import Autoencoder
from chapters_lib.models.layers import Sine
from chapters_lib.models.vae import fully_connected
from chapters_lib.recording import runs
from chapters_lib.training import History

STATIC = Path(__file__).parents[2] / "book" / "_static"
SCRIPT = STATIC / "latent-explorer.js"
NODE = shutil.which("node")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
LARGEST, BYTES = 1e-5, 2_400_000  # of a pixel's range; of a file

DECODE = """
const [script, model, name, codes, out] = process.argv.slice(2);
require(script);
require(model);
const unpacked = latentExplorer.unpack(latentExplorerModels[name]);
const images = JSON.parse(require("fs").readFileSync(codes)).map((z) => latentExplorer.decode(unpacked, z));
require("fs").writeFileSync(out, Buffer.concat(images.map((image) => Buffer.from(image.buffer))));
"""


def in_node(text: str, name: str, codes: Tensor, folder: Path) -> Tensor:
    """Return the images that the page's own script makes of `codes`, shape (N, H·W)."""
    if NODE is None:
        pytest.skip("node is not installed: the page's script cannot be run here")
    files = [folder / file for file in ("decode.cjs", "model.js", "codes.json", "images.bin")]
    for file, content in zip(files, (DECODE, text, json.dumps(codes.tolist())), strict=False):
        file.write_text(content, encoding="utf-8")
    command = [NODE, files[0], SCRIPT, files[1], name, files[2], files[3]]
    subprocess.run(list(map(str, command)), check=True, timeout=120)
    return torch.from_numpy(np.fromfile(files[3], np.float32)).reshape(len(codes), -1)


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
    found, shape = explorer.layers(decoder)
    assert shape == (28, 28)
    assert [layer.activation for layer in found] == ["silu", "silu", "silu", "sigmoid"]
    assert [tuple(layer.weight.shape) for layer in found] == [
        (128, 2),
        (256, 128),
        (512, 256),
        (784, 512),
    ]
    found, shape = explorer.layers(small(nn.Tanh()))
    assert shape == (10, 6) and [layer.activation for layer in found] == ["relu", "tanh", "sigmoid"]


LINEAR, LAST = nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2))


@pytest.mark.parametrize(
    ("decoder", "why"),
    [
        (nn.Sequential(LINEAR, nn.BatchNorm1d(4), LAST), "BatchNorm1d"),
        (nn.Sequential(LINEAR, nn.GELU(), LAST), "GELU"),
        (nn.Sequential(LINEAR, nn.Sigmoid(), nn.Tanh(), LAST), "Tanh"),
        (nn.Sequential(nn.Tanh(), LINEAR, LAST), "Tanh"),
        (nn.Sequential(LINEAR, LAST, nn.Linear(2, 2)), "in this place"),
        (nn.Sequential(nn.Linear(3, 4), LAST), "two code units"),
        (nn.Sequential(nn.Dropout()), "two code units"),
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
    """Weights that half precision can hold, as those of a record, give torch's own numbers."""
    decoder, codes = small(activation).half().float(), 3 * torch.randn(50, 2)
    text = explorer.export_decoder(decoder, codes, np.arange(50) % 3, "abc", name="x")
    with torch.no_grad():
        expected = decoder(codes).flatten(1)
    torch.testing.assert_close(in_node(text, "x", codes, tmp_path), expected, atol=1e-6, rtol=1e-5)


def check(decoder: nn.Module, codes: Tensor, text: str, name: str, folder: Path) -> None:
    with torch.no_grad():
        error = (in_node(text, name, codes, folder) - decoder(codes).flatten(1)).abs()
    assert len(text) <= BYTES
    assert error.max() <= LARGEST


def test_subnormal_weights_arrive_too(tmp_path: Path) -> None:
    """Half precision's smallest numbers have an exponent of their own kind."""
    decoder = nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2)))
    tiny = torch.tensor([[2.0**-24, -(2.0**-15)], [0.0, 2.0**-14], [65504.0, -0.5], [1.0, 3.0]])
    decoder[0].load_state_dict({"weight": tiny, "bias": torch.zeros(4)})
    codes = torch.eye(2)
    text = explorer.export_decoder(decoder, codes, np.zeros(2), "a", name="x")
    assert torch.equal(in_node(text, "x", codes, tmp_path), tiny.T)


def test_a_gaussian_decoder_is_shown_by_its_mean(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = fully_connected(hidden=(8,), latent=2, frequency=1.5, gaussian=True).half().float()
    codes = torch.randn(40, 2)
    drawn = explorer.mean_of(model.decoder)
    assert torch.equal(drawn(codes), model.decoder(codes).mean)
    text = explorer.export_decoder(drawn, codes, torch.zeros(40), ["a"], name="x")
    check(drawn, codes, text, "x", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", explorer.RUNS)
def test_recorded_decoders_are_the_recorded_ones(name: str, tmp_path: Path) -> None:
    if name not in runs.names():
        pytest.skip(f"{name} is not recorded in {runs.root()}")
    assert explorer.write([name], tmp_path) == [name]
    experiment, run = find(name), runs.load(name)
    model = run.restore(experiment.build(experiment.config))
    decoder = explorer.mean_of(model.get_submodule("decoder"))
    codes = torch.from_numpy(run.panels["test_codes"][:3000])
    check(decoder, codes, (tmp_path / f"{name}.js").read_text(encoding="utf-8"), name, tmp_path)


def save_run(model: nn.Module, codes: Tensor, labels: Tensor, name: str = "ae-digits") -> None:
    runs.save(
        name,
        config={"dataset": "digits", "normalized": False},
        metrics={},
        provenance={},
        history=History(),
        weights=runs.half(model.state_dict()),
        panels={"test_codes": codes.numpy(), "test_labels": labels.numpy()},
    )


def test_write_lists_what_is_recorded(folders, trained, tmp_path: Path) -> None:
    target = tmp_path / "explorers"
    assert explorer.write(["ae-digits", "ae-mnist"], target) == []
    index = (target / "index.js").read_text(encoding="utf-8")
    assert index == "globalThis.latentExplorerIndex = [];\n"
    save_run(*trained)
    assert explorer.write(["ae-digits", "ae-mnist"], target) == ["ae-digits"]
    assert sorted(path.name for path in target.iterdir()) == ["ae-digits.js", "index.js"]
    index = json.loads(
        (target / "index.js").read_text(encoding="utf-8").partition("= ")[2].rstrip(";\n")
    )
    assert index == [{"name": "ae-digits", "model": "autoencoder", "dataset": "digits"}]


def test_write_writes_anew_what_changed(folders, trained, tmp_path: Path, monkeypatch) -> None:
    save_run(*trained)
    explorer.write(["ae-digits"], tmp_path)
    path = tmp_path / "ae-digits.js"
    whole = path.read_text(encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(explorer, "export_decoder", lambda *_, **__: pytest.fail("nothing changed"))
        explorer.write(["ae-digits"], tmp_path)
    path.write_text(whole[:1000], encoding="utf-8")  # as a stopped build leaves it
    explorer.write(["ae-digits"], tmp_path)
    assert path.read_text(encoding="utf-8") == whole
    model, codes, labels = trained
    save_run(model, codes + 1, labels)
    explorer.write(["ae-digits"], tmp_path)
    assert path.read_text(encoding="utf-8") != whole


def test_points_have_the_colours_of_the_figures() -> None:
    stated = re.search(r"COLOURS = \[(.*?)\]", SCRIPT.read_text(encoding="utf-8"), re.S)
    assert stated and json.loads(f"[{stated[1]}]") == list(figures.CLASS_COLOURS)


def test_page_asks_for_nothing_from_outside() -> None:
    text = SCRIPT.read_text(encoding="utf-8") + (STATIC / "latent-explorer.css").read_text(
        encoding="utf-8"
    )
    assert not re.search(r"https?:|fetch\((?!\))|XMLHttpRequest|@import|url\(", text)


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>waiting</title><link rel="icon" href="data:,">
<script>requestAnimationFrame = (f) => setTimeout(f, 16); // a browser that shows nothing has few frames
window.wrong = []; onerror = (message) => wrong.push(message); console.error = (m) => wrong.push(m);</script>
<link rel="stylesheet" href="_static/latent-explorer.css"><script src="_static/latent-explorer.js" defer></script>
<div class="latent-explorer" data-models="ae-mnist ae-digits"></div>
<script>
const $ = (query) => document.querySelector(".latent-explorer " + query), seen = new Set();
const note = () => seen.add($(".le-image").toDataURL());
const press = (key) => $(".le-plane").dispatchEvent(new KeyboardEvent("keydown", { key }));
let ticks = 0;
function step() { // a frame of ours comes after that of the plane
  if ($(".le-readout b")) {
    note();
    press(ticks ? ["ArrowLeft", "ArrowUp"][ticks % 2] : "Home");
    if (++ticks === 9) return finish();
  }
  requestAnimationFrame(step);
}
function finish() {
  document.querySelectorAll(".latent-explorer .le-bar button").forEach((button) => button.click());
  document.title = JSON.stringify([seen.size, document.querySelectorAll(".le-strip canvas").length,
    document.querySelectorAll(".le-legend button").length, $(".le-plane").ariaLabel, wrong]);
}
addEventListener("load", () => {
  document.querySelector(".latent-explorer").dispatchEvent(new Event("focusin"));
  step();
});
</script></html>"""


@pytest.mark.slow
def test_a_browser_shows_it(folders, trained, tmp_path: Path) -> None:
    """From disk: the arrow keys change the image, the buttons draw twelve, nothing is in the console."""
    if BROWSER is None:
        pytest.skip("no Chromium is installed: the page cannot be opened here")
    save_run(*trained)
    static = tmp_path / "_static"
    explorer.write(["ae-digits"], static / "explorers")
    for name in ("latent-explorer.js", "latent-explorer.css"):
        shutil.copy(STATIC / name, static)
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
    ]
    command += [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]
    command.append((tmp_path / "page.html").as_uri())
    dom = subprocess.run(
        command, capture_output=True, text=True, timeout=120, encoding="utf-8"
    ).stdout
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title, dom[:500]
    images, drawn, classes, label, wrong = json.loads(title[1].replace("&quot;", '"'))
    assert images == 9 and drawn == 12 and classes == 10
    assert "arrow keys" in label and "digits" in label and wrong == []
