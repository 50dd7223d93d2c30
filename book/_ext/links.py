"""``make linkcheck``: what Sphinx found out about the links to elsewhere, in a few lines.

    python book/_ext/links.py _build/linkcheck/output.json

A link is broken where its host answers and has no such page. A host that does not answer at all says nothing about
the link: such links are counted, and fail nothing.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

ANSWERED = re.compile(r"\b[45]\d\d (?:Client|Server) Error|Anchor '")


def verdict(entries: list[dict]) -> tuple[list[str], list[str], int]:
    """Return the broken links, a line each; the hosts that do not answer; and how many links lead well."""
    broken, silent, good = [], set(), 0
    for entry in entries:
        if entry["status"] in ("working", "redirected"):
            good += 1
        elif entry["status"] == "broken" and (entry["code"] or ANSWERED.search(entry["info"])):
            place = f"{entry['filename']}:{entry['lineno']}"
            broken.append(f"{place}: {entry['uri']} ({entry['info'].partition(' for url')[0]})")
        elif entry["status"] in ("broken", "timeout"):
            silent.add(urlsplit(entry["uri"]).netloc)
    return sorted(set(broken)), sorted(silent), good


def main(path: str) -> int:
    """Say what was found; 1 where a link is broken."""
    if not Path(path).exists():
        print(
            "make linkcheck: the book could not be read; the lines above say why", file=sys.stderr
        )
        return 1
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    broken, silent, good = verdict([json.loads(line) for line in lines if line.strip()])
    for line in broken:
        print(line, file=sys.stderr)
    if silent:
        few = ", ".join(silent[:5]) + (" …" if len(silent) > 5 else "")
        print(f"{len(silent)} hosts do not answer, and their links stay unknown: {few}")
    print(f"{good} links lead somewhere, {len(broken)} are broken")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
