"""The runner's own server, which can be made silent: requests are taken and never answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from typing_extensions import override

from fleet.manners import Manner
from kload_runner.fleet.control_api import Answer, Asked, ControlServer
from kload_runner.fleet.runner import Runner
from kload_spec.control import METRICS_PATH

_FOR_EVER_S = 3600.0


class Impatience(ControlServer):
    """Tries the patience of those who ask, where the manner says so."""

    def __init__(self, runner: Runner, token_sha256: str, manner: Callable[[], Manner]) -> None:
        super().__init__(runner, token_sha256)
        self._manner = manner

    @override
    async def _answer(self, asked: Asked) -> Answer:
        manner = self._manner()
        silent = manner.metrics_silent if asked.path == METRICS_PATH else manner.silent
        if silent:
            await asyncio.sleep(_FOR_EVER_S)
        return await super()._answer(asked)
