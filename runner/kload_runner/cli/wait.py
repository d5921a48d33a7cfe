"""`kload wait NAME`: follows a LoadTest in a cluster until its run has ended and exits with the verdict's code.

Needs no right but `get`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kload_runner.cli.kubectl import add_options, read_load_test, require_kubectl
from kload_runner.cli.output import Refused
from kload_runner.cli.parser import add_command
from kload_spec.errors import InvalidSpec
from kload_spec.quantities import parse_duration
from kload_spec.verdicts import Reason, Verdict, exit_code

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands

EXIT_TIMEOUT = 124  # as timeout(1) has it
EXIT_UNKNOWN = (
    1  # a verdict or reason of an operator newer than this program, unless the verdict alone tells
)
POLL_S = 2.0  # s; one small GET, as often as a person would look


@dataclass(frozen=True, slots=True)
class Progress:
    """What a LoadTest says of its run: a line to show, and the exit code once it has ended."""

    line: str
    exit_code: int | None


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "wait", wait, "wait for a LoadTest in a cluster and exit with its verdict"
    )
    add_options(parser)
    parser.add_argument(
        "--timeout",
        default="1h",
        metavar="TIME",
        help="give up after this long, exit code 124 (1h)",
    )


def wait(options: argparse.Namespace) -> int:
    """Poll until the run of the newest generation has ended."""
    require_kubectl("wait")
    try:
        timeout_s = parse_duration(options.timeout)
    except (InvalidSpec, ValueError) as error:
        raise Refused.because(f"--timeout {options.timeout}: {error}") from error
    return follow(
        lambda: read_load_test(options),
        say=lambda line: print(f"{options.name}: {line}", file=sys.stderr, flush=True),
        timeout_s=timeout_s,
    )


def follow(
    get: Callable[[], Mapping[str, Any]],
    *,
    say: Callable[[str], None],
    timeout_s: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Say every change of `get()` until it tells an end; return the exit code."""
    deadline = now() + timeout_s
    said = ""
    while True:
        progress = progress_of(get())
        if progress.line != said:
            said = progress.line
            say(said)
        if progress.exit_code is not None:
            return progress.exit_code
        if now() >= deadline:
            say(f"still not finished after {timeout_s:g} s; gave up waiting, the run goes on")
            return EXIT_TIMEOUT
        sleep(min(POLL_S, max(0.0, deadline - now())))


def progress_of(load_test: Mapping[str, Any]) -> Progress:
    """Read a LoadTest's status; conditions of an older generation say nothing about this one."""
    status = load_test.get("status") or {}
    generation = load_test.get("metadata", {}).get("generation")
    if status.get("observedGeneration") != generation:
        return Progress("waiting for the operator to see this generation", None)
    finished = any(
        condition.get("type") == "Finished" and condition.get("status") == "True"
        for condition in status.get("conditions", ())
    )
    if not finished:
        return Progress(
            f"{status.get('phase', 'Pending')} {status.get('message', '')}".strip(), None
        )
    verdict, reason = str(status.get("verdict", "")), str(status.get("reason", ""))
    line = f"{verdict} ({reason}) {status.get('message', '')}".strip()
    return Progress(line, _exit_code(verdict, reason))


def _exit_code(verdict: str, reason: str) -> int:
    """Return the code that `kload run` would have ended with."""
    if verdict not in set(Verdict):
        return EXIT_UNKNOWN
    known = Reason(reason) if reason in set(Reason) else None
    return exit_code(Verdict(verdict), known)
