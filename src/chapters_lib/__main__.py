"""``python -m chapters_lib``: one line and no traceback, even when interrupted while torch is being imported."""

from __future__ import annotations

import sys


def run() -> int:
    """Import the command line, which takes seconds, and run it; return its exit status."""
    try:
        from chapters_lib.command_line import main

        return main()
    except KeyboardInterrupt:
        print("chapters_lib: interrupted before anything was begun", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
