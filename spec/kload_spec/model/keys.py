"""Keys of maps: what may name a scenario, a metric, a variable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from kload_spec.model.inlining import JsonSchema, fault, show
from kload_spec.model.written import IDENTIFIER, MAX_NAME, NAME, UNPRINTABLE


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of a map must look like: metadata of a dict type.

    Attributes:
        what: what a key names: ``a scenario``.
        pattern: all of a key; None allows any text.
        most: longest key, characters.
    """

    what: str
    pattern: str | None = NAME
    most: int = MAX_NAME

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        rendered = dict(handler(schema))
        rule = f"size(key) <= {self.most}"
        if self.pattern:
            rule += f' && key.matches(r"{self.pattern}")'
            rendered["propertyNames"] = {"pattern": self.pattern, "maxLength": self.most}
        rendered["x-kubernetes-validations"] = [
            {
                "rule": f"self.all(key, {rule})",
                "message": f"the name of {self.what} {self.sentence}",
            }
        ]
        return rendered

    @property
    def sentence(self) -> str:
        """What is asked of a key."""
        if self.pattern is None:
            return f"has at most {self.most} characters"
        first = "a letter or _ first, then " if self.pattern == IDENTIFIER else ""
        dash = "" if self.pattern == IDENTIFIER else " and -"
        return f"has {first}letters, digits, _{dash}, at most {self.most}"

    def _check(self, value: object) -> object:
        if isinstance(value, dict):
            for key in value:
                if not key.isprintable():
                    raise fault(f"{key!a} cannot name {self.what}: it holds {UNPRINTABLE}")
                if (
                    not key
                    or len(key) > self.most
                    or (self.pattern and not re.fullmatch(self.pattern, key))
                ):
                    raise fault(f"{show(key)} cannot name {self.what}: a name {self.sentence}")
        return value
