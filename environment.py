"""Make .venv ready, where it is not: ``make`` calls this before everything, with pip's flags as arguments.

Ready is an environment that was made for this very folder, runs, and has pip and the packages of requirements.txt.
One that was copied, moved, linked or left half made works on another folder's files, or not at all: it is made anew.
Standard library alone, and words that an old Python can read.
"""

import hashlib
import http.client
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path

CPU = "https://download.pytorch.org/whl/cpu"
SECONDS = 4  # to wait for that host
MINOR_IF_PIP = "import pip, sys; print('version = %d.%d.' % sys.version_info[:2])"


def made_here(venv):
    """Return whether it was made for this folder, runs with the Python that made it, and has pip."""
    if venv.is_symlink() or not (venv / "pyvenv.cfg").exists():
        return False
    lines = (venv / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    command = [str(venv / "bin" / "python"), "-c", MINOR_IF_PIP]
    try:
        version = subprocess.run(command, stdout=-1, stderr=-3, check=True).stdout.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    made = any(line.startswith("command = ") and line.endswith(f" {venv}") for line in lines)
    return made and any(line.startswith(version) for line in lines)


def packages(root):
    """Return a hash of what decides which packages are installed."""
    files = [root / name for name in ("requirements.txt", "pyproject.toml")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def reachable(address):
    """Return whether a host answers within seconds; pip would try for minutes."""
    try:
        with urllib.request.urlopen(address, timeout=SECONDS):
            return True
    except (OSError, http.client.HTTPException):  # the latter where a proxy is misnamed
        return False


def say(what):
    """Print a line at once, before those of the programs that are called."""
    print(what, flush=True)


def flags(chosen, cuda):
    """Return pip's flags: on Linux with the index of a PyTorch without CUDA, where nothing else is asked for."""
    if cuda or platform.system() != "Linux" or "index-url" in " ".join(chosen):
        return chosen
    if not reachable(CPU + "/torch/"):
        say(
            f"{CPU} does not answer: PyTorch comes from the package index, perhaps with CUDA (3 GB)"
        )
        return chosen
    say(f"PyTorch comes from {CPU}, without CUDA; CUDA=1 with a fresh .venv has it with")
    return [*chosen, "--extra-index-url", CPU]


def create(venv):
    """Make the environment anew; one that is a link is left to the folder that it belongs to."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what says so
        version = platform.python_version()
        sys.exit(f"Python 3.11 or newer is needed, and this is {version}: make PYTHON=python3.11")
    if venv.is_symlink():
        venv.unlink()
    say(f"making {venv}")
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)]).returncode:
        sys.exit("no .venv could be made; on Debian and Ubuntu: apt-get install python3-venv")


def install(venv, root, chosen):
    """Install the pinned packages and, in place, the library."""
    pip = [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    for what in (["-r", str(root / "requirements.txt")], ["--no-deps", "-e", str(root)]):
        if subprocess.run([*pip, *chosen, *what]).returncode:
            sys.exit("the packages could not be installed, see above; the same command goes on")


def prepare(root, chosen, cuda):
    """Do what is left to do; .venv/.ready says for which packages all was done."""
    venv, wanted = root / ".venv", packages(root)
    ready = venv / ".ready"
    if not made_here(venv):
        create(venv)
    elif ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    install(venv, root, flags(chosen, cuda))
    ready.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    prepare(Path(__file__).resolve().parent, sys.argv[1:], bool(os.environ.get("CUDA")))
