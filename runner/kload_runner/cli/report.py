"""`kload report`: shows a finished run again, or writes it in another form. Reads result documents, runs nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kload_runner.cli.output import Refused, new_console
from kload_runner.cli.outputs import FORMATS, RESULT_FILE, RUNS, read_outputs, write_outputs
from kload_runner.cli.parser import add_command
from kload_runner.report.terminal import print_summary
from kload_runner.report.view import View
from kload_spec.result import RESULT_SCHEMA, Result
from kload_spec.verdicts import exit_code

MOST_SHOWN = 40  # characters of a value that is wrong

if TYPE_CHECKING:
    from kload_runner.cli.parser import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "report", report, "show a finished run again, or write it in another form"
    )
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help=f"folders of {RUNS}, or result documents; the latest run if none",
    )
    parser.add_argument(
        "--out",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help=f"write {', '.join(FORMATS)} (repeatable)",
    )


def report(options: argparse.Namespace) -> int:
    """Show or write the runs; the exit code is that of the first that is not Passed, as of `kload run`."""
    outputs = read_outputs(options.out, "--out", list(FORMATS))
    results = [read_result(path) for path in options.runs or [latest()]]
    for result in results:
        print_summary(View(result), new_console())
    for file in write_outputs(outputs, results):
        print(f"wrote {file}")
    return next((code for code in map(_exit_code, results) if code), 0)


def _exit_code(result: Result) -> int:
    """Return the code of a verdict, whatever the document says: one without it must not look like a pass."""
    judgement = result.verdict
    return exit_code(judgement.verdict, judgement.reason) if judgement else 1


def latest(folder: Path = RUNS) -> Path:
    """Return the latest run kept here; names begin with the time."""
    runs = sorted(folder.glob(f"*/{RESULT_FILE}"))
    if not runs:
        raise Refused.because(
            f"there is no run in {folder}; run a test first, or name a result document"
        )
    return runs[-1]


def read_result(path: Path) -> Result:
    """Read a result document, from a file or the folder of a run."""
    file = path / RESULT_FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise Refused.because(
            f"{path}: the folder holds no {RESULT_FILE}; name a folder of {RUNS}, or a result document"
        )
    try:
        return Result.from_bytes(file.read_bytes())
    except OSError as error:
        raise Refused.because(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise Refused.because(f"{file}: not a {RESULT_SCHEMA} document: {_why(error)}") from error


def _why(error: ValueError) -> str:
    """Say of a document what is the first thing wrong with it."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_context=False)
    # A document of another version differs in much; that it is one says all.
    first = next((fault for fault in faults if fault["loc"] == ("schema",)), faults[0])
    place = ".".join(map(str, first["loc"]))
    found = first["input"] if isinstance(first["input"], str | int | float | bool) else ""
    given = f" (found {str(found)[:MOST_SHOWN]!r})" if found != "" and place else ""
    return f"{place}: {first['msg']}{given}" if place else str(first["msg"])
