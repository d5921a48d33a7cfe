"""Which image runners have where nobody says: the operator's own, so that both are of one version.

Read from the operator's pod, since whoever changes the image of its Deployment (kustomize's `images`, `kubectl set
image`) changes it there and nowhere else. Needs `get` on pods in the operator's own namespace.
"""

from __future__ import annotations

import logging

from kload_operator.cluster import PODS, Busy, Cluster, ClusterError, Manifest
from kload_operator.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_IMAGE = "kload:latest"
CONTAINER = "operator"


async def runner_image(cluster: Cluster, settings: Settings) -> str:
    """Return the image of runner pods that name none.

    Raises:
        Busy: the API server cannot tell now.
    """
    if settings.runner_image:
        return settings.runner_image
    if settings.pod is None:
        return DEFAULT_IMAGE
    try:
        pod = await cluster.get(PODS, settings.namespace, settings.pod)
    except Busy:
        raise
    except ClusterError as error:
        logger.warning(
            "the operator's own image is not known (%s); runners have %s unless runnerImage says otherwise",
            error,
            DEFAULT_IMAGE,
        )
        return DEFAULT_IMAGE
    return _image_of(pod) or DEFAULT_IMAGE


def _image_of(pod: Manifest) -> str | None:
    containers = pod.get("spec", {}).get("containers") or ()
    return next((one.get("image") for one in containers if one.get("name") == CONTAINER), None)
