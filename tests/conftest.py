"""What all tests share: checked shapes, folders of their own, no network."""

from __future__ import annotations

import importlib.util
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# From here on every call of these packages checks the shapes in its annotations.
install_import_hook(
    ["chapters_lib.models", "chapters_lib.objectives", "chapters_lib.evaluation"],
    "beartype.beartype",
)

import torch  # noqa: E402

from chapters_lib import data  # noqa: E402
from chapters_lib.command_line import main  # noqa: E402
from chapters_lib.data.published import TORCHVISION  # noqa: E402
from chapters_lib.experiments import EXPERIMENTS  # noqa: E402
from chapters_lib.folders import root  # noqa: E402
from tests import tiny  # noqa: E402

# On a busy machine a slow example is no failure.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

FILES = [
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
]


def heed_interrupts() -> None:
    """Undo what a shell does to its background jobs, whose children would ignore SIGINT too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `data` where its data sets are not at hand; nothing is downloaded for a test."""
    for marker in item.iter_markers("data"):
        for name in marker.args or ("mnist",):
            folder = root() / TORCHVISION[name] / "raw"
            if not all((folder / file).exists() for file in FILES):
                pytest.skip(f"no {name} in {root()}: set CHAPTERS_DATA")


def needs_extra(module: str) -> None:
    """Skip a test where a package of the extra `cluster` is not installed, unless everything is to be tested."""
    if importlib.util.find_spec(module):
        return
    lacking(f"no {module}: pip install -e '.[cluster]'")


def lacking(what: str) -> None:
    """Skip a test for want of a tool, or fail it where all tools are required."""
    if os.environ.get("CHAPTERS_REQUIRE_ALL"):
        pytest.fail(f"{what}, and CHAPTERS_REQUIRE_ALL is set")
    pytest.skip(what)


def use_data(monkeypatch: pytest.MonkeyPatch, load: Callable[[str, str], data.Dataset]) -> None:
    """Let every data set be what `load` makes of its name and split."""
    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(data.loading, "load", load)


@dataclass
class Folders:
    """Where a test's data, runs and checkpoints are."""

    data: Path
    runs: Path
    cache: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a subprocess that works here; its network is a closed port."""
        closed = "http://127.0.0.1:9"
        return os.environ | {
            "CHAPTERS_DATA": str(self.data),
            "CHAPTERS_RUNS": str(self.runs),
            "CHAPTERS_CACHE": str(self.cache),
            "OMP_NUM_THREADS": "1",
            "http_proxy": closed,
            "https_proxy": closed,
            "no_proxy": "",
        }


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Empty folders instead of the project's, and a network that is down."""
    here = Folders(tmp_path / "data", tmp_path / "runs", tmp_path / "cache")
    for name, path in (("DATA", here.data), ("RUNS", here.runs), ("CACHE", here.cache)):
        monkeypatch.setenv(f"CHAPTERS_{name}", str(path))
    monkeypatch.delenv("CHAPTERS_INCEPTION", raising=False)  # of whoever runs the tests

    def unreachable(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no network in the tests")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    return here


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, folders: Folders) -> str:
    """The name of an experiment that trains in half a second, among those of the command line."""
    monkeypatch.setitem(EXPERIMENTS, "tiny", tiny.EXPERIMENT)
    monkeypatch.setattr(tiny, "PAUSE", 0.0)
    tiny.save_often(monkeypatch.setattr)
    return "tiny"


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end in one line on stderr and status 1; return that line."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert main(arguments) == 1
        captured = capsys.readouterr()
        lines = captured.err.splitlines()
        assert len(lines) == 1, captured.err
        assert lines[0].startswith("chapters_lib: ")
        assert "Traceback" not in captured.err + captured.out
        return lines[0]

    return run
