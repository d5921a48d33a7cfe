"""argparse with kload's exit code for wrong words and a guess at what was meant. Knows no command."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

from kload_runner.cli.output import EXIT_INVALID

MAX_PORT = 65_535


class Parser(argparse.ArgumentParser):
    """A parser whose refusals end with 104, like any other wrong input, and name the nearest option."""

    @override
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"kload: {message}{self._guess(message)}", file=sys.stderr)
        raise SystemExit(EXIT_INVALID)

    def parse_words(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse a command line. Options may stand between files, and a command tells what it does not know.

        argparse can do the first only without subcommands, hence the command's own parser is asked.
        """
        command = self._commands().get(words[0]) if words else None
        if command is None:
            return self.parse_args(words)  # --help, --version, or an error that names the commands
        options, unknown = command.parse_known_intermixed_args(words[1:])
        if unknown:
            command.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options

    def _commands(self) -> Mapping[str, Parser]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return action.choices
        return {}

    def _guess(self, message: str) -> str:
        unknown = "unrecognized arguments: "
        words = message.removeprefix(unknown).split() if message.startswith(unknown) else []
        known = [option for action in self._actions for option in action.option_strings]
        close = difflib.get_close_matches(words[0].split("=")[0], known, n=1) if words else []
        return f"; did you mean {close[0]}?" if close else ""


def port_number(text: str) -> int:
    """Read the number of a TCP port."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to {MAX_PORT}")
    return int(text)


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]  # argparse's own name for it is private


def new_parser(description: str, *, epilog: str, version: str) -> tuple[Parser, Commands]:
    """Make the program's parser and the place where commands are added."""
    parser = Parser(
        prog="kload",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # `--dur` would silently change its meaning with the next option we add
    )
    parser.add_argument("--version", action="version", version=version)
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> Parser:
    """Add a command and return its parser, to which the command adds its options."""
    parser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.set_defaults(command=run)
    return parser
