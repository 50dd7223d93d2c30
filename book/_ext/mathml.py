"""Formulas as MathML, for readers that run no script: what latex2mathml makes of them, set as TeX would.

latex2mathml knows the commands. What this module adds is what browsers do not do by themselves, since MathML Core
leaves it to whoever writes the formula: the space around the name of a function, no space around an operator in a
subscript, signs apart from operations, delimiters that know whether they open or close, aligned lines.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

THIN, THICK = "0.167em", "0.278em"  # TeX's spaces before a function's name and around a relation
ROWS = {"math", "mrow", "mtd", "msqrt", "mstyle"}
SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}
UNDER_OVER = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
OPEN, CLOSE = set("([{⟨⌊⌈"), set(")]}⟩⌋⌉")
BARS = set("|∣‖∥")
BINARY = set("+−-±∓·*")
ORDINARY = set("/|‖∥!.…′")
LETTERS = set("∂∇⊤⊥∞∎")  # operators to latex2mathml, ordinary to TeX
SPACED = {",": ("0", THIN), ";": ("0", THIN)} | dict.fromkeys((":", ":=", "=:"), (THICK, THICK))
SPACED["⟺"] = (f"{2 * 0.278}em",) * 2  # TeX puts a space more around it
LIMITS = {"max", "min", "sup", "inf", "lim", "det", "Pr", "arg max", "arg min"}  # these too
BIG = set("∑∏")  # limits above and below in displays
ACCENTS = {"^": "ˆ", "~": "˜", "¯": "‾", "˙": "˙", "¨": "¨", "→": "→"}
WIDE = {"^": "\u0302", "~": "\u0303"}  # these grow with what they stand on
# latex2mathml forgets on which side these stand: they travel as characters for private use.
SIDED = {r"\lvert": "\ue000", r"\rvert": "\ue001", r"\lVert": "\ue002", r"\rVert": "\ue003"}
BAR = dict(zip(SIDED.values(), "||‖‖", strict=True))
OPENING = {"\ue000", "\ue002"}
ALPHABETS = {
    "script": "SCRIPT",
    "double-struck": "DOUBLE-STRUCK",
    "bold": "BOLD",
    "sans-serif": "SANS-SERIF",
}


def convert(tex: str, display: bool = False) -> str:
    """Return a formula as a ``<math>`` element, with its TeX as the text for readers without MathML.

    `display`: on lines of its own, and not within a line.
    Raises `ValueError` where the formula has a command or a line break that cannot be set.
    """
    try:
        math = Converter(display="block" if display else "inline").convert_to_element(prepare(tex))
    except Exception as error:  # latex2mathml's own have no message
        raise ValueError(f"{type(error).__name__} in {tex!r}") from error
    for element in math.iter():
        text = element.text or ""
        element.text = unescape(text) or None
        escaped = text.startswith("&") and (element.text or "").isascii()
        if escaped and element.tag == "mi":  # how the one letter of \mathrm{d} arrives
            element.set("mathvariant", "normal")
        refuse(element, tex)
    for element in list(math.iter()):
        spell(element)
    for element in list(math.iter()):
        arrange(element)
    for element in list(math.iter()):
        if element.tag == "mtable":
            align(element)
    for element in list(math.iter()):
        if element.tag in ROWS:
            space(element, after="ord" if element.get("columnalign") == "left" else "")
    for element in list(math.iter()):
        if element.tag in SCRIPTS:
            for script in list(element)[1:]:
                tighten(script)
    trim(math)
    math.set("alttext", " ".join(tex.split()))
    return ElementTree.tostring(math, encoding="unicode")


def prepare(tex: str) -> str:
    r"""Return the formula in commands that latex2mathml knows: ``split`` for ``aligned``, sized bars as relations."""
    tex = re.sub(r"\\(begin|end)\{(aligned|gathered)\}", r"\\\1{split}", tex.strip())
    tex = re.sub(r"\\colon(?![A-Za-z])", r"{:}\\;", tex)
    tex = re.sub(r"\\([bB]igg?)m\s*(\\[A-Za-z]+|\\?.)", r"\\;\\\1 \2\\;", tex)
    return re.sub(r"\\[lr][vV]ert(?![A-Za-z])", lambda match: SIDED[match[0]], tex)


def refuse(element: Element, tex: str) -> None:
    """Raise an error where latex2mathml passed on what it did not understand."""
    text = element.text or ""
    if element.tag != "mtext" and (found := re.search(r"\\[A-Za-z]+|&", text)):
        raise ValueError(f"no MathML for {found[0]} in {tex!r}")
    if element.get("linebreak"):
        raise ValueError(f"a line break outside of aligned or gathered in {tex!r}")


def spell(element: Element) -> None:
    """Give an element its final characters: letters of other alphabets, delimiters with their side, accents."""
    text, tag = element.text or "", element.tag
    if size := element.get(
        "minsize"
    ):  # \bigl and its like: stretched, Chromium gives them too much space
        text = element.text = text.removeprefix("\\")  # of braces
        percent = 100 * float(size.removesuffix("em"))
        element.attrib = {"stretchy": "false", "mathsize": f"{percent:.0f}%"}
    alphabet = ALPHABETS.get(element.get("mathvariant", ""))
    if alphabet:
        del element.attrib["mathvariant"]
        element.text = "".join(letter(alphabet, character) for character in text)
    elif text in BAR:
        element.tag, element.text = "mo", BAR[text]
        element.set("form", "prefix" if text in OPENING else "postfix")
    elif tag in ("mo", "mi") and text == "~":  # that of an accent is put back below
        element.tag, element.text = "mo", "∼"
    elif tag == "mi" and len(text) == 1 and (text in ":;" or unicodedata.category(text) == "Sm"):
        element.tag = "mo"
        element.attrib.clear()
    elif text in LETTERS or re.fullmatch("[Α-Ω]", text):  # upright
        element.tag = "mi"
        element.attrib = {"mathvariant": "normal"} if text != "∂" else {}
    elif text and function(element):
        element.text = text.replace("\u2009", " ").replace("\u2006", " ")
        movable = element.text in LIMITS or element.get("movablelimits")
        element.tag = "mo" if movable else "mi"
        element.attrib = {"movablelimits": "true"} if movable else {}
        if len(text) == 1:
            element.set("mathvariant", "normal")
    elif tag == "mspace" and element.get("width") == "negativethinmathspace":
        element.set("width", f"-{THIN}")
    if tag == "mover" and len(element) == 2 and element[1].tag == "mo":
        accent = "~" if element[1].text == "∼" else element[1].text or ""
        if accent in ACCENTS:
            still = (
                element.get("accent") or element[1].get("stretchy") == "false"
            )  # \\hat, not \\widehat
            grows = accent in WIDE and not still
            element[1].text = (WIDE if grows else ACCENTS)[accent]
            element.set(
                "accent", "false" if accent == "¯" else "true"
            )  # a bar needs a gap to be seen


def letter(alphabet: str, character: str) -> str:
    """Return a letter or digit in another of Unicode's mathematical alphabets, itself where that has none."""
    kind = unicodedata.name(character, "").removeprefix("LATIN ").replace(" LETTER", "")
    for name in (f"MATHEMATICAL {alphabet} {kind}", f"{alphabet} {kind}"):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return character


