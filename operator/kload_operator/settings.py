"""The operator's own configuration: where Prometheus is, what tenants may do, where to look. Parsed once, frozen.

Read from a YAML (or JSON) file, normally a mounted ConfigMap, whose fields are those of `Settings` in camelCase. It
is the platform's, never the LoadTest's: who may write a LoadTest must not choose what the operator connects to.
Reads the file and the environment when asked to, knows no cluster.

    KLOAD_CONFIG      path of the file; without it, defaults
    KLOAD_NAMESPACE   namespace of the operator; in a pod: fieldRef metadata.namespace
    KLOAD_POD         name of the operator's pod, whose image is that of runners where nothing else is said
    KLOAD_RUNNER_IMAGE, KLOAD_WATCH_NAMESPACES (comma-separated)    over the file's fields of that name
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from kload_spec.quantities import QuantityError, parse_duration

CONFIG_VARIABLE = "KLOAD_CONFIG"
NAMESPACE_VARIABLE = "KLOAD_NAMESPACE"
IMAGE_VARIABLE = "KLOAD_RUNNER_IMAGE"
POD_VARIABLE = "KLOAD_POD"
WATCH_VARIABLE = "KLOAD_WATCH_NAMESPACES"


class SettingsError(ValueError):
    """The configuration cannot be used; the message names the field."""


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )


Positive = Annotated[float, Field(gt=0)]


class PrometheusSettings(_Part):
    """One Prometheus and the namespaces it is asked about.

    Attributes:
        namespaces: names or patterns (`team-*`); empty: all.
        url: base address, with a path prefix if there is one.
        headers: sent with every query, e.g. X-Scope-OrgID.
        token_file: bearer token, read anew for every query since projected tokens rotate.
        ca_file: authority of its certificate.
        matchers: labels added to every selector, for a Prometheus shared by several clusters.
    """

    url: str
    namespaces: tuple[str, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    token_file: Path | None = None
    ca_file: Path | None = None
    matchers: dict[str, str] = Field(default_factory=dict)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no address; write e.g. http://prometheus.monitoring:9090")
        return url.rstrip("/")

    def serves(self, namespace: str) -> bool:
        """Tell whether it is asked about runs in a namespace."""
        return not self.namespaces or any(
            fnmatchcase(namespace, pattern) for pattern in self.namespaces
        )


class LimitSettings(_Part):
    """What LoadTests may ask for; above it a run is refused before anything is made.

    Attributes:
        max_duration_s: of the load, graceful stops included; written as a duration.
        allowed_targets, denied_targets: CIDRs or host names, enforced by the runners at connect, after DNS.
    """

    max_runners: int | None = Field(default=None, ge=1)
    max_vus: int | None = Field(default=None, ge=1, alias="maxVUs")
    max_duration_s: Positive | None = Field(default=None, alias="maxDuration")
    allowed_targets: tuple[str, ...] = ()
    denied_targets: tuple[str, ...] = ()

    @field_validator("max_duration_s", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return _seconds(value)


class TimeSettings(_Part):
    """How long the operator waits and how often it looks; durations such as `15s`.

    Attributes:
        look_s: between two looks at a run in progress.
        scrapes_within_s: how long final numbers may take to reach Prometheus; then they are incomplete.
        arm_ahead_s: how far ahead a common start is armed; at least 2 s.
        ttl_s: default of ttlSecondsAfterFinished.
    """

    look_s: Positive = Field(default=2.0, alias="look")
    scrapes_within_s: Positive = Field(default=150.0, alias="scrapesWithin")
    arm_ahead_s: Annotated[float, Field(ge=2.0)] = Field(default=2.0, alias="armAhead")
    ttl_s: Positive = Field(default=86_400.0, alias="ttl")

    @field_validator("*", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return _seconds(value)


class Settings(_Part):
    """Everything that can be configured.

    Attributes:
        namespace: the operator's own; its key is kept there.
        watch_namespaces: names or patterns of where LoadTests are looked for; empty: everywhere.
        runner_image: of runner pods that name none; None: the operator's own.
        pod: the operator's own.
        runner_access: `direct` by pod address, or `proxy` through the API server.
        port: of /metrics and the probes.
    """

    namespace: str = "kload-system"
    watch_namespaces: tuple[str, ...] = ()
    runner_image: str | None = None
    pod: str | None = None
    runner_image_pull_policy: str | None = None
    runner_access: Annotated[str, Field(pattern="^(direct|proxy)$")] = "direct"
    prometheus: tuple[PrometheusSettings, ...] = ()
    limits: LimitSettings = LimitSettings()
    times: TimeSettings = TimeSettings()
    workers: int = Field(default=16, ge=1)
    port: int = Field(default=8080, ge=0, le=65535)

    def prometheus_for(self, namespace: str) -> PrometheusSettings | None:
        """Return the first Prometheus that serves a namespace."""
        return next((item for item in self.prometheus if item.serves(namespace)), None)


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings an environment points to.

    Raises:
        SettingsError: the file cannot be read, or a field is wrong.
    """
    written: dict[str, Any] = {}
    if path := environment.get(CONFIG_VARIABLE):
        written = _read(Path(path))
    if namespace := environment.get(NAMESPACE_VARIABLE):
        written.setdefault("namespace", namespace)
    if pod := environment.get(POD_VARIABLE):
        written.setdefault("pod", pod)
    if image := environment.get(IMAGE_VARIABLE):
        written["runnerImage"] = image
    if watched := environment.get(WATCH_VARIABLE):
        written["watchNamespaces"] = [name.strip() for name in watched.split(",") if name.strip()]
    try:
        return Settings.model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{where}: {first['msg']} (is {first['input']!r})") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: is no map; write e.g. `prometheus: [{{url: ...}}]`")
    return found


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except QuantityError as error:
        raise ValueError(str(error)) from error
