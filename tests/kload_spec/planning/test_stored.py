"""A file gives the same plan as what the API server keeps of it."""

from __future__ import annotations

import json
from typing import Any

from kload_spec.loading import load_text
from kload_spec.planning import plan, plan_hash, spec_hash
from kload_spec.planning.overrides import Overrides

FILE = """
apiVersion: kload.dev/v1alpha1
kind: LoadTest
metadata: {name: shop}
spec:
  target: {baseURL: http://shop.test, timeout: }
  params: {peak: 1.0e+1, flag: no, day: 2024-01-01, nothing: {a: }}
  scenarios:
    buy:
      executor: constant-vus
      vus: 2.0
      duration: 10s
      gracefulStop:
      steps:
        - {post: /, json: {b: 1, a: yes, c: }, checks: {z: status == 200, a: "true"}}
"""


def stored(value: Any) -> Any:
    """Return what the API server keeps: JSON numbers, sorted keys, nulls of typed fields dropped."""
    document = json.loads(json.dumps(value, sort_keys=True))
    del document["spec"]["target"]["timeout"]
    del document["spec"]["scenarios"]["buy"]["gracefulStop"]
    document["metadata"] |= {"uid": "u", "resourceVersion": "1", "managedFields": []}
    document["status"] = {"observedGeneration": -1}
    return document


def test_a_file_and_its_copy_in_the_cluster_are_the_same_test() -> None:
    (document,) = load_text(FILE)
    copy = stored(document.value)
    assert spec_hash(document.value) == spec_hash(copy)
    assert plan_hash(document.value, Overrides()) == plan_hash(copy, Overrides())
    here, there = plan(document.value), plan(copy)
    assert (
        here.params
        == there.params
        == {"peak": 10, "flag": False, "day": "2024-01-01", "nothing": {"a": None}}
    )
    assert here.scenarios[0].load == there.scenarios[0].load
    assert repr(here) == repr(there)
