"""A rehearsal: setup, one iteration of each scenario, teardown, one after the other and told as they happen.

For `kload run --once`. Uses the same parts as a run (`engine.assembly`, the wire, users), without executors,
thresholds or a verdict: it shows whether a test says what its author meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from kload_runner.clock import MonotonicClock
from kload_runner.engine.assembly import SETUP, TEARDOWN, Assembly, Part
from kload_runner.engine.facts import RunnerFacts, masked, masker
from kload_runner.engine.phases import PhaseFailed, run_phase
from kload_runner.engine.target import TargetNotReady, make_wire, wait_until_ready, wire_settings
from kload_runner.executors import IterationInfo
from kload_runner.files import FilesRead
from kload_runner.metrics import Recorder
from kload_runner.rehearsal.narration import NarratedInstruments, NarratedWire, Narrator
from kload_runner.steps.state import State
from kload_runner.users import Cast, User
from kload_runner.wire import Wire
from kload_spec.errors import InvalidSpec
from kload_spec.expressions import Value
from kload_spec.plan import Plan, ScenarioPlan


class Rehearsal:
    """One pass through a test. `failures` counts what did not go as the manifest says it should."""

    def __init__(
        self, plan: Plan, facts: RunnerFacts, write: Callable[[str], None], *, verbose: bool
    ) -> None:
        self._plan = plan
        self._facts = facts
        mask = masker(plan.env, facts.env)
        self._mask = mask
        self._narrator = Narrator(write, mask, verbose=verbose)
        self._recorder = Recorder(plan.metrics, plan.thresholds, limits=plan.limits, mask=mask)

    @property
    def failures(self) -> int:
        """How many answers, checks, samples or iterations failed."""
        return self._narrator.failures

    async def run(self) -> None:
        """Rehearse.

        Raises:
            InvalidSpec, ScriptError: something cannot be prepared.
        """
        try:
            await self._perform()
        except InvalidSpec as exc:
            raise masked(exc, self._mask) from None

    async def _perform(self) -> None:
        clock = MonotonicClock()
        files = FilesRead(self._facts.base_dir)
        assembly = Assembly(
            self._plan,
            self._facts,
            self._recorder,
            clock,
            lambda line: self._narrator.tell(f"  log  {line}"),
            files=files,
            wrap=lambda _name, instruments: NarratedInstruments(instruments, self._narrator),
        )
        with assembly.resources:
            settings = wire_settings(self._plan.target, self._facts, files, clock.now)
            setup = assembly.phase(SETUP, self._plan.setup)
            parts = [(scenario, assembly.scenario(scenario)) for scenario in self._plan.scenarios]
            teardown = assembly.phase(TEARDOWN, self._plan.teardown)
            real = make_wire(settings, assembly.base_url)
            wire = cast("Wire", NarratedWire(real, self._narrator))
            try:
                if self._plan.target.ready is not None:
                    state = State(assembly.surroundings("", {}), 0)
                    await wait_until_ready(
                        self._plan.target.ready, real, clock, assembly.base_url, state
                    )
                given = await self._phase(setup, wire, {})
                for scenario, part in parts:
                    await self._iteration(scenario, part, wire, given, clock)
                await self._phase(teardown, wire, given)
            except TargetNotReady as error:
                self._narrator.wrong(f"✗ the target is not ready: {error}")
            except PhaseFailed as error:
                self._narrator.wrong(f"✗ {error}")
            finally:
                await real.close()

    async def _phase(
        self, part: Part | None, wire: Wire, given: Mapping[str, Value]
    ) -> Mapping[str, Value]:
        if part is None:
            return given
        self._narrator.tell(part.name)
        return await run_phase(part, wire, given, {})

    async def _iteration(
        self,
        scenario: ScenarioPlan,
        part: Part,
        wire: Wire,
        given: Mapping[str, Value],
        clock: MonotonicClock,
    ) -> None:
        self._narrator.tell(f"scenario {scenario.name}")
        user = User(
            Cast(
                surroundings=part.surroundings,
                behaviour=part.behaviour,
                meter=_Meter(self._narrator),
                now=clock.now,
                new_client=wire.client,
                abort=lambda message: self._narrator.wrong(f"  ✗ abort: {message}"),
                exhausted=lambda message: self._narrator.wrong(f"  ✗ {message}"),
                given=given,
                rows=part.rows,
                first_vu=scenario.load.first_vu,
                arrivals=part.open_loop,
            ),
            0,
        )
        try:
            await user.run_iteration(
                IterationInfo(scenario.load.first_vu, scheduled_at=clock.now())
            )
        finally:
            user.close()


class _Meter:
    """Tells how the iteration ended."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator

    def ended(self, duration_s: float, failed: bool) -> None:
        self._narrator.tell(
            f"  iteration {'failed' if failed else 'completed'} after {duration_s * 1000:.0f} ms"
        )

    def cut_off(self, waited_s: float) -> None:
        self._narrator.wrong(f"  ✗ cut off while it waited for an answer, {waited_s:.3g} s")

    def failure(self, state: State, cause: str, where: str, trace: str = "") -> None:
        self._narrator.wrong(f"  ✗ {where}: {cause}")
        for line in trace.splitlines():
            self._narrator.tell(f"    {line}")
