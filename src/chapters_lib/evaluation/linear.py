"""One linear layer on given features: trained by at most 60 iterations, its weight decay chosen on labels held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from chapters_lib.data import stratified_split
from chapters_lib.evaluation.arguments import checked

STEPS = 60  # of L-BFGS, at most
DECAYS = (
    1e-3,
    1e-4,
    1e-5,
    1e-6,
)  # tried in this order, each from the last one's weights
HELD_OUT = (
    0.2  # share of the labelled features that the weight decay is chosen on
)


@dataclass(frozen=True)
class LinearLayer:
    """Logits weight·a + bias of features a."""

    weight: Float[Tensor, "k p"]
    bias: Float[Tensor, " k"]

    @checked
    def logits(
        self, features: Float[Tensor, "n p"]
    ) -> Float[Tensor, "n k"]:
        """Return one number a class."""
        return F.linear(features, self.weight, self.bias)

    @checked
    def accuracy(
        self, features: Float[Tensor, "n p"], labels: Int64[Tensor, " n"]
    ) -> float:
        """Return the share of the features whose largest logit is their label's."""
        return float(
            (self.logits(features).argmax(1) == labels).double().mean()
        )


@checked
def train_linear(
    features: Float[Tensor, "n p"],
    labels: Int64[Tensor, " n"],
    decays: Sequence[float],
    classes: int = 10,
    steps: int = STEPS,
) -> list[LinearLayer]:
    """Minimise mean cross-entropy plus decay/2·‖V‖² for each of `decays`.

    It is minimised by L-BFGS in float32. V are the weights in units in
    which every feature has mean 0 and standard deviation 1/√p over
    `features` (so that the mean squared length of an input is 1, whatever
    p); features that never change get none. The bias is not decayed. The
    problem is convex, so that nothing is drawn at random; each decay starts
    from the solution for the one before.

    Returns list of LinearLayer: one a decay, for the features as they are given.
    """
    mean = features.mean(0)
    scale = features.std(0, unbiased=False)
    inverse = (
        torch.where(scale > 1e-6 * scale.max(), 1 / scale, 0.0)
        / scale.numel() ** 0.5
    )
    v = torch.zeros(classes, features.shape[1], requires_grad=True)
    b = torch.zeros(classes, requires_grad=True)

    def layer() -> LinearLayer:
        weight = v * inverse  # the features themselves are not copied
        return LinearLayer(weight, b - weight @ mean)

    found = []
    for decay in decays:
        optimizer = torch.optim.LBFGS(
            [v, b],
            max_iter=steps,
            tolerance_grad=1e-5,
            line_search_fn="strong_wolfe",
        )

        def closure(
            decay: float = decay, optimizer: torch.optim.LBFGS = optimizer
        ) -> Tensor:
            optimizer.zero_grad()
            loss = (
                F.cross_entropy(layer().logits(features), labels)
                + decay / 2 * v.square().sum()
            )
            loss.backward()
            return loss

        optimizer.step(closure)
        with torch.no_grad():
            found.append(layer())
    return found


@checked
def linear_layer(
    features: Float[Tensor, "n p"],
    labels: Int64[Tensor, " n"],
    *,
    decays: Sequence[float] = DECAYS,
    seed: int = 0,
    classes: int = 10,
) -> tuple[LinearLayer, float]:
    """Choose a weight decay by held-out accuracy, then train on all given.

    The accuracy is that on a stratified fifth, held out for the choice. Of
    equally accurate decays the largest is taken.

    Returns layer, decay: no other features or labels than those given enter
    either.
    """
    if len(decays) == 1:
        return train_linear(features, labels, decays, classes)[0], decays[0]
    rest, held = stratified_split(labels, HELD_OUT, seed)
    tried = train_linear(features[rest], labels[rest], decays, classes)
    accuracies = [
        layer.accuracy(features[held], labels[held]) for layer in tried
    ]
    best = max(range(len(decays)), key=lambda i: (accuracies[i], decays[i]))
    return train_linear(features, labels, decays[best : best + 1], classes)[
        0
    ], decays[best]
