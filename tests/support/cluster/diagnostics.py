"""What a failed test shows of its namespace: LoadTests, Jobs, pods, events and logs, oldest questions first.

Reads only, and never fails: what cannot be read is said in its place, since this runs when things are broken already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from cluster.api import Api, ApiError, Object

_LOG_LINES = 60
_LOG_PODS = 8
_OPERATOR = "app.kubernetes.io/name=kload-operator"


def describe(api: Api, namespace: str) -> str:
    """Return all that there is to know about a namespace, and what the operator logged."""
    parts: list[tuple[str, Callable[[], str]]] = [
        ("LoadTests", lambda: _load_tests(api, namespace)),
        ("Jobs", lambda: _jobs(api, namespace)),
        ("pods", lambda: _pods(api, namespace)),
        ("events", lambda: _events(api, namespace)),
        ("logs", lambda: _logs(api, api.list("v1/Pod", namespace))),
        ("operator", lambda: _logs(api, api.list("v1/Pod", labels=_OPERATOR))),
    ]
    return "\n".join(f"--- {title} of {namespace}\n{_safely(read)}" for title, read in parts)


def _safely(read: Callable[[], str]) -> str:
    try:
        return read() or "(none)"
    except Exception as error:  # whatever is broken: the rest must still be shown
        return f"(cannot be read: {error!r})"


def _load_tests(api: Api, namespace: str) -> str:
    try:
        found = api.list("kload.dev/v1alpha1/LoadTest", namespace)
    except ApiError as error:
        return f"({error.message})"
    shown = [{"name": one["metadata"]["name"], "status": one.get("status")} for one in found]
    return yaml.safe_dump(shown, sort_keys=False, width=160) if shown else ""


def _jobs(api: Api, namespace: str) -> str:
    lines = []
    for job in api.list("batch/v1/Job", namespace):
        status = job.get("status", {})
        counts = {key: value for key, value in status.items() if key not in ("conditions",)}
        conditions = [f"{one['type']}={one['status']}" for one in status.get("conditions", ())]
        lines.append(f"{job['metadata']['name']}: {counts} {' '.join(conditions)}")
    return "\n".join(lines)


def _pods(api: Api, namespace: str) -> str:
    lines = []
    for pod in api.list("v1/Pod", namespace):
        status, meta = pod.get("status", {}), pod["metadata"]
        lines.append(
            f"{meta['name']}: {status.get('phase')} ip={status.get('podIP')}"
            f" node={pod['spec'].get('nodeName')} {_short(status.get('reason'))}"
            f"{' deleted ' + meta['deletionTimestamp'] if 'deletionTimestamp' in meta else ''}"
        )
        lines += [
            f"    {one['type']}={one['status']} {_short(one.get('reason'))} {_short(one.get('message'))}"
            for one in status.get("conditions", ())
            if one["status"] != "True"
        ]
        lines += [
            f"    container {one['name']}: {one.get('state')} restarts={one.get('restartCount')}"
            for one in status.get("containerStatuses", ())
        ]
    return "\n".join(lines)


def _events(api: Api, namespace: str) -> str:
    def moment(event: Object) -> str:
        return str(
            event.get("eventTime") or event.get("lastTimestamp") or event.get("firstTimestamp")
        )

    return "\n".join(
        f"{moment(one)} {one.get('type')} {one['involvedObject'].get('kind')}/"
        f"{one['involvedObject'].get('name')} {one.get('reason')}: {one.get('message')}"
        for one in sorted(api.list("v1/Event", namespace), key=moment)
    )


def _logs(api: Api, pods: list[Object]) -> str:
    parts = []
    for pod in pods[:_LOG_PODS]:
        meta = pod["metadata"]
        for container in pod["spec"]["containers"]:
            try:
                text = api.logs(meta["name"], meta["namespace"], container["name"], tail=_LOG_LINES)
            except ApiError as error:
                text = f"({error.message})"
            parts.append(f"[{meta['name']} {container['name']}]\n{text.rstrip()}")
    if len(pods) > _LOG_PODS:
        parts.append(f"(and {len(pods) - _LOG_PODS} more pods)")
    return "\n".join(parts)


def _short(value: Any) -> str:
    return str(value or "")[:300]
