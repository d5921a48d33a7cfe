"""kopf as informer: events of LoadTests, Jobs and pods put the key of their LoadTest into the queue.

Nothing of kopf's own bookkeeping is used: no finalizers, annotations, handler results, peering or webhooks. Event
handlers are never retried by kopf and carry no order; that is fine, since an event only says "look".

Source: https://docs.kopf.dev, and the pitfalls in kopf's issues #585, #1120, #1276 (streams that fall silent).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import kopf
from typing_extensions import override

from kload_operator.controller import Key
from kload_operator.memory import Memory
from kload_operator.runs import LOADTEST_LABEL, MANAGED_BY, MANAGER
from kload_operator.territory import Territory
from kload_spec.model import GROUP, PLURAL, VERSION

logger = logging.getLogger(__name__)

_OURS = f"{MANAGED_BY}={MANAGER}"
_IDENTITY: Any = (
    "kload-operator"  # of peering, which is off; detecting one fails for a user without a name
)
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class _Forever:
    """Endless pauses between tries: an API server that is away for minutes must not end the operator."""

    def __iter__(self) -> Iterator[float]:
        pause_s = 1.0
        while True:
            yield pause_s * random.uniform(0.8, 1.2)
            pause_s = min(pause_s * 2, 30.0)


class _NothingRemembered(kopf.DiffBaseStorage):
    """Keeps nothing on objects, and spares kopf the deep copies of every event that comparing would take."""

    @override
    def build(self, **_: Any) -> Any:
        """Return what is compared: nothing."""
        return {}

    @override
    def fetch(self, **_: Any) -> Any:
        """Return what was handled last: nothing."""
        return None

    @override
    def store(self, **_: Any) -> None:
        """Do nothing."""


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing on objects: event handlers have no progress."""

    @override
    def fetch(self, **_: Any) -> Any:
        """Return how far a handler is: unknown."""
        return None

    @override
    def store(self, **_: Any) -> None:
        """Do nothing."""

    @override
    def purge(self, **_: Any) -> None:
        """Do nothing."""

    @override
    def touch(self, **_: Any) -> None:
        """Do nothing."""

    @override
    def clear(self, *, essence: Any) -> Any:
        """Return it as it is."""
        return essence


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where events go.

    Attributes:
        add: takes the key of a LoadTest that was changed.
        add_soon: takes the key of a LoadTest of which a Job or pod was changed; hundreds of pods change at once.
        memory: takes Jobs and pods as they are told, and says whether that changes anything.
        heard: takes key and resourceVersion of every LoadTest event; says whether it is news (no write of our own).
    """

    add: Callable[[Key], None]
    add_soon: Callable[[Key], None]
    memory: Memory
    heard: Callable[[Key, str], bool]


@dataclass(frozen=True, slots=True)
class Ways:
    """What kopf does not see to.

    Attributes:
        served: returns once the API server knows LoadTests: kopf looks for them only as it begins, and goes on without.
        heed_signals: makes the process heed its signals again.
    """

    served: Callable[[], Awaitable[None]]
    heed_signals: Callable[[], None]


def registry(sinks: Sinks, territory: Territory) -> kopf.OperatorRegistry:
    """Return the handlers."""
    found = kopf.OperatorRegistry()
    in_pod = os.path.exists(_TOKEN)

    def is_watched(namespace: str | None, **_: Any) -> bool:
        return territory.covers(namespace or "")

    @kopf.on.login(registry=found)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if in_pod:
            return kopf.login_with_service_account(**kwargs)
        return kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=found, when=is_watched)
    async def loadtest(name: str, namespace: str | None, meta: Mapping[str, Any], **_: Any) -> None:
        key = Key(namespace or "", name)
        if sinks.heard(key, str(meta.get("resourceVersion", ""))):
            sinks.add(key)

    @kopf.on.event("batch", "v1", "jobs", registry=found, when=is_watched)
    async def job(
        event: kopf.RawEvent,
        namespace: str | None,
        labels: Mapping[str, str],
        **_: Any,
    ) -> None:
        name, deleted = labels.get(LOADTEST_LABEL), event["type"] == "DELETED"
        if name and sinks.memory.told_of_job(event["object"], deleted=deleted):
            sinks.add_soon(Key(namespace or "", name))

    @kopf.on.event("", "v1", "pods", registry=found, when=is_watched)
    async def pod(
        event: kopf.RawEvent,
        namespace: str | None,
        labels: Mapping[str, str],
        **_: Any,
    ) -> None:
        name, deleted = labels.get(LOADTEST_LABEL), event["type"] == "DELETED"
        if name and sinks.memory.told_of_pod(event["object"], deleted=deleted):
            sinks.add_soon(Key(namespace or "", name))

    return found


def operator_settings() -> kopf.OperatorSettings:
    """Return kopf's settings."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NothingRemembered()
    settings.persistence.progress_storage = _NoProgress()
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = _Forever()
    settings.queueing.worker_limit = 50
    settings.queueing.exit_timeout = 1
    settings.watching.label_selectors["", "v1", "pods"] = _OURS
    settings.watching.label_selectors["batch", "v1", "jobs"] = _OURS
    return settings


async def watch(
    sinks: Sinks,
    territory: Territory,
    ready: asyncio.Event,
    stop: asyncio.Event,
    ways: Ways,
) -> None:
    """Watch until cancelled or `stop` is set.

    An error in a stream that kopf does not know ends kopf (any but 410, "too old"); it is begun anew then. As it ends
    it cancels every task of the loop that is younger than itself: whoever works beside it must expect that. And as it
    begins it takes SIGTERM and SIGINT for itself, to end itself alone: they have to be taken back.

    Args:
        territory: the namespaces.
        ready: an asyncio.Event that is set when watching has begun.
    """
    pauses = iter(_Forever())
    while not stop.is_set():
        await ways.served()
        begun = asyncio.Event()
        telling = asyncio.create_task(_tell(begun, ready, ways.heed_signals))
        try:
            await kopf.operator(
                registry=registry(sinks, territory),
                settings=operator_settings(),
                standalone=True,
                identity=_IDENTITY,
                clusterwide=territory.is_everywhere,
                namespaces=() if territory.is_everywhere else territory.names,
                ready_flag=begun,
                stop_flag=stop,
            )
        except Exception as error:
            logger.warning("the watches ended: %s", error)
        else:
            stop.set()  # it ends without an error when it is told to: by us, or by a signal that it took
        finally:
            telling.cancel()
        if not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), next(pauses))


async def _tell(
    begun: asyncio.Event, ready: asyncio.Event, heed_signals: Callable[[], None]
) -> None:
    await begun.wait()
    heed_signals()
    ready.set()
