"""The runner's own server, which can be made silent: requests are taken and never answered."""

from __future__ import annotations

import asyncio
from typing import cast

from typing_extensions import override

from fleet.runner import SimulatedRunner
from kload_runner.fleet.control_api import Answer, Asked, ControlServer
from kload_runner.fleet.runner import Runner
from kload_spec.control import METRICS_PATH

_FOR_EVER_S = 3600.0


class Impatience(ControlServer):
    """Tries the patience of those who ask, where the manner says so."""

    def __init__(self, runner: SimulatedRunner, token_sha256: str) -> None:
        super().__init__(cast(Runner, runner), token_sha256, runner.exposition)
        self._simulated = runner

    @override
    async def _answer(self, asked: Asked) -> Answer:
        manner = self._simulated.manner
        silent = manner.metrics_silent if asked.path == METRICS_PATH else manner.silent
        if silent:
            await asyncio.sleep(_FOR_EVER_S)
        return await super()._answer(asked)
