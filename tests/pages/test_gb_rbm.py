"""What the page on the Gaussian–Bernoulli RBM shows of its records, of a part of KMNIST or of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch.nn.functional import softplus

from chapters_lib import gallery, submission
from chapters_lib.assignments import find
from chapters_lib.errors import ChaptersError
from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings import board
from chapters_lib.findings.verdicts import Verdict
from chapters_lib.pages import data as data_page
from chapters_lib.pages import gb_rbm, gb_rbm_chains, gb_rbm_small, run
from chapters_lib.recipes import solved_machine
from chapters_lib.recording.data_used import superseded
from chapters_lib.recording.runs import Run
from chapters_lib.submission.notebook import CARRIED
from tests.pages.forged import OF_A_PART, forget, whole_kmnist

PAGE = (Path(__file__).parents[2] / "book" / "gb-rbm.md").read_text(encoding="utf-8")
TABLES = (
    gb_rbm.table_settings,
    gb_rbm.fewer_images,
    gb_rbm.table_errors,
    gb_rbm.more_updates,
    gb_rbm.units_or_length,
    gb_rbm_chains.table_samples,
    gb_rbm_chains.table_log_z,
)
FIGURES = (
    gb_rbm.drawing,
    gb_rbm.reconstructions,
    gb_rbm.filters,
    gb_rbm_chains.chains,
    gb_rbm_chains.mixing,
    gb_rbm_small.bias,
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Let no test see the records of another."""
    yield
    forget()


def numbers() -> None:
    for part in (gb_rbm, gb_rbm_small, gb_rbm_chains):
        part.numbers()


@pytest.mark.parametrize("draw", [gb_rbm_chains.mixing, gb_rbm_small.bias])
def test_axes_are_labelled(draw) -> None:
    figure = draw()
    assert isinstance(figure, Figure) and len(figure.axes) == 2
    assert all(ax.get_ylabel() for ax in figure.axes)


def test_every_machine_has_its_two_panels_of_reconstructions() -> None:
    titles = [ax.get_title() or ax.get_title("left") for ax in gb_rbm.reconstructions().axes]
    assert len(set(titles)) == 6 and titles[0] == "16 hidden units, training images"


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (gb_rbm.table_settings, 10),
        (gb_rbm.table_errors, 7),
        (gb_rbm_chains.table_samples, 9),
        (gb_rbm_chains.table_log_z, 7),
    ],
)
def test_tables_are_whole(table, rows: int) -> None:
    assert table().data.count("* - ") == rows


