"""What is said of links to elsewhere: broken ones fail, hosts that do not answer do not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "links.py"
spec = importlib.util.spec_from_file_location("links", PATH)
assert spec and spec.loader
links = importlib.util.module_from_spec(spec)
spec.loader.exec_module(links)


def entry(status: str, host: str, info: str = "", code: int = 0) -> str:
    place = {"filename": "book/vae.md", "lineno": 3, "uri": f"https://{host}/page"}
    return json.dumps({**place, "status": status, "code": code, "info": info})


@pytest.mark.parametrize(
    ("lines", "status", "told"),
    [
        ([entry("working", "a.org"), entry("redirected", "b.org")], 0, "2 links lead somewhere"),
        (
            [entry("broken", "a.org", "HTTPSConnectionPool: Name or service not known")],
            0,
            "1 hosts do not answer, and their links stay unknown: a.org",
        ),
        ([entry("timeout", "a.org")], 0, "0 are broken"),
        ([entry("broken", "a.org", "404 Client Error: Not Found for url: x")], 1, "1 are broken"),
    ],
)
def test_only_an_answer_breaks_a_link(tmp_path, capsys, lines, status, told):
    file = tmp_path / "output.json"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert links.main(str(file)) == status
    out = capsys.readouterr()
    assert told in out.out
    assert out.err == (
        "book/vae.md:3: https://a.org/page (404 Client Error: Not Found)\n" if status else ""
    )


def test_a_book_that_could_not_be_read_is_said_in_a_line(tmp_path, capsys):
    assert links.main(str(tmp_path / "output.json")) == 1
    assert capsys.readouterr().err.count("\n") == 1
