"""What can be said of kinds before values exist: which operators fit which kinds, and what comes out.

Pure tables and rules; a returned sentence is the fault, None means that it may work.
"""

from __future__ import annotations

from typing import Final

from kload_spec.expressions.scope import Kind

NUMERIC: Final = frozenset({Kind.INT, Kind.FLOAT, Kind.NUMBER})
CONTAINERS: Final = (Kind.LIST, Kind.MAP)
SCALAR: Final = frozenset({*NUMERIC, Kind.BOOL, Kind.STRING, Kind.NULL})
ORDER: Final = frozenset({"<", "<=", ">", ">="})
EQUALITY: Final = frozenset({"==", "!="})


def spoken(kind: Kind) -> str:
    """Return the word for a kind that messages use."""
    return "number" if kind in NUMERIC else kind.value


def _class_of(kind: Kind) -> Kind:
    return Kind.NUMBER if kind in NUMERIC else kind


def accepts(wanted: Kind, given: Kind) -> bool:
    """Tell whether a parameter may take an argument."""
    if Kind.ANY in (wanted, given):
        return True
    if wanted is Kind.INT:
        return given in (Kind.INT, Kind.NUMBER)
    return _class_of(wanted) is _class_of(given)


def infix_fault(operator: str, left: Kind, right: Kind) -> str | None:
    """Say why an operator can never work on two kinds."""
    if operator == "in":
        return _membership_fault(right)
    if operator in EQUALITY:
        return _equality_fault(left, right)
    if operator in ORDER:
        return _order_fault(operator, left, right)
    return _arithmetic_fault(operator, left, right)


def _membership_fault(right: Kind) -> str | None:
    if right is Kind.STRING:
        return "in looks into lists and maps; a piece of text is text.contains(piece)"
    if right in SCALAR:
        return f"in looks into lists and maps, not into a {spoken(right)}"
    return None


def _equality_fault(left: Kind, right: Kind) -> str | None:
    if Kind.ANY in (left, right) or _class_of(left) is _class_of(right):
        return None
    hint = ""
    if {_class_of(left), _class_of(right)} == {Kind.STRING, Kind.NUMBER}:
        hint = "; write a number without quotes, or convert with int(x), double(x) or string(x)"
    return f"a {spoken(left)} never equals a {spoken(right)}{hint}"


def _order_fault(operator: str, left: Kind, right: Kind) -> str | None:
    for kind in (left, right):
        if kind is not Kind.ANY and kind is not Kind.STRING and kind not in NUMERIC:
            return f"{operator} compares numbers or strings, not a {spoken(kind)}"
    if Kind.ANY in (left, right) or _class_of(left) is _class_of(right):
        return None
    return "a number and a string cannot be compared; write times and numbers without quotes"


def _arithmetic_fault(operator: str, left: Kind, right: Kind) -> str | None:
    fitting = {Kind.ANY, *NUMERIC}
    if operator == "+":
        fitting |= {Kind.STRING, Kind.LIST}
    if operator == "%":
        fitting -= {Kind.FLOAT}
    for kind in (left, right):
        if kind not in fitting:
            what = "a fraction; int(x) cuts it off" if kind is Kind.FLOAT else f"a {spoken(kind)}"
            return f"{operator} does not work on {what}"
    if Kind.ANY in (left, right) or _class_of(left) is _class_of(right):
        return None
    hint = "; string(x) converts" if Kind.STRING in (left, right) else ""
    return f"a {spoken(left)} and a {spoken(right)} cannot be added{hint}"


def infix_result(operator: str, left: Kind, right: Kind) -> Kind:
    """Return the kind an operator gives."""
    if operator == "in" or operator in EQUALITY or operator in ORDER:
        return Kind.BOOL
    if operator == "%":
        return Kind.INT
    for kind in (Kind.STRING, Kind.LIST, Kind.FLOAT):
        if kind in (left, right):
            return kind
    if left is right is Kind.INT:
        return Kind.INT
    if operator == "+" and left is right is Kind.ANY:
        return Kind.ANY
    return Kind.NUMBER


def joined(left: Kind, right: Kind) -> Kind:
    """Return what is known of a value that is one of two."""
    if left is right:
        return left
    return Kind.NUMBER if left in NUMERIC and right in NUMERIC else Kind.ANY
