"""Run a plan on this machine: one runner in this process, or several processes as a small fleet.

The leader (`fleet`) speaks to its workers as the operator does to its pods, over loopback. Nothing is drawn here and no
file is written: the command line shows the snapshots and keeps the result.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kload_runner.clock import MonotonicClock
from kload_runner.engine import Engine, RunnerFacts
from kload_runner.engine.account import result_of
from kload_runner.engine.facts import seed_of
from kload_runner.engine.inspection import inspect_files
from kload_runner.files import FilesRead
from kload_runner.fleet.leader import Fleet
from kload_runner.fleet.members import Member, MemberLost, OwnMember
from kload_runner.fleet.runner import Runner
from kload_runner.loop import choose_loop, run
from kload_runner.script.loading import ScriptError
from kload_runner.snapshots import RunSnapshot
from kload_spec.control import PlanSource, RunDescription, RunIdentity, token_hash
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.plan import Plan
from kload_spec.result import Circumstances, Result, conclude
from kload_spec.striping import RunnerIndex
from kload_spec.verdicts import Fault, Reason

if TYPE_CHECKING:
    from kload_runner.fleet.worker import Task

logger = logging.getLogger(__name__)

ARM_AHEAD_S = 0.3  # s; several processes: time for all of them to hear of the start
SEED_BITS = 32
LOOPBACK = "127.0.0.1"
MOST_UNHEARD = (
    3  # Ctrl-Cs that a loop which does not turn any more leaves unheard; then there is no result
)
STOPPING = "stopping: iterations may finish; Ctrl-C again ends them at once"


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What to run and how.

    Attributes:
        plan: what is run.
        source: what the plan was made from, so that worker processes can make it again; one worker needs none.
        env: the values of the plan's environment variables, already resolved.
        base_dir: folder that paths in the manifest are relative to.
        workers: number of runner processes; 1 runs in this process.
        run_id: name of the run, `run.id` in expressions; made up when empty.
        prometheus_port: serve `/metrics` of the runner there (worker k: port + k); None: not at all.
        on_snapshot: called about once a second, and once at the end.
        on_log: called with each line of `log` steps and warnings of the generator.
    """

    plan: Plan
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: PlanSource | None = None
    base_dir: Path = field(default_factory=Path)
    workers: int = 1
    run_id: str = ""
    prometheus_port: int | None = None
    on_snapshot: Callable[[RunSnapshot], None] | None = None
    on_log: Callable[[str], None] | None = None


def run_local(local: LocalRun) -> Result:
    """Run a plan to its verdict and return the result document.

    Blocks; makes its own event loop (uvloop where there is one). While it runs, the first SIGINT or SIGTERM stops
    gracefully (teardown runs, the result says Cancelled), the second one kills.

    A target that is down, slow or speaks garbage is part of the result, never an exception.

    Raises:
        InvalidSpec: something that is known only here (env, files, rows) cannot be used: exit code 104.
        ScriptError: the script has ended the process behind our back: exit code 107.
    """
    choice = choose_loop()
    try:
        return run(run_in_loop(local, loop_name=choice.name), choice)
    except SystemExit as exc:  # of a task or signal handler that a script has made
        message = f"the script ended the whole process (sys.exit({exc.code!r})); there is no result"
        raise ScriptError(message) from exc


async def run_in_loop(local: LocalRun, *, loop_name: str = "") -> Result:
    """Do what `run_local` does, in a loop that exists.

    Raises:
        InvalidSpec: see `run_local`.
        ValueError: several workers without a `source`.
    """
    if local.workers > 1 and local.source is None:
        raise ValueError(
            "several workers make the plan again from its source; give LocalRun(source=...)"
        )
    _check_ports(local)
    facts = _facts(local, loop_name)
    engine = Engine(local.plan, facts, MonotonicClock(), local.on_log or logger.info)
    try:
        engine.prepare()
    except ScriptError as exc:
        await engine.close()
        return _not_started(engine, Fault(Reason.SCRIPT_ERROR, str(exc)))
    except BaseException:
        await engine.close()
        raise
    if local.workers == 1:
        return await _alone(local, engine)
    await (
        engine.close()
    )  # that everything can be prepared is known now, before a process is started
    return await _together(local, engine)


def check_local(local: LocalRun, *, missing_env: bool = False) -> None:
    """Refuse what `run_local` would refuse before any load; send nothing.

    Args:
        missing_env: variables of the plan have no value: what is made of them is not looked at, files and scripts are.

    Raises:
        InvalidSpec: exit code 104.
        ScriptError: 107.
    """
    if missing_env:
        inspect_files(local.plan, FilesRead(local.base_dir))
        return
    choice = choose_loop()
    run(_prepare_only(local), choice)


