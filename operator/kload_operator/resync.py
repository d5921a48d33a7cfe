"""Looks at all LoadTests once in a while, watch or no watch: what the watches missed is found, and told of.

kopf's streams have fallen silent before (its issues #1120, #1276). A change that a look finds and no event told for
several looks means a deaf watch; the probe then has the operator restarted. Meanwhile the look itself does the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kload_operator.cluster import LOADTESTS, Cluster, ClusterError, Versions
from kload_operator.controller import Key
from kload_operator.telemetry import Telemetry
from kload_operator.territory import Territory

logger = logging.getLogger(__name__)

EVERY_S = 30.0


class Resync:
    """Compares what there is with what the watches told."""

    def __init__(
        self,
        cluster: Cluster,
        territory: Territory,
        add: Callable[[Key], None],
        telemetry: Telemetry,
    ) -> None:
        self._cluster = cluster
        self._territory = territory
        self._add = add
        self._telemetry = telemetry
        self._heard: dict[Key, str] = {}
        self._missed: set[tuple[Key, str]] = set()

    def heard(self, key: Key, version: str) -> None:
        """Take note of a watch event."""
        self._heard[key] = version

    async def run(self) -> None:
        """Look every `EVERY_S` until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except ClusterError as error:
                logger.info("cannot look at all LoadTests: %s", error)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise  # else a part of the look was: kopf does that as it ends

    async def look(self) -> None:
        """Look once."""
        found: Versions = {}
        for namespace in self._territory.lists:
            found |= await self._cluster.versions(LOADTESTS, namespace)
        there = {
            Key(namespace, name): version
            for (namespace, name), version in found.items()
            if self._territory.covers(namespace)
        }
        behind = {
            (key, version)
            for key, version in there.items()
            if _is_behind(self._heard.get(key), version)
        }
        for key, _ in behind:
            self._add(key)
        self._heard = {key: version for key, version in self._heard.items() if key in there}
        self._telemetry.hearing(deaf=bool(behind & self._missed))
        self._missed = behind


def _is_behind(heard: str | None, version: str) -> bool:
    if heard is None:
        return True
    if heard.isdecimal() and version.isdecimal():
        return int(heard) < int(version)
    return heard != version
