"""Set-up: an environment is taken for ready where it is, and not where it only looks it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[1] / "environment.py"
spec = importlib.util.spec_from_file_location("environment", PATH)
assert spec and spec.loader
environment = importlib.util.module_from_spec(spec)
spec.loader.exec_module(environment)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a checkout with an environment in which nothing is installed but pip."""
    root = tmp_path_factory.mktemp("made") / "checkout"
    root.mkdir()
    (root / "requirements.txt").touch()
    (root / "pyproject.toml").touch()
    subprocess.run([sys.executable, "-m", "venv", str(root / ".venv")], check=True)
    return root


@pytest.fixture
def checkout(made: Path, tmp_path: Path) -> Path:
    """Return a checkout that is ready."""
    root = tmp_path / "checkout"
    shutil.copytree(made, root, symlinks=True)
    config = root / ".venv" / "pyvenv.cfg"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(str(made), str(root)), encoding="utf-8")
    (root / ".venv" / ".ready").write_text(environment.packages(root), encoding="utf-8")
    return root


@pytest.fixture
def prepare(monkeypatch):
    """Return a function that prepares a checkout and returns what it did to it."""

    def run(root: Path) -> list[str]:
        done = []

        def create(venv: Path) -> None:
            done.append("create")
            (venv.unlink if venv.is_symlink() else shutil.rmtree)(venv)
            venv.mkdir()

        monkeypatch.setattr(environment, "create", create)
        monkeypatch.setattr(environment, "install", lambda *_: done.append("install"))
        monkeypatch.setattr(environment, "flags", lambda chosen, cuda: chosen)
        environment.prepare(root, [], False)
        return done

    return run


def test_what_is_ready_is_left_alone(checkout, prepare):
    assert prepare(checkout) == []


def test_other_requirements_are_installed(checkout, prepare):
    (checkout / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    assert prepare(checkout) == ["install"]
    assert prepare(checkout) == []


def test_a_copied_or_renamed_checkout_gets_its_own(checkout, prepare, tmp_path):
    shutil.copytree(checkout, tmp_path / "copy", symlinks=True)
    assert prepare(tmp_path / "copy") == ["create", "install"]
    checkout.rename(tmp_path / "renamed")
    assert prepare(tmp_path / "renamed") == ["create", "install"]


def test_a_linked_one_is_replaced_and_stays_as_it_is(checkout, prepare, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(checkout / name, other)
    (other / ".venv").symlink_to(checkout / ".venv")
    assert prepare(other) == ["create", "install"]
    assert prepare(checkout) == []


@pytest.mark.parametrize("lacking", ["bin/python", "lib", "pyvenv.cfg"])
def test_one_that_is_half_made_is_made_anew(checkout, prepare, lacking):
    path = checkout / ".venv" / lacking
    (shutil.rmtree if path.is_dir() else os.unlink)(path)
    assert prepare(checkout) == ["create", "install"]


def test_one_whose_packages_were_not_all_installed_goes_on(checkout, prepare):
    (checkout / ".venv" / ".ready").unlink()
    assert prepare(checkout) == ["install"]


def test_one_is_made_in_the_place_of_another(checkout, monkeypatch):
    """As it is, with Python's own module; only the packages are left out."""
    copy = checkout.with_name("copy")
    shutil.copytree(checkout, copy, symlinks=True)
    monkeypatch.setattr(environment, "install", lambda *_: None)
    monkeypatch.setattr(environment, "flags", lambda *_: [])
    environment.prepare(copy, [], False)
    assert environment.made_here(copy / ".venv")


@pytest.mark.parametrize(
    ("chosen", "cuda", "reachable", "there"),
    [
        ([], False, True, True),
        ([], True, True, False),
        ([], False, False, False),
        (["--index-url", "https://mirror"], False, True, False),
        (["--no-cache-dir"], False, True, True),
    ],
)
def test_the_small_torch_is_taken_where_it_can_be_had(
    chosen, cuda, reachable, there, monkeypatch, capsys
):
    monkeypatch.setattr(environment.platform, "system", lambda: "Linux")
    monkeypatch.setattr(environment, "reachable", lambda address: reachable)
    flags = environment.flags(chosen, cuda)
    assert flags == [*chosen, *(["--extra-index-url", environment.CPU] if there else [])]
    said = capsys.readouterr().out
    assert len(said.splitlines()) <= 1 and ("CUDA" in said) == (there or not reachable)


def test_a_host_that_does_not_answer_is_not_waited_for(monkeypatch):
    assert not environment.reachable("http://127.0.0.1:9/")
    monkeypatch.setenv("http_proxy", "http://proxy:port")
    assert not environment.reachable("http://example.org/")


def test_a_checkout_keeps_its_line_ends_whatever_git_is_set_to(tmp_path):
    """Else a Makefile has carriage returns in its commands, and weights that look like text are spoilt."""
    names = ["Makefile", ".ci/run", "requirements.txt", "runs/ae-mnist/model.safetensors"]
    command = ["git", "-c", "core.autocrlf=true", "checkout-index", f"--prefix={tmp_path}/", *names]
    if not (PATH.parent / ".git").exists() or subprocess.run(command, cwd=PATH.parent).returncode:
        pytest.skip("not a checkout of git")
    for name in names:
        assert (tmp_path / name).read_bytes() == (PATH.parent / name).read_bytes()
