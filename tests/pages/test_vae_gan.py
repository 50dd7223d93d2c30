"""What the page on VAE-GANs shows of its records, and that its claims can fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from matplotlib.figure import Figure

from chapters_lib.pages import run, vae_gan, vae_gan_studies
from chapters_lib.recording.runs import Run


@pytest.mark.parametrize(
    "draw",
    [
        vae_gan.samples,
        vae_gan.fashion_reconstructions,
        vae_gan.mnist_reconstructions,
        vae_gan.convolutional_reconstructions,
        vae_gan_studies.pairs,
    ],
)
def test_rows_of_images_are_labelled(draw) -> None:
    figure = draw()
    assert isinstance(figure, Figure)
    assert figure.axes[0].get_yticklabels()


@pytest.mark.parametrize(
    ("draw", "panels"),
    [
        (vae_gan_studies.unlearning, 2),
        (vae_gan_studies.gamma_sweep, 3),
        (vae_gan_studies.layer_sweep, 3),
    ],
)
def test_axes_of_curves_are_labelled(draw, panels: int) -> None:
    axes = draw().axes
    assert len(axes) == panels and all(ax.get_xlabel() for ax in axes)


@pytest.mark.parametrize(
    ("table", "rows", "columns"),
    [
        (vae_gan.table_likeness, 10, 7),
        (vae_gan.table_scoreboard, 11, 5),
        (vae_gan_studies.table_controls, 5, 5),
        (vae_gan_studies.table_pairs, 4, 5),
    ],
)
def test_tables_are_whole(table, rows: int, columns: int) -> None:
    lines = table().data.splitlines()
    assert sum(line.startswith("* - ") for line in lines) == rows
    assert sum(line.startswith(("* - ", "  - ")) for line in lines) == rows * columns


def test_the_rule_picks_the_runs_gamma_and_the_first_rule_another() -> None:
    names = list(vae_gan_studies.gammas().values())
    assert vae_gan_studies.chosen(names) == "gamma-0.1"
    assert vae_gan_studies.chosen(names, first_rule=True) == "gamma-100"


def test_rows_of_other_images_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(name: str) -> Run:
        other = replace(run(name))
        if name == vae_gan.CONV:
            other.__dict__["panels"] = run(name).panels | {
                "images": run(vae_gan.MNIST).panels["images"]
            }
        return other

    monkeypatch.setattr(vae_gan, "run", changed)
    with pytest.raises(AssertionError, match="the same images"):
        vae_gan.fashion_reconstructions()


def test_a_record_that_agrees_too_well_contradicts_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(name: str) -> Run:
        metrics = run(name).metrics | ({"agreement": 0.5} if name == vae_gan.PAPER else {})
        return replace(run(name), metrics=metrics)

    monkeypatch.setattr(vae_gan, "run", changed)
    with pytest.raises(AssertionError, match="agreement is hardly better than shuffled"):
        vae_gan.basic_claims()


def test_digits_that_do_not_gain_by_the_likeness_contradict_the_text() -> None:
    again = {"paper": (10.0, 10.0), "joint": (10.0, 10.0), "full": (80.0, 10.0)}
    kl = {"paper": 0.01, "joint": 0.01, "full": 5.0}
    vae_gan.digits_likeness(again, kl)
    with pytest.raises(AssertionError, match="with the likeness far better"):
        vae_gan.digits_likeness(again | {"full": (20.0, 10.0)}, kl)


def test_digits_fill_four_labelled_rows() -> None:
    rows = {name: torch.zeros(10, 1, 28, 28) for name in "abcd"}
    labels = [label.get_text() for label in vae_gan.digits_rows(rows).axes[0].get_yticklabels()]
    assert labels[0] == "original" and len(labels) == 4
