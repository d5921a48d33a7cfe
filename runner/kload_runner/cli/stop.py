"""`kload stop NAME`: stops the run of a LoadTest that is in progress in a cluster, gracefully; it ends as Cancelled.

Sets the annotation `kload.dev/abort` to the uid of this very run, so that whoever applies the manifest again (GitOps
does so by itself) neither takes the stop back nor stops a later run. Needs no right but `get` and `patch`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kload_runner.cli.kubectl import add_options, annotate, read_load_test, require_kubectl
from kload_runner.cli.output import Refused
from kload_runner.cli.parser import add_command
from kload_spec.model import ABORT_ANNOTATION

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    summary = "stop the run of a LoadTest in a cluster, gracefully"
    add_options(add_command(commands, "stop", stop, summary))


def stop(options: argparse.Namespace) -> int:
    """Stop the run in progress."""
    require_kubectl("stop")
    number, uid = run_in_progress(options.name, read_load_test(options))
    annotate(options, ABORT_ANNOTATION, uid)
    print(
        f"{options.name}: run {number} is told to stop; `kload wait {options.name}` follows it",
        file=sys.stderr,
    )
    return 0


def run_in_progress(name: str, load_test: Mapping[str, Any]) -> tuple[int, str]:
    """Return number and uid of the run in progress.

    Raises:
        Refused: there is none.
    """
    status = load_test.get("status") or {}
    run = status.get("run") or {}
    if not run.get("uid"):
        raise Refused.because(f"{name} has no run yet", exit_code=1)
    if status.get("verdict"):
        message = f"run {run.get('number')} of {name} has ended already: {status['verdict']}"
        raise Refused.because(message, exit_code=1)
    return int(run.get("number") or 0), str(run["uid"])
