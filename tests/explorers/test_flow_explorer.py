"""The flow that a reader walks through: its points, densities and images are those of the recorded run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import find
from chapters_lib.explorers import live
from chapters_lib.models.realnvp import RealNVP
from chapters_lib.recording import runs
from tests.explorers.opened import in_node, opened

WALK = """
globalThis.play = {};
for (const file of ["networks", "flow-model"]) require(`${STATIC}/play/${file}.js`);
const model = playFlow.read(given.model);
console.log(JSON.stringify(given.points.map((u) => {
  const stages = playFlow.stages(model, u), { u: home, logDensity } = playFlow.back(model, stages.at(-1));
  return { stages, home, logDensity, image: [...playFlow.decode(model, stages.at(-1))] };
})));"""


def recorded() -> tuple[torch.nn.Module, dict]:
    if live.FLOW not in runs.names():
        pytest.skip(f"{live.FLOW} is not recorded")
    experiment = find(live.FLOW)
    model = runs.load(live.FLOW).restore(experiment.build(experiment.config)).eval()
    return model, live.EXPORTS[live.FLOW][1]()


@torch.no_grad()
def test_points_are_the_recorded_flows(tmp_path: Path) -> None:
    """A hundred base points: each stage to 1e-4, and back again; images within a 255th."""
    model, record = recorded()
    prior = model.prior
    assert isinstance(prior, RealNVP)
    u = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    found = in_node(WALK, {"model": record, "points": u.tolist()}, tmp_path)
    expected = torch.stack(prior.stages(u), 1)
    stages = torch.tensor([each["stages"] for each in found])
    torch.testing.assert_close(stages, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.tensor([each["home"] for each in found]), u, atol=1e-4, rtol=0)
    density = torch.tensor([each["logDensity"] for each in found])
    torch.testing.assert_close(density, prior().log_prob(expected[:, -1]), atol=1e-3, rtol=0)
    images = torch.tensor([each["image"] for each in found])
    true = model.decoder.net(expected[:, -1]).sigmoid()
    assert (images - true).abs().max() < 1 / 255


def test_other_flows_are_refused() -> None:
    with pytest.raises(ChaptersError, match="two units"):
        live.flow(RealNVP(3, 2, (4,)), torch.nn.Linear(3, 4), torch.zeros(2, 3), torch.zeros(2))
    with pytest.raises(ChaptersError, match="ReLU"):
        live.network(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()))


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 390])
def test_a_reader_walks_through_the_couplings(width: int, tmp_path: Path) -> None:
    recorded()
    live.write(tmp_path / "_static" / "explorers")
    said = "$('.pl-readout').innerText"
    with opened("flow", tmp_path, width=width, attributes=f'data-model="{live.FLOW}"') as page:
        page.until(f"{said}.startsWith('u = (0.60')")
        page.press(".pl-plane", "Home")
        page.until(f"{said}.startsWith('u = (0.00, 0.00)')")
        page.press(".pl-plane", "ArrowRight", "ArrowUp")
        page.until(f"!{said}.startsWith('u = (0.00')")
        before = page.evaluate(said)
        page.drag(".pl-plane", (0, 0), (40, -30))
        page.until(f"{said} !== {before!r}".replace("\\n", "\\\\n") + f" && /u = /.test({said})")
        page.press(".pl-slider input", *["ArrowLeft"] * 8)
        page.until("/Behind 0 of 8/.test($('.pl-pair').innerText)")
        page.click("input[type=checkbox]")
        page.until("$('.pl-spoken').textContent.includes('behind 0 couplings')")
