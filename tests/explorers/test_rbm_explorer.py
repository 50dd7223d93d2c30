"""The Gibbs chain of the page: with the same random numbers it goes through the library's states."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import torch

from chapters_lib.experiments import find
from chapters_lib.explorers import live
from chapters_lib.models.rbm import GaussianBernoulliRBM
from chapters_lib.recipes.mistakes import KEPT
from chapters_lib.recording import runs
from tests.explorers.opened import in_node, opened

STEPS = 50
CHAIN = """
for (const file of ["networks", "rbm-model"]) require(`${STATIC}/play/${file}.js`);
const machine = playRbm.read(given.model), states = [];
let h = playRbm.sampleHidden(machine, given.start, () => given.first.shift(), given.T);
for (let i = 0; i < given.uniforms.length; i++) {
  const uniform = () => given.uniforms[i].shift(), normal = () => given.normals[i].shift();
  states.push([...h]);
  h = playRbm.step(machine, h, { uniform, normal }, given.T);
}
console.log(JSON.stringify({ states: [...states, [...h]], mean: [...playRbm.mean(machine, h)] }));"""


def recorded() -> tuple[GaussianBernoulliRBM, runs.Run]:
    if live.RBM not in runs.names():
        pytest.skip(f"{live.RBM} is not recorded")
    experiment, run = find(live.RBM), runs.load(live.RBM)
    machine = run.restore(experiment.build(experiment.config))
    assert isinstance(machine, GaussianBernoulliRBM)
    return machine.double().requires_grad_(False), run


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_the_chain_is_the_librarys_state_by_state(temperature: float, tmp_path: Path) -> None:
    machine, _ = recorded()
    d, m = machine.weight.shape
    torch.manual_seed(0)
    start = torch.randn(1, d).double()
    first = torch.rand(1, m).double()
    uniforms, normals = torch.rand(STEPS, 1, m).double(), torch.randn(STEPS, 1, d).double()

    def sample(v: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        return (u < (machine.hidden_logits(v) / temperature).sigmoid()).double()

    states = [sample(start, first)]
    for u, e in zip(uniforms, normals, strict=True):
        v = machine.visible_mean(states[-1]) + temperature**0.5 * e
        states.append(sample(v, u))
    given = {
        "model": live.EXPORTS[live.RBM][1](), "T": temperature, "start": start[0].tolist(),
        "first": first[0].tolist(), "uniforms": uniforms[:, 0].tolist(), "normals": normals[:, 0].tolist(),
    }  # fmt: skip
    found = in_node(CHAIN, given, tmp_path)
    assert torch.equal(torch.tensor(found["states"]).double(), torch.cat(states))
    mean = machine.visible_mean(states[-1])[0]
    torch.testing.assert_close(
        torch.tensor(found["mean"], dtype=torch.float64), mean, atol=1e-9, rtol=0
    )


def test_at_temperature_one_it_is_the_models_own_step(tmp_path: Path) -> None:
    """`sample_hidden` and `sample_visible`, from the numbers that their generator gives."""
    machine, _ = recorded()
    d, m = machine.weight.shape
    chance = torch.Generator().manual_seed(5)
    h = machine.sample_hidden(torch.zeros(1, d).double(), chance)
    after = machine.sample_hidden(machine.sample_visible(h, chance), chance)
    chance.manual_seed(5)
    first = torch.rand(1, m, generator=chance, dtype=torch.float64)
    normal = torch.randn(1, d, generator=chance, dtype=torch.float64)
    uniform = torch.rand(1, m, generator=chance, dtype=torch.float64)
    given = {
        "model": live.EXPORTS[live.RBM][1](), "T": 1, "start": [0.0] * d, "first": first[0].tolist(),
        "uniforms": uniform.tolist(), "normals": normal.tolist(),
    }  # fmt: skip
    found = in_node(CHAIN, given, tmp_path)
    assert found["states"] == torch.cat([h, after]).int().tolist()


def test_the_export_is_small_and_written_anew_when_something_changed(tmp_path: Path) -> None:
    recorded()
    names = live.write(tmp_path)
    assert live.RBM in names
    paths = {name: tmp_path / f"{name}.js" for name in names}
    assert all(path.stat().st_size <= 1_000_000 for path in paths.values())
    times = {name: path.stat().st_mtime_ns for name, path in paths.items()}
    assert live.write(tmp_path) == names
    assert {name: path.stat().st_mtime_ns for name, path in paths.items()} == times
    whole = paths[live.RBM].read_text(encoding="utf-8")
    paths[live.RBM].write_text(whole[:1000], encoding="utf-8")  # as a stopped build leaves it
    live.write(tmp_path)
    assert paths[live.RBM].read_text(encoding="utf-8") == whole


def test_what_is_not_recorded_is_left_out(folders, tmp_path: Path) -> None:
    assert live.write(tmp_path / "explorers") == []


def test_shares_are_those_of_the_record() -> None:
    if not {live.PROBES, live.END_TO_END, live.MISTAKES} <= set(runs.names()):
        pytest.skip("the probes are not recorded")
    found, study = live.EXPORTS[live.LABELS][1](), runs.load(live.PROBES)
    assert found["images"] * found["shares"][2] / 100 == pytest.approx(600)
    error = found["errors"]["trained discriminator"]["10"]
    assert np.isclose(error[0], 100 * (1 - study["dcgan_10_test_accuracy"]))


def test_mistakes_are_those_of_the_record() -> None:
    if not {live.PROBES, live.END_TO_END, live.MISTAKES} <= set(runs.names()):
        pytest.skip("the mistakes are not recorded")
    found, kept = live.EXPORTS[live.LABELS][1](), runs.load(live.MISTAKES)
    assert set(found["wrong"]) == {"pixels", "trained discriminator", "end to end"}
    assert set(found["wrong"]) <= set(found["errors"])
    for readings in found["wrong"].values():
        for share, wrong in readings.items():
            assert float(share) in found["shares"] and 0 < len(wrong) <= KEPT
            assert all(found["pictures"][place][1] != said for place, said in wrong)
    first, said = found["wrong"]["pixels"]["10"][0]
    at = kept.panels["pixels_10_at"][0]
    assert kept.panels["index"][at] == first and kept.panels["pixels_10_said"][0] == said
    assert base64.b64decode(found["pictures"][first][0]) == kept.panels["images"][at].tobytes()
    error = 100 * kept["pixels_10_wrong"] / 10_000  # of the first draw; beside the mean over draws
    assert abs(error - found["errors"]["pixels"]["10"][0]) < 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 390])
def test_a_reader_disturbs_the_chain(width: int, tmp_path: Path) -> None:
    recorded()
    live.write(tmp_path / "_static" / "explorers")
    steps = "Number($('.pl-readout b').textContent.slice(5))"
    state = "$$('.pl-units button').map((n) => Number(n.ariaPressed === 'true')).join('')"
    with opened("rbm", tmp_path, width=width, attributes=f'data-model="{live.RBM}"') as page:
        page.click(".pl-run")
        page.until(f"{steps} > 2")
        page.press(".pl-run", "Enter")
        page.until("$('.pl-run').textContent === 'Run'")
        before, picture = page.evaluate(state), page.evaluate("$('.pl-image').toDataURL()")
        page.press(".pl-units button[tabindex='0']", "ArrowRight", "ArrowDown")
        page.press(".pl-units button[tabindex='0']", "Enter")
        after = page.evaluate(state)
        assert [i for i in range(64) if before[i] != after[i]] == [9]
        assert page.evaluate("$('.pl-image').toDataURL()") != picture
        page.click(".pl-units button:nth-of-type(3)")
        assert page.evaluate(state)[2] != after[2]
        page.click(".pl-ten button:nth-of-type(4)")
        page.until(f"{steps} === 0")
        drawing = ".pl-bar button:nth-of-type(4)"
        page.click(drawing)
        assert page.evaluate("$('.pl-image').style.touchAction") == "none"
        page.drag(".pl-image", (-40, -60), (30, 60))
        pixels = "$('.pl-image').getContext('2d').getImageData(0, 0, 28, 28).data"
        lit = page.evaluate(f"[...{pixels}].filter((v, i) => i % 4 === 0 && v > 127).length")
        assert 10 < lit < 200
        page.press(drawing, " ")
        page.until(f"{steps} === 0 && $('.pl-image').style.touchAction === ''")
        page.press(".pl-slider input", "ArrowRight")
        assert page.evaluate("$('.pl-slider output').textContent") == "1.1"
        page.until("$('.pl-spoken').textContent.startsWith('Mean image')")


@pytest.mark.slow
def test_a_reader_reads_errors_by_labels(tmp_path: Path) -> None:
    if live.LABELS not in live.write(tmp_path / "_static" / "explorers"):
        pytest.skip("the probes are not recorded")
    with opened("labels", tmp_path, width=390) as page:
        page.press(".pl-slider input", "End")
        page.until("$('.pl-readout').innerText.startsWith('60,000 labelled')")
        pictures = "$$('.pl-wrong canvas').map((node) => node.toDataURL()).join()"
        before = page.evaluate(pictures)
        page.press(".pl-slider input", "Home", "ArrowRight")
        page.until("$('.pl-readout').innerText.startsWith('180 labelled')")
        assert page.evaluate(pictures) != before
        assert " read as " in page.evaluate("$('.pl-wrong canvas').ariaLabel")
        assert "mistakes are recorded at" in page.evaluate("$('').innerText")
        assert "not recorded" in page.evaluate("$('.pl-list').innerText")
