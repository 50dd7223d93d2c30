"""Specks against images drawn by hand."""

from __future__ import annotations

import torch

from chapters_lib.evaluation.specks import specks, with_specks_of, without_specks


def black(count: int = 1) -> torch.Tensor:
    return torch.zeros(count, 1, 9, 9, dtype=torch.uint8)


def test_a_pixel_alone_is_a_speck_and_a_stroke_is_none() -> None:
    images = black(5)
    images[0, 0, 4, 4] = 200  # alone
    images[1, 0, 0, 0] = 10  # alone in a corner, as faint as a speck may be
    images[2, 0, 4, 4] = 9  # too faint
    images[3, 0, 2:7, 4] = 200  # a stroke: each pixel, its ends too, has a neighbour as bright
    images[4, 0, 3, 5] = 40
    images[4, 0, 4, 4] = 160  # just four times as bright as one of its neighbours
    expected = torch.zeros(5, 1, 9, 9, dtype=torch.bool)
    expected[0, 0, 4, 4] = expected[1, 0, 0, 0] = True
    assert torch.equal(specks(images), expected)
    images[4, 0, 4, 4] = 161
    assert bool(specks(images)[4, 0, 4, 4])


def test_each_of_the_eight_neighbours_counts() -> None:
    for beside in ((3, 3), (3, 4), (3, 5), (4, 3), (4, 5), (5, 3), (5, 4), (5, 5)):
        images = black()
        images[0, 0, 4, 4], images[(0, 0, *beside)] = 160, 40
        assert not specks(images).any(), beside
        images[0, 0, 4, 4] = 161
        assert specks(images)[0, 0, 4, 4], beside


def test_what_a_speck_covered_goes_with_it_and_the_stroke_stays() -> None:
    images = black()
    images[0, 0, 1:8, 1] = 255
    stroke = images.clone()
    images[0, 0, 4, 6], images[0, 0, 4, 7] = 100, 20  # the second is one only without the first
    assert specks(images).sum() == 1
    assert torch.equal(without_specks(images), stroke)
    assert images[0, 0, 4, 6] == 100, "the images given are left as they are"


def test_specks_move_from_one_image_to_another() -> None:
    donors, images = black(2), black(2)
    donors[0, 0, 4, 6], donors[1, 0, 1:8, 1] = 100, 255
    images[:, 0, 1:8, 3] = 200
    images[0, 0, 4, 6] = 20
    moved = with_specks_of(images, donors)
    assert moved[0, 0, 4, 6] == 100 and torch.equal(moved[1], images[1])
    images[0, 0, 4, 6] = 120  # brighter than the speck: stays
    assert torch.equal(with_specks_of(images, donors), images)
