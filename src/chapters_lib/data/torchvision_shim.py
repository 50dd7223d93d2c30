"""Import torchvision also where its compiled operators do not fit the torch that is installed.

PyPI's Linux wheel of torchvision is built against CUDA. Beside a CPU build of torch its
operators do not load, and the import ends in ``operator torchvision::nms does not exist``.
Declaring the two schemas that the import asks for is enough for data sets, transforms and
models: none of them calls an operator.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_library: torch.library.Library | None = (
    None  # a schema lives as long as the object that declared it
)


def torchvision() -> ModuleType:
    """Return the torchvision module; a plain import wherever the operators exist."""
    global _library
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    _library = library
    _forget("torchvision")
    return importlib.import_module("torchvision")


def _forget(package: str) -> None:
    """Drop a half-imported package, so that the next import starts afresh."""
    import sys

    for name in [n for n in sys.modules if n == package or n.startswith(package + ".")]:
        del sys.modules[name]
