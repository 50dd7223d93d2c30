"""Seeds, devices, and the whole random state in one dictionary."""

from __future__ import annotations

import os
import platform
import random
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chapters_lib.errors import ChaptersError


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy's legacy generator and torch (CPU and every CUDA device) with `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - scikit-learn and older code draw from it
    torch.manual_seed(seed)


def generator(seed: int) -> torch.Generator:
    """Return a CPU generator of its own, so that drawing from it moves no other random state."""
    return torch.Generator().manual_seed(seed)


def random_state() -> dict[str, Any]:
    """Return every random state a training can depend on, as tensors and plain numbers.

    The result survives `torch.save` and `torch.load(weights_only=True)`.
    """
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": (version, tuple(internal), gauss),
        "numpy": (
            str(name),
            torch.from_numpy(np.asarray(keys, np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "cuda_used": torch.cuda.current_device() if torch.cuda.is_available() else 0,
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back a state that `random_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and torch.cuda.is_available():
        states = [one.cpu() for one in state["cuda"]]
        torch.cuda.set_rng_state_all(states[: torch.cuda.device_count()])
        torch.cuda.set_rng_state(states[state.get("cuda_used", 0)])  # on whichever is used now


def repeat_on(gpu: torch.device) -> None:
    """Use a GPU, let it compute in single precision where that is asked for, and always in the same way.

    Else cuDNN would round the factors of a convolution to the ten bits of TF32, and take the kernels that
    happen to be quickest. An operation that has no kernel that repeats itself is named in a warning.
    """
    torch.cuda.set_device(gpu)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when it is first needed
    torch.use_deterministic_algorithms(True, warn_only=True)


def pick_device(name: str = "cpu") -> torch.device:
    """Return the torch device called `name`: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``; a GPU is made to repeat itself.

    Raises `ChaptersError` if the name is unknown, or names a GPU that torch does not see.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ChaptersError(f"unknown device {name!r}: use cpu, cuda, cuda:N or auto") from None
    if device.type not in ("cpu", "cuda"):
        raise ChaptersError(f"device {name!r} is not supported: use cpu, cuda, cuda:N or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ChaptersError(
            f"torch sees no device {name!r}: use --device cpu, or install a CUDA build of torch"
        )
    if device.type == "cuda":
        repeat_on(device)
    return device


def processor_name() -> str:
    """Return the processor's model name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return what a record says of the machine: processor, device, threads, versions."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a class of its own, which no checkpoint could hold
        "processor": processor_name(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 1,
    }


def source_commit() -> str:
    """Return the commit of the sources, with ``+`` where the library's files differ from it; empty outside git.

    Sources that were unpacked inside another repository are none of its commit.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        head, changed = (
            _git("rev-parse", "--short", "HEAD"),
            _git("status", "--porcelain", "--", "."),
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    """Return what git says in the library's folder."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).resolve().parent,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()