def function(element: Element) -> bool:
    """Whether an element is the name of a function, such as log or max."""
    text = (element.text or "").replace("\u2009", "").replace("\u2006", "").replace(" ", "")
    return text.isalpha() and (
        (element.tag == "mi" and len(text) > 1) or (element.tag == "mo" and text.isascii())
    )


def arrange(element: Element) -> None:
    """Put limits below and above, primes beside their letter; write 1{,}000 as one number and := as one sign."""
    if element.tag in UNDER_OVER and (element[0].text in BIG or element[0].get("movablelimits")):
        element.tag = UNDER_OVER[element.tag]
    children = list(element)
    for left, comma, right in zip(children, children[1:], children[2:], strict=False):
        grouped = comma.tag == "mrow" and len(comma) == 1 and comma[0].text in (",", ".")
        if grouped and left.tag == right.tag == "mn":
            right.text = f"{left.text}{comma[0].text}{right.text}"
            element.remove(left)
            element.remove(comma)
    for left, table, right in zip(children, children[1:], children[2:], strict=False):
        if table.tag == "mtable" and left.tag == right.tag == "mo" and len(children) > 3:
            element.insert(
                list(element).index(left), group(left, table, right)
            )  # as high as this one table
            for old in (left, table, right):
                element.remove(old)
    for left, right in pairwise(children):
        if f"{left.text}{right.text}" in (":=", "=:") and left.tag == right.tag == "mo":
            right.text = f"{left.text}{right.text}"
            element.remove(left)
    if element.tag in ("msup", "msubsup") and set(element[-1].text or " ") <= set("′″‴⁗"):
        prime = element[-1]  # as small print it would be smaller than in TeX, and hard to see
        element.remove(prime)
        prime.tag, prime.attrib = "mo", {"lspace": "0", "rspace": "0"}
        if element.tag == "msup":
            element.tag = "mrow"
            element.append(prime)
        else:
            element.tag, letter = "msub", element[0]
            element.remove(letter)
            element.insert(0, group(letter, prime))