def test_the_exact_direction_is_the_gradient_and_many_steps_come_near_it() -> None:
    theta, points = 0.3 * torch.ones(8, dtype=torch.float64), solved_machine.data()

    def log_likelihood(theta: torch.Tensor) -> float:
        W, b, a = solved_machine.parts(theta)
        free = (points - b).square().sum(1) / 2 - softplus(points @ W + a).sum(1)
        return float(-free.mean() - solved_machine.log_weights(theta).logsumexp(0))

    exact = solved_machine.direction(theta, points, None)
    for i, slope in enumerate(exact):
        step = 1e-4 * torch.eye(8, dtype=torch.float64)[i]
        ends = [log_likelihood(theta + sign * step) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(float(slope), abs=1e-6)
    off = [float((solved_machine.direction(theta, points, n) - exact).norm()) for n in (1, 5, 40)]
    assert off[0] > off[1] > 1e6 * off[2]


def test_every_claim_holds_and_is_marked_in_the_page(kept, claimed: dict[str, Verdict]) -> None:
    numbers()
    paragraph = gb_rbm.more_updates().data + gb_rbm.units_or_length().data
    runs_in_page(claimed)
    assert [key for key, verdict in claimed.items() if not verdict.holds] == []
    marks = set(re.findall(r"\{glue:text\}`claim-rbm-([\w-]+)`", PAGE + paragraph))
    assert {key.replace("_", "-") for key in claimed} == marks


def runs_in_page(claimed: dict[str, Verdict]) -> None:
    """Give the claims of the page's own trainings what five seeds gave."""
    states = np.array([[300, 0.18, -806.0], [600, 0.16, -804.6]])
    gb_rbm_small.digits_run(states, 0.446, -895.0)
    gb_rbm_small.always_on(1.0, torch.tensor([0.2, 0.66]))
    gb_rbm_small.by_means(np.array([[600, 0.153, -815.0]]), states)
    v = torch.zeros(2, 784)
    gb_rbm_small.learned_width(np.array([[600, 0.173, 600.0]]), v, v)


def test_a_record_that_contradicts_the_text_marks_the_sentence(
    monkeypatch: pytest.MonkeyPatch, kept, claimed: dict[str, Verdict]
) -> None:
    worse = run("rbm-kmnist-16").metrics["test_mse_pixel"]

    def changed(name: str) -> Run:
        found = run(name)
        metrics = found.metrics | ({"test_mse_pixel": worse} if name == "rbm-kmnist-256" else {})
        return replace(found, metrics=metrics)

    monkeypatch.setattr(gb_rbm, "run", changed)
    gb_rbm.numbers()
    assert not claimed["more_units"].holds and claimed["pca"].holds


def test_a_part_of_the_set_is_said_to_be_one(kept) -> None:
    numbers()
    data_page.numbers()
    assert kept["set"] == "the first 6,284 of 60,000 training images"
    assert "6,284" in gb_rbm.fewer_images().data and "11,700" in gb_rbm.more_updates().data
    assert "6,284" in str(kept["kmnist"])


def test_with_the_whole_set_the_page_reads_as_if_it_had_always_been_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept, claimed: dict[str, Verdict]
) -> None:
    whole_kmnist(tmp_path, monkeypatch)
    numbers()
    said = [table.data for make in TABLES if (table := make()) is not None] + [
        str(value) for value in kept.values()
    ]
    figures = [draw() for draw in FIGURES]
    said += [text.get_text() for figure in figures for text in figure.findobj(match=_is_text)]
    assert [text for text in said if OF_A_PART.search(text)] == []
    assert kept["set"] == "60,000 training images" and kept["machines"] == "three"
    assert "11,700" in gb_rbm.table_settings().data
    empty = (gb_rbm.fewer_images(), gb_rbm.more_updates(), gb_rbm.units_or_length())
    assert empty == (None, None, None)
    assert gb_rbm.table_errors().data.count("* - ") == 4
    marks = set(re.findall(r"\{glue:text\}`claim-rbm-([\w-]+)`", PAGE))
    runs_in_page(claimed)
    assert {key.replace("_", "-") for key in claimed} == marks


def _is_text(artist: object) -> bool:
    return hasattr(artist, "get_text")


def test_the_page_itself_speaks_of_no_part() -> None:
    assert OF_A_PART.findall(PAGE.replace("near the 10 % of chance", "")) == []


def test_with_the_whole_set_no_other_page_shows_the_second_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept
) -> None:
    names = whole_kmnist(tmp_path, monkeypatch)
    shown = {entry.run.name for entry in board.entries()}
    assert shown == {name for name in names if name.startswith("rbm") and not name.endswith("-updates")}  # fmt: skip
    assert superseded(EXPERIMENTS["rbm-kmnist-64-updates"])
    assert not superseded(EXPERIMENTS["rbm-kmnist-64"])
    assert len(gallery.machine_rows()) == 3
    assert data_page.kmnist() == ""
    machines = tuple(name for name in CARRIED["hw5"] if name.startswith("rbm"))
    monkeypatch.setitem(CARRIED, "hw5", machines)
    packed = {path.split("/")[1] for path in submission._carried(find("hw5"))}
    assert packed == shown


@pytest.mark.parametrize("show", [gb_rbm.numbers, board.entries])
def test_a_judge_of_other_images_is_refused_with_the_machines_in_one_line(
    show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_kmnist(tmp_path, monkeypatch, anew=("judge-kmnist",))
    with pytest.raises(ChaptersError) as refused:
        show()
    message = str(refused.value)
    assert "different train images of kmnist" in message and "\n" not in message
    assert all(name in message for name in ("judge-kmnist", "rbm-kmnist-16", "6,284", "60,000"))
