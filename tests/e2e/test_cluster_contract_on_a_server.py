"""What the operator relies on of an API server holds on a real one, by its own client."""

from __future__ import annotations

import asyncio

import pytest
from cluster.bed import Bed
from cluster_contract import STEPS, Step
from trials.installations import install_definition

from kload_operator.cluster import (
    CONFIG_MAPS,
    LOADTESTS,
    Busy,
    KubernetesCluster,
    Refused,
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_on_a_real_server(bed: Bed, namespace: str, step: Step) -> None:
    install_definition(bed)

    async def story() -> None:
        cluster = await KubernetesCluster.connect(bed.kubeconfig)
        try:
            await step(cluster, namespace)
        finally:
            await cluster.close()

    asyncio.run(story())


def test_what_can_never_be_is_refused(bed: Bed, namespace: str) -> None:
    install_definition(bed)

    async def story() -> None:
        cluster = await KubernetesCluster.connect(bed.kubeconfig)
        try:
            bad = {"metadata": {"name": "Not A Name", "namespace": namespace}}
            with pytest.raises(Refused, match="422"):
                await cluster.create(CONFIG_MAPS, bad)
            with pytest.raises(Refused, match="400"):
                await cluster.create(LOADTESTS, bad)  # neither apiVersion nor kind
        finally:
            await cluster.close()

    asyncio.run(story())


def test_a_server_that_is_not_there_is_busy(bed: Bed) -> None:
    async def story() -> None:
        cluster = await KubernetesCluster.connect(bed.kubeconfig)
        cluster._http.configuration.host = "https://127.0.0.1:9"
        try:
            with pytest.raises(Busy):
                await cluster.get(CONFIG_MAPS, "default", "x")
        finally:
            await cluster.close()

    asyncio.run(story())
