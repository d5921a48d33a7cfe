"""What a request asks of a Kubernetes API: its verb and resource, as RBAC and audit logs name them.

Pure. A path that is not Kubernetes' own is its own resource, and its method the verb, so that the same rules and
counts serve Prometheus and runners. Source: Kubernetes documentation, "Authorization: Determine the request verb"
and "API concepts: Resource URIs".
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, as rules see it.

    Attributes:
        method: as it was sent.
        path: without host and query.
        query: parameters, the first value of each.
        verb: ``get list watch create update patch delete deletecollection``, or the method in lower case.
        resource: the plural, with its subresource: ``pods``, ``loadtests/status``; or the path.
        namespace: empty outside of one.
        name: of the object; empty for a collection.
        host: the server that the request names; empty unless the proxy is a forward one.
    """

    method: str
    path: str
    query: dict[str, str]
    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    host: str = ""


def ask_of(method: str, target: str) -> Ask:
    """Return what a request line asks for."""
    url = urlsplit(target)
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    parts = [part for part in url.path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        rest = parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        rest = parts[3:]
    else:
        return Ask(method, url.path, query, method.lower(), url.path, host=url.hostname or "")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    resource = "/".join([rest[0], *rest[2:3]])
    return Ask(method, url.path, query, _verb(method, name, query), resource, namespace, name)


def _verb(method: str, name: str, query: dict[str, str]) -> str:
    if method in _VERBS:
        return _VERBS[method]
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    if query.get("watch") in ("true", "1"):
        return "watch"
    return "get" if name else "list"
