"""Parse the text of an expression to its tree.

The grammar, loosest first (the whole of it is in docs/expressions.md):

    expression  = or ["?" or ":" expression]
    or          = and {"||" and}
    and         = relation {"&&" relation}
    relation    = sum [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") sum]
    sum         = product {("+" | "-") product}
    product     = unary {("*" | "/" | "%") unary}
    unary       = {"!" | "-"} postfix
    postfix     = primary {"." NAME ["(" arguments ")"] | "[" expression "]"}
    primary     = literal | NAME ["(" arguments ")"] | "(" expression ")" | list | map

Knows neither names nor types: that is `resolver`. Depth is bounded while parsing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NoReturn

from kload_spec.expressions.errors import ExpressionError
from kload_spec.expressions.limits import MAX_DEPTH, MAX_EXPRESSION_CHARS, MAX_INT, MAX_NESTING
from kload_spec.expressions.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Member,
    Name,
    Syntax,
    Unary,
    depth,
)
from kload_spec.expressions.tokens import Token, TokenKind, tokenize

_PATTERN: Final = "; a pattern is a quoted text: body.matches('abc')"
_RELATIONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_WORDS: Final = {
    "and": "'and' is written &&",
    "or": "'or' is written ||",
    "not": "'not' is written !: !json.ok",
    "is": "equality is written ==",
    "if": "a condition is written  condition ? value : other",
    "new": "nothing can be created with `new`; there are list [a, b] and map {'a': b} literals",
    "typeof": "there is no typeof; compare with a value, or use has(json.x)",
    "function": "functions cannot be defined; use blocks and steps, or a Python script",
    "return": "a field is one expression; write it without return",
    "let": "variables are set by `set` steps: vars.x",
    "const": "variables are set by `set` steps: vars.x",
    "var": "variables are set by `set` steps: vars.x",
}


def parse(text: str) -> Syntax:
    """Parse a bare expression, all of `text`.

    Raises:
        ExpressionError: it is empty, too long, too deep or not in the grammar.
    """
    if len(text) > MAX_EXPRESSION_CHARS:
        raise ExpressionError(
            f"the expression has {len(text)} characters; {MAX_EXPRESSION_CHARS} is the limit", text
        )
    parser = _Parser(text, 0, len(text))
    tree = parser.whole()
    if parser.token.kind is not TokenKind.END:
        parser.unexpected("an operator")
    return tree


def parse_interpolation(text: str, start: int) -> tuple[Syntax, int]:
    """Parse the expression that starts behind ``$(``; return it and the offset behind its ``)``.

    Raises:
        ExpressionError: as `parse`, or the ``)`` is missing.
    """
    end = min(len(text), start + MAX_EXPRESSION_CHARS + 1)
    parser = _Parser(text, start, end)
    tree = parser.whole()
    if parser.token.kind is TokenKind.END:
        message = (
            "$( has no closing ); write $$( for a literal $("
            if end == len(text)
            else f"the expression has more than {MAX_EXPRESSION_CHARS} characters"
        )
        raise ExpressionError(message, text, start - 1)
    if not parser.sees(")"):
        parser.unexpected("an operator or )")
    return tree, parser.token.end


class _Parser:
    """One token of lookahead over a lazy stream of tokens."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._tokens: Iterator[Token] = tokenize(text, start, end)
        self._nesting = 0
        self.token = next(self._tokens)

    def whole(self) -> Syntax:
        if self.token.kind is TokenKind.END or self.sees(")"):
            self._fail("the expression is empty; write for example status == 200")
        tree = self._expression()
        if depth(tree) > MAX_DEPTH:
            raise ExpressionError(
                f"the expression nests deeper than {MAX_DEPTH} levels; split it into `set` steps",
                self._text,
            )
        return tree

    def unexpected(self, wanted: str) -> NoReturn:
        token = self.token
        if token.kind is TokenKind.NAME and token.value in _WORDS:
            self._fail(_WORDS[str(token.value)])
        if token.kind is TokenKind.END:
            self._fail(f"the expression ends where {wanted} should follow")
        piece = self._text[token.start : token.end]
        if self.sees(*_RELATIONS):
            self._fail(f"{piece} cannot follow a comparison; write a < b && b < c")
        hint = _PATTERN if piece == "/" else ""
        self._fail(f"{piece[:40]} stands where {wanted} should follow{hint}")

    def _fail(self, message: str) -> NoReturn:
        raise ExpressionError(message, self._text, self.token.start + 1)

    def _advance(self) -> Token:
        token = self.token
        self.token = next(self._tokens)
        return token

    def sees(self, *values: str) -> bool:
        """Tell whether an operator comes next; a string may look like one."""
        kind = self.token.kind
        return (
            kind is TokenKind.OPERATOR or (kind is TokenKind.NAME and self.token.value == "in")
        ) and self.token.value in values

    def _expect(self, value: str) -> None:
        if not self.sees(value):
            self.unexpected(repr(value))
        self._advance()

    def _expression(self) -> Syntax:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self._fail(f"the expression nests deeper than {MAX_NESTING} levels")
        condition = self._logic("||")
        if self.sees("?"):
            at = self._advance().start
            then = self._logic("||")
            self._expect(":")
            condition = Conditional(at, condition, then, self._expression())
        self._nesting -= 1
        return condition

    def _logic(self, operator: str) -> Syntax:
        def term() -> Syntax:
            return self._logic("&&") if operator == "||" else self._relation()

        first = term()
        if not self.sees(operator):
            return first
        at = self.token.start
        terms = [first]
        while self.sees(operator):
            self._advance()
            terms.append(term())
        return Logic(at, operator, tuple(terms))

    def _relation(self) -> Syntax:
        left = self._sum()
        if not self.sees(*_RELATIONS):
            return left
        token = self._advance()
        return Binary(token.start, str(token.value), left, self._sum())

    def _sum(self) -> Syntax:
        left = self._product()
        while self.sees("+", "-"):
            token = self._advance()
            left = Binary(token.start, str(token.value), left, self._product())
        return left

    def _product(self) -> Syntax:
        left = self._unary()
        while self.sees("*", "/", "%"):
            token = self._advance()
            left = Binary(token.start, str(token.value), left, self._unary())
        return left

    def _unary(self) -> Syntax:
        signs: list[Token] = []
        while self.sees("!", "-"):
            signs.append(self._advance())
        if signs and signs[-1].value == "-" and self.token.kind is TokenKind.NUMBER:
            sign = signs.pop()
            number = self._advance()
            tree = self._postfix(Literal(sign.start, -number.value))  # type: ignore[operator] # a NUMBER holds one
        else:
            tree = self._postfix(self._primary())
        for sign in reversed(signs):
            tree = Unary(sign.start, str(sign.value), tree)
        return tree

    def _postfix(self, tree: Syntax) -> Syntax:
        while True:
            if self.sees("."):
                self._advance()
                if self.token.kind is not TokenKind.NAME:
                    self.unexpected("the name of a member")
                name = self._advance()
                if self.sees("("):
                    tree = Call(name.start, str(name.value), tree, self._arguments())
                else:
                    tree = Member(name.start, tree, str(name.value))
            elif self.sees("["):
                at = self._advance().start
                key = self._expression()
                self._expect("]")
                tree = Index(at, tree, key)
            else:
                return tree

    def _primary(self) -> Syntax:
        token = self.token
        match token.kind:
            case TokenKind.NUMBER:
                if token.value == MAX_INT + 1 and isinstance(token.value, int):
                    self._fail(f"{token.value} is too large; a number has 64 bits")
                return Literal(token.start, self._advance().value)
            case TokenKind.STRING:
                return Literal(token.start, self._advance().value)
            case TokenKind.NAME if token.value != "in":
                return self._named()
        if self.sees("("):
            self._advance()
            tree = self._expression()
            self._expect(")")
            return tree
        if self.sees("["):
            return ListOf(token.start, self._items("[", "]"))
        if self.sees("{"):
            return self._map()
        self.unexpected("a value")

    def _named(self) -> Syntax:
        token = self._advance()
        name = str(token.value)
        if name in _CONSTANTS:
            return Literal(token.start, _CONSTANTS[name])
        if self.sees("("):
            return Call(token.start, name, None, self._arguments())
        if name in _WORDS and self.token.kind in (
            TokenKind.NAME,
            TokenKind.NUMBER,
            TokenKind.STRING,
        ):
            raise ExpressionError(_WORDS[name], self._text, token.start + 1)
        return Name(token.start, name)

    def _arguments(self) -> tuple[Syntax, ...]:
        return self._items("(", ")")

    def _items(self, opening: str, closing: str) -> tuple[Syntax, ...]:
        self._expect(opening)
        items: list[Syntax] = []
        while not self.sees(closing):
            items.append(self._expression())
            if not self.sees(closing):
                self._expect(",")
        self._advance()
        return tuple(items)

    def _map(self) -> Syntax:
        at = self.token.start
        self._expect("{")
        entries: list[tuple[Syntax, Syntax]] = []
        while not self.sees("}"):
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if not self.sees("}"):
                self._expect(",")
        self._advance()
        return MapOf(at, tuple(entries))
