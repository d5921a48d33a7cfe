"""The API server in memory, on which whole runs are tested, keeps the contract that the real one keeps."""

from __future__ import annotations

import pytest
from cluster_contract import STEPS, Step
from memory_cluster import MemoryCluster


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_in_memory(step: Step) -> None:
    await step(MemoryCluster(), "here")
