"""Functions that draw at random or read the clock. Both sources belong to the runner: seeded, and read once a request.

Their first argument is the `State`.
"""

from __future__ import annotations

from typing import Final

from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.arguments import as_list, as_number, as_whole
from kload_spec.expressions.functions.signature import Function, Source, items, number, whole
from kload_spec.expressions.limits import MAX_INT, MIN_INT
from kload_spec.expressions.scope import Kind, State, Value

# RFC 9562, section 5.4: version 4 in the high bits of octet 6, variant 10 in those of octet 8.
_UUID_KEEP: Final = ~((0xF << 76) | (0x3 << 62))
_UUID_SET: Final = (0x4 << 76) | (0x2 << 62)


def _uuid(state: State) -> str:
    digits = f"{state.rng.getrandbits(128) & _UUID_KEEP | _UUID_SET:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _rand_int(state: State, low: Value, high: Value) -> int:
    first, last = as_whole(low, "randInt"), as_whole(high, "randInt")
    if first > last:
        raise EvaluationError("randInt needs a lower and an upper bound, in this order")
    if not MIN_INT <= first <= last <= MAX_INT:
        raise EvaluationError("integer overflow")
    return first + _below(state, last - first + 1)


def _below(state: State, count: int) -> int:
    # By rejection: `random() * count` cannot reach every value of a range wider than 2**53.
    bits = count.bit_length()
    drawn = state.rng.getrandbits(bits)
    while drawn >= count:
        drawn = state.rng.getrandbits(bits)
    return drawn


def _uniform(state: State, low: Value, high: Value) -> float:
    first, last = as_number(low, "uniform"), as_number(high, "uniform")
    if first > last:
        raise EvaluationError("uniform needs a lower and an upper bound, in this order")
    share = state.rng.random()
    # As a weighted mean, because `last - first` may overflow.
    return first * (1.0 - share) + last * share


def _pick(state: State, choices: Value) -> Value:
    source = as_list(choices, "pick")
    if not source:
        raise EvaluationError("pick of an empty list")
    return source[_below(state, len(source))]


def _now_ms(state: State) -> int:
    return state.now_ms()


def _unix_seconds(state: State) -> int:
    return state.now_ms() // 1000


SOURCE_FUNCTIONS: Final = (
    Function("uuid", (), Kind.STRING, _uuid, source=Source.RANDOM, linear=False, method=False),
    Function(
        "randInt",
        (whole("low"), whole("high")),
        Kind.INT,
        _rand_int,
        source=Source.RANDOM,
        linear=False,
        method=False,
    ),
    Function(
        "uniform",
        (number("low"), number("high")),
        Kind.FLOAT,
        _uniform,
        source=Source.RANDOM,
        linear=False,
        method=False,
    ),
    Function("pick", (items(),), Kind.ANY, _pick, source=Source.RANDOM, linear=False),
    Function("nowMs", (), Kind.INT, _now_ms, source=Source.CLOCK, linear=False, method=False),
    Function(
        "unixSeconds", (), Kind.INT, _unix_seconds, source=Source.CLOCK, linear=False, method=False
    ),
)
