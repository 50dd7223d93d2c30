"""The site's style sheets: those of theme and extensions as one, without the rules that no page of it can use.

A page holds those that its own elements need, so that it can be painted as soon as it comes. The sheet with all of
them follows: it adds what scripts, a pointer and a printer ask for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
    "play/play.css",  # of which pages hold what their explorers look like before they start
)
VARIABLE = re.compile(r"(?<=[{;\s])(--[\w-]+)\s*:[^;{}()]*(?:\([^;{}]*\)[^;{}()]*)*(?:;|(?=\}))")
# Scripts that give elements classes, and what those of the theme and of bootstrap.js give.
SCRIPTS = ("site.js", "search.js", "copybutton.js", "togglebutton.js", "sphinx_highlight.js")
GIVEN = (
    "show hide fade active scrolled noprint onlyprint pst-sidebar-hidden btn-close fa-xmark tooltip tooltip-inner "
    "tooltip-arrow bs-tooltip-auto dropdown-menu hover-open"
)
GROUPS = ("media", "supports", "container", "layer")
LATER = re.compile(r":(?:hover|focus|active|target|-webkit-scrollbar|:-webkit-scrollbar)")
HELD = re.compile(
    r"@font-face\b.*fonts/(?:serif-first-\w+|icons)\.woff2"
)  # in the pages themselves
ADDRESS = re.compile(r"url\((?![\"']?(?:data:|https?:|#))[\"']?([^\"')]+)[\"']?\)")
TAG, NAMED = re.compile(r"<([a-z][\w-]*)"), re.compile(r'\b(?:class|id)="([^"]*)"')
SPACE = re.compile(r"(\"[^\"]*\"|'[^']*')|([;,{}])\s+|\s*/\*.*?\*/\s*|\s+", re.DOTALL)


class Rule(NamedTuple):
    """A rule: its selectors, each with the classes, ids and elements without which it applies to nothing."""

    selectors: list[tuple[str, frozenset[str]]]
    body: str


class Group(NamedTuple):
    """Rules under a condition."""

    head: str
    rules: list


def words(texts: Iterable[str]) -> set[str]:
    """Return all that could be the name of a class, an id or an element in scripts."""
    found = {word for text in texts for word in re.findall(r"[A-Za-z_][\w-]*", text)}
    return found | {f"<{word}" for word in found}


def names(pages: Iterable[str]) -> set[str]:
    """Return the classes and ids of pages, and their elements as ``<name``."""
    found = set()
    for page in pages:
        found.update(name for values in NAMED.findall(page) for name in values.split())
        found.update(f"<{tag}" for tag in TAG.findall(page))
    return found


def write(static: Path, pages: Iterable[str]) -> list:
    """Write the site's style sheet from those in its static folder, and return its rules."""
    files = [static / name for name in SCRIPTS if (static / name).exists()]
    scripts = [file.read_text(encoding="utf8") for file in files]
    used = names(pages) | words([*scripts, GIVEN])
    theme = [file for name in SHEETS for file in sorted(static.glob(name))]
    others = {file for file in static.glob("*.css") if file.name not in (NAME, LAST)}
    sheets = [*theme, *sorted(others - set(theme)), static / LAST]
    css = "\n".join(purge(file.read_text(encoding="utf8"), used) for file in sheets)
    css = unset(css, "".join(scripts))
    sheet = rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))
    held = [rule for rule in sheet if isinstance(rule, str) and HELD.match(rule)]
    for rule in held:
        css = css.replace(rule, "")
    (static / NAME).write_text(css, encoding="utf8")
    return [*(hold(rule, static) for rule in held), *(rule for rule in sheet if rule not in held)]


def hold(face: str, static: Path) -> str:
    """Return a font's rule with the font in it."""
    (name,) = ADDRESS.findall(face)
    data = base64.b64encode((static / name).read_bytes()).decode()
    return face.replace(name, f"data:font/woff2;base64,{data}")


