"""What the page on VAE-GANs shows of its records, and that its claims can fail."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from chapters_lib.pages import run, vae_gan
from chapters_lib.recording.runs import Run, summarize

TEXT = (Path(__file__).parents[2] / "book/vae-gan.md").read_text(encoding="utf-8")


def on_digits(full: float = 80.0) -> None:
    """Give the page numbers as its runs on digits do."""
    again = {"paper": (9.0, 10.0), "joint": (10.0, 10.0), "full": (full, 10.0)}
    vae_gan.digits_likeness(again, {"paper": 0.01, "joint": 0.01, "full": 5.0})
    vae_gan.digits_yardstick((0.3, 10.0), (35.0, 90.0))


def test_every_claim_holds_and_every_number_is_given(kept, claimed) -> None:
    vae_gan.numbers()
    on_digits()
    assert [key for key, verdict in claimed.items() if not verdict.holds] == []
    marks = set(re.findall(r"`claim-vaegan-([a-z0-9-]+)`", TEXT))
    assert marks == {key.replace("_", "-") for key in claimed}
    used = set(re.findall(r"\{glue:text\}`vaegan-([a-z0-9-]+)", TEXT))
    assert used == {key.replace("_", "-") for key in kept}


def test_a_claim_notices_another_record(kept, claimed, monkeypatch) -> None:
    """A fully connected run whose agreement is that of the basic loss, whose samples are the VAE's."""

    def changed(name: str) -> Run:
        other = {"fid_judge": run(vae_gan.VAE).metrics["fid_judge"]}
        other["agreement"] = run(vae_gan.JOINT).metrics["agreement"]
        metrics = run(name).metrics | (other if name == vae_gan.DISL else {})
        return replace(run(name), metrics=metrics)

    monkeypatch.setattr(vae_gan, "run", changed)
    vae_gan.numbers()
    assert not claimed["term_gains"].holds
    assert not claimed["full_distance"].holds


def test_what_speaks_for_the_basic_loss_is_noticed(kept, claimed, monkeypatch) -> None:
    """A start that draws worse even when moved; codes that tell the class, drawn or mean."""
    others = {
        vae_gan.MOVED: {"fitted_normal_fid_judge": [20.0]},
        vae_gan.FIFTH: {"drawn_agreement": [0.5, 0.51, 0.52]},
        vae_gan.PAPER: {"agreement": [0.5]},
    }

    def changed(name: str) -> Run:
        other = {key: summarize(value) for key, value in others.get(name, {}).items()}
        return replace(run(name), metrics=run(name).metrics | other)

    monkeypatch.setattr(vae_gan, "run", changed)
    vae_gan.numbers()
    for key in ("moved_nearer", "fifth_no_help", "paper_below"):
        assert not claimed[key].holds


@pytest.mark.parametrize(("count", "said"), [(1, "borrow a spread"), (2, "Welch"), (3, "Welch")])
def test_the_convolutional_pair_is_worded_by_its_trainings(
    kept, claimed, monkeypatch, count: int, said: str
) -> None:
    def changed(name: str) -> Run:
        found = run(name)
        if name not in vae_gan.PAIR:
            return found
        near = {key: [found[key] * (1 + i / 500) for i in range(count)] for key in found.metrics}
        return replace(found, metrics={key: summarize(values) for key, values in near.items()})

    monkeypatch.setattr(vae_gan, "run", changed)
    vae_gan.numbers()
    number = vae_gan.in_words(count)
    assert kept["pair_trainings"] == f"{number} training{'s' * (count > 1)} each"
    assert said in kept["pair_said"] and "distance" in kept["control_said"]
    assert all(claimed[key].holds for key in ("pair_distance", "conv_share", "conv_agreement"))


def test_digits_that_do_not_gain_by_the_likeness_are_noticed(kept, claimed) -> None:
    on_digits(full=20.0)
    assert not claimed["digits_full"].holds and claimed["digits_basic"].holds


@pytest.mark.parametrize(
    "draw",
    [
        vae_gan.samples,
        vae_gan.fashion_reconstructions,
        vae_gan.mnist_reconstructions,
        vae_gan.convolutional_reconstructions,
        vae_gan.pairs,
    ],
)
def test_rows_of_images_are_labelled(draw) -> None:
    figure = draw()
    assert isinstance(figure, Figure)
    assert figure.axes[0].get_yticklabels()


@pytest.mark.parametrize("draw", [vae_gan.unlearning, vae_gan.gamma_sweep, vae_gan.layer_sweep])
def test_axes_of_curves_are_labelled(draw) -> None:
    axes = draw().axes
    assert len(axes) == 2 and all(ax.get_xlabel() for ax in axes)


@pytest.mark.parametrize(
    ("table", "rows", "columns"),
    [
        (vae_gan.table_likeness, 10, 8),
        (vae_gan.table_scoreboard, 10, 4),
        (vae_gan.table_controls, 5, 5),
        (vae_gan.table_pairs, 3, 5),
    ],
)
def test_tables_are_whole(table, rows: int, columns: int) -> None:
    lines = table().data.splitlines()
    assert sum(line.startswith("* - ") for line in lines) == rows
    assert sum(line.startswith(("* - ", "  - ")) for line in lines) == rows * columns


def test_rows_of_other_images_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(name: str) -> Run:
        other = replace(run(name))
        if name == vae_gan.CONV:
            images = run(vae_gan.MNIST).panels["images"]
            other.__dict__["panels"] = run(name).panels | {"images": images}
        return other

    monkeypatch.setattr(vae_gan, "run", changed)
    with pytest.raises(AssertionError, match="the same images"):
        vae_gan.fashion_reconstructions()


def test_digits_fill_four_labelled_rows() -> None:
    rows = {name: torch.zeros(10, 1, 28, 28) for name in "abcd"}
    labels = [label.get_text() for label in vae_gan.digits_rows(rows).axes[0].get_yticklabels()]
    assert labels[0] == "original" and len(labels) == 4
