"""Values that YAML would silently cut: an expression is full of characters that mean something else there.

Each trap is recognised by what is left of the text, and answered with "quote it or use block style".
"""

from __future__ import annotations

import re

REMEDY = "quote it or use block style"
_COMMENT = re.compile(r"[ \t]+#(?=\S)([^\n]*)")
_ANY_COMMENT = re.compile(r"[ \t]+#([^\n]*)")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def cut_by_comment(text: str, rest: str) -> str | None:
    """Return what is wrong with a plain text that ends before a ``#``; `rest` is what follows it.

    A comment after a value is fine; one without a blank after its ``#``, or one that leaves the text with an open
    quote or bracket, was meant to be part of it.
    """
    comment = _ANY_COMMENT.match(rest)
    if comment is None:
        return None
    if is_open(text) or _COMMENT.match(rest):
        cut = comment[0].strip()
        return f"the text {text!r} ends before {_short(cut)!r}, which YAML takes for a comment; {REMEDY}"
    return None


def cut_in_flow(text: str) -> str | None:
    """Return what is wrong with a plain text inside ``{}`` or ``[]``: a comma or bracket may have ended it."""
    if not is_open(text):
        return None
    return f"the text {_short(text)!r} was ended by a comma or bracket; {REMEDY}"


def is_open(text: str) -> bool:
    """Tell whether a text leaves a bracket or quote open (an apostrophe within a word is none)."""
    stack: list[str] = []
    quote = ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char == '"' or (char == "'" and not text[index - 1 : index].isalnum()):
            quote = char
        elif char in "([{":
            stack.append(char)
        elif char in _PAIRS and (not stack or stack.pop() != _PAIRS[char]):
            return True
    return bool(quote or stack)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."


# What PyYAML says, and what it means to somebody who wrote a manifest. The first that matches is taken.
_SYNTAX: tuple[tuple[str, str], ...] = (
    ("found undefined alias", "a value that begins with * is a reference in YAML; quote it"),
    ("while scanning a tag", "a value that begins with ! is a tag in YAML; quote it"),
    ("while parsing a tag", "a value that begins with ! is a tag in YAML; quote it"),
    ("while scanning an anchor", "a value that begins with & is an anchor in YAML; quote it"),
    ("while scanning an alias", "a value that begins with * is a reference in YAML; quote it"),
    (
        "mapping values are not allowed",
        f"a text with ': ' in it ends there; {REMEDY}; if this is a field, indent it like its neighbours",
    ),
    ("found character '\\t'", "the line is indented with a tab; use blanks"),
    ("cannot start any token", "a value cannot begin with this character (%, @ or `); quote it"),
    ("found unexpected end of stream", "a quote or bracket is never closed"),
    ("while scanning a quoted scalar", "a quoted text is not closed or has a wrong escape"),
    ("while scanning a double-quoted scalar", "a quoted text is not closed or has a wrong escape"),
    (
        "while scanning a simple key",
        "a line without ': ' stands where a key belongs; check the indentation",
    ),
    (
        "while parsing a flow mapping",
        f"a ': ' or comma ended a text inside {{}}; {REMEDY}",
    ),
    (
        "while parsing a flow sequence",
        f"a ': ' or comma ended a text inside []; {REMEDY}",
    ),
    (
        "while parsing a block mapping",
        "the indentation does not fit, or a text goes on after its closing quote",
    ),
    (
        "while parsing a block collection",
        "the indentation does not fit; entries of a list begin at one column",
    ),
    ("found duplicate anchor", "an anchor of this name exists already; use another"),
    ("special characters are not allowed", "the file holds a control character"),
    ("unacceptable character", "the file holds a control character"),
)


_NEGATION = re.compile(r"(?:^|[:,{\[-])\s+!(?!!)")


def syntax_sentence(context: str, problem: str, line: str) -> str:
    """Return our sentence for what the YAML parser says about a line."""
    if _NEGATION.search(line):  # what it stumbles over comes later; the reason is the !
        return "a value that begins with ! is a tag in YAML; quote it"
    said = f"{context}; {problem}"
    for words, sentence in _SYNTAX:
        if words in said:
            return sentence
    return "is no valid YAML; check indentation and quotes"
