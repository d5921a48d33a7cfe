"""Verbs of steps: the one thing a step does, and which fields may stand beside it.

A table, walked by the model, by the CRD's rules and by the planner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


class Verb(StrEnum):
    """What a step does; the value is the field that says so."""

    REQUEST = "request"
    SLEEP = "sleep"
    IF = "if"
    PICK = "pick"
    REPEAT = "repeat"
    FOREACH = "foreach"
    SET = "set"
    CALL = "call"
    LOG = "log"
    FAIL = "fail"
    ABORT = "abort"
    RECORD = "record"  # only where no other verb is
    CHECK = "checks"  # only where no other verb is


_REQUEST = frozenset(
    {
        "name",
        "query",
        "headers",
        "json",
        "form",
        "body",
        "multipart",
        "expect",
        "timeout",
        "redirects",
        "checks",
    }
    | {"assert", "record", "save", "logFailure", "tags"}
)
VERBS: Mapping[Verb, frozenset[str]] = MappingProxyType(
    {
        Verb.REQUEST: _REQUEST,
        Verb.SLEEP: frozenset({"name"}),
        Verb.IF: frozenset({"name", "then", "else"}),
        Verb.PICK: frozenset({"name"}),
        Verb.REPEAT: frozenset({"name"}),
        Verb.FOREACH: frozenset({"name"}),
        Verb.SET: frozenset({"name"}),
        Verb.CALL: frozenset({"name", "with"}),
        Verb.LOG: frozenset({"name"}),
        Verb.FAIL: frozenset({"name"}),
        Verb.ABORT: frozenset({"name"}),
        Verb.RECORD: frozenset({"name"}),
        Verb.CHECK: frozenset({"name", "checks", "assert", "record"}),
    }
)
SIMPLE_VERBS = ("sleep", "if", "pick", "repeat", "foreach", "set", "call", "log", "fail", "abort")
ALL_VERBS = (*METHODS, *SIMPLE_VERBS, "record", "checks", "assert")


def is_verb(word: str, written: frozenset[str]) -> bool:
    """Tell whether a field is the step's verb: `record`, `checks` and `assert` are only where nothing else is."""
    if word in (*METHODS, *SIMPLE_VERBS):
        return True
    if any(other in written for other in (*METHODS, *SIMPLE_VERBS)):
        return False
    return (
        word == "checks"
        or (word == "assert" and "checks" not in written)
        or (word == "record" and not {"checks", "assert"} & written)
    )


def verbs_of(written: frozenset[str]) -> list[Verb]:
    """Return the verbs of a step with these fields; a right step has one."""
    verbs = [Verb.REQUEST for method in METHODS if method in written]
    verbs += [Verb(word) for word in SIMPLE_VERBS if word in written]
    if not verbs and {"checks", "assert"} & written:
        return [Verb.CHECK]
    if not verbs and "record" in written:
        return [Verb.RECORD]
    return verbs


def words(names: Collection[str]) -> str:
    """Return names as a message lists them."""
    return ", ".join(f"`{name}`" for name in sorted(names))
