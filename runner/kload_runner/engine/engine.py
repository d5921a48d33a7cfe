"""One runner's run: prepare, probe, set up, load, stop, tear down. Each is called once, in this order.

Knows no protocol and draws nothing. It never judges: whoever leads stops it with a reason, and reads its account.

    prepare ── probe ── setup ── load(start_at, vars) ── teardown(totals) ── account
                                  │ └ stop(reason): graceful, then at once
                                  ├ scenarios: run_scenario per part, one Control each
                                  └ every second: series, warm-up, deadline
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from kload_runner.clock import Clock
from kload_runner.engine.assembly import SETUP, TEARDOWN, Assembly, Part
from kload_runner.engine.facts import RunnerFacts, masked, masker
from kload_runner.engine.inspection import file_problems
from kload_runner.engine.loglines import LogLines
from kload_runner.engine.phases import run_phase, totals_in_ms
from kload_runner.engine.progress import Progress
from kload_runner.engine.target import make_wire, wait_until_ready, wire_settings
from kload_runner.executors import Control, RunFrame, run_scenario
from kload_runner.files import FilesRead
from kload_runner.health import HealthProbe
from kload_runner.metrics import Recorder
from kload_runner.users import Cast, User
from kload_runner.wire import Wire
from kload_spec import numbers
from kload_spec.control import StopReason
from kload_spec.errors import InvalidSpec
from kload_spec.expressions import Value
from kload_spec.plan import Plan, ScenarioPlan
from kload_spec.verdicts import Fault, Reason

logger = logging.getLogger(__name__)

TICK_S = 1.0  # s; the grid of time series


class Engine:
    """See the module.

    Attributes:
        files: those of the test, as they were read.
        mask: takes the values of secrets out of a text.
        progress: where each scenario is; for live numbers.
        stopped_by: why the load was told to end early, and the sentence about it; None while nobody did.
        faults: what broke in the generator itself: the run ends as Error.
        notes: what should be known of the run and breaks nothing.
        started_at, ended_at: wall time (UTC) of the load's start and end; None before.
        start_at, end_at: the same instants on the clock: the load's time 0, and its end.
        late_s: how long after `start_at` the load began; None before.
        spans: beginning and end of setup, load and teardown, on the clock.
        log: takes a line of the run's log.
    """

    def __init__(
        self, plan: Plan, facts: RunnerFacts, clock: Clock, log: Callable[[str], None]
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.files = FilesRead(facts.base_dir)
        self.clock = clock
        self.mask = masker(plan.env, facts.env)
        self.recorder = Recorder(plan.metrics, plan.thresholds, limits=plan.limits, mask=self.mask)
        self.probe = HealthProbe(clock)
        self.progress = Progress(plan, facts.runner)
        self.stopped_by: tuple[StopReason, str] | None = None
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.start_at: float | None = None
        self.end_at: float | None = None
        self.late_s: float | None = None
        self.spans: dict[str, tuple[float, float]] = {}
        self.log = LogLines(log, self.mask, clock.now)
        self._assembly: Assembly | None = None
        self._parts: dict[str, Part] = {}
        self._phases: dict[str, Part | None] = {}
        self._wire: Wire | None = None
        self._controls: dict[str, Control] = {}
        self._killed = False
        self._users: list[User] = []

    # -- before the load -----------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make everything ready; all series exist at 0 afterwards.

        Raises:
            InvalidSpec: something that is known before the run is wrong: exit code 104.
            ScriptError: the script cannot be used: 107.
        """
        try:
            self._prepare()
        except InvalidSpec as exc:
            problems = dict.fromkeys((*exc.problems, *file_problems(self.plan, self.files)))
            # Values are part of the message, and some are secrets.
            raise masked(InvalidSpec(problems), self.mask) from None

    def _prepare(self) -> None:
        self._assembly = assembly = Assembly(
            self.plan, self.facts, self.recorder, self.clock, self.log, files=self.files
        )
        with ExitStack() as refused:
            # At once, not when it is collected: an open script is part of the process's import path.
            refused.callback(assembly.resources.close)
            settings = wire_settings(self.plan.target, self.facts, self.files, self.clock.now)
            self._phases = {SETUP: assembly.phase(SETUP, self.plan.setup)}
            self._parts = {item.name: assembly.scenario(item) for item in self.plan.scenarios}
            self._phases[TEARDOWN] = assembly.phase(TEARDOWN, self.plan.teardown)
            self._controls = {item.name: Control() for item in self.plan.scenarios}
            self._wire = make_wire(settings, assembly.base_url)
            refused.pop_all()

    @property
    def base_url(self) -> str:
        """The target's base URL; empty where there is none."""
        return self._assembly.base_url if self._assembly else ""

    @property
    def has_teardown(self) -> bool:
        """Whether this runner has something to tear down."""
        return self.facts.leads and self._phases.get(TEARDOWN) is not None

    async def probe_target(self) -> None:
        """Wait until the target is ready.

        Raises:
            TargetNotReady: it did not get ready in time.
        """
        if self.plan.target.ready is not None and self.facts.leads:
            assembly, wire = self._ready()
            state = assembly.state("", {})
            await wait_until_ready(
                self.plan.target.ready, wire, self.clock, assembly.base_url, state
            )

    async def setup(self) -> dict[str, Value]:
        """Run setup and return what it leaves for all VUs.

        Raises:
            PhaseFailed: it failed.
        """
        return await self._phase(SETUP, {}, {})

    # -- the load ------------------------------------------------------------------------------------------------

    async def load(self, start_at: float, given: Mapping[str, Value]) -> None:
        """Run this runner's part of all scenarios, to their end or until stopped.

        Args:
            start_at: instant of the clock that is the load's time 0.
            given: what setup left.
        """
        assembly, _ = self._ready()
        self.start_at = assembly.run.started_at = start_at
        self.progress.start_at = start_at
        watch = asyncio.create_task(self.probe.watch())
        ticker = asyncio.create_task(self._tick(start_at))
        gc.freeze()  # a full collection would walk all modules and plans: 50 ms in which no answer is read
        try:
            await asyncio.gather(
                self._held_open(start_at),
                *(self._scenario(item, start_at, given) for item in self.plan.scenarios),
            )
        finally:
            gc.unfreeze()
            self.log.flush()
            await _end(watch, ticker)
            self._end_load(start_at)

    async def _held_open(self, start_at: float) -> None:
        """Wait for time 0 or a stop: a runner that owns no VU must not be done before the load has begun."""
        begun = asyncio.create_task(self.clock.sleep_until(start_at))
        stopped = [asyncio.create_task(item.stopped()) for item in self._controls.values()]
        try:
            await asyncio.wait({begun, *stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(begun, *stopped)

    def stop(self, reason: StopReason, message: str = "", *, graceful: bool = True) -> None:
        """End the load early: no new iterations; without grace, those in flight are cut off.

        The first reason stays; a later call may take the grace away.
        """
        if self.stopped_by is None:
            self.stopped_by = (reason, message)
        self._killed = self._killed or not graceful
        for control in self._controls.values():
            if self._killed:
                control.kill()
            else:
                control.stop()

    @property
    def stopping(self) -> bool:
        """Whether somebody or something ended the load early."""
        return self.stopped_by is not None

    async def _scenario(
        self, scenario: ScenarioPlan, start_at: float, given: Mapping[str, Value]
    ) -> None:
        name = scenario.name
        control = self._controls[name]
        frame = RunFrame(self.facts.runner, self.clock, start_at, control)
        cast = self._cast(scenario, given)

        def new_user(index: int) -> User:
            user = User(cast, index)
            self._users.append(user)
            return user

        try:
            outcome = await run_scenario(
                scenario.load, frame, new_vu=new_user, observer=self.recorder.scenarios[name]
            )
        except Exception as exc:  # a bug of ours: the run ends as Error, with all that was measured
            logger.exception("scenario failed", extra={"scenario": name})
            message = f"scenario {name}: {type(exc).__name__}: {self.mask(str(exc))}"
            self.faults.append(Fault(Reason.ENGINE_ERROR, message))
            self.stop(StopReason.START_FAILED, message)
            return
        finally:
            self.progress.ended(name)
        if outcome.joined_late_s:
            self.notes.append(
                f"scenario {name} was joined {numbers.milliseconds(outcome.joined_late_s * 1000)} late"
            )
        if outcome.abandoned:
            self.notes.append(
                f"scenario {name}: {outcome.abandoned} VUs did not react to the end of the load"
            )

    def _cast(self, scenario: ScenarioPlan, given: Mapping[str, Value]) -> Cast:
        _, wire = self._ready()
        part = self._parts[scenario.name]

        def exhausted(message: str) -> None:
            note = f"scenario {scenario.name} ended before its time: {message} (onExhausted: stop)"
            if note not in self.notes:
                self.notes.append(note)
            self._controls[scenario.name].stop()

        return Cast(
            surroundings=part.surroundings,
            behaviour=part.behaviour,
            meter=part.instruments,
            now=self.clock.now,
            new_client=wire.client,
            abort=lambda message: self.stop(StopReason.ABORT_STEP, self.mask(message)),
            exhausted=exhausted,
            given=given,
            rows=part.rows,
            first_vu=scenario.load.first_vu,
            arrivals=part.open_loop,
        )

    async def _tick(self, start_at: float) -> None:
        """Begin the measurement, close the points of series, end the load at its deadline."""
        await self.clock.sleep_until(start_at)
        self.late_s = self.clock.now() - start_at
        self.started_at = datetime.now(UTC)
        self.probe.begin()
        after, deadline = self.plan.measure_after_s, self.plan.active_deadline_s
        warm = start_at + after if after > 0 else None
        ticks = 1
        while True:
            due = start_at + ticks * TICK_S
            if warm is not None and warm < due:
                await self.clock.sleep_until(warm)
                self._begin_measuring()
                warm = None
                continue
            await self.clock.sleep_until(due)
            elapsed = self.clock.now() - start_at
            await self.recorder.tick_sliced(elapsed)
            ticks = int(elapsed / TICK_S) + 1
            if deadline is not None and elapsed >= deadline:
                message = f"the load was ended by activeDeadlineSeconds after {deadline:g}s"
                self.stop(StopReason.DEADLINE, message, graceful=False)

    def _begin_measuring(self) -> None:
        self.recorder.begin_measuring()
        self.probe.begin()

    def _end_load(self, start_at: float) -> None:
        for user in self._users:
            user.close()
        self._users.clear()
        if self.clock.now() < start_at and not self.stopping:  # disarmed: as if never armed
            self.start_at = self.progress.start_at = None
            return
        self.end_at = max(self.clock.now(), start_at)
        self.ended_at = datetime.now(UTC)
        self.probe.end()
        elapsed = self.end_at - start_at
        self.recorder.end_load(elapsed)
        if elapsed < self.plan.measure_after_s:
            self.recorder.begin_measuring()  # nothing but warm-up: nothing was measured
        self.spans["load"] = (start_at, self.end_at)

    # -- after the load ------------------------------------------------------------------------------------------

    async def teardown(
        self, given: Mapping[str, Value], totals: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Run teardown with the totals of the whole fleet, in base units.

        Raises:
            PhaseFailed: it failed.
        """
        await self._phase(TEARDOWN, given, totals_in_ms(totals, self.plan.metrics))

    async def close(self) -> None:
        """Give everything back: connections, the script's modules."""
        for user in self._users:
            user.close()
        self._users.clear()
        if self._wire is not None:
            await self._wire.close()
            self._wire = None
        if self._assembly is not None:
            self._assembly.resources.close()

    # -- parts of several ----------------------------------------------------------------------------------------

    def _ready(self) -> tuple[Assembly, Wire]:
        if self._assembly is None or self._wire is None:
            raise RuntimeError("prepare() comes first")
        return self._assembly, self._wire

    async def _phase(
        self, name: str, given: Mapping[str, Value], totals: Mapping[str, Value]
    ) -> dict[str, Value]:
        part = self._phases.get(name)
        if part is None or not self.facts.leads:
            return dict(given)
        _, wire = self._ready()
        began = self.clock.now()
        try:
            return await run_phase(part, wire, given, totals)
        finally:
            self.recorder.phase_ended(name)
            self.spans[name] = (began, self.clock.now())


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks of our own and wait for them; what they raised is raised."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome
