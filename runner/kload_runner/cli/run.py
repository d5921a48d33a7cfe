"""`kload run`: runs LoadTests to their verdicts, one after the other, and stops at the first that is not Passed.

Everything that can be refused is refused before the first request of the first test. Shows what the engine
tells, keeps what it returns.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from kload_runner.cgroup import usable_cores
from kload_runner.cli import environment, once, source
from kload_runner.cli.environment import ResolvedEnv
from kload_runner.cli.output import EXIT_SCRIPT, Refused, complain, new_console
from kload_runner.cli.outputs import Output, keep, read_outputs, write_outputs
from kload_runner.cli.parser import add_command, port_number
from kload_runner.cli.source import Source
from kload_runner.cli.workers import read_workers, useful_workers, workers_for
from kload_runner.display.live import LiveDisplay
from kload_runner.display.plain import PlainDisplay
from kload_runner.local import LocalRun, run_local
from kload_runner.report.terminal import print_summary
from kload_runner.report.view import View
from kload_runner.script.loading import ScriptError
from kload_runner.snapshots import RunSnapshot
from kload_runner.wire import InvalidUrl, find_proxies, parse_url
from kload_spec.errors import InvalidSpec
from kload_spec.result import Result

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands, Parser

OUT_FORMATS = ("json", "junit", "markdown")


class Display(AbstractContextManager["Display"], Protocol):
    """What a run is shown on."""

    def show(self, snapshot: RunSnapshot) -> None:
        """Show one moment."""

    def log(self, line: str) -> None:
        """Show a line of the test's own."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "run", run, "run LoadTests on this machine to their verdicts")
    source.add_options(parser)
    environment.add_options(parser)
    _add_execution(parser)


def _add_execution(parser: Parser) -> None:
    add = parser.add_argument_group("how").add_argument
    auto = "processes; auto: as many as the plan needs and the cores allow"
    add("--workers", default="auto", metavar="N|auto", help=auto)
    formats = f"write {', '.join(OUT_FORMATS)} (repeatable)"
    add("--out", action="append", default=[], metavar="FORMAT[=FILE]", help=formats)
    add(
        "--report",
        action="append",
        default=[],
        metavar="html[=FILE]",
        help="write a report to read",
    )
    metrics = "serve /metrics on this port while the test runs"
    add("--prometheus-port", type=port_number, metavar="N", help=metrics)
    add(
        "--once", action="store_true", help="one iteration of each scenario: no load, no thresholds"
    )
    verbose = "with --once: print every request, response, save and check, secrets masked"
    add("-v", "--verbose", action="store_true", help=verbose)


def run(options: argparse.Namespace) -> int:
    """Run all tests named; return the exit code of the first that is not Passed, else 0."""
    outputs = _outputs(options)
    workers = read_workers(options.workers)
    _refuse_contradictions(options)
    prepared = [(found, _environment(found, options)) for found in source.sources(options)]
    _warn_of_proxies([found for found, _ in prepared])
    if options.once:
        return once.run_once(
            [(found, env.values) for found, env in prepared], verbose=options.verbose
        )
    results: list[Result] = []
    for found, env in prepared:
        for warning in env.warnings:
            print(f"kload: {warning}", file=sys.stderr)
        results.append(_run_one(found, env.values, workers, options.prometheus_port))
        if not results[-1].passed:
            break
    for file in write_outputs(outputs, results):
        print(f"wrote {file}")
    _say_what_was_left(prepared[len(results) :])
    last = results[-1].verdict
    return last.exit_code if last else 1


def _refuse_contradictions(options: argparse.Namespace) -> None:
    """Refuse options that would have no effect."""
    if options.verbose and not options.once:
        raise Refused.because("-v prints one iteration; add --once, or leave it out")
    given = {
        "--out": options.out,
        "--report": options.report,
        "--prometheus-port": options.prometheus_port,
    }
    for name in (name for name, value in given.items() if value and options.once):
        raise Refused.because(
            f"{name}: --once prints one iteration and measures nothing; leave one of the two out"
        )


def _run_one(
    found: Source, env: Mapping[str, str], workers: int | None, metrics_port: int | None
) -> Result:
    """Run one test with its display, print its summary and keep its document."""
    console = new_console()
    name = found.plan.name
    display: Display = (
        LiveDisplay(console, name)
        if console.is_terminal
        else PlainDisplay(name, lambda line: print(line, flush=True))
    )
    local = LocalRun(
        plan=found.plan,
        env=env,
        source=found.origin,
        base_dir=found.base_dir,
        workers=_workers(found, workers),
        prometheus_port=metrics_port,
        on_snapshot=display.show,
        on_log=display.log,
    )
    try:
        with display:
            result = run_local(local)
    except InvalidSpec as error:  # known only here: files, rows, certificates
        raise found.refused(error) from error
    except ScriptError as error:
        raise Refused.because(str(error), exit_code=EXIT_SCRIPT) from error
    print_summary(View(result), console)
    try:
        print(f"kept in {keep(result)}")
    except (
        Refused
    ) as refused:  # a folder that cannot be written: no reason to lose verdict and outputs
        complain(refused)
    return result


def _workers(found: Source, asked: int | None) -> int:
    """Return how many processes a test gets, and say so where it is not what was asked for."""
    if asked is None:
        return workers_for(found.plan, usable_cores())
    useful = useful_workers(found.plan, asked)
    if useful < asked:
        print(f"kload: --workers {asked}: {found.plan.name} has VUs for {useful}", file=sys.stderr)
    return useful


def _outputs(options: argparse.Namespace) -> list[Output]:
    return [
        *read_outputs(options.out, "--out", OUT_FORMATS),
        *read_outputs(options.report, "--report", ("html",)),
    ]


def _environment(found: Source, options: argparse.Namespace) -> ResolvedEnv:
    env = environment.environment_of(found.plan.env, options, found.file)
    return env.complete(found.file)


def _warn_of_proxies(found: Sequence[Source]) -> None:
    """Say so where the environment names a proxy that other clients would use; kload goes to the target directly."""
    endpoints = []
    for one in found:
        url = one.origin.target or (
            one.plan.target.base_url.constant if one.plan.target.base_url else None
        )
        if isinstance(url, str):
            with contextlib.suppress(InvalidUrl):  # told with its place when the run is prepared
                endpoints.append(parse_url(url)[0])
    notice = find_proxies(os.environ, endpoints)
    if notice:
        print(f"kload: {notice}", file=sys.stderr)


def _say_what_was_left(left: Sequence[tuple[Source, ResolvedEnv]]) -> None:
    if left:
        names = ", ".join(found.plan.name for found, _ in left)
        print(f"not run, since the test before was not Passed: {names}", file=sys.stderr)
