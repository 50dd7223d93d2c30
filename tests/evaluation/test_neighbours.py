"""Two clouds apart agree with their neighbours; a stray code does not."""

from __future__ import annotations

import numpy as np

from chapters_lib.evaluation.neighbours import neighbours_agree, of_the_same_class


def test_a_stray_code_disagrees() -> None:
    codes = np.concatenate([np.linspace(0, 1, 20), np.linspace(9, 10, 20)])[:, None]
    labels = np.repeat([0, 1], 20)
    assert neighbours_agree(codes, labels, number=5).all()
    labels[7] = 1
    assert np.flatnonzero(neighbours_agree(codes, labels, number=5) == 0).tolist() == [7]


def test_a_code_has_no_vote_of_its_own() -> None:
    """Between two of the other class it disagrees, though with its own vote it would be even."""
    codes, labels = np.array([[0.0], [1.0], [2.5], [4.5]]), np.array([0, 0, 1, 1])
    assert neighbours_agree(codes, labels, number=1).tolist() == [1, 1, 0, 1]
    assert not neighbours_agree(np.array([[0.0], [1.0]]), np.array([0, 1]), number=1).any()


def test_all_nearest_are_of_the_same_class_until_the_other_cloud_is_reached() -> None:
    codes = np.concatenate([np.linspace(0, 1, 20), np.linspace(9, 10, 20)])[:, None]
    labels = np.repeat([0, 1], 20)
    assert of_the_same_class(codes, labels, 19) == 1
    assert of_the_same_class(codes, labels, 38) == 0.5
