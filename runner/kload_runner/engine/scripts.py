"""The script of a test as the engine meets it: its files, and its functions for setup and teardown.

What a script's functions do is `kload_runner.script`'s business.
"""

from __future__ import annotations

from types import ModuleType

from kload_runner.files import ReadFile, content_of
from kload_runner.script.behaviour import Function
from kload_runner.script.loading import function_of
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.plan import ScriptPlan
from kload_spec.program import StepProgram


def script_files(script: ScriptPlan, read: ReadFile) -> None:
    """Read the files that the manifest lists for a script.

    Raises:
        InvalidSpec: with all that are not there.
    """
    problems: list[Problem] = []
    for path in dict.fromkeys((script.entry, *script.files)):
        where = "spec.script.entry" if path == script.entry else "spec.script.files"
        try:
            content_of(path, where, read)
        except InvalidSpec as exc:
            problems += exc.problems
    if problems:
        raise InvalidSpec(problems)


def phase_function(
    module: ModuleType | None, name: str, script: ScriptPlan | None, program: StepProgram | None
) -> Function | None:
    """Return the script's function for setup or teardown; None where it has none.

    Raises:
        InvalidSpec: the manifest has steps for it as well: nobody could tell which comes first.
        ScriptError: it is no coroutine function.
    """
    if module is None or script is None or not hasattr(module, name):
        return None
    if program is not None:
        message = (
            f"has steps, and {script.entry} has a function {name} too: only one of them can be it;"
            f" take spec.{name} out, or give the function another name"
        )
        raise InvalidSpec([Problem(f"spec.{name}", message)])
    found: Function = function_of(module, name, script.entry)
    return found
