"""The plane of two code units in a browser: its pixels, and mouse, finger and keys on it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from chapters_lib import explorers

from .opened import Shown
from .test_explorers import run_rounded, trained  # noqa: F401

ATTRIBUTES = 'data-play="plane" data-models="ae-mnist ae-digits"'
PLANE, IMAGE = ".pl-plane", ".pl-image"


def code(shown: Shown) -> tuple[float, ...]:
    found = re.findall(r"−?[\d.]+", shown.window.text(".pl-readout b"))
    return tuple(float(value.replace("−", "-")) for value in found)


@pytest.fixture(scope="module")
def text(trained) -> str:  # noqa: F811
    model, codes, labels = trained
    return explorers.export_decoder(model.decoder, codes, labels, "0123456789", name="ae-digits")


@pytest.fixture
def plane(shown: Shown, text: str) -> Shown:
    shown.holds({"ae-digits": text}, model="autoencoder", dataset="digits")
    assert shown.open(ATTRIBUTES).errors == []
    return shown


def test_pixels_are_those_of_torch(plane: Shown, text: str, trained) -> None:  # noqa: F811
    """At a hundred codes: with the rounded weights to a grey level, with the true ones to four."""
    decoder, codes = trained[0].decoder, trained[1][:100]
    images = plane.drawn("ae-digits", codes)
    with torch.no_grad():
        rounded, full = run_rounded(decoder, codes, text), decoder(codes).flatten(1)
    assert np.abs(images - 255 * rounded.numpy()).max() <= 1
    assert np.abs(images - 255 * full.numpy()).max() <= 4


def test_mouse_and_keys_move_the_point(plane: Shown) -> None:
    images = [plane.window.pixels(IMAGE)]
    plane.window.drag(PLANE, (-40, -40), (80, -80))
    where = code(plane)
    images.append(plane.window.pixels(IMAGE))
    plane.window.press(PLANE, "ArrowRight")
    assert code(plane)[0] > where[0] and code(plane)[1] == where[1]
    plane.window.press(PLANE, "ArrowUp")
    assert code(plane)[1] > where[1]
    images.append(plane.window.pixels(IMAGE))
    plane.window.press(PLANE, "Home")
    assert code(plane) == (0, 0)
    assert len({tuple(image) for image in images}) == 3
    plane.window.evaluate("new Promise((resolve) => setTimeout(resolve, 600))")
    assert plane.window.text(".pl-spoken").startswith("Code (0.00, 0.00), nearest")
    assert "arrow keys" in plane.window.evaluate("document.querySelector('.pl-plane').ariaLabel")


def test_a_finger_drags_the_point_taps_and_scrolls(plane: Shown) -> None:
    plane.window.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        assert plane.open(ATTRIBUTES, 390).wide <= 0
        before, place = code(plane), (140, 140)
        plane.window.tap(PLANE, *place)
        tapped = code(plane)
        assert tapped != before
        top = plane.window.evaluate("scrollY")
        plane.window.swipe(PLANE, place, (20, 20))  # from the point: it follows
        assert code(plane)[0] < tapped[0] and code(plane)[1] > tapped[1]
        assert plane.window.evaluate("scrollY") == top
        dragged = code(plane)
        plane.window.swipe(PLANE, (-70, 140), (-70, -140))  # from elsewhere: the page does
        assert code(plane) == dragged and plane.window.evaluate("scrollY") > top
    finally:
        plane.window.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_buttons_draw_and_classes_stand_out(plane: Shown) -> None:
    plane.window.click(".pl-bar button")
    assert plane.window.evaluate("document.querySelectorAll('.pl-strip canvas').length") == 12
    plane.window.click(".pl-strip button:nth-child(3)")
    name = plane.window.evaluate("document.querySelectorAll('.pl-strip button')[2].title")
    assert name == plane.window.text(".pl-readout b")
    plane.window.click(".pl-legend button")
    assert plane.window.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 1


def test_what_is_not_recorded_is_said(shown: Shown) -> None:
    shown.holds({})
    shown.open(ATTRIBUTES)
    assert "python -m chapters_lib train ae-mnist" in shown.window.text(".play")
