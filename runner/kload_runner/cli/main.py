"""The command line `kload`: reads arguments and files, calls the engine, prints. Decides nothing about load or
verdicts.

One module per command, each with its own options: `add_to(commands)` and the function that runs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

from kload_runner.cli import demo, new, pod, report, run, validate, wait
from kload_runner.cli.output import Refused, complain
from kload_runner.cli.parser import new_parser

EXIT_CODES = """\
exit codes: 0 passed, 99 a threshold was broken, 98 inconclusive, 104 invalid input, 105 stopped by Ctrl-C,
            107 a script failed at load or setup, 108 stopped by an `abort` step, 1 any other error
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/exit-codes.md)."""
    parser, commands = new_parser(
        "Load tests as Kubernetes resources; the same file runs here and in a cluster.",
        epilog=EXIT_CODES,
        version=f"kload {version('kload')}",
    )
    for command in (run, validate, new, report, demo, wait, pod):
        command.add_to(commands)
    options = parser.parse_words(sys.argv[1:] if argv is None else argv)
    try:
        return int(options.command(options))
    except Refused as refused:
        complain(refused)
        return refused.exit_code
    except BrokenPipeError:  # `kload report | head`: the reader left, which is no fault of ours
        sys.stderr.close()
        return 0
