"""What scenarios refer to by name, turned into the plan's own: metrics, env, data feeds, script, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kload_spec.expressions import ANY, Members
from kload_spec.metrics import (
    BUILTIN,
    RESERVED_PREFIXES,
    MetricDefinition,
    MetricType,
    Unit,
    exposed_names,
)
from kload_spec.model.declarations import DataFeed as WrittenFeed
from kload_spec.model.declarations import GeneratorLimits, Metric, Script
from kload_spec.model.environment import EnvVar
from kload_spec.paths import child
from kload_spec.plan import EnvDeclaration, ScriptPlan
from kload_spec.planning.compilation import Compiler
from kload_spec.program import DataFeed, OnExhausted, RowOrder, RowsPer
from kload_spec.verdicts import Limits


def metrics_of(written: Mapping[str, Metric], compiler: Compiler) -> dict[str, MetricDefinition]:
    """Return the built-in metrics and the test's own, by name."""
    found = dict(BUILTIN)
    for name, metric in sorted(written.items()):
        path, unit = child("spec.metrics", name), metric.unit or Unit.NONE
        if name in BUILTIN:
            compiler.problem(path, f"{name!r} is built in; use another name")
        elif name.startswith(RESERVED_PREFIXES):
            prefixes = ", ".join(RESERVED_PREFIXES)
            compiler.problem(
                path, f"{name!r}: names beginning with {prefixes} are kload's own; use another name"
            )
        elif metric.type is MetricType.RATE and unit is not Unit.NONE:
            compiler.problem(
                f"{path}.unit",
                f"{unit.value}: a rate is a share and has no unit; leave it out",
            )
        else:
            definition = MetricDefinition(
                name, metric.type, unit, metric.per or 1.0, metric.description or ""
            )
            _check_exposed(definition, found.values(), path, compiler)
            found[name] = definition
    return found


def _check_exposed(
    metric: MetricDefinition, others: Iterable[MetricDefinition], path: str, compiler: Compiler
) -> None:
    """Refuse a metric whose series another one has already: a scrape could not tell them apart."""
    names = exposed_names(metric)
    for other in others:
        shared = names & exposed_names(other)
        if shared:
            owner = f"the built-in {other.name}" if other.builtin else f"spec.metrics.{other.name}"
            compiler.problem(
                path,
                f"{metric.name!r} would be {min(shared)} on /metrics, as {owner} is; use another name",
            )
            return


def environment_of(written: Iterable[EnvVar]) -> tuple[EnvDeclaration, ...]:
    """Return the declared variables, in the order of the file."""
    return tuple(
        EnvDeclaration(variable.name, variable.value, variable.is_secret, variable.is_optional)
        for variable in written
    )


def feeds_of(written: Mapping[str, WrittenFeed], compiler: Compiler) -> dict[str, DataFeed]:
    """Return the data feeds by name."""
    feeds = {}
    for name, feed in sorted(written.items()):
        if feed.file is not None and not feed.file.lower().endswith((".csv", ".json")):
            compiler.problem(
                f"{child('spec.data', name)}.file",
                f"{feed.file!r} is neither .csv nor .json",
            )
        order = feed.order or RowOrder.SEQUENTIAL
        exhausted = OnExhausted.STOP if order is RowOrder.UNIQUE else OnExhausted.RECYCLE
        feeds[name] = DataFeed(
            name=name,
            order=order,
            per=feed.per or RowsPer.ITERATION,
            on_exhausted=feed.on_exhausted or exhausted,
            file=feed.file,
            rows=feed.rows,
            columns=frozenset(feed.columns or ()),
        )
    return feeds


def columns_of(feed: DataFeed) -> Members:
    """Return the columns that `row` has; `ANY` for a file that does not say."""
    if feed.rows is not None:
        return frozenset(column for row in feed.rows for column in row)
    return feed.columns or ANY


def script_of(written: Script | None, compiler: Compiler) -> ScriptPlan | None:
    """Return the script."""
    if written is None:
        return None
    if not written.entry.endswith(".py"):
        compiler.problem(
            "spec.script.entry",
            f"{written.entry!r} is no Python file; scripts are .py files for now",
        )
    files = written.files or ()
    return ScriptPlan(written.entry, tuple(file.path for file in files) or (written.entry,))


def limits_of(written: GeneratorLimits | None) -> Limits:
    """Return the limits of the generator, with the defaults of `verdicts`."""
    given = (
        {}
        if written is None
        else {name: getattr(written, name) for name in written.model_fields_set}
    )
    default = Limits()
    return Limits(
        late_share=given.get("late_share", default.late_share),
        late_start_s=given.get("late_start", default.late_start_s),
        loop_lag_share=given.get("loop_lag_share", default.loop_lag_share),
        local_errors=given.get("local_errors", default.local_errors),
        cpu_share=given.get("cpu_share", default.cpu_share),
    )
