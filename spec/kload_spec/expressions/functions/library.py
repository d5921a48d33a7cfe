"""The table of all functions of the language, by name; docs/expressions.md shows each with an example."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kload_spec.expressions.functions.conversions import CONVERSION_FUNCTIONS
from kload_spec.expressions.functions.encoding import ENCODING_FUNCTIONS
from kload_spec.expressions.functions.lists import LIST_FUNCTIONS
from kload_spec.expressions.functions.patterns import PATTERN_FUNCTIONS
from kload_spec.expressions.functions.signature import Function
from kload_spec.expressions.functions.sources import SOURCE_FUNCTIONS
from kload_spec.expressions.functions.texts import TEXT_FUNCTIONS

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        function.name: function
        for function in (
            *TEXT_FUNCTIONS,
            *LIST_FUNCTIONS,
            *CONVERSION_FUNCTIONS,
            *ENCODING_FUNCTIONS,
            *PATTERN_FUNCTIONS,
            *SOURCE_FUNCTIONS,
        )
    }
)

# Macros see the text of their arguments, not the values; the number is how many arguments follow the receiver.
MACROS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "all": (2,),
        "exists": (2,),
        "exists_one": (2,),
        "filter": (2,),
        "map": (2, 3),
    }
)
HAS: Final = "has"
