"""No image, no number: measures of nothing say so in words, and give no nan that a record could take for a result."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from chapters_lib.evaluation.aggregate import kl_parts
from chapters_lib.evaluation.fid import feature_distance
from chapters_lib.evaluation.judge import verdict
from chapters_lib.evaluation.likelihood import negative_iwae, negative_log_mean
from chapters_lib.evaluation.likeness import likeness
from chapters_lib.evaluation.pairs import before_own_rival, nearest_of_another_class
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.vae import StandardNormal, fully_connected

IMAGES = torch.zeros(0, 1, 28, 28, dtype=torch.uint8)
ROWS = torch.zeros(0, 4)
SAME = torch.zeros(3, dtype=torch.long)
MEASURES: dict[str, Callable[[], object]] = {
    "importance weights": lambda: negative_log_mean(torch.zeros(0, 3)),
    "likelihood": lambda: negative_iwae(fully_connected(hidden=(4,), latent=2), IMAGES.float()),
    "likeness": lambda: likeness(Classifier(width=4), IMAGES, IMAGES),
    "verdict": lambda: verdict(Classifier(width=4), IMAGES, IMAGES),
    "Fréchet distance": lambda: feature_distance(ROWS, ROWS),
    "Fréchet distance of one image": lambda: feature_distance(ROWS.new_zeros(1, 4), ROWS),
    "aggregated posterior": lambda: kl_parts(ROWS, ROWS + 1, StandardNormal(4)()),
    "rival in pixels": lambda: nearest_of_another_class(IMAGES, SAME[:0]),
    "rival of one class": lambda: before_own_rival(torch.eye(3), torch.eye(3), SAME),
}


@pytest.mark.parametrize("name", MEASURES)
def test_measures_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^no \w+|needs two images' features"):
        MEASURES[name]()
