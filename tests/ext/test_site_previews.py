"""What other pages show of a page: found by its label, whole, in a script for each page that is led into."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import site_previews

PAGE = """<article><section id="one"><span id="sec-one"></span><h2>One<a class="headerlink" href="#one">#</a></h2>
<p>It begins.</p><p>It goes on.</p>
<div class="math notranslate" id="equation-eq-a"><div class="formula"><math><mi>a</mi></math></div></div>
<figure class="align-default" id="fig-a"><img alt="" src="a.svg" /><figcaption>A.</figcaption></figure>
<dl><dt id="term-a">a term</dt><dd><p>What it is.</p></dd><dt id="term-b">another</dt><dd>No.</dd></dl>
</section></article>"""


@pytest.mark.parametrize(
    ("label", "starts", "ends", "holds"),
    [
        ("sec-one", "<div><h2>One", "<p>It begins.</p></div>", "One"),
        ("one", "<div><h2>One", "<p>It begins.</p></div>", "One"),
        ("equation-eq-a", '<div class="math', "</math></div></div>", "<mi>a</mi>"),
        ("fig-a", "<figure", "</figure>", "figcaption"),
        ("term-a", "<dt", "<dd><p>What it is.</p></dd>", "a term"),
        ("nowhere", "", "", ""),
    ],
)
def test_a_label_has_its_part(label, starts, ends, holds):
    part = site_previews.part(PAGE, label)
    assert part.startswith(starts) and part.endswith(ends) and holds in part
    assert bool(part) == bool(starts)


def test_a_page_that_others_lead_into_has_a_script(tmp_path):
    link = '<a class="reference internal" href="{}"><span>there</span></a>'
    other = link.format("one.html#fig-a") + link.format("#here") + link.format("one.html#gone")
    site_previews.write(tmp_path, {"one.html": PAGE, "two.html": other})
    (script,) = (tmp_path / "previews").iterdir()
    assert script.name == "one.js"
    told = script.read_text(encoding="utf-8").partition("] = ")[2].rstrip(";\n")
    assert list(json.loads(told)) == ["fig-a"]
