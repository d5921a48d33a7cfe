"""The user's script as a module: entry file, and the files beside it that it imports.

The only place that runs foreign code at load time. The folder of the entry and the folder the manifest's paths
are relative to can be imported from while the script is open; afterwards neither they nor the modules that came
from them are left behind, so that two tests in one process never see each other's.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.plan import ScriptPlan

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class ScriptError(Exception):
    """The script cannot be used: it does not load, or has no such function. Exit code 107."""


@contextmanager
def open_script(script: ScriptPlan, root: Path) -> Iterator[ModuleType]:
    """Load a script and keep it importable inside the block.

    Args:
        root: folder that the manifest's paths are relative to.

    Raises:
        InvalidSpec: the file is missing.
        ScriptError: it raised while it was loaded; the message has its line.
    """
    entry = root / script.entry
    folders = [entry.parent.resolve(), root.resolve()]
    paths = [str(folder) for folder in folders]
    before, known = list(sys.path), set(sys.modules)
    try:
        # First while it loads, as Python does for a program; last afterwards, so that a file of the test that is
        # named like a module of ours never takes its place.
        sys.path[:] = [*paths, *before]
        module = _load(entry, script.entry)
        sys.path[:] = [*before, *paths]
        yield module
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - known:
            if _is_of(sys.modules[name], folders):
                del sys.modules[name]


def loaded_files(module: ModuleType, root: Path, before: Container[str]) -> list[str]:
    """Return the files that a script's entry and its imports came from, as paths under `root` where they are.

    Args:
        before: names of the modules that were there before it was opened.
    """
    root = root.resolve()
    folders = [Path(module.__file__ or "").resolve().parent, root]
    found = [item for name, item in list(sys.modules.items()) if name not in before]
    files = {Path(str(item.__file__)) for item in (module, *found) if _is_of(item, folders)}
    return sorted(
        str(file.relative_to(root) if file.is_relative_to(root) else file) for file in files
    )


def _is_of(module: ModuleType, folders: Iterable[Path]) -> bool:
    """Say whether a module is the test's own: below its folders, and not installed there (a `.venv` beside it)."""
    origin = getattr(module, "__file__", None)
    if not origin or not origin.endswith(".py"):
        return False
    file = Path(origin)
    return any(
        file.is_relative_to(folder) and not _INSTALLED.intersection(file.relative_to(folder).parts)
        for folder in folders
    )


def function_of(module: ModuleType, name: str, entry: str) -> Any:
    """Return an `async def` of the script by name.

    Raises:
        ScriptError: there is none, or it is no coroutine function.
    """
    function = getattr(module, name, None)
    if function is None:
        have = [n for n, f in vars(module).items() if inspect.iscoroutinefunction(f)]
        raise ScriptError(
            f"{entry} has no function {name!r}; it has: {', '.join(have) or 'no async def'}"
        )
    if not inspect.iscoroutinefunction(function):
        raise ScriptError(f"{entry}: {name} must be written as `async def {name}(vu)`")
    return function


def place_of(error: BaseException, root: Path) -> str:
    """Return the innermost line of the user's own files that an error passed through: ``buy.py:12``."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(root):
            place = f"{file.relative_to(root)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _load(entry: Path, shown: str) -> ModuleType:
    name = f"kload_script_{entry.stem}"  # `json.py` must not become everybody's json
    spec = importlib.util.spec_from_file_location(name, entry)
    if spec is None or spec.loader is None or not entry.is_file():
        message = f"{shown} is not there; give a Python file of the test"
        raise InvalidSpec([Problem("spec.script.entry", message)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # `exit()` in a script ends the script, not kload
        del sys.modules[name]
        where = place_of(exc, entry.parent.resolve()) or shown
        raise ScriptError(f"{where}: {type(exc).__name__}: {exc}") from exc
    return module
