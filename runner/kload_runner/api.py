"""kload from Python: run a LoadTest and get its result, for regression tests with pytest and for notebooks.

    def test_checkout_stays_fast() -> None:
        result = kload_runner.run("checkout.yaml", target="http://127.0.0.1:8000", vus=5, duration="10s")
        assert result.passed, result.message
        assert result.percentile(95, step="create-checkout") < 300  # ms

The same path as `kload run` without its terminal: nothing is printed or written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kload_runner.local import LocalRun, run_local
from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.loading import Document, load_text, patched, read_documents
from kload_spec.plan import EnvDeclaration, Plan
from kload_spec.planning import plan_of
from kload_spec.result import Result


def run(
    path: str | os.PathLike[str],
    *,
    params: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    target: str | None = None,
    scenarios: Sequence[str] = (),
    patches: Sequence[str | os.PathLike[str]] = (),
    vus: int | None = None,
    duration: str | None = None,
    iterations: int | None = None,
    workers: int = 1,
) -> Result:
    """Run the LoadTest of a file on this machine and return its result.

    Args:
        path: a file with exactly one LoadTest.
        params: values of parameters, over the manifest's.
        env: environment variables, over those of the process and the manifest.
        target: takes the place of `target.baseURL`.
        scenarios: run only these; empty: all that are enabled.
        patches: files merged over the manifest, in order.
        vus, duration, iterations: a quick run, see `kload run --help`; `duration` as in the manifest: ``"30s"``.
        workers: processes.

    Returns:
        The result document: `passed`, `message`, `percentile`, `summary`, `thresholds` and everything else.
        A target that is down or slow is a result, not an exception.

    Raises:
        InvalidSpec: the file or what was given over it cannot be run; nothing was sent.
        OSError: a file cannot be read.
    """
    file = Path(path)
    document = _document(file)
    try:
        for patch in patches:
            document = _patched(document, Path(patch))
        source = PlanSource(
            document=dict(document.value),
            params={name: _text(value) for name, value in (params or {}).items()},
            target=target,
            scenarios=tuple(scenarios),
            vus=vus,
            duration=duration,
            iterations=iterations,
        )
        plan = plan_of(source)
    except InvalidSpec as exc:
        raise document.located(exc) from exc
    local = LocalRun(
        plan=plan,
        env=environment_of(plan, {**os.environ, **(env or {})}),
        source=source,
        base_dir=file.parent,
        workers=workers,
    )
    return run_local(local)


def environment_of(plan: Plan, values: Mapping[str, str]) -> dict[str, str]:
    """Return a value for every variable the plan declares.

    Raises:
        InvalidSpec: with the names of all that are missing.
    """
    found: dict[str, str] = {}
    missing: list[Problem] = []
    for item in plan.env:
        value = _value_of(item, values)
        if value is None:
            message = f"is not set; give env={{{item.name!r}: ...}}, or export it"
            missing.append(Problem(f"env {item.name}", message))
        else:
            found[item.name] = value
    if missing:
        raise InvalidSpec(missing)
    return found


def _value_of(item: EnvDeclaration, values: Mapping[str, str]) -> str | None:
    value = values.get(item.name, item.value)
    return "" if value is None and item.optional else value


def _document(file: Path) -> Document:
    found = load_text(file.read_text(encoding="utf-8"), str(file))
    if len(found) != 1:
        message = f"holds {len(found)} LoadTests; give a file with exactly one"
        raise InvalidSpec([Problem("", f"{file}: {message}")])
    return found[0]


def _patched(document: Document, file: Path) -> Document:
    for patch in read_documents(file.read_text(encoding="utf-8"), str(file)):
        document = patched(document, patch)
    return document


def _text(value: object) -> str:
    """Return a parameter as the command line would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
