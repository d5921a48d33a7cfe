"""The command line `kload`: reads arguments and files, calls the engine, prints. Decides nothing about load or
verdicts.

One module per command, each with its own options: `add_to(commands)` and the function that runs it. Only the module of
the command that was asked for is imported: `kload --help` needs no engine.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType, ModuleType

from kload_runner.cli.lasting import lasting_output
from kload_runner.cli.output import EXIT_INTERRUPTED, Refused, complain
from kload_runner.cli.parser import new_parser

EXIT_CODES = """\
exit codes: 0 passed, 99 a threshold was broken, 98 inconclusive, 104 invalid input, 105 stopped by Ctrl-C,
            107 a script failed at load or setup, 108 stopped by an `abort` step, 1 any other error
"""


COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "run": "run LoadTests on this machine to their verdicts",
        "validate": "check manifests and show what they would do; sends nothing",
        "new": "write a commented LoadTest to start from",
        "schema": "print the JSON schema of a LoadTest, for an editor",
        "report": "show a finished run again, or write it in another form",
        "demo": "load a small bundled shop: a first run that needs nothing else",
        "wait": "wait for a LoadTest in a cluster and exit with its verdict",
        "stop": "stop the run of a LoadTest in a cluster, gracefully",
        "pod": "be a runner in a pod: the container's command",
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/exit-codes.md), whether anybody reads what it prints or not."""
    with lasting_output():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    parser, commands = new_parser(
        "Load tests as Kubernetes resources; the same file runs here and in a cluster.",
        epilog=EXIT_CODES,
        version=f"kload {version('kload')}",
    )
    words = sys.argv[1:] if argv is None else argv
    try:
        for name, summary in COMMANDS.items():
            if words and words[0] == name:
                _module_of(name).add_to(commands)
            else:
                commands.add_parser(name, help=summary)
        options = parser.parse_words(words)
        return int(options.command(options))
    except (
        KeyboardInterrupt
    ):  # before a run took Ctrl-C for itself, or in a command that measures nothing
        print("kload: stopped by Ctrl-C", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Refused as refused:
        complain(refused)
        return refused.exit_code


def _module_of(command: str) -> ModuleType:
    """Import a command's module.

    Without collections: all that imports make stays, and looking through it again and again took an eighth of the
    CPU time before the first request.
    """
    gc.disable()
    try:
        return import_module(f"kload_runner.cli.{command}")
    finally:
        gc.enable()
        gc.freeze()