def first(sheet: list, page: str, static: str) -> str:
    """Return the rules that a page needs when it is painted first; `static` leads to the style sheet's folder."""
    css = text(sheet, names([page]), at_once=True)
    return ADDRESS.sub(rf"url({static}/\1)", css).replace("</", "<\\/")


def unset(css: str, scripts: str) -> str:
    """Leave out the variables that no rule and no script reads, and movements that none names."""
    before = ""
    while css != before:
        before = css
        read = set(re.findall(r"var\(\s*(--[\w-]+)", css)) | set(re.findall(r"--[\w-]+", scripts))
        css = VARIABLE.sub(partial(where, read=read), css)
    used = set(re.findall(r"animation(?:-name)?:([^;}]*)", css))
    moved = {word for value in used for word in value.split()}
    moves = re.compile(r"@keyframes ([\w-]+)\{(?:[^{}]*\{[^{}]*\})*\}")
    css = moves.sub(lambda match: match[0] if match[1] in moved else "", css)
    return re.sub(r"[^{};]+\{\}", "", css)


def where(match: re.Match, read: set[str]) -> str:
    """Return what sets a variable, if that is read."""
    return match[0] if match[1] in read else ""


def purge(css: str, used: set[str]) -> str:
    """Return a style sheet without the rules whose classes, ids or elements are in no page."""
    parsed = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return text(rules(parsed), used)


def rules(parsed) -> list:
    """Return the rules of a style sheet, told apart: `Rule`, `Group`, and others as text."""
    out: list[Rule | Group | str] = []
    for rule in parsed:
        if rule.type == "qualified-rule" and rule.content:
            selectors = [(short(one), needs(one)) for one in split(rule.prelude)]
            out.append(Rule(selectors, short(rule.content)))
        elif rule.type == "at-rule" and rule.lower_at_keyword in GROUPS:
            inner = tinycss2.parse_rule_list(
                rule.content or [], skip_comments=True, skip_whitespace=True
            )
            out.append(Group(f"@{rule.at_keyword} {short(rule.prelude)}", rules(inner)))
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("import", "charset"):
            face = short([rule])
            # The theme's icons are ten times as large.
            if "Font Awesome" not in face or "fonts/icons.woff2" in face:
                out.append(face)
    return out


def text(sheet: list, used: set[str], *, at_once: bool = False) -> str:
    """Return the rules that can apply as a style sheet; `at_once`, without those that wait for a hand or a printer."""
    out = []
    for rule in sheet:
        if isinstance(rule, str):
            if not at_once or rule.startswith("@font-face"):
                out.append(rule)
        elif isinstance(rule, Group):
            inner = (
                "" if at_once and "print" in rule.head else text(rule.rules, used, at_once=at_once)
            )
            if inner:
                out.append(f"{rule.head}{{{inner}}}")
        else:
            can = [
                selector
                for selector, needed in rule.selectors
                if needed <= used and not (at_once and LATER.search(selector))
            ]
            if can:
                out.append(f"{','.join(can)}{{{rule.body}}}")
    return "".join(out)


def short(tokens) -> str:
    """Return tokens as text without what is just for the eye."""
    whole = tinycss2.serialize(tokens)
    return SPACE.sub(lambda match: match[1] or match[2] or " ", whole).strip()


def split(prelude) -> list[list]:
    """Return the selectors of a list of them."""
    selectors: list[list] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def needs(selector: list) -> frozenset[str]:
    """Return the classes, ids and elements that a selector wants; what stands in ``:not(…)`` may be missing."""
    found = set()
    for before, token in zip([None, *selector], selector, strict=False):
        sign = before.value if before is not None and before.type == "literal" else ""
        if token.type == "hash" or (token.type == "ident" and sign == "."):
            found.add(token.value)
        elif token.type == "ident" and sign != ":":
            found.add(f"<{token.value.lower()}")
    return frozenset(found)
