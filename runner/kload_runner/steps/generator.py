"""A program becomes one coroutine: Python source is generated and compiled once per scenario.

Interpreting steps would cost more per request than sending it; generated code costs what hand-written code would. This
module writes what sends and judges, `flow` what branches and loops; `runtime` is what they call. An iteration of one
POST with two checks becomes (names are bound objects, see `source`):

    async def iteration(s):
        vars = s.vars
        exchange = s.client.exchange
        # create
        s.at = 'spec.scenarios.buy.steps[0]'
        content = body1(s)
        s.response = response = await exchange(request2, content)
        s.status = status = response.status
        expected = expected3[status]
        record4(response, expected, None)
        if not status and response.error == LOCAL:
            raise GeneratorExhausted
        held = True
        try:
            passed = check5(s)
        except EvaluationError as fault:
            ...

Rules of order: body, head, exchange, checks, record, save; the entries of one map all read the state before it.
tests: test_generator.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kload_runner.steps import flow
from kload_runner.steps.instruments import Instruments, Saved, StepInstruments
from kload_runner.steps.reads import step_names
from kload_runner.steps.rendering import Preparation, bind_request
from kload_runner.steps.runtime import GLOBALS
from kload_runner.steps.source import Source
from kload_runner.steps.state import State
from kload_spec.expressions import Kind
from kload_spec.program import (
    Assignment,
    Check,
    CheckStep,
    Record,
    RecordStep,
    RequestStep,
    SetStep,
    StatusSet,
    Step,
    StepProgram,
)

Run = Callable[[State], Awaitable[None]]

STATUSES = 1000  # status codes have three digits


@dataclass(frozen=True, slots=True)
class Binding:
    """What the steps of one scenario are bound to.

    Attributes:
        now, sleep_until: of the clock; seconds.
        arrivals: iterations have an intended start that the first request is measured from.
    """

    preparation: Preparation
    instruments: Instruments
    now: Callable[[], float]
    sleep_until: Callable[[float], Awaitable[None]]
    arrivals: bool = False


@dataclass(frozen=True, slots=True)
class CompiledProgram:
    """A scenario's coroutines.

    Attributes:
        iteration: one pass through the steps.
        start: the steps before a VU's first iteration; None without any.
        source: the generated text, for the curious and for tests.
    """

    iteration: Run
    start: Run | None
    source: str


def compile_program(program: StepProgram, binding: Binding) -> CompiledProgram:
    """Generate and compile the coroutines of a program.

    Raises:
        InvalidSpec: something that is known before the run cannot be sent.
    """
    generator = Generator(binding)
    generator.function("iteration", program.steps)
    if program.start:
        generator.function("start", program.start)
    names = ("iteration", "start") if program.start else ("iteration",)
    functions: list[Any] = generator.source.functions(*names)
    return CompiledProgram(
        functions[0], functions[1] if program.start else None, str(generator.source)
    )


class Generator:
    """Writes steps into a source; for `flow` it writes the steps inside steps."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.source = Source(
            {
                **GLOBALS,
                "log": binding.instruments.log,
                "now": binding.now,
                "sleep_until": binding.sleep_until,
            }
        )

    def function(self, name: str, steps: tuple[Step, ...]) -> None:
        """Write a coroutine function of the state."""
        with self.source.block(f"async def {name}(s):"):
            self.source.line("vars = s.vars")
            self.source.line("exchange = s.client.exchange")
            self.steps(steps)
        self.source.line("")

    def steps(self, steps: tuple[Step, ...]) -> None:
        """Write a list of steps at the present place."""
        for step in steps:
            self.source.line(f"s.at = {step.path!r}")
            if "clock" in step_names(step):
                self.source.line("s.clock_ms = 0")
            self._step(step)

    def _step(self, step: Step) -> None:
        match step:
            case RequestStep():
                self._request(step)
            case CheckStep():
                told = self.binding.instruments.step(step.name)
                self._checks(told, step.checks)
                self._record(told, step.record)
            case RecordStep():
                self._record(self.binding.instruments.step(step.name), step.record)
            case SetStep():
                self.assign(step.values)
            case _:
                flow.write(self, step)

    # -- requests ------------------------------------------------------------------------------------------------

    def _request(self, step: RequestStep) -> None:
        source = self.source
        bound = bind_request(step, self.binding.preparation)
        content = source.bind(bound.content, "content")
        if bound.render_body is not None:
            source.line(f"content = {source.bind(bound.render_body, 'body')}(s)")
            content = "content"
        if bound.request is not None:
            request = source.bind(bound.request, "request")
        else:
            request = f"{source.bind(bound.render, 'request')}(s, {content})"
        source.line(f"s.response = response = await exchange({request}, {content})")
        source.line("s.status = status = response.status")
        source.line(f"expected = {source.bind(expectation(step.expect), 'expected')}[status]")
        told = self.binding.instruments.step(step.name, step.tags)
        record = source.bind(told.request(step.method, step.expect), "record")
        if self.binding.arrivals:
            source.line(f"{record}(response, expected, s.intended)")
            source.line("s.intended = None")
        else:
            source.line(f"{record}(response, expected, None)")
        with source.block("if not status and response.error == LOCAL:"):
            source.line("raise GeneratorExhausted")
        self._checks(told, step.checks)
        self._record(told, step.record)
        if step.log_failure is not None:
            message = source.bind(step.log_failure.evaluate, "text")
            with source.block(f"if not expected{' or not held' if step.checks else ''}:"):
                source.line(f"log(text_of({message}(s)))")
        self.assign(step.save, told.saved())

    # -- judging -------------------------------------------------------------------------------------------------

    def _checks(self, told: StepInstruments, checks: tuple[Check, ...]) -> None:
        source = self.source
        if not checks:
            source.line("s.checks = HELD")
            return
        source.line("held = True")
        for check in checks:
            record, failed = told.check(check.name, check.is_assert)
            condition = source.bind(check.condition.evaluate, "check")
            source.line("cause = ''")
            with source.block("try:"):
                source.line(f"passed = {judged(check.condition.kind, f'{condition}(s)')}")
            with source.block("except EvaluationError as fault:"):
                source.line("passed = False")
                source.line("cause = fault.cause")
            source.line(f"{source.bind(record, 'record')}(passed)")
            with source.block("if not passed:"):
                source.line("held = False")
                source.line(f"{source.bind(failed, 'failed')}(s, cause)")
        source.line("s.checks = HELD if held else BROKEN")

    def _record(self, told: StepInstruments, record: tuple[Record, ...]) -> None:
        source = self.source
        for entry in record:
            add, no_sample = told.sample(entry.metric)
            value = source.bind(entry.value.evaluate, "value")
            with source.block("try:"):
                source.line(f"{source.bind(add, 'add')}({value}(s))")
            with source.block("except EvaluationError as fault:"):
                source.line(f"{source.bind(no_sample, 'missing')}(fault.cause)")

    def assign(self, values: tuple[Assignment, ...], told: Saved | None = None) -> list[str]:
        """Write assignments of variables, all worked out before the first is made; return the values' names."""
        source = self.source
        locals_ = [source.fresh("v") for _ in values]
        for name, assignment in zip(locals_, values, strict=True):
            source.line(f"{name} = {source.bind(assignment.value.evaluate, 'value')}(s)")
        for name, assignment in zip(locals_, values, strict=True):
            source.line(f"vars[{assignment.name!r}] = {name}")
        if told is not None and values:
            pairs = ", ".join(f"{a.name!r}: {n}" for n, a in zip(locals_, values, strict=True))
            source.line(f"{source.bind(told, 'told')}({{{pairs}}})")
        return locals_


def expectation(expect: StatusSet) -> tuple[bool, ...]:
    """Return for each status whether it is expected; 0, no answer, never is."""
    return (False, *(status in expect for status in range(1, STATUSES)))


def judged(kind: Kind, text: str) -> str:
    """Return the source of a condition; what is not known to be a bool is tested when it runs."""
    return text if kind is Kind.BOOL else f"truth({text})"
