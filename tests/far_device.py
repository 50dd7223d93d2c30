"""A device that stands for a GPU: it computes on the CPU, refuses tensors of both, and counts what waits for it.

Numbers are drawn on it as on the CPU, so that a training must end with the same weights on either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

CPU = torch.device("cpu")
BACKEND = SimpleNamespace(
    _is_in_bad_fork=lambda: False,
    manual_seed_all=lambda seed: None,
    get_amp_supported_dtype=lambda: [torch.bfloat16],
    is_available=lambda: True,
    is_initialized=lambda: True,
    _lazy_init=lambda: None,
    device_count=lambda: 1,
    current_device=lambda: 0,
)
_devices: list[torch.device] = []


def device() -> torch.device:
    """Return the device, made known to torch when it is first asked for."""
    if not _devices:
        _setup_privateuseone_for_python_backend("far", BACKEND)
        _devices.append(torch.device("far:0"))
    return _devices[0]


class Far(Tensor):
    """A tensor there; `near` holds its numbers."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> Far:
        made: Far = Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=device(),
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(op, args, kwargs or {}, [])


def compute(op: Any, args: Any, kwargs: dict[str, Any], waits: list[str]) -> Any:
    """Do what is asked on the CPU; where a number comes back from the device, add the operation's name to `waits`."""
    name, given = op._schema.name, tree_leaves((args, kwargs))
    far = [value for value in given if isinstance(value, Far)]
    near = [value for value in given if isinstance(value, Tensor) and not isinstance(value, Far)]
    there = bool(far)
    if kwargs.get("device") is not None:
        there = torch.device(kwargs["device"]).type == "far"
        kwargs = kwargs | {"device": CPU}
    if name == "aten::copy_":
        there = isinstance(args[0], Far)
    elif name != "aten::_to_copy" and far and any(value.ndim for value in near):
        raise RuntimeError(f"{name}: tensors on two devices")
    if far and (not there or name in ("aten::_local_scalar_dense", "aten::nonzero")):
        waits.append(name)
    args, kwargs = tree_map(lambda x: x.near if isinstance(x, Far) else x, (args, kwargs))
    known = {id(value.near): value for value in far}

    def put(x: Any) -> Any:
        if not isinstance(x, Tensor) or isinstance(x, Far):
            return x
        return known[id(x)] if id(x) in known else Far(x) if there else x

    return tree_map(put, op(*args, **kwargs))


class _Watch(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(op, args, kwargs or {}, self.waits)


@contextmanager
def used() -> Iterator[list[str]]:
    """Let tensors be made on the device, and modules be moved to it; give the names of what waited for it."""
    swap: Callable[[bool], None] = torch.__future__.set_swap_module_params_on_conversion
    before = torch.__future__.get_swap_module_params_on_conversion()
    device()
    swap(False)
    try:
        with _Watch() as watch:
            yield watch.waits
    finally:
        swap(before)