async def _prepare_only(local: LocalRun) -> None:
    engine = Engine(local.plan, _facts(local, ""), MonotonicClock(), logger.info)
    try:
        engine.prepare()
    except ScriptError as exc:
        raise ScriptError(engine.mask(str(exc))) from exc
    finally:
        await engine.close()


def _check_ports(local: LocalRun) -> None:
    """Refuse ports for `/metrics` that cannot be had."""
    first = local.prometheus_port
    if first is None:
        return
    for port in range(first, first + local.workers):
        try:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((LOOPBACK, port))
        except (OSError, OverflowError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "no such port"
            message = f"port {port}: {reason}; choose another one"
            raise InvalidSpec([Problem("--prometheus-port", message)]) from exc


async def _alone(local: LocalRun, engine: Engine) -> Result:
    """Run in this process."""
    runner = Runner(engine, time.time)
    try:
        async with _metrics_page(runner, local.prometheus_port):
            fleet = Fleet(
                local.plan, [OwnMember(runner)], engine.clock, on_snapshot=local.on_snapshot
            )
            with _interrupts(fleet, local.on_log or logger.info):
                return await fleet.run()
    finally:
        await runner.close()


async def _together(local: LocalRun, engine: Engine) -> Result:
    """Run in several processes."""
    from kload_runner.fleet.workers import started_workers  # late: one process needs no HTTP client

    token = secrets.token_urlsafe(32)
    log = local.on_log or logger.info
    try:
        async with started_workers(_tasks(local, engine.facts, token), token, log) as members:
            return await _lead(local, members, engine)
    except MemberLost as exc:
        return _not_started(engine, Fault(Reason.START_FAILED, str(exc)))


async def _lead(local: LocalRun, members: list[Member], engine: Engine) -> Result:
    fleet = Fleet(
        local.plan,
        members,
        engine.clock,
        start_in_s=ARM_AHEAD_S,
        on_snapshot=local.on_snapshot,
    )
    with _interrupts(fleet, local.on_log or logger.info):
        return await fleet.run()


def _facts(local: LocalRun, loop_name: str) -> RunnerFacts:
    uid = secrets.token_hex(8)
    run_id = local.run_id or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uid[:4]}"
    return RunnerFacts(
        run=RunIdentity(uid=uid, run_id=run_id, loadtest=local.plan.name),
        runner=RunnerIndex(0, 1),
        seed=seed_of(local.plan, secrets.randbits(SEED_BITS)),
        env=local.env,
        base_dir=local.base_dir,
        loop_name=loop_name,
    )


def _tasks(local: LocalRun, facts: RunnerFacts, token: str) -> list[Task]:
    from kload_runner.fleet.worker import Task

    assert local.source is not None
    description = RunDescription(
        run=facts.run,
        source=local.source,
        runners=local.workers,
        seed=facts.seed,
        token_sha256=token_hash(token),
    )
    port = local.prometheus_port
    return [
        Task(
            description=description,
            index=index,
            base_dir=str(local.base_dir.resolve()),
            env=dict(local.env),
            port=0 if port is None else port + index,
        )
        for index in range(local.workers)
    ]


def _not_started(engine: Engine, fault: Fault) -> Result:
    fault = replace(fault, message=engine.mask(fault.message))
    return conclude(result_of(engine), Circumstances(not_started=fault))


@asynccontextmanager
async def _metrics_page(runner: Runner, port: int | None) -> AsyncIterator[None]:
    if port is None:
        yield
        return
    # Late: it takes prometheus_client with it, a twentieth of the time before the first request.
    from kload_runner.fleet.control_api import ControlServer

    server = ControlServer(runner, token_sha256="")
    await server.start(LOOPBACK, port)
    try:
        yield
    finally:
        await server.close()


@contextmanager
def _interrupts(fleet: Fleet, log: Callable[[str], None]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run in good order, where signals can be had: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    unheard = 0
    before: dict[signal.Signals, Any] = {}

    def interrupt() -> None:
        nonlocal unheard
        unheard = 0
        if not fleet.interrupted:
            log(STOPPING)
        fleet.interrupt()

    def give_back() -> None:
        while before:
            signal.signal(*before.popitem())

    def hear(_number: int, _frame: object) -> None:
        # Not `loop.add_signal_handler`: code of a script that never waits would keep the loop from calling it for ever.
        nonlocal unheard
        unheard += 1
        if unheard >= MOST_UNHEARD:
            give_back()
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(interrupt)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, hear)
    try:
        yield
    finally:
        give_back()
