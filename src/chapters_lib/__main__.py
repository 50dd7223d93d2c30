"""``python -m chapters_lib``: one line and no traceback, whatever the console is and whenever it is interrupted."""

from __future__ import annotations

import io
import os
import sys


def run() -> int:
    """Import the command line, which takes seconds, and run it; return its exit status."""
    try:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # it was closed: `>&-`
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a console without γ or ±
        from chapters_lib.command_line import main

        status = main()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("chapters_lib: interrupted before anything was begun", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `… | head` has read enough, and nobody is left to be told
        _forget_output()
        return 141
    except OSError as error:
        _forget_output()
        print(f"chapters_lib: cannot write the output ({error.strerror})", file=sys.stderr)
        return 1


def _forget_output() -> None:
    """Let what could not be written go, so that the interpreter's own flush at the end finds nothing wrong."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(run())
