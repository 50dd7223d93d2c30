"""The two Gaussians that a reader drags, and the draws that read too far: the library's distance, in its two terms."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from chapters_lib.evaluation.fid import frechet_distance, moments
from tests.explorers.opened import in_node, opened

TERMS = """
require(STATIC + "/play/frechet-model.js");
const { terms, moments } = playFrechet;
console.log(JSON.stringify(given.map(({ one, other, d }) => {
  const [a, b] = [one, other].map((draws) => moments(Float64Array.from(draws.flat()), d));
  return [terms(a, b).means, terms(a, b).covariances];
})));"""


@pytest.mark.parametrize(("d", "n"), [(1, 7), (2, 40), (10, 100), (50, 120), (6, 4)])
def test_the_terms_are_the_librarys(d: int, n: int, tmp_path: Path) -> None:
    torch.manual_seed(d)
    one = torch.randn(n, d).double() @ torch.randn(d, d).double() + 1
    other = torch.randn(n, d).double()
    given = [{"one": one.tolist(), "other": other.tolist(), "d": d}]
    means, covariances = in_node(TERMS, given, tmp_path)[0]
    expected = frechet_distance(*moments(one), *moments(other))
    assert means + covariances == pytest.approx(expected, rel=1e-6)
    apart = (one.mean(0) - other.mean(0)).square().sum()
    assert means == pytest.approx(float(apart), rel=1e-9)


def test_equal_gaussians_are_at_distance_nought(tmp_path: Path) -> None:
    draws = torch.randn(30, 4).double().tolist()
    means, covariances = in_node(TERMS, [{"one": draws, "other": draws, "d": 4}], tmp_path)[0]
    assert means == 0
    assert covariances == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 390])
def test_a_reader_drags_a_gaussian(width: int, tmp_path: Path) -> None:
    said = "$('.pl-readout').innerText.match(/[\\d.]+/g).map(Number)"
    with opened("frechet", tmp_path, width=width) as page:
        total, means, covariances = page.evaluate(said)
        assert total == pytest.approx(means + covariances, abs=0.011)
        page.click(".pl-bar:nth-of-type(3) button:nth-of-type(2)")  # same means
        page.until(f"{said}[1] === 0")
        page.click(".pl-bar:nth-of-type(3) button:nth-of-type(3)")  # and same covariances
        page.until(f"{said}[0] === 0")
        page.press(".pl-plane", "ArrowRight", "ArrowUp")
        page.until(f"{said}[0] > 0 && {said}[2] === 0")
        unit = page.evaluate("$('.pl-plane').clientWidth") / 6.5
        page.drag(".pl-plane", (unit * 0.5, 0), (unit * 1.5, unit))
        page.until(f"{said}[0] > 0.5")
        page.press("select", "ArrowDown")
        assert page.evaluate("$('select').value").endswith(("of p", "of q"))
        page.until("$('.pl-spoken').textContent.startsWith('Distance')")


@pytest.mark.slow
def test_a_reader_draws_sets(tmp_path: Path) -> None:
    with opened("bias", tmp_path) as page:
        assert "2d/n" in page.evaluate("$('.pl-readout').innerText")
        page.click(".pl-run")
        page.until("/mean of 5/.test($('.pl-readout').innerText)")
        foreseen, drawn = page.evaluate(
            "[/Foreseen: ([\\d.]+)/, /Drawn: ([\\d.]+)/].map((r) => Number($('.pl-readout').innerText.match(r)[1]))"
        )
        assert drawn == pytest.approx(foreseen, rel=0.5)
        page.press(".pl-slider:nth-of-type(2) input", "ArrowRight")
        page.until("/1000 draws/.test($('.pl-spoken').textContent)")
        page.press(".pl-run", "Enter")
        page.until("/mean of 5/.test($('.pl-readout').innerText)")
