"""One style sheet for the site: those of theme and extensions, without the rules that no page of it can use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import tinycss2

NAME = "site.css"
LAST = "book.css"
# In the order in which the theme loads them; those of the book's own parts follow, and LAST comes last.
SHEETS = (
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "exercise.css",
    "proof.css",
    "sphinx-design.min.css",
)
VARIABLE = re.compile(r"(?<=[{;\s])(--[\w-]+)\s*:[^;{}()]*(?:\([^;{}]*\)[^;{}()]*)*(?:;|(?=\}))")
# Scripts that give elements classes, and what those of the theme and of bootstrap.js give.
SCRIPTS = (
    "site.js",
    "search.js",
    "copybutton.js",
    "togglebutton.js",
    "sphinx_highlight.js",
)
GIVEN = (
    "show hide fade active scrolled noprint onlyprint pst-sidebar-hidden btn-close fa-xmark tooltip tooltip-inner "
    "tooltip-arrow bs-tooltip-auto dropdown-menu hover-open"
)


def words(texts: Iterable[str]) -> set[str]:
    """Return all that could be the name of a class or an id in scripts."""
    return {word for text in texts for word in re.findall(r"[A-Za-z_][\w-]*", text)}


def names(pages: Iterable[str]) -> set[str]:
    """Return the classes and ids of pages."""
    found = (re.findall(r'\b(?:class|id)="([^"]*)"', page) for page in pages)
    return {name for values in found for value in values for name in value.split()}


def write(static: Path, pages: Iterable[str]) -> None:
    """Write the site's style sheet from those in its static folder."""
    files = [static / name for name in SCRIPTS if (static / name).exists()]
    used = names(pages) | words([*(file.read_text(encoding="utf8") for file in files), GIVEN])
    theme = [file for name in SHEETS for file in sorted(static.glob(name))]
    others = {file for file in static.glob("*.css") if file.name not in (NAME, LAST)}
    sheets = [*theme, *sorted(others - set(theme)), static / LAST]
    css = "\n".join(purge(file.read_text(encoding="utf8"), used) for file in sheets)
    told = "".join(file.read_text(encoding="utf8") for file in files)
    (static / NAME).write_text(unset(css, told), encoding="utf8")


def unset(css: str, scripts: str) -> str:
    """Leave out the variables that no rule and no script reads, and what is just for the eye."""
    before = ""
    while css != before:
        before = css
        read = set(re.findall(r"var\(\s*(--[\w-]+)", css)) | set(re.findall(r"--[\w-]+", scripts))
        css = VARIABLE.sub(partial(where, read=read), css)
    return re.sub(r"\s*/\*.*?\*/\s*|(?<=[;{}])\s+", "", css, flags=re.DOTALL)


def where(match: re.Match, read: set[str]) -> str:
    """Return what sets a variable, if that is read."""
    return match[0] if match[1] in read else ""


def purge(css: str, used: set[str]) -> str:
    """Return a style sheet without the rules whose classes or ids are in no page."""
    return keep(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), used)


def keep(rules, used: set[str]) -> str:
    """Return the rules that can apply, as text."""
    out = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [one for one in split(rule.prelude) if possible(one, used)]
            if selectors and rule.content:
                prelude = ",".join(tinycss2.serialize(one).strip() for one in selectors)
                out.append(f"{prelude}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in (
            "media",
            "supports",
            "container",
            "layer",
        ):
            inner = keep(
                tinycss2.parse_rule_list(
                    rule.content or [], skip_comments=True, skip_whitespace=True
                ),
                used,
            )
            if inner:
                out.append(
                    f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}{{{inner}}}"
                )
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("import", "charset"):
            text = rule.serialize()
            if (
                "Font Awesome" not in text or "fonts/icons.woff2" in text
            ):  # the theme's are ten times as large
                out.append(text)
    return "\n".join(out)


def split(prelude) -> list[list]:
    """Return the selectors of a list of them."""
    selectors: list[list] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def possible(selector: list, used: set[str]) -> bool:
    """Tell whether all classes and ids that a selector wants are used; what stands in ``:not(…)`` may be missing."""
    for before, token in zip([None, *selector], selector, strict=False):
        named = (
            token.type == "ident"
            and before is not None
            and before.type == "literal"
            and before.value == "."
        )
        if (named or token.type == "hash") and token.value not in used:
            return False
    return True
