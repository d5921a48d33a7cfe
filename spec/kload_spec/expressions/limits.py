"""The bounds of the language: what one text may be and what one evaluation may cost.

Every bound has the same reason: a manifest is read by operators and run beside other people's load, and no text in
it may hang, exhaust memory or exhaust the stack. docs/expressions.md lists them for users.
"""

from __future__ import annotations

from typing import Final

MAX_EXPRESSION_CHARS: Final = 4_096  # one expression; longer ones belong in a script
MAX_TEMPLATE_CHARS: Final = 1_048_576  # one text field; the API server stores objects up to 1.5 MiB
MAX_TEMPLATE_PARTS: Final = 1_000  # interpolations of one text field
MAX_NESTING: Final = 40  # parentheses, brackets and operators the parser descends into
MAX_DEPTH: Final = 64  # levels of the syntax tree, so that walking it fits the interpreter's stack
MAX_BLOCKS: Final = 15  # nested loops and handlers of generated code; CPython allows 20
MAX_INDENT: Final = 80  # levels of generated code; CPython allows 100
MAX_VALUE_DEPTH: Final = 64  # levels of a nested value, in a manifest and where values are compared

BUDGET: Final = 100_000  # operations of one evaluation, some 10 ms at worst
MAX_TEXT_CHARS: Final = 2_097_152  # a text that an expression makes
MAX_ITEMS: Final = 100_000  # a list that an expression makes
MAX_RANGE: Final = 10_000  # the list that range(n) makes
MAX_NODES: Final = 250_000  # values within a value that an expression makes, compares or encodes
MAX_PATTERN_CHARS: Final = 1_000  # a regular expression
PATTERN_MEMORY_BYTES: Final = 1_048_576  # RE2's own limit for one pattern; the default is 8 MiB

# Characters times the size of the compiled pattern. RE2 is linear, but a large pattern that leaves its fast path was
# measured at 6 ns a step: 0.3 s at worst.
MAX_MATCH_STEPS: Final = 50_000_000

MAX_INT: Final = 2**63 - 1  # CEL's int: 64 bits, signed
MIN_INT: Final = -(2**63)
