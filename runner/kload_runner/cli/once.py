"""`kload run --once`: rehearses tests instead of running them; exit code 0 only if nothing failed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from kload_runner.cli.output import EXIT_SCRIPT, Refused
from kload_runner.cli.source import Source
from kload_runner.engine import RunnerFacts
from kload_runner.engine.facts import seed_of
from kload_runner.loop import run
from kload_runner.rehearsal.rehearsal import Rehearsal
from kload_runner.script.loading import ScriptError
from kload_spec.control import RunIdentity
from kload_spec.errors import InvalidSpec

EXIT_FAILED = 99
STYLES = {"✗": "red", "✓": "green", "→": "cyan", "←": "cyan"}


def run_once(prepared: Sequence[tuple[Source, Mapping[str, str]]], *, verbose: bool) -> int:
    """Rehearse each test; return 99 if an answer, a check, a sample or an iteration failed."""
    console = Console(highlight=False, soft_wrap=True)
    failures = 0
    for source, env in prepared:
        console.print(Text(f"{source.plan.name}, one iteration of each scenario", "bold"))
        failures += _rehearse(source, env, console, verbose)
    summary = "nothing failed" if not failures else f"{failures} failed"
    console.print(Text(summary, "bold red" if failures else "bold green"))
    return EXIT_FAILED if failures else 0


def _rehearse(source: Source, env: Mapping[str, str], console: Console, verbose: bool) -> int:
    facts = RunnerFacts(
        run=RunIdentity(uid="once", run_id="once", loadtest=source.plan.name),
        seed=seed_of(source.plan, None),
        env=env,
        base_dir=source.base_dir,
    )

    def write(line: str) -> None:
        console.print(Text(line, STYLES.get(line.strip()[:1], "")))

    rehearsal = Rehearsal(source.plan, facts, write, verbose=verbose)
    try:
        run(rehearsal.run())
    except InvalidSpec as error:
        raise source.refused(error) from error
    except ScriptError as error:
        raise Refused.because(str(error), exit_code=EXIT_SCRIPT) from error
    return rehearsal.failures
