"""Numbers as text: two small ones or a large one a character, or three middling ones in two.

``book/_static/play/core.js`` reads them. A character is a whole number from 0 to 63000, moved to
where a JavaScript string may hold any: behind the backslash, and around the surrogates. Written in
UTF-16 it takes two bytes, so a weight of eight bits takes one, and one of 1583 levels, which is
between ten and eleven bits, a byte and a third.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

BASE, LEVELS, HALF = 251, 125, 31500
FINE_BASE, FINE_LEVELS = (
    1583,
    791,
)  # 1583³ numbers are not more than the 63000² that two characters hold


def units(values: ArrayLike) -> str:
    """Write whole numbers from 0 to 63000, a character each."""
    codes = np.asarray(values, dtype=np.int64).ravel() + 93
    codes += np.where(codes >= 0xD800, 0x800, 0)
    return codes.astype("<u2").tobytes().decode("utf-16-le")


def numbers(values: ArrayLike) -> dict[str, Any]:
    """Pack numbers with sixteen bits: of the largest absolute value, a 31500th."""
    array = np.asarray(values, dtype=np.float64).ravel()
    peak = float(np.abs(array).max(initial=0)) or 1.0
    return {"peak": peak, "text": units(np.round(array / peak * HALF) + HALF)}


def rounded(values: Tensor) -> Tensor:
    """Return what `numbers` leaves of these numbers, in float32."""
    peak = float(values.detach().abs().max()) or 1.0
    return ((values.detach().double() / peak * HALF).round() / HALF * peak).float()


def pairs(levels: NDArray[np.int64]) -> str:
    """Pack whole numbers from −125 to 125, two a character."""
    flat = np.append(levels.ravel() + LEVELS, np.zeros(levels.size % 2, dtype=np.int64))
    return units(flat[::2] * BASE + flat[1::2])


def triples(levels: NDArray[np.int64]) -> str:
    """Pack whole numbers from −791 to 791, three in two characters."""
    flat = np.append(levels.ravel() + FINE_LEVELS, np.zeros(-levels.size % 3, dtype=np.int64))
    whole = (flat[::3] * FINE_BASE + flat[1::3]) * FINE_BASE + flat[2::3]
    return units(np.stack([whole // (2 * HALF), whole % (2 * HALF)], 1))


COARSE, FINE = (LEVELS, pairs), (FINE_LEVELS, triples)  # the largest level, and what packs them


def fit(
    weight: Tensor, seen: Tensor, meant: Tensor, most: int = LEVELS, damping: float = 1e-4
) -> tuple[Tensor, Tensor]:
    """Round a layer's weights to whole levels such that its outputs stay what they were.

    Columns are rounded one after the other, and those to come make up for the error on the inputs
    (Frantar et al. 2023, "GPTQ"). Before that, the weights are fitted to the inputs of the layer
    as the rounded layers before it make them.

    `weight`: shape (out, in).
    `seen`, `meant`: the layer's inputs behind rounded layers and behind the
    true ones, shape (N, in).
    `most`: the largest level.
    Returns levels and peaks: the weights are ``levels / most * peaks``,
    with one peak a row.
    """
    x, y, w = seen.double(), meant.double(), weight.double()
    moments = x.T @ x / len(x)
    ridge = damping * moments.diagonal().mean() * torch.eye(len(moments), dtype=x.dtype)
    w = torch.linalg.solve(moments + ridge, (x.T @ y / len(x) + ridge) @ w.T).T.contiguous()
    peaks = rounded(w.abs().amax(1, keepdim=True).clamp_min(1e-6)).double()
    factor = torch.linalg.cholesky(torch.linalg.inv(moments + ridge), upper=True)
    levels = torch.zeros_like(w)
    for i in range(w.shape[1]):
        column = w[:, i : i + 1]
        levels[:, i : i + 1] = (column / peaks * most).round().clamp(-most, most)
        error = column - levels[:, i : i + 1] / most * peaks
        w[:, i:] -= error / factor[i, i] @ factor[i : i + 1, i:]
    return levels, peaks.float()
