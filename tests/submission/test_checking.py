"""What `submit --check` says of a finished report."""

from __future__ import annotations

import zipfile

import pytest

pytest.importorskip("pypdf")

from chapters_lib.errors import ChaptersError
from chapters_lib.submission import checking

TEXT = """By Eq. (1) and Eq. (3), Figures 1 and 2 agree, as Table
4 and Table
2 say; Equation 10 of the paper is theirs.
1 + 1 = 2 (1)
Figure 1. A square.
Figure 2. A circle.
Table 1. Sums.
Table 2. Differences.
"""


def test_references_that_lead_nowhere_and_figures_without_a_word():
    missing, undiscussed = checking.references(TEXT)
    assert missing == ["Table 4", "Equation 3"]
    assert undiscussed == ["Table 1"]


def test_words_that_no_dictionary_has():
    pytest.importorskip("spellchecker")
    assert checking.unknown_words(
        "The autoencoder is goodd, and di-\nvided. ELBO x.\nReferences\nBengio"
    ) == ["goodd"]


def test_a_pack_without_a_report_cannot_be_checked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.ipynb", "{}")
    with pytest.raises(ChaptersError, match="no report to check"):
        checking.check([tmp_path / "a.zip"])


def test_the_reports_in_an_archive_are_read(tmp_path):
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(tmp_path / "r.pdf")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "r.pdf", "report.pdf")
    lines = checking.check([tmp_path / "a.zip"])
    assert lines[0] == "a.zip: report.pdf: 1 page" and lines[1].endswith("none")
