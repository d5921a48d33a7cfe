"""Cross-field rules in CEL, so that `kubectl apply` refuses what cannot be meant: one list per model.

The same rules as the models' own (a test holds them together); kload's messages are better, these come earlier. Fields
without a type (`json`, `headers`, `expect`, `enabled`) cannot be seen by CEL and are left to kload.

Source: https://kubernetes.io/docs/reference/using-api/cel/ (escaping of reserved words, cost limits)
"""

from __future__ import annotations

from kload_spec.model.loadtest import MAX_LOADTEST_NAME
from kload_spec.model.scenarios import LOAD_OPTIONS, OPTIONS
from kload_spec.model.verbs import METHODS, SIMPLE_VERBS, VERBS, Verb

Rule = dict[str, str]

# Words that CEL reserves are escaped when they name a field.
_RESERVED = frozenset(
    {
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
    }
    | {"let", "loop", "package", "namespace", "return"}
)
_UNSEEN = frozenset({"json", "headers", "query", "form", "expect"})  # fields without a type


def rules_of(model: str) -> list[Rule]:
    """Return the rules of a model, by its name."""
    match model:
        case "LoadTest":
            return [
                _rule(
                    f"size(self.metadata.name) <= {MAX_LOADTEST_NAME}",
                    f"names of LoadTests have at most {MAX_LOADTEST_NAME} characters: names of Jobs are made from them",
                )
            ]
        case "Scenario":
            return _scenario_rules()
        case "Step":
            return _step_rules()
        case _:
            return [_rule(rule, message) for rule, message in _OTHERS.get(model, ())]


_OTHERS: dict[str, tuple[tuple[str, str], ...]] = {
    "EnvVar": (("!(has(self.value) && has(self.valueFrom))", "keep one of value and valueFrom"),),
    "ValueFrom": (
        (
            "has(self.secretKeyRef) != has(self.configMapKeyRef)",
            "needs one source: secretKeyRef or configMapKeyRef",
        ),
    ),
    "Pem": (("has(self.env) != has(self.file)", "needs one source: env or file"),),
    "Tls": (("has(self.cert) == has(self.key)", "a client certificate needs both cert and key"),),
    "DataFeed": (
        ("has(self.file) != has(self.rows)", "needs one source: file or rows"),
        (
            "!(has(self.order) && self.order == 'unique' && has(self.onExhausted) && self.onExhausted == 'recycle')",
            "unique rows cannot be recycled; use onExhausted stop or fail",
        ),
    ),
    "Script": (("!(has(self.files) && has(self.image))", "keep one of files and image"),),
    "Metric": (
        (
            "!has(self.per) || self.type == 'counter'",
            "per belongs to counters; others have no rate per time",
        ),
    ),
    "Repeat": (
        (
            "has(self.times) || has(self.while) || has(self.until)",
            "say how often: times, while or until",
        ),
        (
            "has(self.max) || (has(self.times) && type(self.times) == int)",
            "a loop whose end is not a constant needs max, e.g. max: 10",
        ),
    ),
}


def _scenario_rules() -> list[Rule]:
    rules = [
        _rule(
            "has(self.steps) != has(self.exec)",
            "give either steps or exec (a function of the script)",
        ),
        _rule(
            "!has(self.preAllocatedVUs) || !has(self.maxVUs) || type(self.preAllocatedVUs) != int || "
            "type(self.maxVUs) != int || int(self.preAllocatedVUs) <= int(self.maxVUs)",
            "preAllocatedVUs is above maxVUs",
        ),
    ]
    for executor, options in OPTIONS.items():
        for name in options.required:
            rules.append(
                _rule(
                    f"self.executor != '{executor}' || has(self.{name})", f"{executor} needs {name}"
                )
            )
    for name in LOAD_OPTIONS:
        owners = [executor.value for executor, options in OPTIONS.items() if name in options.all]
        listed = ", ".join(f"'{owner}'" for owner in owners)
        rules.append(
            _rule(
                f"!has(self.{name}) || self.executor in [{listed}]",
                f"{name} is an option of {', '.join(owners)}",
            )
        )
    return rules


def _step_rules() -> list[Rule]:
    """One verb; what stands beside it belongs to it."""
    verbs = (*METHODS, *SIMPLE_VERBS)
    count = " + ".join(f"({_has(verb)} ? 1 : 0)" for verb in verbs)
    any_verb = " || ".join(_has(verb) for verb in verbs)
    request = " || ".join(_has(method) for method in METHODS)
    rules = [
        _rule(
            f"({count}) <= 1",
            "a step does one thing: keep one verb and make the others steps of their own",
        ),
        _rule(
            f"{any_verb} || has(self.checks) || has(self.assert) || has(self.record)",
            "the step does nothing: give it a verb, e.g. get: /",
        ),
        _rule(f"!{_has('if')} || has(self.then) || {_has('else')}", "if needs then or else"),
    ]
    for field in ("body", "multipart", "timeout", "redirects", "save", "logFailure", "tags"):
        rules.append(_rule(f"!has(self.{field}) || {request}", f"{field} belongs to a request"))
    measured = f"{request} || !({any_verb})"
    for field in ("checks", "assert", "record"):
        rules.append(
            _rule(f"!has(self.{field}) || {measured}", f"{field} cannot stand beside this verb")
        )
    for verb in (Verb.IF, Verb.CALL):
        for field in sorted(VERBS[verb] - {"name"} - _UNSEEN):
            rules.append(
                _rule(f"!{_has(field)} || {_has(verb)}", f"{field} belongs to {verb.value}")
            )
    return rules


def _has(field: str) -> str:
    return f"has(self.__{field}__)" if field in _RESERVED else f"has(self.{field})"


def _rule(rule: str, message: str) -> Rule:
    return {"rule": rule, "message": message}
