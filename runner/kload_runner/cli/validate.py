"""`kload validate`: says everything that is wrong with a manifest, or what it would do. Sends nothing.

Looks at all that `kload run` would refuse before any load, files and scripts too, and says it in the same words. One
thing is only noted: variables without a value, since CI may validate without secrets. Then what would be made of them
(URLs, headers, certificates) is not looked at.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kload_runner.cli import environment, source
from kload_runner.cli.environment import ResolvedEnv
from kload_runner.cli.output import EXIT_SCRIPT, Refused, complain, new_console
from kload_runner.cli.parser import add_command
from kload_runner.cli.source import Source
from kload_spec import numbers
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.planning import describe
from kload_spec.shapes import Moment

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands

SPARK_WIDTH = 48
SPARK_BARS = " ▁▂▃▄▅▆▇█"


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "validate", validate, "check manifests and show what they would do; sends nothing"
    )
    source.add_options(parser)
    environment.add_options(parser)


def validate(options: argparse.Namespace) -> int:
    """Check all files, print the problems of each or its plan; return 104 if any is wrong."""
    console = new_console()
    code = 0
    for entry in source.entries(options):
        try:
            for found in source.sources_of(entry, options):
                env = environment.environment_of(found.plan.env, options, found.file)
                _check(found, env)
                _print(found, env, console)
        except Refused as refused:
            complain(refused)
            code = refused.exit_code
    return code


def _check(found: Source, env: ResolvedEnv) -> None:
    """Refuse what a run would refuse once it is prepared."""
    from kload_runner.local import LocalRun, check_local  # late: `kload validate --help` needs none
    from kload_runner.script.loading import ScriptError

    local = LocalRun(plan=found.plan, env=env.values, base_dir=found.base_dir)
    try:
        check_local(local, missing_env=bool(env.missing))
    except InvalidSpec as error:
        raise found.refused(error) from error
    except ScriptError as error:
        raise Refused((Problem("spec.script", str(error)),), found.file, EXIT_SCRIPT) from error


def _print(found: Source, env: ResolvedEnv, console: Console) -> None:
    plan = describe(found.plan)
    console.print(Text.assemble((f"{plan.name}", "bold"), f"  {found.file} is valid"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("  scenario", "load", "from", "to", "VUs", "iterations", "requests"):
        table.add_column(column, justify="left" if column in ("  scenario", "load") else "right")
    for scenario in plan.scenarios:
        table.add_row(
            f"  {scenario.name}",
            scenario.load,
            numbers.clock(scenario.start_s),
            numbers.clock(scenario.end_s),
            numbers.count(scenario.vus),
            _at_most(scenario.iterations),
            _at_most(scenario.requests),
        )
    console.print(table)
    console.print(
        f"  VUs over time  {spark(plan.vus_over_time, plan.load_s)}  at most {numbers.count(plan.max_vus)}"
    )
    total = (
        "as many as the target answers"
        if plan.requests is None
        else f"at most {numbers.count(plan.requests)}"
    )
    console.print(
        f"  load {numbers.clock(plan.load_s)}, at the longest {numbers.clock(plan.longest_s)}; requests: {total}"
        + (f"; in a cluster on {plan.runners} runners" if plan.runners > 1 else "")
    )
    for threshold in plan.thresholds:
        console.print(Text(f"  must hold: {threshold}"), soft_wrap=True)
    for warning in (*plan.warnings, *env.warnings, *_notes(env)):
        console.print(Text(f"  ! {warning}", "yellow"), soft_wrap=True)


def _notes(env: ResolvedEnv) -> list[str]:
    """Say which variables a run would ask for."""
    if not env.missing:
        return []
    notes = [f"{problem.path} is not set here, and kload run needs it" for problem in env.missing]
    return [*notes, "what is made of variables (URLs, headers, certificates) was not checked"]


def _at_most(count: int | None) -> str:
    return "open" if count is None else f"≤ {numbers.count(count)}"


def spark(moments: tuple[Moment, ...], duration_s: float) -> str:
    """Draw VUs over time as a line of bars, each the most VUs of its stretch of time."""
    most = max((moment.vus for moment in moments), default=0)
    if not most or duration_s <= 0:
        return ""
    bars = [0] * SPARK_WIDTH
    for position, moment in enumerate(moments):
        end_s = moments[position + 1].at_s if position + 1 < len(moments) else duration_s
        first = min(SPARK_WIDTH - 1, int(moment.at_s / duration_s * SPARK_WIDTH))
        last = min(SPARK_WIDTH - 1, int(min(end_s, duration_s) / duration_s * SPARK_WIDTH))
        for bar in range(first, max(first, last) + 1):
            bars[bar] = max(bars[bar], moment.vus)
    return "".join(SPARK_BARS[-(-value * 8 // most)] for value in bars)
