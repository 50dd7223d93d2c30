"""The types that a measure documents, enforced: what it does not take is refused in one line."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import (
    Any,
    ParamSpec,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from jaxtyping import AbstractArray, jaxtyped
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")
Given = tuple[
    str, Any, type[AbstractArray]
]  # a tensor's name, the tensor, its documented type


def checked(measure: Callable[P, R]) -> Callable[P, R]:
    """Let a measure refuse tensors that its annotations do not describe, and empty ones.

    Raises `TypeError` for a tensor of another type of number, or what is no tensor.
    Raises `ValueError` for an empty one, another number of dimensions, or sizes that do not go
    together.
    """
    signature = inspect.signature(measure)
    hints: dict[
        str, Any
    ] = {}  # filled at the first call, when all names are defined

    @functools.wraps(measure)
    def refusing(*args: P.args, **kwargs: P.kwargs) -> R:
        if not hints:
            hints.update(get_type_hints(measure))
        _refuse(
            measure.__name__,
            list(_tensors(signature.bind(*args, **kwargs), hints)),
        )
        return measure(*args, **kwargs)

    return refusing


def _tensors(
    bound: inspect.BoundArguments, hints: dict[str, Any]
) -> Iterator[Given]:
    """Yield what stands where tensors are documented: alone, in a tuple, or as one of several arguments."""
    for name, value in bound.arguments.items():
        several = (
            bound.signature.parameters[name].kind
            is inspect.Parameter.VAR_POSITIONAL
        )
        hint: Any = hints.get(name)
        if several:
            yield from ((name, part, hint) for part in value)
        elif get_origin(hint) is tuple and isinstance(value, tuple):
            parts = zip(value, get_args(hint), strict=True)
            yield from ((name, part, of_part) for part, of_part in parts)
        elif inspect.isclass(hint) and issubclass(hint, AbstractArray):
            yield name, value, hint


def _refuse(measure: str, given: list[Given]) -> None:
    """Raise what `checked` says unless all that is given is of its type."""
    takes = ", ".join(
        f"{name}: {hint.dtype.__name__} {hint.dim_str}"
        for name, _, hint in given
    )
    got = ", ".join(
        f"{name}: {_described(value)}" for name, value, _ in given
    )
    wrong = f"{measure} takes {takes} and was given {got}"
    for _, value, hint in given:
        if (
            not isinstance(value, Tensor)
            or str(value.dtype)[6:] not in hint.dtypes
        ):
            raise TypeError(wrong)
    for name, value, _ in given:
        if value.ndim and not len(value):
            raise ValueError(f"no {name}: {measure} needs at least one")
    with jaxtyped("context"):
        if not all(isinstance(value, hint) for _, value, hint in given):
            raise ValueError(wrong)


def _described(value: object) -> str:
    """Return what a message calls an argument."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
