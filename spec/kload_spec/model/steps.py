"""Steps as they are written: one verb each, and what may stand beside it.

One flat model, because a structural schema knows no unions: which fields go together is a table here (`VERBS`),
checked again by CEL in the cluster. Steps inside steps are typed for us and for editors, open for the API server.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from kload_spec.model.entries import (
    Conditions,
    Expected,
    Formulas,
    Headers,
    Multipart,
    Saved,
    Tags,
    Values,
)
from kload_spec.model.scalars import (
    AnyValue,
    BodyText,
    Condition,
    Identifier,
    JsonValue,
    LooseText,
    OpenOf,
    Pause,
    PositiveDuration,
    Rounds,
    StaticName,
    Text,
    Whole,
    fault,
)
from kload_spec.model.verbs import ALL_VERBS, METHODS, VERBS, Verb, is_verb, verbs_of, words
from kload_spec.model.written import MAX_STEPS, Written, says

MAX_ROUNDS = 100_000  # of one loop in one iteration

_Nested = Annotated[tuple["Step", ...], Field(max_length=MAX_STEPS)]
_SomeNested = Annotated[tuple["Step", ...], Field(min_length=1, max_length=MAX_STEPS)]


class Option(Written):
    """One way of a `pick`."""

    weight: Annotated[
        Annotated[int, Whole(0, 1_000_000)],
        says(
            "the weight",
            "How often this way is taken, in proportion to the other weights; 0 is never.",
            10,
        ),
    ]
    name: Annotated[StaticName | None, says("a name", "For the reader.", "create checkout")] = None
    steps: Annotated[_SomeNested, says("steps", "What is done.")]


Options = Annotated[tuple[Option, ...], Field(min_length=1, max_length=32)]


class Repeat(Written):
    """Steps again and again."""

    times: Annotated[
        Rounds | None,
        says("the number of rounds", "How often; a number, or text such as $(row.count).", 3),
    ] = None
    while_: Annotated[
        Condition | None,
        says("a condition", "Tested before each round; false ends the loop.", "vars.cursor != ''"),
    ] = None
    until: Annotated[
        Condition | None,
        says("a condition", "Tested after each round; true ends the loop.", "json.state == 'done'"),
    ] = None
    max: Annotated[
        Annotated[int, Whole(1, MAX_ROUNDS)] | None,
        says(
            "the most rounds",
            "Rounds at most; reaching it is no error. Not needed beside a constant `times`.",
            10,
        ),
    ] = None
    index: Annotated[
        Identifier | None,
        says("the name of a variable", "Variable that counts the rounds from 0.", "round"),
    ] = None
    steps: Annotated[_SomeNested, says("steps", "What is done in a round.")]

    @model_validator(mode="after")
    def _bounded(self) -> Repeat:
        if self.times is None and self.while_ is None and self.until is None:
            raise fault("says neither `times` nor `while` nor `until`")
        constant = self.times if isinstance(self.times, int) else None
        if self.max is None and constant is None:
            raise fault("has no `max`: a loop whose end is not a constant needs one, e.g. max: 10")
        if constant is not None and not 0 <= constant <= MAX_ROUNDS:
            raise fault(f"times: {constant} is not between 0 and {MAX_ROUNDS}")
        return self


class Foreach(Written):
    """Steps once for each item of a list."""

    in_: Annotated[
        AnyValue,
        OpenOf(editor={"anyOf": [{"type": "array"}, {"type": "string"}]}),
        says("a list", "The items: a list, or text that gives one.", "$(vars.orders)"),
    ]
    as_: Annotated[
        Identifier,
        says(
            "the name of a variable",
            "Variable that holds the item; it ends with the loop.",
            "order",
        ),
    ]
    max: Annotated[
        Annotated[int, Whole(1, MAX_ROUNDS)] | None,
        says("the most items", "Items at most; the rest is left out. Default 1000.", 100),
    ] = None
    steps: Annotated[_SomeNested, says("steps", "What is done with an item.")]


_URL = "an URL or a path"


class Step(Written):
    """One action: exactly one verb, and what belongs to it."""

    name: Annotated[
        StaticName | None,
        says(
            "a name",
            "Tag `step` of everything this step measures; unique in its scenario, at most 50 of them."
            " Default: method and path.",
            "create-order",
        ),
    ] = None
    get: Annotated[
        Text | None,
        says(_URL, "Send a GET to this path below target.baseURL, or to this URL.", "/"),
    ] = None
    post: Annotated[Text | None, says(_URL, "Send a POST.", "/orders")] = None
    put: Annotated[Text | None, says(_URL, "Send a PUT.", "/orders/$(vars.id)")] = None
    patch: Annotated[Text | None, says(_URL, "Send a PATCH.", "/orders/$(vars.id)")] = None
    delete: Annotated[Text | None, says(_URL, "Send a DELETE.", "/orders/$(vars.id)")] = None
    head: Annotated[Text | None, says(_URL, "Send a HEAD.", "/")] = None
    options: Annotated[Text | None, says(_URL, "Send an OPTIONS.", "/")] = None
    query: Annotated[
        AnyValue | None,
        OpenOf(editor={"type": ["object", "string"]}),
        says(
            "a map of parameters",
            "Query parameters, encoded and appended to the path; a list repeats one.",
            {"page": 1},
        ),
    ] = None
    headers: Annotated[
        Headers | None,
        says(
            "a map of headers",
            "Headers of this request, over target.headers; an empty text takes one away."
            " Or one $( ) that gives the whole map.",
            {"Accept": "text/html"},
        ),
    ] = None
    json_: Annotated[
        JsonValue | None,
        says("a value", "Body, sent as JSON; texts in it may hold $( ).", {"total": 3000}),
    ] = None
    form: Annotated[
        AnyValue | None,
        OpenOf(editor={"type": ["object", "string"]}),
        says(
            "a map of fields",
            "Body, sent as application/x-www-form-urlencoded.",
            {"user": "$(row.user)"},
        ),
    ] = None
    body: Annotated[
        BodyText | None, says("text", "Body, sent as it is, UTF-8.", "$(env.WEBHOOK_PAYLOAD)")
    ] = None
    multipart: Annotated[
        Multipart | None,
        says("fields and files", "Body, sent as multipart/form-data.", {"fields": {"title": "a"}}),
    ] = None
    expect: Annotated[
        Expected | None,
        says(
            "a status, a range or a list of them",
            "Statuses that count as success (http_req_failed). Default: target.expect, else 200..399.",
            "200..399",
        ),
    ] = None
    timeout: Annotated[
        PositiveDuration | None,
        says("a duration", "For the whole request. Default: target.timeout.", "30s"),
    ] = None
    redirects: Annotated[
        Annotated[int, Whole(0, 100)] | None,
        says(
            "the most redirects",
            "Redirects followed; 0 takes the first answer. Default: target.redirects.",
            0,
        ),
    ] = None
    checks: Annotated[
        Conditions | None,
        says(
            "a map of conditions",
            "Named conditions about the answer; counted, but never fail a run by themselves.",
            {"created": "status == 201"},
        ),
    ] = None
    assert_: Annotated[
        Conditions | None,
        says(
            "a map of conditions",
            "Like checks, and each must always hold: the run fails if one does not, and is inconclusive if one was"
            " never reached.",
            {"stored once": "json.count == 1"},
        ),
    ] = None
    record: Annotated[
        Formulas | None,
        says(
            "a map of expressions",
            "One sample for each of these declared metrics. A counter takes true as 1, false as 0.",
            {"orders": "status == 201"},
        ),
    ] = None
    save: Annotated[
        Saved | None,
        says(
            "a map of expressions",
            "Variables kept for the rest of the iteration.",
            {"id": "json.id"},
        ),
    ] = None
    log_failure: Annotated[
        LooseText | None,
        says(
            "text",
            "Logged when a check does not hold or the answer is not an expected one.",
            "VU $(vu): $(status) $(truncate(body, 200))",
        ),
    ] = None
    tags: Annotated[
        Tags | None,
        says("a map of texts", "Tags of everything this step measures.", {"kind": "read"}),
    ] = None
    sleep: Annotated[
        Pause | None,
        says(
            "a duration or a range", "Pause; between two durations evenly at random.", "0.5s..2.5s"
        ),
    ] = None
    if_: Annotated[
        Condition | None,
        says("a condition", "Do `then` if it holds, else `else`.", "status == 200"),
    ] = None
    then: Annotated[_Nested | None, says("steps", "What is done if the condition holds.")] = None
    else_: Annotated[
        _Nested | None, says("steps", "What is done if the condition does not hold.")
    ] = None
    pick: Annotated[
        Options | None,
        says("a list of ways", "Do one of these, drawn by weight."),
    ] = None
    repeat: Annotated[Repeat | None, says("a loop", "Do steps again and again.", {"times": 3})] = (
        None
    )
    foreach: Annotated[Foreach | None, says("a loop", "Do steps once for each item of a list.")] = (
        None
    )
    set: Annotated[
        Values | None,
        says(
            "a map of values",
            "Give variables new values; texts may hold $( ).",
            {"id": "$(uuid())"},
        ),
    ] = None
    call: Annotated[
        StaticName | None, says("the name of a block", "Do the steps of a block.", "send-webhook")
    ] = None
    with_: Annotated[
        Values | None,
        says(
            "a map of values", "Variables that exist inside the called block.", {"id": "$(vars.id)"}
        ),
    ] = None
    log: Annotated[
        LooseText | None, says("text", "Write a line to the run's log.", "order $(vars.id)")
    ] = None
    fail: Annotated[
        Text | None, says("text", "End the iteration as failed, for this reason.", "no stock")
    ] = None
    abort: Annotated[
        Text | None,
        says(
            "text", "Stop the whole run, for this reason; its verdict is Cancelled.", "wrong target"
        ),
    ] = None

    @property
    def verb(self) -> Verb:
        """What the step does."""
        return verbs_of(self.written)[0]

    @property
    def method(self) -> str | None:
        """The HTTP method in upper case; None for what is no request."""
        written = self.written
        return next((method.upper() for method in METHODS if method in written), None)

    @property
    def url(self) -> str:
        """The URL or path of a request as written."""
        value = getattr(self, (self.method or "get").lower())
        return value or ""

    @model_validator(mode="after")
    def _one_verb(self) -> Step:
        written = self.written
        verbs = verbs_of(written)
        if not verbs:
            has = f"it has {words(written)} but no verb" if written else "it is empty"
            raise fault(f"does nothing: {has}; write one, e.g. get: /")
        found = [word for word in ALL_VERBS if word in written and is_verb(word, written)]
        if len(found) > 1:
            raise fault(f"has {words(found)}; a step does one thing, so make {len(found)} steps")
        allowed = VERBS[verbs[0]]
        strangers = sorted(written - allowed - {*found})
        if strangers:
            raise fault(f"has {words(strangers)}, which cannot stand beside `{found[0]}`")
        if verbs[0] is Verb.IF and self.then is None and self.else_ is None:
            raise fault("has `if` but neither `then` nor `else`")
        bodies = [name for name in ("json", "form", "body", "multipart") if name in written]
        if len(bodies) > 1:
            raise fault(f"has {words(bodies)}; a request has one body")
        return self


Steps = Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)]
SomeSteps = Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]

for _model in (Option, Repeat, Foreach, Step):
    _model.model_rebuild()  # they refer to each other
