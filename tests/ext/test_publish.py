"""The folder for a static host: what it holds, with and without the address that it will have."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "publish.py"
spec = importlib.util.spec_from_file_location("publish", PATH)
assert spec and spec.loader
publish = importlib.util.module_from_spec(spec)
spec.loader.exec_module(publish)
PAGE = "<html><head><title>3. VAE — Learning to Generate</title></head><body></body></html>"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "html"
    (folder / "book").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "book" / "vae.html").write_text(PAGE, encoding="utf-8")
    (folder / "style.css.map").touch()
    return folder


def test_a_site_without_an_address_has_a_page_for_what_is_lost(built, tmp_path):
    assert publish.publish(built, tmp_path / "to") == 2
    assert 'href="/book/index.html"' in (tmp_path / "to" / "404.html").read_text(encoding="utf-8")
    assert not (tmp_path / "to" / "sitemap.xml").exists()
    assert not (tmp_path / "to" / "style.css.map").exists()
    assert (tmp_path / "to" / "book" / "vae.html").read_text(encoding="utf-8") == PAGE


def test_a_site_with_an_address_says_it_everywhere(built, tmp_path):
    (built / "_sources").mkdir()
    (built / "_sources" / "vae.ipynb").write_text("[page](../../book/vae.html)", encoding="utf-8")
    publish.publish(built, tmp_path / "to", "https://example.org/a/")
    publish.publish(built, tmp_path / "to", "https://example.org/a/")  # again, into the same folder
    notebook = (tmp_path / "to" / "_sources" / "vae.ipynb").read_text(encoding="utf-8")
    assert notebook == "[page](https://example.org/a/book/vae.html)"  # it is read far from the site
    page = (tmp_path / "to" / "book" / "vae.html").read_text(encoding="utf-8")
    assert page.count('<meta property="og:title" content="3. VAE" />') == 1
    assert 'content="https://example.org/a/book/vae.html"' in page
    assert 'href="/a/search.html"' in (tmp_path / "to" / "404.html").read_text(encoding="utf-8")
    found = ElementTree.parse(tmp_path / "to" / "sitemap.xml").getroot()
    assert [place.text for place in found.findall(".//{*}loc")] == [
        "https://example.org/a/book/vae.html"
    ]


def test_a_folder_with_something_else_is_left_alone(built, tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(FileExistsError):
        publish.publish(built, tmp_path)
    with pytest.raises(FileNotFoundError):
        publish.publish(tmp_path / "nowhere", tmp_path / "to")
