"""Split an expression into tokens: numbers, times, strings, names, operators.

Knows no grammar. What people bring along from JavaScript, shells and templates is recognised here and answered with
what to write instead. Used by `parser` alone, on a bare expression or from behind the ``$(`` of a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from kload_spec.expressions.errors import ExpressionError
from kload_spec.expressions.limits import MAX_EXPRESSION_CHARS, MAX_INT


class TokenKind(StrEnum):
    """The five sorts of tokens."""

    NUMBER = "number"
    STRING = "string"
    NAME = "name"
    OPERATOR = "operator"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text.

    Attributes:
        value: the number, the decoded string, the name or the operator.
        start: offset of its first character.
        end: offset behind its last one.
    """

    kind: TokenKind
    value: int | float | str
    start: int
    end: int


_MS_PER_UNIT: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<time>(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+)(?![A-Za-z0-9_.])
    | (?P<hex>0[xX][0-9a-fA-F]+)(?![A-Za-z0-9_])
    | (?P<float>(?:[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+))(?![A-Za-z0-9_])
    | (?P<int>[0-9]+)(?![A-Za-z0-9_])
    | (?P<raw>[rR](?:"[^"\n]*"|'[^'\n]*'))
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<wrong>===|!==|=>|\*\*|\+\+|\+=|-=|\?\?|\?\.|<>|//|\{\{|\$\(|\$\{|&(?!&)|\|(?!\|)|=(?!=)|[;`\#$@^~\\])
    | (?P<operator>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:()\[\]{},.])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)

_INSTEAD: Final = {
    "===": "equality is written ==; it never converts",
    "!==": "inequality is written !=; it never converts",
    "=>": "there are no arrow functions; macros name their variable: json.items.exists(i, i.price > 10), and 'at "
    "least' is >=",
    "**": "there is no power operator; multiply instead",
    "++": "nothing can be changed in an expression; write x + 1",
    "+=": "nothing can be changed in an expression; use a `set` step",
    "-=": "nothing can be changed in an expression; use a `set` step",
    "??": "there is no ??; write has(json.x) ? json.x : other",
    "?.": "there is no ?.; write has(json.x) && ..., which is false when any part of the path is missing",
    "<>": "inequality is written !=",
    "//": "there are no comments in expressions, and division is one /",
    "{{": "{{ }} is not interpolated; a text field takes $(...), a logic field the bare expression",
    "$(": "this is an expression already; write it without $( )",
    "${": "${ } is not interpolated; a text field takes $(...), a logic field the bare expression",
    "&": "'and' is written &&",
    "|": "'or' is written ||",
    "=": "equality is written ==; nothing can be assigned in an expression",
    ";": "a field holds one expression; use a list of steps for several",
    "`": "strings are quoted with ' or \"; join pieces with +, or use a text field with $( )",
    "#": "there are no comments in expressions",
    "$": "a name needs no $; in a text field an expression stands in $( )",
    "@": "@ means nothing here; a text needs quotes",
    "^": "there is no ^ operator",
    "~": "there is no ~ operator; regular expressions are text.matches('pattern')",
    "\\": "a backslash stands only in quoted strings",
}

_ESCAPE: Final = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))"
)
_SIMPLE_ESCAPES: Final = dict(zip("abfnrtv\\?\"'`", "\a\b\f\n\r\t\v\\?\"'`", strict=True))


def tokenize(text: str, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of `text` from `start` up to `end`, then END for ever.

    Lazy, so that a parser can stop at the ``)`` that ends an interpolation without looking at what follows it.

    Raises:
        ExpressionError: at a character that starts no token.
    """
    at = start
    while True:
        found = _TOKEN.match(text, at, end)
        if found is None:
            raise _unreadable(text, at, end)
        group = str(found.lastgroup)
        yield _token(group, found[group], text, found.start(group))
        at = found.end()


def _token(group: str, piece: str, text: str, start: int) -> Token:
    end = start + len(piece)
    match group:
        case "name":
            return Token(TokenKind.NAME, piece, start, end)
        case "operator":
            return Token(TokenKind.OPERATOR, piece, start, end)
        case "string":
            return Token(TokenKind.STRING, _decoded(piece, text, start), start, end)
        case "raw":
            return Token(TokenKind.STRING, piece[2:-1], start, end)
        case "wrong":
            raise ExpressionError(f"{piece!r}: {_INSTEAD[piece]}", text, start + 1)
        case "end":
            return Token(TokenKind.END, "", start, end)
        case _:
            return Token(TokenKind.NUMBER, _number(group, piece, text, start), start, end)


def _number(group: str, piece: str, text: str, start: int) -> int | float:
    value: int | float
    if group == "float":
        value = float(piece)
    elif group == "time":
        value = _milliseconds(piece)
    else:
        value = int(piece, 16 if group == "hex" else 10)
    # One more than the largest int is let through: the parser accepts it behind a minus sign only.
    if not value <= (MAX_INT + 1 if isinstance(value, int) else 1.7976931348623157e308):
        raise ExpressionError(f"{piece[:40]} is too large; a number has 64 bits", text, start + 1)
    return value


def _milliseconds(piece: str) -> int | float:
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", piece)
    # Decimal, because 2.3 * 1000 is 2299.9999999999995 in binary.
    total = sum(Decimal(amount) * _MS_PER_UNIT[unit] for amount, unit in parts)
    return int(total) if total == int(total) else float(total)


def _decoded(piece: str, text: str, start: int) -> str:
    def decode(found: re.Match[str]) -> str:
        short, long, byte, octal, simple = found.groups()
        if simple is not None:
            if simple not in _SIMPLE_ESCAPES:
                raise ExpressionError(
                    f"\\{simple} is no escape; write \\\\{simple}, or a raw string r'...'",
                    text,
                    start + 2 + found.start(),
                )
            return _SIMPLE_ESCAPES[simple]
        code = int(octal, 8) if octal is not None else int(short or long or byte, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ExpressionError(
                f"{found[0]} is no Unicode character", text, start + 2 + found.start()
            )
        return chr(code)

    return _ESCAPE.sub(decode, piece[1:-1])


def _unreadable(text: str, at: int, end: int) -> ExpressionError:
    while text[at] in " \t\r\n":
        at += 1
    char = text[at]
    if char in "\"'" and end < len(text):
        message = f"the expression has more than {MAX_EXPRESSION_CHARS} characters"
    elif char in "\"'":
        message = f"the string that starts here has no closing {char}"
    elif char in "0123456789.":
        piece = _word(text, at)
        message = f"{piece} is no number; times are written 500ms, 2s, 1.5m or 1h30m"
    else:
        message = f"{char!r} means nothing here; a text needs quotes"
    return ExpressionError(message, text, at + 1)


def _word(text: str, at: int) -> str:
    found = re.compile(r"[A-Za-z0-9_.]+").match(text, at)
    return found[0][:40] if found else text[at]
