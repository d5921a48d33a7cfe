"""The test's environment variables on this machine: ``-e`` over ``--env-file`` over the shell over the
manifest's value.

A `secretKeyRef` reads the shell variable of the entry's own name: the same file works here and in a cluster.
What is missing is refused by name before any load. The values never reach the plan or the result document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kload_runner.cli.output import Refused
from kload_spec.errors import Problem
from kload_spec.plan import EnvDeclaration


@dataclass(frozen=True, slots=True)
class ResolvedEnv:
    """Values by name, and one warning per optional variable that is empty."""

    values: Mapping[str, str]
    warnings: tuple[str, ...]


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
    """Find a value for every declared variable; raise Refused with the names of all that are missing."""
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
    missing += [
        Problem(
            f"-e {name}",
            "the test declares no such variable; add it under spec.env, or leave it out",
        )
        for name in unknown
    ]
    if missing:
        raise Refused(missing, source)
    return ResolvedEnv(values, tuple(warnings))


def _first(name: str, *places: Mapping[str, str]) -> str | None:
    return next((place[name] for place in places if name in place), None)


def _how_to_set(variable: EnvDeclaration) -> str:
    kind = "a secret" if variable.secret else "a variable"
    return (
        f"{kind} the test needs is not set; export {variable.name}=..., or give -e {variable.name}=... "
        "or --env-file FILE (or declare it `optional: true`)"
    )
