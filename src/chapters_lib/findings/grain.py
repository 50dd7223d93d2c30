"""What samples sent through an autoencoder say of Inception and the judge, where the two disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHARES = ((1.0, "all"), (0.5, "most"), (0.1, "a part"), (-1e9, "nothing"))  # from which on


def of_grain(found: Mapping[str, Any], key: str, fid: str, digits: int) -> str:
    """Say what becomes of the GAN's place when its samples are encoded and decoded by the flow's model.

    `found` are the metrics of such a record, `key` is that of the distance which the text calls `fid`.
    """

    def change(model: str, score: str, digits: int = 0, scale: float = 100) -> str:
        ends = (scale * found[f"{model}_{way}_{score}"] for way in ("drawn", "through"))
        return " to ".join(f"{end:.{digits}f}" for end in ends)

    before, after = (
        found[f"gan_{way}_{key}"] - found[f"vae-realnvp_{way}_{key}"]
        for way in ("drawn", "through")
    )
    share = next(words for least, words in SHARES if 1 - after / before >= least)
    verdict = (
        f"So {share} of what {fid} holds against the GAN beside the flow's model disappears on this way, "
        "which takes grain and may take more."
    )
    return (
        "Encoded and decoded by the flow's model, the GAN's samples lose their grain: their roughness goes from "
        f"{change('gan', 'relative_roughness')} % of that of test images. {fid} goes from "
        f"{change('gan', key, digits, 1)} (the flow's own samples: from {change('vae-realnvp', key, digits, 1)}), "
        f"the judge's distance from {change('gan', 'fid_judge', digits - 1, 1)}, the share that it recognises from "
        f"{change('gan', 'recognisable')} %.{f' {verdict}' if before > 0 else ''}"
    )
