"""The colour half follows what is recorded: forged records of a better set, and what the pages then say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chapters_lib.experiments import EXPERIMENTS
from chapters_lib.findings import colour
from chapters_lib.recording import runs
from tests.pages.forged import ABOUT_CROPS, IMAGES, LESSER, NOT_WHOLE, OF_CROPS, ROOT, better_colour

PAGES = ("comparison", "evaluation", "data", "assignments")
CALLS = """
import json, matplotlib
matplotlib.use("Agg")
from chapters_lib.pages import Page
said = {}
Page.keep = lambda self, **values: said.update({f"{self.prefix}-{self.key(k)}": str(v) for k, v in values.items()})
Page.claims = lambda self, **verdicts: None
from chapters_lib.pages import assignments, comparison, data
from chapters_lib.pages import evaluation_board as board
for numbers in (comparison.numbers, board.numbers, data.numbers):
    numbers()
for draw in (comparison.curves, comparison.timelines, comparison.beside_real, comparison.lines, comparison.neighbours):
    draw("colour")
comparison.distances(), board.agreement()
tables = [comparison.table_board(part) for part in ("mnist", "colour")]
tables += [of() for of in (comparison.table_weights, comparison.table_likelihood, comparison.table_lines)]
tables += [comparison.table_control()]
tables += [comparison.table_nearest(), board.every_generator(), assignments.sheet("a4a")]
said |= {f"table-{i}": table.data for i, table in enumerate(tables)}
import os, re
from pathlib import Path
from chapters_lib import assignments as sheets
from chapters_lib.submission import carried_runs, source
from chapters_lib.submission.carried import recorded
from chapters_lib.submission.notebook import NUMBER
report = source(sheets.find("a4a"), "a4a", sheets.chapters(Path("_toc.yml")))
os.chdir(os.environ["CHAPTERS_RUNS"])
Path("record").symlink_to(".")
for mark in NUMBER.finditer(report):
    assert mark[1] in carried_runs("a4a"), mark[0]
    recorded(*mark.groups())
assert not re.findall(r"@[A-Z]+@", report)
said["report"] = report
print(json.dumps(said))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in IMAGES if f"judge-{name}" in EXPERIMENTS])
def test_no_sentence_speaks_of_a_lesser_set(tmp_path: Path, name: str) -> None:
    environment = os.environ | {
        "CHAPTERS_RUNS": str(better_colour(tmp_path, name)),
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    if name != "svhn":
        images = IMAGES[name]
        assert f"{images['train']:,} real crops" in said["cmp-title"]
        assert f"{sum(images.values()):,} real crops" in said["cmp-full"]
    else:
        assert said["cmp-title"] == "SVHN" and "73,257" in said["cmp-full"]
    prose = {page: (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8") for page in PAGES}
    for where, text in (said | prose).items():
        lesser = NOT_WHOLE if name == "svhn" else LESSER
        assert not [phrase for phrase in lesser if phrase in text], where


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda path: path.stem)
def test_no_page_speaks_of_crops_but_by_the_record(page: Path) -> None:
    if page.stem not in ABOUT_CROPS:
        assert OF_CROPS.findall(page.read_text(encoding="utf-8")) == []


def test_the_best_recorded_set_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, crops = colour.SETS["svhn"].needed, colour.SETS["svhn-crops"].needed
    for names, expected in (
        (whole | crops, "svhn"),
        (crops | whole - {"gan-svhn"}, "svhn-crops"),
        (crops - {"compared-svhn-crops"}, "house-numbers"),
    ):
        monkeypatch.setattr(runs, "names", lambda names=names: sorted(names))
        assert colour.colour_set.__wrapped__().name == expected


def test_a_run_on_house_numbers_stands_for_that_on_the_shown_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(colour, "colour_set", lambda: colour.SETS["svhn"])
    assert colour.shown("gan-house-numbers") == "gan-svhn"
    assert colour.shown("gan-mnist") == "gan-mnist"
