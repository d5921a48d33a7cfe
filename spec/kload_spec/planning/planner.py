"""A LoadTest to a Plan: the one place where the parts of a file meet.

Order matters only where names do: setup comes first, because every scenario sees what it saves. All scenarios are
compiled, also those that do not run, so that a fault shows whatever is enabled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kload_spec.control import PlanSource
from kload_spec.errors import Problem
from kload_spec.expressions import ANY, Members
from kload_spec.metrics import OUTSIDE_THE_LOAD
from kload_spec.model import Executor, LoadTest, Scenario, Spec, parse
from kload_spec.model.target import Target
from kload_spec.parameters import parameters_of
from kload_spec.paths import child
from kload_spec.plan import Plan, ScenarioPlan
from kload_spec.planning import declarations, rules
from kload_spec.planning.blocks import check_blocks
from kload_spec.planning.compilation import Compiler
from kload_spec.planning.hashing import plan_hash, spec_hash
from kload_spec.planning.loads import load_of
from kload_spec.planning.overrides import Overrides
from kload_spec.planning.places import Place
from kload_spec.planning.steps import StepCompiler, assignments
from kload_spec.planning.surroundings import MOST_STEP_NAMES, Findings, Surroundings
from kload_spec.planning.targets import expect_of, target_plan
from kload_spec.program import Program, ScriptProgram, StepProgram
from kload_spec.quantities import format_duration
from kload_spec.shapes import ArrivalShape, Schedule
from kload_spec.thresholds import Threshold

SCENARIOS = "spec.scenarios"
ARRIVALS = (Executor.CONSTANT_ARRIVAL_RATE, Executor.RAMPING_ARRIVAL_RATE)


def plan(document: Mapping[str, Any], overrides: Overrides | None = None) -> Plan:
    """Return the plan of a LoadTest.

    Args:
        document: the resource as JSON-like data, patches applied.
        overrides: what the command line says over it.

    Raises:
        InvalidSpec: with everything that is wrong with the file, each with its path.
    """
    over = overrides or Overrides()
    test = parse(document, over.params)
    return _Planner(test, over).plan(spec_hash(document), plan_hash(document, over))


def plan_of(source: PlanSource) -> Plan:
    """Return the plan of a source: the same, with the same hash, in every process that is given it.

    Raises:
        InvalidSpec: as for `plan`.
    """
    return plan(source.document, Overrides.of(source))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A scenario and what came to light about it."""

    plan: ScenarioPlan
    findings: Findings
    enabled: bool


def _has_arrivals(scenario: _Compiled) -> bool:
    return isinstance(scenario.plan.load.shape, ArrivalShape)


