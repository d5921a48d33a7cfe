"""The plan of a run: a LoadTest with params inlined and everything compiled, ready to be executed or judged.

Built by `planning`, read by the runner (which executes it), the operator (which judges it) and the command line
(which shows it). Data only. Two runners given the same manifest and the same overrides hold plans with equal
`plan_hash`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kload_spec.expressions import Template
from kload_spec.metrics import MetricDefinition
from kload_spec.program import DataFeed, Program, StatusSet, StepProgram
from kload_spec.shapes import ScenarioLoad
from kload_spec.thresholds import Threshold
from kload_spec.verdicts import Limits

DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024
DEFAULT_DNS_TTL_S = 30.0


@dataclass(frozen=True, slots=True)
class EnvDeclaration:
    """A variable the test reads at run time. Locally ``-e`` wins over ``--env-file``, the shell and `value`.

    Attributes:
        value: the manifest's own; None where it has none.
        secret: it comes from a secretKeyRef, and is masked everywhere it could be shown.
        optional: empty instead of refused where nothing gives a value.
    """

    name: str
    value: str | None = None
    secret: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """How to talk TLS.

    Attributes:
        ca_env, cert_env, key_env: names of variables that hold a PEM text.
        ca_file, cert_file, key_file: paths of PEM files as written in the manifest.
        server_name: for SNI and verification; None: the URL's host.
    """

    ca_env: str | None = None
    ca_file: str | None = None
    cert_env: str | None = None
    cert_file: str | None = None
    key_env: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class ReadyProbe:
    """The request that must be answered as expected before setup; else `Error/TargetNotReady` and no load."""

    url: Template
    expect: StatusSet
    timeout_s: float
    interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What is loaded, and what all requests share.

    Attributes:
        timeout_s: of a whole request that says nothing else: connecting, redirects and body included.
        redirects: most redirects of a request that says nothing else.
        expect: statuses that count as success where a request says nothing else.
        cookies: whether a VU keeps cookies.
        max_body_bytes: largest answer that is read, also after decompression.
        dns_ttl_s: how long an address is used before its name is looked up again.
    """

    base_url: Template | None
    timeout_s: float
    connect_timeout_s: float
    redirects: int
    expect: StatusSet
    headers: tuple[tuple[str, Template], ...] = ()
    tls: TlsPlan = TlsPlan()
    ready: ReadyProbe | None = None
    cookies: bool = True
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    dns_ttl_s: float = DEFAULT_DNS_TTL_S


@dataclass(frozen=True, slots=True)
class ScriptPlan:
    """Code brought by the user: an entry file and the files beside it, paths as written."""

    entry: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """One scenario: its load, what a VU does, and what its samples are tagged with.

    Attributes:
        env: over the run's own environment.
        data: name of the feed whose rows are `row`; None without.
    """

    name: str
    load: ScenarioLoad
    program: Program
    tags: tuple[tuple[str, str], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs to know about itself.

    Attributes:
        scenarios: those that run, sorted by name: the position is the ordinal `o` of `striping`.
        thresholds: the user's own first, then the implicit ones of asserts and `iterations_failed`.
        metrics: the built-in ones and the test's own.
        measure_after_s: warm-up that thresholds and headline numbers leave out.
        seed: of random choices; None: a new one for each run.
        active_deadline_s: the load is ended then; None: it ends by itself.
        quick: a quick run: thresholds on counts are shown, not judged.
        limits: from where on the generator itself spoils the measurement.
        notes: what planning left out or found unused.
    """

    name: str
    namespace: str | None
    spec_hash: str
    plan_hash: str
    target: TargetPlan
    scenarios: tuple[ScenarioPlan, ...]
    thresholds: tuple[Threshold, ...]
    metrics: tuple[MetricDefinition, ...] = ()
    env: tuple[EnvDeclaration, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    setup: StepProgram | None = None
    teardown: StepProgram | None = None
    data: Mapping[str, DataFeed] = field(default_factory=dict)
    script: ScriptPlan | None = None
    measure_after_s: float = 0.0
    seed: int | None = None
    runners: int = 1
    active_deadline_s: float | None = None
    quick: bool = False
    limits: Limits = field(default_factory=Limits)
    notes: tuple[str, ...] = ()
