"""Every file of a test that cannot be used, told at once and without the environment.

Preparing a run stops at the first thing that is wrong; this looks at all files by the same readers, so that the
messages are the same. For refusals of `kload run`, and for `kload validate` where variables are not set. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kload_runner.data import load_rows
from kload_runner.engine.scripts import phase_function, script_files
from kload_runner.engine.target import tls_files
from kload_runner.files import FilesRead, content_of
from kload_runner.script.loading import function_of, open_script
from kload_runner.steps.reads import walk
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.plan import Plan
from kload_spec.program import MultipartBody, RequestStep, ScriptProgram, Step, StepProgram


def inspect_files(plan: Plan, files: FilesRead) -> None:
    """Look at all files that a run of the plan would read.

    Raises:
        InvalidSpec: with every file that is missing or cannot be used.
        ScriptError: all files are there, but the script cannot be used.
    """
    problems = file_problems(plan, files)
    if problems:
        raise InvalidSpec(problems)
    _try_script(plan, files)


def file_problems(plan: Plan, files: FilesRead) -> list[Problem]:
    """Return what is wrong with the files of a plan, save for what a script does when it is loaded."""
    problems: list[Problem] = []
    for look in _looks(plan, files):
        try:
            look()
        except InvalidSpec as exc:
            problems += exc.problems
    return list(dict.fromkeys(problems))


def _looks(plan: Plan, files: FilesRead) -> Iterator[Callable[[], object]]:
    yield partial(tls_files, plan.target.tls, files.read)
    if plan.script is not None:
        yield partial(script_files, plan.script, files.read)
    for name in dict.fromkeys(item.data for item in plan.scenarios if item.data is not None):
        yield partial(load_rows, plan.data[name], files.read)
    for step in _steps(plan):
        if isinstance(step, RequestStep) and isinstance(step.body, MultipartBody):
            where = f"{step.path}.multipart.files"
            for _, path in step.body.files:
                yield partial(content_of, path, where, files.read)


def _steps(plan: Plan) -> Iterator[Step]:
    programs = [plan.setup, *(item.program for item in plan.scenarios), plan.teardown]
    for program in programs:
        if isinstance(program, StepProgram):
            yield from walk((*program.start, *program.steps))


def _try_script(plan: Plan, files: FilesRead) -> None:
    script = plan.script
    if script is None:
        return
    with open_script(script, files.base_dir) as module:
        for scenario in plan.scenarios:
            if isinstance(scenario.program, ScriptProgram):
                function_of(module, scenario.program.function, script.entry)
        for name, program in (("setup", plan.setup), ("teardown", plan.teardown)):
            phase_function(module, name, script, program)