class _Planner:
    """Plans one LoadTest."""

    def __init__(self, test: LoadTest, overrides: Overrides) -> None:
        self.test, self.overrides = test, overrides
        self.spec: Spec = test.spec
        self.compiler = Compiler()
        self.params = parameters_of(self.spec.params, overrides.params)
        self.metrics = declarations.metrics_of(self.spec.metrics or {}, self.compiler)
        self.feeds = declarations.feeds_of(self.spec.data or {}, self.compiler)
        self.script = declarations.script_of(self.spec.script, self.compiler)
        target = self.spec.target or Target.model_construct()
        self.shared = Surroundings(
            blocks=self.spec.blocks or {},
            metrics=self.metrics,
            target=target,
            expect=expect_of(target),
            has_base=target.base_url is not None or overrides.target is not None,
        )
        self.before = Place(
            self.params, frozenset(variable.name for variable in self.spec.env or ())
        )
        self.notes: list[str] = []

    def plan(self, spec_digest: str, plan_digest: str) -> Plan:
        """Return the plan, or raise InvalidSpec."""
        target = target_plan(self.shared.target, self.overrides.target, self.before, self.compiler)
        check_blocks(self.shared, self.before, self.compiler)
        setup, saved, findings = self._phase("setup", self.before)
        scenarios = [
            self._scenario(name, scenario, saved)
            for name, scenario in sorted(self.spec.scenarios.items())
        ]
        totals = Place(self.params, self.before.env, None, frozenset(self.metrics), saved.vars)
        teardown, _, after = self._phase("teardown", totals)
        findings.add(after)
        running = self._selected(scenarios)
        thresholds = self._thresholds(scenarios, running, findings)
        schedule = self._schedule(running)
        measure_after_s = self._measure_after(schedule)
        self.compiler.done()
        return Plan(
            name=self.test.name,
            namespace=self.test.metadata.namespace,
            spec_hash=spec_digest,
            plan_hash=plan_digest,
            target=target,
            scenarios=self._numbered(running, schedule),
            thresholds=thresholds,
            metrics=tuple(self.metrics.values()),
            env=declarations.environment_of(self.spec.env or ()),
            params=self.params,
            setup=setup,
            teardown=teardown,
            data=self.feeds,
            script=self.script,
            measure_after_s=measure_after_s,
            seed=self.spec.seed,
            runners=(self.spec.runners.replicas if self.spec.runners else None) or 1,
            active_deadline_s=self.spec.active_deadline_seconds,
            quick=self.overrides.quick,
            limits=declarations.limits_of(self.spec.limits),
            notes=tuple(self.notes),
        )

    def _phase(self, name: str, place: Place) -> tuple[StepProgram | None, Place, Findings]:
        """Compile setup or teardown."""
        steps = self.spec.setup if name == "setup" else self.spec.teardown
        if not steps:
            return None, place, Findings()
        walker = StepCompiler(self.compiler, self.shared)
        compiled, after = walker.steps(steps, place, f"spec.{name}")
        return StepProgram(compiled), after, walker.findings

    def _scenario(self, name: str, scenario: Scenario, saved: Place) -> _Compiled:
        path = child(SCENARIOS, name)
        if name in OUTSIDE_THE_LOAD:
            self.compiler.problem(
                path, f"{name!r} is the name kload gives to {name} itself; use another"
            )
        row = self._row(scenario, path)
        env = frozenset(scenario.env or ()) | (
            saved.env if isinstance(saved.env, frozenset) else frozenset()
        )
        place = Place(self.params, env, row, None, saved.vars)
        walker = StepCompiler(self.compiler, self.shared)
        program = self._program(scenario, walker, place, path)
        findings = walker.findings
        if len(findings.steps) > MOST_STEP_NAMES:
            number = f"has {len(findings.steps)} step names, more than {MOST_STEP_NAMES}"
            self.compiler.problem(
                path, f"{number}: each is a label of every series; split the scenario"
            )
        tags = walker.requests.tags(scenario.tags or {}, f"{path}.tags")
        load = load_of(name, scenario, findings.slowest_s or self.shared.timeout_s, self.overrides)
        planned = ScenarioPlan(name, load, program, tags, dict(scenario.env or {}), scenario.data)
        return _Compiled(planned, findings, scenario.enabled is not False)

    def _row(self, scenario: Scenario, path: str) -> Members:
        if scenario.data is None:
            return None
        if not self.compiler.known(scenario.data, self.feeds, f"{path}.data", "data feed"):
            return ANY
        return declarations.columns_of(self.feeds[scenario.data])

    def _program(
        self, scenario: Scenario, walker: StepCompiler, place: Place, path: str
    ) -> Program:
        if scenario.exec is not None:
            if self.script is None:
                self.compiler.problem(
                    f"{path}.exec",
                    f"{scenario.exec!r} is in spec.script, which is missing",
                )
            if not scenario.exec.isidentifier():
                self.compiler.problem(
                    f"{path}.exec", f"{scenario.exec!r} cannot be the name of a function"
                )
            return ScriptProgram(scenario.exec)
        variables = assignments(scenario.vars or {}, place, f"{path}.vars", self.compiler)
        living = place.with_vars(scenario.vars or ())
        start, started = walker.steps(scenario.start or (), living, f"{path}.start")
        before = len(self.compiler.problems)
        steps, _ = walker.steps(scenario.steps or (), living, f"{path}.steps")
        self._explain_start(before, living, started)
        return StepProgram(steps, start, variables)

    def _explain_start(self, before: int, living: Place, started: Place) -> None:
        """Say of a variable that only `start` set why it is unknown in the steps."""
        if not isinstance(started.vars, frozenset) or not isinstance(living.vars, frozenset):
            return
        for index, problem in enumerate(self.compiler.problems[before:], before):
            for name in started.vars - living.vars:
                if f"vars.{name}" in problem.message:
                    hint = f"; what `start` saves ends with it, unless the scenario declares vars: {{{name}: ...}}"
                    self.compiler.problems[index] = Problem(problem.path, problem.message + hint)

    def _selected(self, scenarios: list[_Compiled]) -> list[_Compiled]:
        """Return the scenarios that run."""
        wanted = self.overrides.scenarios
        names = [scenario.plan.name for scenario in scenarios]
        found = [
            name for name in wanted if self.compiler.known(name, names, "--scenario", "scenario")
        ]
        if wanted:
            return [scenario for scenario in scenarios if scenario.plan.name in found]
        running = [scenario for scenario in scenarios if scenario.enabled]
        self.notes += [
            f"scenario {scenario.plan.name} is disabled"
            for scenario in scenarios
            if not scenario.enabled
        ]
        if not running:
            self.compiler.problem(SCENARIOS, "none is enabled; there is nothing to run")
        return running

    def _is_written_with_arrivals(self, scenario: _Compiled) -> bool:
        """Say whether the manifest gives an arrival rate, which a quick run takes away."""
        return self.spec.scenarios[scenario.plan.name].executor in ARRIVALS

    def _measured(
        self,
        scenarios: list[_Compiled],
        phases: Findings,
        has_arrivals: Callable[[_Compiled], bool],
    ) -> rules.Measured:
        findings = Findings()
        for scenario in scenarios:
            findings.add(scenario.findings)
        findings.add(phases)
        return rules.Measured(
            self.metrics,
            frozenset(scenario.plan.name for scenario in scenarios),
            findings,
            any(isinstance(scenario.plan.program, ScriptProgram) for scenario in scenarios),
            {
                scenario.plan.name: scenario.findings.steps
                for scenario in scenarios
                if has_arrivals(scenario)
            },
        )

    def _thresholds(
        self, scenarios: list[_Compiled], running: list[_Compiled], phases: Findings
    ) -> tuple[Threshold, ...]:
        everything = self._measured(scenarios, phases, self._is_written_with_arrivals)
        now = self._measured(running, phases, _has_arrivals)
        self._check_check_names(everything.findings)
        own, notes = rules.explicit(self.spec.thresholds or {}, everything, now, self.compiler)
        self.notes += notes
        self._note_unused(everything)
        return (*own, *rules.implicit(now, own))

    def _check_check_names(self, findings: Findings) -> None:
        for name in findings.checks.keys() & findings.asserts.keys():
            self.compiler.problem(
                findings.checks[name],
                f"{name!r} is also an assert at {findings.asserts[name]}, whose rule takes in every check of that name;"
                " use another name",
            )

    def _note_unused(self, everything: rules.Measured) -> None:
        used, spec = everything.findings, self.spec
        if not everything.scripted:
            unrecorded = sorted(set(spec.metrics or ()) - used.recorded)
            self.notes += [f"metric {name} is never recorded" for name in unrecorded]
        feeds = {scenario.data for scenario in spec.scenarios.values()}
        self.notes += [
            f"data feed {name} is not used by any scenario"
            for name in sorted(set(spec.data or ()) - feeds)
        ]

    def _schedule(self, running: list[_Compiled]) -> Schedule:
        for scenario in running:
            load, path = scenario.plan.load, child(SCENARIOS, scenario.plan.name)
            arrivals = _has_arrivals(scenario)
            if load.shape.vu_limit == 0:
                self.compiler.problem(path, "has no VU at any time; give a target above 0")
            elif load.shape.duration_s <= 0 or (arrivals and not load.shape.planned_iterations):
                self.compiler.problem(
                    path, "starts no iteration at any time; give it time and a target above 0"
                )
        return Schedule.of(scenario.plan.load for scenario in running)

    def _numbered(self, running: list[_Compiled], schedule: Schedule) -> tuple[ScenarioPlan, ...]:
        return tuple(
            replace(scenario.plan, load=schedule.load(scenario.plan.name)) for scenario in running
        )

    def _measure_after(self, schedule: Schedule) -> float:
        after = (self.spec.measure.after if self.spec.measure else None) or 0.0
        if not after or after < schedule.duration_s or not schedule.loads:
            return after
        if self.overrides.quick:
            self.notes.append("measure.after is longer than this quick run and is ignored")
            return 0.0
        end = format_duration(schedule.duration_s)
        message = f"{format_duration(after)} is not before the end of the load ({end}): nothing would count"
        self.compiler.problem("spec.measure.after", message)
        return after
