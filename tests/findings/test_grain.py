"""What is said of samples sent through an autoencoder turns with what was measured."""

from __future__ import annotations

import pytest

from chapters_lib.findings.grain import of_grain


def found(through: float, drawn: float = 2.0) -> dict[str, float]:
    """Return a record in which the GAN's distance changes, beside a flow's model that stays at 1."""
    of_both = {"relative_roughness": 1.5, "fid_judge": 9.25, "recognisable": 0.4}
    metrics = {
        f"{model}_{way}_{key}": value
        for model in ("gan", "vae-realnvp")
        for way in ("drawn", "through")
        for key, value in (of_both | {"fid": 1.0}).items()
    }
    return metrics | {"gan_drawn_fid": drawn, "gan_through_fid": through}


@pytest.mark.parametrize(
    ("through", "share"),
    [
        (0.9, "all"),
        (1.0, "all"),
        (1.4, "most"),
        (1.8, "a part"),
        (2.0, "nothing"),
        (3.0, "nothing"),
    ],
)
def test_how_much_of_the_gap_goes_is_said(through: float, share: str) -> None:
    said = of_grain(found(through), "fid", "FID", 2)
    assert f"So {share} of what FID holds against the GAN" in said
    assert (
        f"FID goes from 2.00 to {through:.2f} (the flow's own samples: from 1.00 to 1.00)" in said
    )
    assert "from 150 to 150 % of that" in said and "from 40 to 40 %" in said


def test_nothing_is_held_against_a_gan_that_is_nearer() -> None:
    said = of_grain(found(0.5, drawn=0.9), "fid", "FID", 2)
    assert "holds against" not in said and said.endswith("%.")
