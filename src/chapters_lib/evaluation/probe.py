"""How much of the class a representation holds: what simple classifiers can read from it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from chapters_lib.evaluation.arguments import checked
from chapters_lib.evaluation.likelihood import ACTIVE_VARIANCE
from chapters_lib.reproducibility import generator

SILHOUETTE_SIZE = 3000  # test points compared with one another


@checked
def linear_probe(
    features: Float[Tensor, "n p"], labels: Int64[Tensor, " n"]
) -> Pipeline:
    """Return a logistic regression on standardised features, fitted to them; C = 1, L-BFGS to convergence."""
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=2000)
    )
    return model.fit(features.double().numpy(), labels.numpy())


@checked
def nearest_neighbours(
    features: Float[Tensor, "n p"],
    labels: Int64[Tensor, " n"],
) -> KNeighborsClassifier:
    """Return a classifier by vote of the ten nearest features, in Euclidean distance."""
    return KNeighborsClassifier(10).fit(features.numpy(), labels.numpy())


@checked
def class_information(
    train: Float[Tensor, "n p"],
    train_labels: Int64[Tensor, " n"],
    test: Float[Tensor, "m p"],
    test_labels: Int64[Tensor, " m"],
) -> dict[str, float]:
    """Return what simple classifiers read of the class from `test`.

    They are fitted on `train`. Keys: those of `linear_information`;
    ``knn_test_accuracy`` of ten nearest neighbours;
    ``quadratic_test_accuracy`` and ``quadratic_information`` of a Gaussian
    for each class, covariances of their own, the bound on I(y; μ) as that
    of the linear probe; ``silhouette``, the mean silhouette of the classes
    over the first 3,000 test points (−1 to 1; Rousseeuw 1987).
    """
    x, y = test.double().numpy(), test_labels.numpy()
    quadratic = QuadraticDiscriminantAnalysis(
        reg_param=1e-4
    )  # some units hardly vary
    quadratic.fit(train.double().numpy(), train_labels.numpy())
    size = min(SILHOUETTE_SIZE, len(x))
    return linear_information(train, train_labels, test, test_labels) | {
        "knn_test_accuracy": float(
            nearest_neighbours(train, train_labels).score(test.numpy(), y)
        ),
        "quadratic_test_accuracy": float(quadratic.score(x, y)),
        "quadratic_information": _information(quadratic, test, test_labels),
        "silhouette": float(silhouette_score(x[:size], y[:size])),
    }


@checked
def linear_information(
    train: Float[Tensor, "n p"],
    train_labels: Int64[Tensor, " n"],
    test: Float[Tensor, "m p"],
    test_labels: Int64[Tensor, " m"],
) -> dict[str, float]:
    """Return what a linear probe fitted on `train` reads of `test`'s class.

    Keys: ``probe_train_accuracy``, ``probe_test_accuracy``;
    ``class_information``, the lower bound H(y) + E[log r(y|μ)] on the
    mutual information I(y; μ) that the probe r gives (Barber and Agakov
    2003, Eq. 3), in nats, with H(y) of the test labels.
    """
    linear = linear_probe(train, train_labels)
    return {
        "probe_train_accuracy": float(
            linear.score(train.double().numpy(), train_labels.numpy())
        ),
        "probe_test_accuracy": float(
            linear.score(test.double().numpy(), test_labels.numpy())
        ),
        "class_information": _information(linear, test, test_labels),
    }


def _information(
    classifier: Pipeline | QuadraticDiscriminantAnalysis,
    test: Float[Tensor, "m p"],
    labels: Int64[Tensor, " m"],
) -> float:
    """Return H(y) + E[log r(y|code)] on test codes, in nats.

    The classifier r is a fitted one.
    """
    share = torch.bincount(labels).double() / len(labels)
    entropy = float(torch.special.entr(share).sum())
    said = _log_probabilities(classifier, test)
    known = torch.from_numpy(classifier.classes_)
    if not bool(torch.isin(labels, known).all()):
        raise ValueError(
            "the probe was not fitted on every class that it is asked for"
        )
    of_true = said.gather(1, torch.searchsorted(known, labels)[:, None])
    return entropy + float(of_true.mean())


def _log_probabilities(
    classifier: Pipeline | QuadraticDiscriminantAnalysis,
    features: Float[Tensor, "m p"],
) -> Float[Tensor, "m k"]:
    """Return log r(y|code), float64; a class with next to no probability keeps its logarithm."""
    x = features.double().numpy()
    if isinstance(classifier, QuadraticDiscriminantAnalysis):
        return torch.from_numpy(classifier.predict_log_proba(x))
    scores = torch.from_numpy(
        classifier.decision_function(x)
    )  # scikit-learn's own are log 0 there
    if scores.ndim == 1:  # of two classes, the second's log odds
        scores = torch.stack([torch.zeros_like(scores), scores], 1)
    return scores.log_softmax(1)


@checked
def class_in_codes(
    train: tuple[Float[Tensor, "n p"], Float[Tensor, "n p"]],
    train_labels: Int64[Tensor, " n"],
    test: tuple[Float[Tensor, "m p"], Float[Tensor, "m p"]],
    test_labels: Int64[Tensor, " m"],
) -> dict[str, float]:
    """Return what of the class stands in the codes q(z|x) of images, given by means and standard deviations.

    Keys: those of `class_information` for the means μ; for one draw z of each code, the same
    with ``z_`` before them; with ``active_`` before them, those of `linear_information` for the
    means of the active units alone (as `likelihood.active_units` counts them, on `train`, or of
    the one that varies most, where it counts none);
    ``class_means_nats``, ½ E‖m_y‖² with m_y the mean code of class y in `train`: what these
    add to the mean KL(q(z|x) ‖ N(0, I)).
    """
    loc, test_loc = train[0], test[0]
    found = class_information(loc, train_labels, test_loc, test_labels)
    z, test_z = (
        mean + scale * torch.randn(mean.shape, generator=generator(seed))
        for seed, (mean, scale) in enumerate((train, test))
    )
    of_z = class_information(z, train_labels, test_z, test_labels)
    variance = loc.var(0)
    active = variance > ACTIVE_VARIANCE
    if not bool(active.any()):
        active = variance == variance.max()
    of_active = linear_information(
        loc[:, active], train_labels, test_loc[:, active], test_labels
    )
    for name, values in (("z", of_z), ("active", of_active)):
        found |= {f"{name}_{key}": value for key, value in values.items()}
    one_hot = F.one_hot(train_labels).to(loc)
    class_means = one_hot.T @ loc / one_hot.sum(0)[:, None]
    found["class_means_nats"] = float(
        class_means[train_labels].square().sum(1).mean() / 2
    )
    return found
