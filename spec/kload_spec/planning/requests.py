"""Requests: a step's method, URL, headers, body and what is made of the answer, compiled.

Headers of the target are compiled for each request, because what they may read differs from place to place; their
faults are told once, at the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kload_spec.expressions import CompiledValue, Scope, Template
from kload_spec.metrics import SYSTEM_TAGS, MetricDefinition, MetricType
from kload_spec.model.entries import expected_ranges
from kload_spec.model.steps import Step
from kload_spec.model.target import HEADER_NAME
from kload_spec.paths import child
from kload_spec.planning.compilation import CONDITION, MAP, NUMBER, Compiler, Wanted
from kload_spec.planning.places import HEADERS_READ, SENT, Place
from kload_spec.planning.surroundings import Findings, Surroundings
from kload_spec.program import (
    Assignment,
    Body,
    Check,
    FormBody,
    JsonBody,
    MultipartBody,
    Record,
    RequestStep,
    StatusSet,
    TextBody,
)

# The client frames messages itself; what users write for these would contradict it.
_OURS = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"}
)
_NO_BASE = "is missing, and steps have paths that follow it; write it, or use --target (or the --patch that has it)"
# A rate: true is any number but 0, as in k6; a counter: true is 1.
_EITHER = Wanted(NUMBER.kinds | CONDITION.kinds, "true or false")
_TAGS_OF_OURS = SYSTEM_TAGS | {"run_uid", "loadtest", "runner", "threshold", "le", "quantile"}


class RequestCompiler:
    """Compiles the requests of one program."""

    def __init__(self, compiler: Compiler, shared: Surroundings, findings: Findings) -> None:
        self.compiler = compiler
        self.shared = shared
        self.findings = findings

    def request(self, step: Step, place: Place, path: str) -> RequestStep:
        """Return the compiled request."""
        shared, before, after = self.shared, place.scope(req=frozenset()), place.after_response()
        url = self._url(step, before, path)
        name = self.findings.name_step(step, f"{step.method} {step.url}", path, self.compiler)
        headers = tuple(self._headers(step, place.scope(req=HEADERS_READ), path))
        timeout_s = step.timeout or shared.timeout_s
        self.findings.slowest_s = max(self.findings.slowest_s, timeout_s)
        answered = after.scope(req=SENT)
        log = step.log_failure
        return RequestStep(
            path=path,
            name=name,
            method=step.method or "GET",
            url=url,
            query=self._optional_map(step.query, before, f"{path}.query", "a map of parameters"),
            headers=headers,
            headers_map=self._headers_map(step, place.scope(req=HEADERS_READ), path),
            body=self._body(step, before, path),
            expect=shared.expect
            if step.expect is None
            else StatusSet(expected_ranges(step.expect)),
            timeout_s=timeout_s,
            redirects=shared.redirects if step.redirects is None else step.redirects,
            tags=self.tags(step.tags or {}, f"{path}.tags"),
            checks=self.checks(step, after.scope(req=SENT, checks=False), path),
            record=self.records(step.record or {}, answered, f"{path}.record"),
            save=tuple(
                Assignment(
                    name,
                    self.compiler.expression(
                        text, after.scope(req=SENT), child(f"{path}.save", name)
                    ),
                )
                for name, text in sorted((step.save or {}).items())
            ),
            log_failure=None
            if log is None
            else self.compiler.template(log, answered, f"{path}.logFailure"),
        )

    def checks(self, step: Step, scope: Scope, path: str) -> tuple[Check, ...]:
        """Compile checks and asserts, by name: the order the API server keeps."""
        compiled = []
        for field, texts in (("checks", step.checks or {}), ("assert", step.assert_ or {})):
            for name, text in texts.items():
                where = child(f"{path}.{field}", name)
                if field == "assert" and name in (step.checks or {}):
                    self.compiler.problem(
                        where, f"{name!r} is also among the checks of this step; keep one"
                    )
                (self.findings.asserts if field == "assert" else self.findings.checks).setdefault(
                    name, where
                )
                compiled.append(
                    Check(name, self.compiler.condition(text, scope, where), field == "assert")
                )
        return tuple(sorted(compiled, key=lambda check: check.name))

    def records(self, texts: Mapping[str, str], scope: Scope, path: str) -> tuple[Record, ...]:
        """Compile what is recorded: a number, or true or false for rates and counters."""
        compiled = []
        for name, text in sorted(texts.items()):
            where = child(path, name)
            metric = self.shared.metrics.get(name)
            if metric is None or metric.builtin:
                self._no_metric(name, where, builtin=metric is not None)
                continue
            self.findings.recorded.add(name)
            compiled.append(
                Record(name, self.compiler.expression(text, scope, where, _sample_of(metric)))
            )
        return tuple(compiled)

    def _no_metric(self, name: str, path: str, *, builtin: bool) -> None:
        if builtin:
            self.compiler.problem(
                path, f"{name!r} is built in and records itself; declare a metric of your own"
            )
            return
        declared = [metric.name for metric in self.shared.metrics.values() if not metric.builtin]
        self.compiler.known(name, declared, path, "metric")

    def tags(self, tags: Mapping[str, str], path: str) -> tuple[tuple[str, str], ...]:
        """Check tags and return them sorted."""
        for name, value in tags.items():
            if name in _TAGS_OF_OURS:
                self.compiler.problem(
                    child(path, name), f"{name!r} is a tag that kload sets; use another name"
                )
            self.findings.tags.setdefault(name, set()).add(value)
        return tuple(sorted(tags.items()))

    def _url(self, step: Step, scope: Scope, path: str) -> Template:
        where = f"{path}.{(step.method or 'get').lower()}"
        known = len(self.compiler.problems)
        url = self.compiler.template(step.url, scope, where)
        if len(self.compiler.problems) > known:
            return url
        start = url.constant if isinstance(url.constant, str) else step.url
        relative = not start.startswith(("http://", "https://", "$("))
        if relative and "://" in start.split("$(", 1)[0]:
            self.compiler.problem(
                where, f"{step.url!r} is no http URL; write http://..., https://... or a path"
            )
        elif relative and not start.startswith("/"):
            self.compiler.problem(where, f"{step.url!r} is no path; write /{start.lstrip('./')}")
        elif relative and not self.shared.has_base:
            self.compiler.problem("spec.target.baseURL", _NO_BASE)
        return url

    def _headers(self, step: Step, scope: Scope, path: str) -> Iterator[tuple[str, Template]]:
        """Yield the step's own headers over the target's; an empty text takes one away."""
        own = step.headers if isinstance(step.headers, dict) else {}
        given = self._checked_names(own, f"{path}.headers")
        for name, text in sorted((self.shared.target.headers or {}).items()):
            if name.lower() not in given and text:
                yield name, self._header(text, scope, child("spec.target.headers", name))
        for name, text in sorted(own.items()):
            if text:
                yield name, self._header(text, scope, child(f"{path}.headers", name))

    def _header(self, text: str, scope: Scope, path: str) -> Template:
        template = self.compiler.template(text, scope, path)
        if isinstance(template.constant, str) and any(
            mark in template.constant for mark in "\r\n\0"
        ):
            self.compiler.problem(
                path, "holds a line break; a header is one line (a block `>-` has none at its end)"
            )
        return template

    def _checked_names(self, headers: Mapping[str, str], path: str) -> set[str]:
        seen: set[str] = set()
        for name in headers:
            where = child(path, name)
            if not HEADER_NAME.fullmatch(name):
                self.compiler.problem(
                    where, f"{name!r} is no header name; use letters, digits and -"
                )
            elif name.lower() in _OURS:
                self.compiler.problem(where, f"{name} is set by kload itself; leave it out")
            elif name.lower() in seen:
                self.compiler.problem(
                    where, f"{name} is there twice; case does not matter in header names"
                )
            seen.add(name.lower())
        return seen

    def _headers_map(self, step: Step, scope: Scope, path: str) -> CompiledValue | None:
        text = step.headers if isinstance(step.headers, str) else None
        return self._optional_map(text, scope, f"{path}.headers", "a map of headers")

    def _optional_map(
        self, value: object, scope: Scope, path: str, meant: str
    ) -> CompiledValue | None:
        return None if value is None else self.compiler.value(value, scope, path, MAP.named(meant))

    def _body(self, step: Step, scope: Scope, path: str) -> Body | None:
        if "json" in step.written:
            return JsonBody(self.compiler.value(step.json_, scope, f"{path}.json"))
        if step.form is not None:
            return FormBody(
                self.compiler.value(step.form, scope, f"{path}.form", MAP.named("a map of fields"))
            )
        if step.body is not None:
            return TextBody(self.compiler.template(step.body, scope, f"{path}.body"))
        if step.multipart is not None:
            fields = self.compiler.value(
                dict(step.multipart.fields), scope, f"{path}.multipart.fields"
            )
            return MultipartBody(fields, tuple(sorted(step.multipart.files.items())))
        return None


def _sample_of(metric: MetricDefinition) -> Wanted:
    """Return what can be recorded as a sample of a metric."""
    match metric.type:
        case MetricType.RATE:
            return _EITHER
        case MetricType.COUNTER:
            return _EITHER.named(f"a number, or true or false, for the counter {metric.name}")
        case MetricType.TREND | MetricType.GAUGE:
            return NUMBER.named(f"a number for the {metric.type} {metric.name}")
