"""A PostgreSQL server that a test starts for itself, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import lacking

PROGRAMS = Path("/usr/lib/postgresql")  # where Debian has them, below their version


def programs() -> Path:
    """Return the folder of the newest version; skip the test where there is none."""
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not found:
        lacking("no PostgreSQL server: apt-get install postgresql")
    return found[-1].parent


def user() -> str | None:
    """Return whom the server is to run as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextmanager
def server() -> Iterator[str]:
    """Start a server in a new folder; give the URL of its database, and leave nothing behind."""
    found, who = programs(), user()
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # a socket's path must be short
    if who:
        shutil.chown(folder, who)

    def do(name: str, *arguments: str) -> None:
        command = [str(found / name), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, user=who, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        do("initdb", "--auth=trust", "--username=someone", "--no-sync")
        options = f"-c listen_addresses= -c fsync=off -k {folder}"
        do("pg_ctl", "start", "--wait", "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql+psycopg://someone@/postgres?host={folder}"
        finally:
            do("pg_ctl", "stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)
