"""Scenarios made ready to run: programs compiled, scripts bound, rows read, series created at 0.

Plan + facts -> one `Part` per scenario, and one for setup and teardown each. Everything that can be refused is
refused here, before any load.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import ModuleType

from kload_runner.clock import Clock
from kload_runner.data import Row, RowSource, load_rows
from kload_runner.engine.facts import RunnerFacts
from kload_runner.engine.scripts import phase_function, script_files
from kload_runner.engine.target import base_url_of
from kload_runner.executors import executor_of
from kload_runner.files import FilesRead
from kload_runner.measuring import ScenarioInstruments
from kload_runner.metrics import Recorder
from kload_runner.script.behaviour import Function, ScriptBehaviour
from kload_runner.script.leaving import exit_codes_guarded
from kload_runner.script.loading import function_of, loaded_files, open_script
from kload_runner.script.observing import Observing
from kload_runner.script.sending import Defaults, Sender
from kload_runner.steps.fields import plan_headers
from kload_runner.steps.generator import Binding, compile_program, expectation
from kload_runner.steps.instruments import Instruments
from kload_runner.steps.reads import program_names
from kload_runner.steps.rendering import Preparation
from kload_runner.steps.state import RunFacts, State, Surroundings
from kload_runner.users import Behaviour, StepBehaviour
from kload_runner.wire.settings import USER_AGENT
from kload_spec.metrics import OUTSIDE_THE_LOAD
from kload_spec.plan import Plan, ScenarioPlan
from kload_spec.program import ScriptProgram, StepProgram
from kload_spec.shapes import ArrivalShape

SETUP, TEARDOWN = OUTSIDE_THE_LOAD


@dataclass(frozen=True, slots=True)
class Part:
    """One scenario (or setup, or teardown), ready to run."""

    name: str
    surroundings: Surroundings
    behaviour: Behaviour
    instruments: ScenarioInstruments
    rows: RowSource | None = None
    open_loop: bool = False


class Assembly:
    """Makes the parts of one run on one runner. Close `resources` when the run is over: it holds the script.

    Args:
        files: what the runner has read, and reads by.
        wrap: puts something around the instruments of a part: `--once` listens there.
    """

    def __init__(
        self,
        plan: Plan,
        facts: RunnerFacts,
        recorder: Recorder,
        clock: Clock,
        log: Callable[[str], None],
        *,
        files: FilesRead,
        wrap: Callable[[str, ScenarioInstruments], Instruments] | None = None,
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.recorder = recorder
        self.clock = clock
        self.run = RunFacts(facts.run.run_id or facts.run.uid, clock.now)
        self.resources = ExitStack()
        self._log = log
        self._files = files
        self._wrap = wrap
        self._rows: dict[str, tuple[Row, ...]] = {}
        self.base_url = base_url_of(plan.target, self.state("", {}))
        self.module = self._open_script()

    def state(self, scenario: str, env: Mapping[str, str]) -> State:
        """Return a state that knows what is known before the run."""
        return State(self.surroundings(scenario, env), 0)

    def surroundings(self, scenario: str, env: Mapping[str, str]) -> Surroundings:
        """Return what the VUs of a scenario share."""
        return Surroundings(
            scenario=scenario,
            env={**self.facts.env, **env},
            params=self.plan.params,  # type: ignore[arg-type]  # JSON values by construction
            run=self.run,
            seed=self.facts.seed,
            wall_ms=lambda: time.time_ns() // 1_000_000,
        )

    # -- parts ---------------------------------------------------------------------------------------------------

    def scenario(self, scenario: ScenarioPlan) -> Part:
        """Return a scenario of the load.

        Raises:
            InvalidSpec: something that is known before the run cannot be sent or read.
            ScriptError: the script has no such function.
        """
        shape = scenario.load.shape
        open_loop = isinstance(shape, ArrivalShape)
        self.recorder.scenario(
            scenario.name, executor_of(shape), tags=dict(scenario.tags), open_loop=open_loop
        )
        surroundings = self.surroundings(scenario.name, scenario.env)
        instruments = self._instruments(scenario.name)
        match scenario.program:
            case StepProgram() as program:
                behaviour = self._steps(program, surroundings, instruments, open_loop)
            case ScriptProgram(function):
                behaviour = self._script(self._function(function), surroundings, instruments)
        return Part(
            scenario.name,
            surroundings,
            behaviour,
            instruments,
            self._row_source(scenario),
            open_loop,
        )

    def phase(self, name: str, program: StepProgram | None) -> Part | None:
        """Return setup or teardown, of steps or else of the script; None where the test has neither."""
        function = phase_function(self.module, name, self.plan.script, program)
        if program is None and function is None:
            return None
        self.recorder.scenario(name, name)
        surroundings = self.surroundings(name, {})
        instruments = self._instruments(name)
        if program is not None:
            behaviour = self._steps(program, surroundings, instruments, False)
        else:
            behaviour = self._script(function, surroundings, instruments)
        return Part(name, surroundings, behaviour, instruments)

    def _instruments(self, name: str) -> ScenarioInstruments:
        return ScenarioInstruments(self.recorder, name, self._log)

    def _listening(self, name: str, instruments: ScenarioInstruments) -> Instruments:
        return instruments if self._wrap is None else self._wrap(name, instruments)

    def _steps(
        self,
        program: StepProgram,
        surroundings: Surroundings,
        instruments: ScenarioInstruments,
        arrivals: bool,
    ) -> Behaviour:
        names = program_names(program)
        preparation = Preparation(
            base_url=self.base_url,
            state=State(surroundings, 0),
            read_file=self._files.read,
            user_agent=USER_AGENT,
            wants_req=any(name == "req" or name.startswith("req.") for name in names),
        )
        compiled = compile_program(
            program,
            Binding(
                preparation=preparation,
                instruments=self._listening(surroundings.scenario, instruments),
                now=self.clock.now,
                sleep_until=self.clock.sleep_until,
                arrivals=arrivals,
            ),
        )
        initial = tuple((item.name, item.value.evaluate) for item in program.variables)
        return StepBehaviour(compiled.iteration, compiled.start, initial)

    # -- scripts -------------------------------------------------------------------------------------------------

    def _open_script(self) -> ModuleType | None:
        script = self.plan.script
        if script is None:
            return None
        script_files(script, self._files.read)
        before = frozenset(sys.modules)
        with ExitStack() as opened:
            opened.enter_context(exit_codes_guarded())
            module = opened.enter_context(open_script(script, self.facts.base_dir))
            for file in loaded_files(module, self.facts.base_dir, before):
                self._files.read(file)
            self.resources.push(
                opened.pop_all()
            )  # only now: a script that is refused is closed here
        return module

    def _function(self, name: str) -> Function:
        entry = self.plan.script.entry if self.plan.script else ""
        assert self.module is not None, "planning gives a ScriptProgram only with a script"
        found: Function = function_of(self.module, name, entry)
        return found

    def _script(
        self,
        function: Function | None,
        surroundings: Surroundings,
        instruments: ScenarioInstruments,
    ) -> Behaviour:
        assert function is not None
        target = self.plan.target
        state = State(surroundings, 0)
        sender = Sender(
            Defaults(
                base_url=self.base_url,
                fields=plan_headers(target.headers, None, state),
                user_agent=USER_AGENT,
                timeout_s=target.timeout_s,
                redirects=target.redirects,
            )
        )
        observing = Observing(
            self._listening(surroundings.scenario, instruments),
            {metric.name: metric for metric in self.plan.metrics},
            expectation(target.expect),
        )

        return ScriptBehaviour(
            function=function,
            sender=sender,
            observing=observing,
            pause=self._pause,
            root=self.facts.base_dir.resolve(),
            phase=surroundings.scenario if surroundings.scenario in OUTSIDE_THE_LOAD else "",
        )

    def _pause(self, seconds: float) -> Awaitable[None]:
        return self.clock.sleep_until(self.clock.now() + seconds)

    # -- rows ----------------------------------------------------------------------------------------------------

    def _row_source(self, scenario: ScenarioPlan) -> RowSource | None:
        if scenario.data is None:
            return None
        feed = self.plan.data[scenario.data]
        if feed.name not in self._rows:
            self._rows[feed.name] = load_rows(feed, self._files.read)
        sharers = [item.name for item in self.plan.scenarios if item.data == scenario.data]
        return RowSource(
            feed,
            self._rows[feed.name],
            offset=sharers.index(scenario.name),
            stride=len(sharers),
        )
