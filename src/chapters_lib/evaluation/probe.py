"""How much of the class a representation holds: what simple classifiers can read from it."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

SILHOUETTE_SIZE = 3000  # test points compared with one another


def linear_probe(features: Float[Tensor, "n p"], labels: Int64[Tensor, " n"]) -> Pipeline:
    """Return a logistic regression on standardised features, fitted to them; C = 1, L-BFGS to convergence."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(features.double().numpy(), labels.numpy())


def nearest_neighbours(
    features: Float[Tensor, "n p"], labels: Int64[Tensor, " n"], neighbours: int = 10
) -> KNeighborsClassifier:
    """Return a classifier by vote of the nearest features, in Euclidean distance."""
    return KNeighborsClassifier(neighbours).fit(features.numpy(), labels.numpy())


def class_information(
    train: Float[Tensor, "n p"],
    train_labels: Int64[Tensor, " n"],
    test: Float[Tensor, "m p"],
    test_labels: Int64[Tensor, " m"],
) -> dict[str, float]:
    """Return what two probes fitted on `train` read of the class from `test`.

    Keys: ``probe_train_accuracy``, ``probe_test_accuracy`` of the linear probe;
    ``knn_test_accuracy`` of ten nearest neighbours; ``class_information``, the lower bound
    H(y) + E[log r(y|μ)] on the mutual information I(y; μ) that the linear probe r gives
    (Barber and Agakov 2003, Eq. 3), in nats, with H(y) of the test labels; ``silhouette``, the
    mean silhouette of the classes over the first 3,000 test points (−1 to 1; Rousseeuw 1987).
    """
    x, y = test.double().numpy(), test_labels.numpy()
    linear = linear_probe(train, train_labels)
    share = torch.bincount(test_labels).double() / len(test_labels)
    entropy = float(torch.special.entr(share).sum())
    found = log_loss(y, linear.predict_proba(x), labels=linear.classes_)
    if not math.isfinite(found):
        raise ValueError("the probe gives a true class probability 0")
    size = min(SILHOUETTE_SIZE, len(x))
    return {
        "probe_train_accuracy": float(linear.score(train.double().numpy(), train_labels.numpy())),
        "probe_test_accuracy": float(linear.score(x, y)),
        "knn_test_accuracy": float(nearest_neighbours(train, train_labels).score(test.numpy(), y)),
        "class_information": entropy - float(found),
        "silhouette": float(silhouette_score(x[:size], y[:size])),
    }
