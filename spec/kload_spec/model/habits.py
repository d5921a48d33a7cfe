"""What to write instead of the words of k6, its operator, Locust, Artillery: fields that do not exist here.

Sentences only, by the model they would stand in; `faults` says when one is due. A misspelt field of ours is not found
here but by likeness.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from kload_spec.model.environment import EnvVar
from kload_spec.model.loadtest import Spec
from kload_spec.model.runners import Runners
from kload_spec.model.scenarios import Scenario, Stage
from kload_spec.model.steps import Option, Step
from kload_spec.model.target import Target

_CONTENT: Final = "write json: for a map, body: for text, form: for a form"
_SAVE: Final = "write save: {id: json.id}"
_SLEEP: Final = "write sleep: 1s, or sleep: 0.5s..2s"
_VERB: Final = "the verb is the field: write get: /path, post: /path"
_CODE: Final = "a step holds no code; spec.script brings Python"
_EXPECT: Final = "write expect: 200, or checks: {ok: status == 200}"
_TAGS: Final = "there are no groups; give the step a name, and tags: {group: login} if you want to select by it"
_WHILE: Final = "write repeat: {while: ..., max: 10, steps: [...]}"
_TIMES: Final = "write repeat: {times: 3, steps: [...]}"
_TARGET: Final = "write target: {baseURL: http://...}"
_RAMP: Final = "write executor: ramping-vus with stages: [{duration: 30s, target: 50}]"
_LOAD: Final = (
    "it belongs into a scenario: scenarios: {main: {executor: ..., duration: ..., steps: [...]}}"
)
_PARTS: Final = "write runners: {replicas: 4}"
_RULES: Final = "rules stand in spec.thresholds"
_TLS: Final = "write target: {tls: {insecureSkipVerify: true}}"
_COOKIES: Final = "each VU keeps the cookies it is given; to send one, write headers: {Cookie: a=b}"

_STEP: Final = {
    "check": "write checks: {ok: status == 200}",
    **dict.fromkeys(("data", "payload", "content"), _CONTENT),
    **dict.fromkeys(("capture", "extract", "extractors", "register"), _SAVE),
    **dict.fromkeys(("group", "transaction"), _TAGS),
    **dict.fromkeys(("batch", "parallel"), "requests of a VU are sent one after another"),
    "steps": "they stand in `then` of an `if`, or inside repeat, foreach and pick",
    **dict.fromkeys(("while", "until"), _WHILE),
    **dict.fromkeys(("loop", "times", "count", "for"), _TIMES),
    **{f"http.{verb}": f"write {verb}: /path" for verb in ("get", "post", "put", "patch", "head")},
    "http.del": "write delete: /path",
    **dict.fromkeys(("url", "method", "request", "http"), _VERB),
    "params": "write headers, timeout, tags and redirects on the step itself, query for the URL's parameters",
    **dict.fromkeys(("think", "wait", "wait_time", "pause", "delay", "thinkTime"), _SLEEP),
    **dict.fromkeys(("function", "exec", "script", "js", "python"), _CODE),
    **dict.fromkeys(("statusCode", "expectedStatus", "responseCallback"), _EXPECT),
    **dict.fromkeys(("threshold", "thresholds"), _RULES),
    **dict.fromkeys(("cookies", "jar"), _COOKIES),
    "auth": "write headers: {Authorization: Basic $(base64('user:' + env.PASSWORD))}",
    "weight": "weights belong to pick: [{weight: 3, steps: [...]}]",
}
_SCENARIO: Final = {
    **dict.fromkeys(("users", "user_count", "concurrency"), "write vus"),
    **dict.fromkeys(("spawnRate", "spawn_rate", "rampUp", "rampTo"), _RAMP),
    **dict.fromkeys(("runTime", "run_time", "holdFor"), "write duration"),
    "arrivalRate": "write executor: constant-arrival-rate with rate: 10",
    **dict.fromkeys(("tasks", "flow", "requests"), "write steps; weighted ones are a `pick` step"),
    **dict.fromkeys(
        ("waitTime", "wait_time", "thinkTime"), "the last step is the pause: sleep: 1s..5s"
    ),
    "function": "write exec, and the file under spec.script",
    **dict.fromkeys(("baseURL", "baseUrl", "host", "url", "target"), f"{_TARGET} under spec"),
    "thresholds": f"{_RULES}: http_req_duration{{scenario:NAME}}",
    "timeout": "write target: {timeout: 30s}, or a timeout on a step",
    "weight": "scenarios run side by side, each with its own vus; `pick` weighs steps",
    "minIterationDuration": "write pace",
}
_SPEC: Final = {
    **dict.fromkeys(
        (
            *("vus", "duration", "stages", "iterations", "executor", "rate", "steps", "exec"),
            *("users", "startVUs", "rampUp"),
        ),
        _LOAD,
    ),
    "rps": "write a scenario with executor: constant-arrival-rate and rate",
    "minIterationDuration": "write pace in the scenario",
    **dict.fromkeys(("parallelism", "replicas", "workers", "workerReplicas"), _PARTS),
    **dict.fromkeys(("arguments", "args"), "write env or params; -p and -e change them in a run"),
    "runner": f"the pods are described under runners: {_PARTS}",
    **dict.fromkeys(
        ("initializer", "starter", "master", "separate"),
        "there is none; runners describes the pods",
    ),
    "cleanup": "write ttlSecondsAfterFinished: 3600",
    **dict.fromkeys(("baseURL", "baseUrl", "url", "host", "hosts"), _TARGET),
    "headers": "write target: {headers: {...}}",
    **dict.fromkeys(("environment", "envVars"), "write env: [{name: API_KEY}]"),
    "options": "there is none; its parts are scenarios, thresholds and target",
    "checks": "checks belong to a step; rules over them stand in spec.thresholds",
    "tags": "write tags in a scenario or on a step",
    "insecureSkipTLSVerify": _TLS,
    "userAgent": "write target: {headers: {User-Agent: ...}}",
    "maxRedirects": "write target: {redirects: 4}",
    **dict.fromkeys(
        ("setupTimeout", "teardownTimeout"), "each request of a phase has its own timeout"
    ),
    "discardResponseBodies": "leave it away: a body that nothing reads is not parsed",
    "summaryTrendStats": "leave it away: the result document holds the whole distribution",
}
_TARGET_FIELDS: Final = {
    **dict.fromkeys(("url", "host", "address", "baseAddress", "base"), "write baseURL"),
    "insecureSkipTLSVerify": "write tls: {insecureSkipVerify: true}",
    "maxRedirects": "write redirects: 4",
    "userAgent": "write headers: {User-Agent: ...}",
    "auth": "write headers: {Authorization: Bearer $(env.TOKEN)}",
}

HABITS: Mapping[type[BaseModel], Mapping[str, str]] = MappingProxyType(
    {
        Step: _STEP,
        Option: {
            verb: f"write steps: [{{{verb}: ...}}]"
            for verb in ("get", "post", "put", "patch", "delete", "head", "call", "sleep")
        },
        Scenario: _SCENARIO,
        Stage: dict.fromkeys(("vus", "users", "rate", "to"), "write target"),
        Spec: _SPEC,
        Target: _TARGET_FIELDS,
        EnvVar: {
            ref: f"write valueFrom: {{{ref}: {{name: ..., key: ...}}}}"
            for ref in ("secretKeyRef", "configMapKeyRef")
        },
        Runners: dict.fromkeys(("parallelism", "count", "workers", "number"), "write replicas"),
    }
)


def foreign_field(model: type[BaseModel] | None, name: str) -> str | None:
    """Return what to write for a field of another tool."""
    return HABITS.get(model, {}).get(name) if model is not None else None
