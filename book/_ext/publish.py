"""``make publish``: the built site as a folder for any static host.

    python book/_ext/publish.py BUILT TARGET [ADDRESS]

Beside a copy of the pages it gets a page for addresses that lead nowhere and, when the address it will have is known,
a sitemap and what other sites show of a link (Open Graph).
"""

from __future__ import annotations

import re
import shutil
import sys
from html import escape, unescape
from pathlib import Path
from urllib.parse import urlsplit

TITLE = "Learning to Generate"
SUMMARY = "Nine models on the way to generating images, derived, trained and measured."
PICTURE = "_static/gallery.png"
LEFT_OUT = (".buildinfo", ".doctrees", "*.map", ".exported", ".copied")
LOST = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>No such page — {title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1.125rem/1.6 Georgia, serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }}
</style>
</head>
<body>
<main>
<h1>No such page</h1>
<p>There is no page at this address in <em>{title}</em>. It may have been renamed.</p>
<ul>
<li><a href="{root}book/index.html">The book's first page</a></li>
<li><a href="{root}search.html">Search the book</a></li>
</ul>
</main>
</body>
</html>
"""


def publish(built: Path, target: Path, address: str = "") -> int:
    """Write the folder, and return how many pages it has.

    `address`: of the site, to be: ``https://example.org/book``. Empty where it is not known.
    """
    if not (built / "index.html").exists():
        raise FileNotFoundError(f"there is no site in {built}: make book writes it")
    if target.exists():
        if not (target / ".nojekyll").exists() and any(target.iterdir()):
            raise FileExistsError(f"{target} holds something else")
        shutil.rmtree(target)
    shutil.copytree(built, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (
        target / ".nojekyll"
    ).touch()  # GitHub's pages leave out what begins with a line, such as _static, else
    root = urlsplit(address).path.rstrip("/") + "/"
    (target / "404.html").write_text(LOST.format(title=TITLE, root=root), encoding="utf8")
    pages = sorted(path for path in target.rglob("*.html") if path.name not in ("404.html",))
    if address:
        base = address.rstrip("/")
        for page in pages:
            name = page.relative_to(target).as_posix()
            page.write_text(shared(page.read_text(encoding="utf8"), base, name), encoding="utf8")
        for notebook in target.rglob("_sources/**/*.ipynb"):  # which leave the site
            text = notebook.read_text(encoding="utf8")
            notebook.write_text(text.replace("](../../", f"]({base}/"), encoding="utf8")
        names = [page.relative_to(target).as_posix() for page in pages]
        (target / "sitemap.xml").write_text(sitemap(base, names), encoding="utf8")
        (target / "robots.txt").write_text(f"Sitemap: {base}/sitemap.xml\n", encoding="utf8")
    return len(pages)


def shared(page: str, base: str, name: str) -> str:
    """Return a page with what other sites show of a link to it."""
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    if found is None or 'property="og:title"' in page:
        return page
    title = unescape(found[1]).split(" \u2014 ")[0].strip()
    values = {
        "og:title": title,
        "og:type": "article",
        "og:site_name": TITLE,
        "og:description": SUMMARY,
        "og:url": f"{base}/{name}",
        "og:image": f"{base}/{PICTURE}",
    }
    tags = "".join(
        f'    <meta property="{key}" content="{escape(value)}" />\n'
        for key, value in values.items()
    )
    tags += f'    <link rel="canonical" href="{escape(base)}/{name}" />\n'
    return page.replace("</head>", f"{tags}  </head>", 1)


def sitemap(base: str, names: list[str]) -> str:
    """Return the list of pages that search engines read."""
    inside = [name for name in names if name.startswith("book/")]
    urls = "".join(f"  <url><loc>{escape(base)}/{name}</loc></url>\n" for name in inside)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{space}">\n{urls}</urlset>\n'


def main(built: str, target: str, address: str = "") -> None:
    """Publish, and say what was done."""
    count = publish(Path(built), Path(target), address)
    missing = (
        "" if address else " (without sitemap and Open Graph: ADDRESS=https://… was not given)"
    )
    print(f"{count} pages for a static host are in {target}{missing}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"make publish: {error}")
