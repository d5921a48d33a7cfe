"""Steps to a program: names resolved, blocks put in where they are called, every text compiled in its scope.

Walks the steps in order with a `Place` that grows: what a step saves, sets or answers exists for those after it, and
in a loop for those before it as well, since there is a next round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import ANY, CompiledValue, Expression, Template
from kload_spec.model.steps import MAX_ROUNDS, Foreach, Option, Repeat, Step
from kload_spec.model.verbs import Verb
from kload_spec.paths import child
from kload_spec.planning.compilation import LIST, NUMBER, Compiler
from kload_spec.planning.pauses import bounds_of
from kload_spec.planning.places import Place
from kload_spec.planning.requests import RequestCompiler
from kload_spec.planning.surroundings import Findings, Steps, Surroundings, may_send, variables_set
from kload_spec.program import (
    AbortStep,
    Assignment,
    CallStep,
    CheckStep,
    FailStep,
    ForeachStep,
    IfStep,
    LogStep,
    PickStep,
    RecordStep,
    RepeatStep,
    SetStep,
    SleepStep,
)
from kload_spec.program import Step as ProgramStep

DEFAULT_ITEMS = 1_000  # of a foreach without `max`
MOST_STEPS = 5_000  # compiled, blocks put in: bounds the work of a file that calls blocks in blocks in blocks
DEEPEST = 60  # lists of steps within lists of steps, blocks included

Compiled = tuple[tuple[ProgramStep, ...], Place]


class StepCompiler:
    """Compiles the steps of one program.

    Attributes:
        findings: what the program measures.
    """

    def __init__(self, compiler: Compiler, shared: Surroundings, *, expand: bool = True) -> None:
        self.compiler = compiler
        self.shared = shared
        self.findings = Findings()
        self.requests = RequestCompiler(compiler, shared, self.findings)
        self._expand = expand
        self._count = 0
        self._depth = 0

    def steps(self, steps: Iterable[Step], place: Place, path: str) -> Compiled:
        """Return the compiled steps and what exists after them."""
        compiled = []
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refusal(path, f"is nested {DEEPEST} levels deep; that is as far as it goes")
        for index, step in enumerate(steps):
            self._count += 1
            if self._count > MOST_STEPS:
                raise _refusal(
                    path, f"has more than {MOST_STEPS} steps, called blocks counted each time"
                )
            done, place = self._step(step, place, child(path, index))
            compiled.append(done)
        self._depth -= 1
        return tuple(compiled), place

    def _step(self, step: Step, place: Place, path: str) -> tuple[ProgramStep, Place]:
        match step.verb:
            case Verb.REQUEST:
                after = place.after_response().with_vars(step.save or ())
                return self.requests.request(step, place, path), after
            case Verb.CHECK | Verb.RECORD:
                return self._measuring(step, place, path), place
            case Verb.SET:
                values = assignments(step.set or {}, place, f"{path}.set", self.compiler)
                return SetStep(path, values), place.with_vars(step.set or ())
            case Verb.IF | Verb.PICK | Verb.REPEAT | Verb.FOREACH | Verb.CALL:
                return self._nesting(step, place, path)
            case Verb.SLEEP:
                low, high = bounds_of(
                    step.sleep or "", place.scope(), f"{path}.sleep", self.compiler
                )
                return SleepStep(path, low, high), place
            case Verb.LOG:
                return LogStep(path, self._text(step.log or "", place, f"{path}.log")), place
            case Verb.FAIL:
                return FailStep(path, self._text(step.fail or "", place, f"{path}.fail")), place
            case Verb.ABORT:
                return AbortStep(path, self._text(step.abort or "", place, f"{path}.abort")), place

    def _text(self, text: str, place: Place, path: str) -> Template:
        return self.compiler.template(text, place.scope(), path)

    def _measuring(self, step: Step, place: Place, path: str) -> CheckStep | RecordStep:
        """Compile a step that judges or records without sending."""
        default = "record" if step.verb is Verb.RECORD else "checks"
        name = self.findings.name_step(step, default, path, self.compiler)
        record = self.requests.records(step.record or {}, place.scope(), f"{path}.record")
        if step.verb is Verb.RECORD:
            return RecordStep(path, name, record)
        checks = self.requests.checks(step, place.scope(checks=False), path)
        return CheckStep(path, name, checks, record)

    def _nesting(self, step: Step, place: Place, path: str) -> tuple[ProgramStep, Place]:
        if step.repeat is not None:
            return self._repeat(step.repeat, place, f"{path}.repeat")
        if step.foreach is not None:
            return self._foreach(step.foreach, place, f"{path}.foreach")
        if step.pick is not None:
            return self._pick(step.pick, place, f"{path}.pick")
        if step.call is not None:
            return self._call(step, step.call, place, path)
        return self._if(step, place, path)

    def _if(self, step: Step, place: Place, path: str) -> tuple[IfStep, Place]:
        condition = self.compiler.condition(step.if_ or "", place.scope(), f"{path}.if")
        then, after_then = self.steps(step.then or (), place, f"{path}.then")
        otherwise, after_else = self.steps(step.else_ or (), place, f"{path}.else")
        return IfStep(path, condition, then, otherwise), after_then.after(after_else)

    def _pick(self, ways: Iterable[Option], place: Place, path: str) -> tuple[PickStep, Place]:
        options, after = [], place
        for index, option in enumerate(ways):
            steps, left = self.steps(option.steps, place, f"{child(path, index)}.steps")
            options.append((float(option.weight), steps))
            after = after.after(left)
        if not any(weight for weight, _ in options):
            self.compiler.problem(
                path, "has only weights of 0; give at least one above 0, e.g. weight: 1"
            )
        return PickStep(path, tuple(options)), after

    def _round(self, steps: Steps, place: Place) -> Place:
        """Return what exists in any round of a loop: also what a round before it left."""
        looped = place.with_vars(variables_set(steps, self.shared.blocks))
        return looped.after_response() if may_send(steps, self.shared.blocks) else looped

    def _repeat(self, loop: Repeat, place: Place, path: str) -> tuple[RepeatStep, Place]:
        times = self._times(loop, place, f"{path}.times")
        inside = self._round(loop.steps, place)
        counted = inside.with_vars([loop.index] if loop.index else ())
        steps, after = self.steps(loop.steps, counted, f"{path}.steps")
        compiled = RepeatStep(
            path,
            steps,
            limit=loop.max or (times if isinstance(times, int) else MAX_ROUNDS),
            times=times,
            while_=self._optional_condition(loop.while_, counted, f"{path}.while"),
            until=self._optional_condition(loop.until, after, f"{path}.until"),
            index=loop.index,
        )
        return compiled, after.without([loop.index] if loop.index else (), inside)

    def _optional_condition(self, text: str | None, place: Place, path: str) -> Expression | None:
        return None if text is None else self.compiler.condition(text, place.scope(), path)

    def _times(self, loop: Repeat, place: Place, path: str) -> Template | int | None:
        if loop.times is None or isinstance(loop.times, int):
            return loop.times
        template = self.compiler.template(
            loop.times, place.scope(), path, NUMBER.named("a number of rounds")
        )
        constant = template.constant
        if isinstance(constant, int) and not 0 <= constant <= MAX_ROUNDS:
            self.compiler.problem(path, f"{constant} is not between 0 and {MAX_ROUNDS}")
        return (
            constant if isinstance(constant, int) and not isinstance(constant, bool) else template
        )

    def _foreach(self, loop: Foreach, place: Place, path: str) -> tuple[ForeachStep, Place]:
        items = self._items(loop.in_, place, f"{path}.in")
        inside = self._round(loop.steps, place)
        steps, after = self.steps(loop.steps, inside.with_vars([loop.as_]), f"{path}.steps")
        compiled = ForeachStep(path, items, loop.as_, steps, loop.max or DEFAULT_ITEMS)
        return compiled, after.without([loop.as_], inside)

    def _items(self, items: object, place: Place, path: str) -> Template | CompiledValue:
        if isinstance(items, str):
            wanted = LIST.named("a list, e.g. $(vars.orders),")
            return self.compiler.template(items, place.scope(), path, wanted)
        return self.compiler.value(items, place.scope(), path, LIST)

    def _call(self, step: Step, block: str, place: Place, path: str) -> tuple[CallStep, Place]:
        arguments = assignments(step.with_ or {}, place, f"{path}.with", self.compiler)
        anything = replace(place, vars=ANY, answered=True)  # so that one missing block is one fault
        if not self.compiler.known(block, self.shared.blocks, f"{path}.call", "block"):
            return CallStep(path, block, arguments, ()), anything
        if not self._expand or block in self.shared.broken:
            return CallStep(path, block, arguments, ()), anything
        before = len(self.compiler.problems)
        inside = place.with_vars(step.with_ or ())
        steps, after = self.steps(self.shared.blocks[block], inside, child("spec.blocks", block))
        self._name_caller(before, path)
        return CallStep(path, block, arguments, steps), after.without(step.with_ or (), place)

    def _name_caller(self, before: int, path: str) -> None:
        """Say in the faults of a block who called it: they depend on that, else the block alone would have them."""
        found = self.compiler.problems[before:]
        self.compiler.problems[before:] = [
            problem
            if "(called from " in problem.message or not problem.path.startswith("spec.blocks")
            else Problem(problem.path, f"{problem.message} (called from {path})")
            for problem in found
        ]


def assignments(
    values: Mapping[str, Any], place: Place, path: str, compiler: Compiler
) -> tuple[Assignment, ...]:
    """Compile the values of variables; all of them read what was there before the first is set."""
    return tuple(
        Assignment(name, compiler.value(value, place.scope(), child(path, name)))
        for name, value in sorted(values.items())
    )


def _refusal(path: str, message: str) -> InvalidSpec:
    """Return a fault that ends the planning at once: going on would be the harm."""
    return InvalidSpec([Problem(path, message)])
