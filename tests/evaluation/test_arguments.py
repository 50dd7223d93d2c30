"""What no measure takes is refused in one line of its own, and no measure changes what it is given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from chapters_lib import evaluation
from chapters_lib.evaluation import (
    aggregate,
    codes,
    fid,
    inception,
    judge,
    kid,
    likelihood,
    likeness,
    linear,
    lines,
    manifold,
    nearest,
    pairs,
    pca,
    precision_recall,
    probe,
    sharpness,
    specks,
)
from chapters_lib.models.classifier import Classifier
from chapters_lib.models.vae import StandardNormal, fully_connected

draw = torch.Generator().manual_seed(0)
BYTES = torch.randint(0, 256, (12, 1, 28, 28), generator=draw).to(torch.uint8)
OTHERS = BYTES.flip(0)
LABELS = torch.arange(12) % 2
ROWS, MORE = torch.randn(12, 4, generator=draw), torch.randn(9, 4, generator=draw)
PLANE = torch.randn(12, 2, generator=draw)
SCALES = torch.rand(12, 4, generator=draw) + 0.5
PIXELS = torch.rand(6, 1, 4, 4, generator=draw)
LOG_W = torch.randn(6, 3, generator=draw)
SQUARE = torch.eye(4)
VAE = fully_connected(hidden=(8,), latent=2, image_shape=(1, 4, 4)).eval()
JUDGE = Classifier(width=4)
LAYER = linear.LinearLayer(torch.randn(2, 4), torch.zeros(2))
PARTS = pca.PCA(torch.zeros(4), torch.eye(4)[:2])
WALKS = torch.randn(3, 5, 4, generator=draw)
LABELLED, TWICE = (ROWS, LABELS), (ROWS, LABELS, ROWS + 1, LABELS)


@cache
def network() -> inception.Inception:
    return inception.Inception(inception.architecture(), features=768)


Case = tuple[Callable[..., object], tuple]
CASES: dict[str, Case] = {
    "aggregate.log_aggregated": (aggregate.log_aggregated, (MORE, ROWS, SCALES)),
    "aggregate.kl_parts": (
        lambda *of: aggregate.kl_parts(*of, StandardNormal(4)()),
        (ROWS, SCALES),
    ),
    "codes.kolmogorov_distance": (codes.kolmogorov_distance, (ROWS,)),
    "codes.correlation": (codes.correlation, (PLANE,)),
    "codes.cell_index": (codes.cell_index, (PLANE,)),
    "codes.cell_shares": (codes.cell_shares, (PLANE,)),
    "codes.empty_mass": (codes.empty_mass, (PLANE,)),
    "codes.cell_total_variation": (codes.cell_total_variation, (PLANE,)),
    "codes.share_in_gaps": (codes.share_in_gaps, (PLANE, PLANE)),
    "fid.moments": (fid.moments, (ROWS,)),
    "fid.frechet_distance": (fid.frechet_distance, (ROWS[0], SQUARE, ROWS[1], SQUARE)),
    "fid.feature_distance": (fid.feature_distance, (ROWS, MORE)),
    "inception.as_input": (inception.as_input, (BYTES[:2],)),
    "inception.Inception.activations": (
        lambda x: network().activations(x),
        (torch.rand(1, 3, 107, 107) * 2 - 1,),
    ),
    "inception.Inception.forward": (lambda x: network().forward(x), (BYTES[:1],)),
    "judge.to_bytes": (judge.to_bytes, (PIXELS,)),
    "judge.features_and_probabilities": (
        partial(judge.features_and_probabilities, JUDGE),
        (BYTES,),
    ),
    "judge.class_entropy": (judge.class_entropy, (SCALES[0],)),
    "judge.verdict": (partial(judge.verdict, JUDGE), (BYTES, OTHERS)),
    "judge.scores": (partial(judge.scores, JUDGE), (BYTES, OTHERS)),
    "judge.distance_to": (partial(judge.distance_to, JUDGE), (BYTES,)),
    "kid.permuted": (kid.permuted, (ROWS, MORE)),
    "kid.polynomial_kernel": (kid.polynomial_kernel, (ROWS, MORE)),
    "kid.kernel_distance": (kid.kernel_distance, (ROWS, MORE)),
    "likelihood.log_weights": (
        lambda x: likelihood.log_weights(VAE, x, num_samples=2, generator=torch.Generator()),
        (PIXELS,),
    ),
    "likelihood.negative_log_mean": (likelihood.negative_log_mean, (LOG_W,)),
    "likelihood.negative_iwae": (
        lambda x: likelihood.negative_iwae(VAE, x, num_samples=2),
        (PIXELS,),
    ),
    "likelihood.elbo_terms": (partial(likelihood.elbo_terms, VAE), (PIXELS,)),
    "likelihood.encode": (partial(likelihood.encode, VAE), (PIXELS,)),
    "likelihood.by_samples": (lambda w: likelihood.by_samples(w, [1, 2]), (LOG_W,)),
    "likelihood.effective_samples": (likelihood.effective_samples, (LOG_W,)),
    "likelihood.active_units": (likelihood.active_units, (ROWS,)),
    "likeness.squared_error": (likeness.squared_error, (BYTES, OTHERS)),
    "likeness.likeness": (partial(likeness.likeness, JUDGE), (BYTES, OTHERS)),
    "linear.LinearLayer.logits": (LAYER.logits, (ROWS,)),
    "linear.LinearLayer.accuracy": (LAYER.accuracy, LABELLED),
    "linear.train_linear": (lambda *of: linear.train_linear(*of, [0.1], 2), LABELLED),
    "linear.linear_layer": (
        lambda *of: linear.linear_layer(*of, decays=(0.1, 0.01), classes=2),
        LABELLED,
    ),
    "lines.straight": (lines.straight, (ROWS, ROWS + 1)),
    "lines.largest_step": (lines.largest_step, (WALKS,)),
    "manifold.tsne": (lambda x: manifold.tsne(x, perplexity=3), (ROWS,)),
    "nearest.nearest": (nearest.nearest, (ROWS, MORE)),
    "nearest.held_out_share": (nearest.held_out_share, (ROWS, MORE, MORE + 1)),
    "pairs.shifted": (pairs.shifted, (BYTES,)),
    "pairs.blurred": (pairs.blurred, (BYTES,)),
    "pairs.noisy": (pairs.noisy, (BYTES,)),
    "pairs.nearest_of_another_class": (pairs.nearest_of_another_class, (BYTES, LABELS)),
    "pairs.alike": (pairs.alike, (BYTES, LABELS)),
    "pairs.measured": (
        lambda a, b: pairs.measured(a, {"b": b}, {"error": likeness.squared_error}),
        (BYTES, OTHERS),
    ),
    "pairs.share_nearer": (
        lambda found: pairs.share_nearer(found, {"a": found, "b": found}, "a", "b"),
        (LOG_W[:2],),
    ),
    "pairs.before_own_rival": (pairs.before_own_rival, (ROWS, ROWS + 1, LABELS)),
    "pca.PCA.encode": (PARTS.encode, (ROWS,)),
    "pca.PCA.decode": (PARTS.decode, (PLANE,)),
    "pca.PCA.mse": (PARTS.mse, (ROWS,)),
    "pca.fit_pca": (lambda x: pca.fit_pca(x, 2), (ROWS,)),
    "precision_recall.squared_distances": (precision_recall.squared_distances, (ROWS, MORE)),
    "precision_recall.radii": (precision_recall.radii, (ROWS,)),
    "precision_recall.covered": (precision_recall.covered, (MORE, ROWS, SCALES[:, 0])),
    "precision_recall.precision_recall": (precision_recall.precision_recall, (ROWS, MORE)),
    "probe.linear_probe": (probe.linear_probe, LABELLED),
    "probe.nearest_neighbours": (probe.nearest_neighbours, LABELLED),
    "probe.class_information": (probe.class_information, TWICE),
    "probe.linear_information": (probe.linear_information, TWICE),
    "probe.class_in_codes": (
        probe.class_in_codes,
        ((ROWS, SCALES), LABELS, (ROWS + 1, SCALES), LABELS),
    ),
    "sharpness.roughness": (sharpness.roughness, (BYTES,)),
    "specks.specks": (specks.specks, (BYTES,)),
    "specks.without_specks": (specks.without_specks, (BYTES,)),
    "specks.with_specks_of": (specks.with_specks_of, (BYTES, OTHERS)),
}
ALL = pytest.mark.parametrize("name", CASES)


def of_tensors(function: object) -> bool:
    hints = dict(getattr(function, "__annotations__", {}))
    hints.pop("return", None)
    return any("[Tensor" in str(hint) for hint in hints.values())


def measures(module: ModuleType) -> Iterator[str]:
    """Yield the public functions and methods of a module that document a tensor which they take."""
    short = module.__name__.rpartition(".")[2]
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
            continue
        if inspect.isfunction(value) and of_tensors(value):
            yield f"{short}.{name}"
        if inspect.isclass(value):
            methods = {key: part for key, part in vars(value).items() if inspect.isfunction(part)}
            yield from (
                f"{short}.{name}.{key}"
                for key, part in methods.items()
                if not key.startswith("_") and of_tensors(part)
            )


def test_every_measure_has_a_case() -> None:
    folder = Path(evaluation.__file__).parent
    modules = (import_module(f"{evaluation.__name__}.{path.stem}") for path in folder.glob("*.py"))
    assert {name for module in modules for name in measures(module)} == set(CASES)


def replaced(args: tuple, change: Callable[[Tensor], Tensor]) -> Iterator[tuple]:
    """Yield the arguments as often as there are tensors among them, each time with another one changed."""
    leaves, tree = tree_flatten(args)
    for i, leaf in enumerate(leaves):
        yield tree_unflatten([*leaves[:i], change(leaf), *leaves[i + 1 :]], tree)


def another_type(x: Tensor) -> Tensor:
    return x.to(torch.int32 if x.is_floating_point() else torch.float32)


@ALL
def test_arguments_stay_as_they_are(name: str) -> None:
    measure, args = CASES[name]
    before = [leaf.clone() for leaf in tree_flatten(args)[0]]
    measure(*args)
    assert all(map(torch.equal, tree_flatten(args)[0], before))


@ALL
def test_another_type_is_refused_and_left_as_it_is(name: str) -> None:
    measure, args = CASES[name]
    for wrong in replaced(args, another_type):
        before = [leaf.clone() for leaf in tree_flatten(wrong)[0]]
        with pytest.raises(TypeError, match=r"^\w+ takes \w+: .* and was given .*$") as caught:
            measure(*wrong)
        assert "\n" not in str(caught.value)
        assert all(map(torch.equal, tree_flatten(wrong)[0], before))


@ALL
def test_an_empty_set_is_refused(name: str) -> None:
    measure, args = CASES[name]
    for wrong in replaced(args, lambda x: x[:0]):
        with pytest.raises(ValueError, match=r"^no \w+: \w+ needs at least one$"):
            measure(*wrong)


@ALL
def test_other_dimensions_are_refused(name: str) -> None:
    measure, args = CASES[name]
    for wrong in replaced(args, lambda x: x.flatten()[0]):
        with pytest.raises(ValueError, match=r"^\w+ takes \w+: .* and was given .* shape \(\)"):
            measure(*wrong)


@pytest.mark.parametrize(
    "name", ["fid.feature_distance", "kid.kernel_distance", "precision_recall.precision_recall"]
)
def test_two_sets_of_different_width_are_refused(name: str) -> None:
    expected = (
        f"{name.rpartition('.')[2]} takes .*: Float n d, .*: Float m d"
        r" and was given .*: float32 of shape \(12, 4\), .*: float32 of shape \(9, 3\)"
    )
    with pytest.raises(ValueError, match=f"^{expected}$"):
        CASES[name][0](ROWS, MORE[:, :3])


def test_float_images_are_no_bytes() -> None:
    """They were taken for bytes, and overwritten."""
    images = torch.rand(2, 3, 8, 8)
    before = images.clone()
    expected = (
        "as_input takes images: UInt8 n c h w and was given images: float32 of shape (2, 3, 8, 8)"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(expected)}$"):
        inception.as_input(images)
    assert torch.equal(images, before)


def test_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^moments takes features: Float n d .* a list$"):
        fid.moments([[1.0, 2.0]])  # type: ignore[arg-type]
