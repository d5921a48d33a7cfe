"""The CustomResourceDefinition of LoadTest, as data; `kload_spec.generate` writes it to deploy/crds.

No defaults below `spec`: what `kubectl apply` sent is what is stored, so that a diff after it is empty and GitOps sees
no drift. The one default, status.observedGeneration -1, keeps Flux from taking a fresh object for a finished one.
"""

from __future__ import annotations

from typing import Any

from kload_spec.crd.structural import structural_schema
from kload_spec.model import GROUP, KIND, PLURAL, SHORT_NAME, VERSION, LoadTest

NAME = f"{PLURAL}.{GROUP}"

# (header, type, path): what `kubectl get klt` prints.
COLUMNS = (
    ("Phase", "string", ".status.phase"),
    ("Verdict", "string", ".status.verdict"),
    ("VUs", "integer", ".status.summary.vus"),
    ("RPS", "string", ".status.summary.rate"),
    ("P95", "string", ".status.summary.p95"),
    ("Failed", "string", ".status.summary.failed"),
    ("Age", "date", ".metadata.creationTimestamp"),
)


def custom_resource_definition() -> dict[str, Any]:
    """Return the definition as JSON-like data."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": [SHORT_NAME],
                "categories": ["all"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema()},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path} for name, kind, path in COLUMNS
        ],
    }


def _schema() -> dict[str, Any]:
    schema = structural_schema(LoadTest)
    properties = schema["properties"]
    properties["apiVersion"] = {
        "type": "string",
        "description": "Version of this resource: kload.dev/v1alpha1.",
    }
    properties["kind"] = {"type": "string", "description": "LoadTest."}
    properties["metadata"] = {"type": "object"}
    properties["status"]["default"] = {"observedGeneration": -1}
    schema["required"] = ["spec"]
    return schema
