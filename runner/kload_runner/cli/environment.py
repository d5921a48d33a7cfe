"""The test's environment variables on this machine: ``-e`` over ``--env-file`` over the shell over the
manifest's value.

A `secretKeyRef` reads the shell variable of the entry's own name: the same file works here and in a cluster.
What is missing is refused by name before any load. The values never reach the plan or the result document.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kload_runner.cli.output import Refused
from kload_spec.errors import Problem
from kload_spec.plan import EnvDeclaration

if TYPE_CHECKING:
    from kload_runner.cli.parser import Parser


@dataclass(frozen=True, slots=True)
class ResolvedEnv:
    """Values by name.

    Attributes:
        warnings: one per optional variable that is empty.
        missing: variables that have no value and need one; a run is refused with these.
    """

    values: Mapping[str, str]
    warnings: tuple[str, ...]
    missing: tuple[Problem, ...] = ()

    def complete(self, source: str) -> ResolvedEnv:
        """Return itself; raise Refused with the names of all that are missing."""
        if self.missing:
            raise Refused(self.missing, source)
        return self


def add_options(parser: Parser) -> None:
    """Add the options that give variables their values."""
    add = parser.add_argument_group(
        "environment: -e over --env-file over the shell over the manifest"
    ).add_argument
    add(
        "-e",
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a variable of the test",
    )
    add(
        "--env-file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="NAME=VALUE lines (repeatable)",
    )


def environment_of(
    declared: Iterable[EnvDeclaration], options: argparse.Namespace, source: str
) -> ResolvedEnv:
    """Find the values of a test's variables by the options and the shell; see `resolve_env`."""
    file: dict[str, str] = {}
    for path in options.env_file:
        file |= read_env_file(path)
    given = assignments(options.env, "-e")
    return resolve_env(declared, given=given, file=file, shell=os.environ, source=source)


def assignments(pairs: Iterable[str], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` words; raise Refused for one without a ``=``."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Refused.because(
                f"{option} {pair}: write {option} NAME=VALUE, e.g. {option} {name or 'peak'}=5"
            )
        values[name] = value
    return values


def read_env_file(path: Path) -> dict[str, str]:
    """Read a file of ``NAME=VALUE`` lines, as docker does: ``#`` starts a comment line, values are taken as they are.

    One pair of quotes around a value is removed and a leading ``export`` is allowed, since such files are
    sourced by shells too.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Refused.because(f"--env-file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused.because(f"--env-file {path}: not UTF-8 text") from error
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            problems.append(Problem("", _NO_ASSIGNMENT, number))
        values[name.strip()] = _unquoted(value.strip())
    if problems:
        raise Refused(problems, str(path))
    return values


_NO_ASSIGNMENT = (  # without the line itself: it may well be a piece of a secret
    "the line is not NAME=VALUE; a value is one line, and a comment begins with #"
)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def resolve_env(
    declared: Iterable[EnvDeclaration],
    *,
    given: Mapping[str, str],
    file: Mapping[str, str],
    shell: Mapping[str, str],
    source: str,
) -> ResolvedEnv:
    """Find a value for every declared variable, or say that it is missing.

    Raises:
        Refused: a variable was given that the test does not declare.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    missing: list[Problem] = []
    declarations = list(declared)
    for variable in declarations:
        found = _first(variable.name, given, file, shell)
        if found is None:
            found = variable.value
        if found is None and variable.optional:
            warnings.append(f"{variable.name} is not set; it is optional and reads as empty")
            found = ""
        if found is None:
            missing.append(Problem(f"env {variable.name}", _how_to_set(variable)))
        else:
            values[variable.name] = found
    unknown = sorted(given.keys() - {variable.name for variable in declarations})
    strange = [
        Problem(
            f"-e {name}",
            "the test declares no such variable; add it under spec.env, or leave it out",
        )
        for name in unknown
    ]
    if strange:
        raise Refused([*missing, *strange], source)
    return ResolvedEnv(values, tuple(warnings), tuple(missing))


def _first(name: str, *places: Mapping[str, str]) -> str | None:
    return next((place[name] for place in places if name in place), None)


def _how_to_set(variable: EnvDeclaration) -> str:
    kind = "a secret" if variable.secret else "a variable"
    return (
        f"{kind} the test needs is not set; export {variable.name}=..., or give -e {variable.name}=... "
        "or --env-file FILE (or declare it `optional: true`)"
    )
