"""The operator's key: one Secret in its own namespace, made at the first start, shared by every later one."""

from __future__ import annotations

import base64
from collections.abc import Callable

from kload_operator.cluster import SECRETS, AlreadyExists, Cluster, NotFound
from kload_operator.runs import MANAGED_BY, MANAGER
from kload_operator.tokens import KEY_FIELD, KEY_SECRET


async def operator_key(cluster: Cluster, namespace: str, fresh: Callable[[], bytes]) -> bytes:
    """Return the key, making it where there is none; of two operators that do so at once one wins.

    Raises:
        ClusterError: the Secret can neither be read nor made.
    """
    try:
        return _key_in(await cluster.get(SECRETS, namespace, KEY_SECRET))
    except NotFound:
        pass
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": KEY_SECRET,
            "namespace": namespace,
            "labels": {MANAGED_BY: MANAGER},
        },
        "data": {KEY_FIELD: base64.b64encode(fresh()).decode()},
    }
    try:
        return _key_in(await cluster.create(SECRETS, manifest))
    except AlreadyExists:
        return _key_in(await cluster.get(SECRETS, namespace, KEY_SECRET))


def _key_in(secret: dict[str, object]) -> bytes:
    data = secret.get("data")
    assert isinstance(data, dict)
    return base64.b64decode(data[KEY_FIELD])