def group(*elements: Element) -> Element:
    row = Element("mrow")
    row.extend(elements)
    return row


def align(table: Element) -> None:
    """Align lines at their ampersands; lines without any stand in the middle."""
    lines = table.get("displaystyle") == "true"
    if not lines:
        return
    del table.attrib["columnspacing"], table.attrib["rowspacing"]
    single = all(len(row) == 1 for row in table)
    for row in table:
        for i, cell in enumerate(row):
            for empty in [child for child in cell if child.tag == "mi" and not child.text]:
                cell.remove(empty)
            side = "center" if single else ("right", "left")[i % 2]
            before = "2em" if i and i % 2 == 0 else "0"
            cell.set("columnalign", side)
            # Chromium aligns what is in a cell only by its own name for it.
            align = f"text-align: {side}; text-align: -webkit-{side}"
            cell.set("style", f"{align}; padding: 0.2em 0 0.2em {before}")


def kind(element: Element) -> str:
    """Return TeX's class of an element: open, close, punct, func, big, op (relations too), space or ord."""
    text = element.text or ""
    if element.tag in SCRIPTS:
        inner = kind(element[0])
        return inner if inner != "open" else "ord"
    if element.tag == "mspace":
        return "space"
    if function(element):
        return "func"
    if element.tag != "mo":
        return "ord"
    if text in OPEN or (text in BARS and element.get("form") == "prefix"):
        return "open"
    if text in CLOSE or (text in BARS and element.get("form") == "postfix"):
        return "close"
    if text in BIG or text == "∫":
        return "big"
    return "punct" if text in {",", ";"} else "ord" if text in ORDINARY else "op"


def space(row: Element, after: str = "") -> None:
    """Space the elements of a row as TeX does, taking `after` for the class of what stands before it."""
    children, previous, last = list(row), after, after
    for i, element in enumerate(children):
        of = kind(element)
        following = kind(children[i + 1]) if i + 1 < len(children) else ""
        core = nucleus(element)
        if core.tag == "mo":
            if core.text in OPEN or core.text in CLOSE:
                core.set("form", "prefix" if core.text in OPEN else "postfix")
            if core.text in BARS and "stretchy" not in core.attrib and core.text != "∣":
                core.set("stretchy", "false")
            if core.text == "…" and previous == following == "op":
                core.text = "⋯"
            if of in ("open", "close", "ord", "func"):
                core.attrib.update(lspace="0", rspace="0")
            elif core.text in BINARY and previous in ("", "open", "op", "punct", "func", "big"):
                core.attrib.update(form="prefix", lspace="0", rspace="0")
                of = "sign"
            elif of == "op":
                core.set("form", "infix")
            if core.text in SPACED:
                lspace, rspace = SPACED[core.text] if len(children) > 1 else ("0", "0")
                core.attrib.update(lspace=lspace, rspace=rspace)
        if of == "func":
            if last in ("ord", "close", "sign"):
                row.insert(list(row).index(element), Element("mspace", width=THIN))
            if following in ("ord", "func", "big"):
                row.insert(list(row).index(element) + 1, Element("mspace", width=THIN))
                last = previous = "func"
                continue
        last = of
        previous = previous if of == "space" else of


def trim(row: Element) -> None:
    """Take the space from an operator with which a formula begins or ends: what it relates to is in the text."""
    while len(row) == 1 and row[0].tag in ROWS:
        row = row[0]
    for place, side in ((0, "lspace"), (-1, "rspace")):
        if len(row) > 1 and kind(row[place]) in ("op", "punct"):
            nucleus(row[place]).set(side, "0")


def nucleus(element: Element) -> Element:
    """Return what the scripts of an element stand on."""
    while element.tag in SCRIPTS:
        element = element[0]
    return element


def tighten(script: Element) -> None:
    """Take the space from the operators of a script."""
    for element in script.iter("mo"):
        element.attrib.update(lspace="0", rspace="0")
