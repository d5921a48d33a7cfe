"""The objects of a run, as whole manifests."""

from __future__ import annotations

from typing import Any

from manifests import manifest

from kload_operator.jobs import PodDefaults, description_config_map, file_keys, is_owned, runner_job
from kload_operator.runs import Run
from kload_spec.control import PlanSource, RunDescription, RunIdentity
from kload_spec.model import Spec, parse

RUN = Run("shop", "staging", "uid-1", 2, "run-2", "shop-2", "hash", 3)
DESCRIPTION = RunDescription(
    run=RunIdentity(uid="run-2"), source=PlanSource(document={}), runners=3, deadline_s=1000
)
LABELS = {
    "app.kubernetes.io/managed-by": "kload",
    "kload.dev/loadtest": "shop",
    "kload.dev/loadtest-uid": "uid-1",
    "kload.dev/run-uid": "run-2",
    "kload.dev/run": "2",
}
OWNER = {
    "apiVersion": "kload.dev/v1alpha1",
    "kind": "LoadTest",
    "name": "shop",
    "uid": "uid-1",
    "controller": True,
    "blockOwnerDeletion": False,
}


def spec(**fields: Any) -> Spec:
    return parse(manifest(**fields)).spec


def job(**fields: Any) -> dict[str, Any]:
    return runner_job(RUN, spec(**fields), DESCRIPTION, PodDefaults("kload:1"))


def pod_of(found: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = found["spec"]["template"]["spec"]
    return pod


def test_the_job_of_a_plain_run() -> None:
    found = job()
    pod = pod_of(found)
    assert found["metadata"] == {
        "name": RUN.name,
        "namespace": "staging",
        "labels": {**LABELS, "app.kubernetes.io/name": "kload-runner"},
        "ownerReferences": [OWNER],
    }
    assert {key: value for key, value in found["spec"].items() if key != "template"} == {
        "completionMode": "Indexed",
        "completions": 3,
        "parallelism": 3,
        "backoffLimitPerIndex": 0,
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": 1600,
    }
    assert found["spec"]["template"]["metadata"]["labels"] == found["metadata"]["labels"]
    assert {key: value for key, value in pod.items() if key not in ("containers", "volumes")} == {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 90,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }


def test_the_container_of_a_plain_run() -> None:
    [container] = pod_of(job())["containers"]
    assert container == {
        "name": "runner",
        "image": "kload:1",
        "args": ["pod"],
        "env": [
            {"name": "KLOAD_CONFIG", "value": "/etc/kload"},
            {"name": "KLOAD_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "KLOAD_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "ports": [{"name": "metrics", "containerPort": 9095}],
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": "metrics"},
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
        "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "kload-run", "mountPath": "/etc/kload", "readOnly": True},
            {"name": "kload-tmp", "mountPath": "/tmp"},
        ],
    }
    assert "livenessProbe" not in container, "a busy runner must not be restarted"


def test_what_the_user_says_of_the_pods_is_there() -> None:
    runners = {
        "image": "mine:2",
        "imagePullPolicy": "Never",
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccountName": "loader",
        "resources": {"limits": {"memory": "1Gi"}},
        "nodeSelector": {"pool": "load"},
        "tolerations": [{"key": "load", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "priorityClassName": "high",
        "runtimeClassName": "runc",
        "labels": {"team": "shop", "app.kubernetes.io/name": "mine"},
        "annotations": {"sidecar.istio.io/inject": "true"},
        "volumes": [{"name": "data", "emptyDir": {}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    found = job(runners=runners)
    pod, metadata = pod_of(found), found["spec"]["template"]["metadata"]
    [container] = pod["containers"]
    for name in ("imagePullSecrets", "serviceAccountName", "nodeSelector", "tolerations", "affinity",
                 "topologySpreadConstraints", "priorityClassName", "runtimeClassName"):  # fmt: skip
        assert pod[name] == runners[name]
    assert (container["image"], container["imagePullPolicy"]) == ("mine:2", "Never")
    assert container["resources"] == runners["resources"]
    assert pod["volumes"][-1] == {"name": "data", "emptyDir": {}}
    assert container["volumeMounts"][-1] == {"name": "data", "mountPath": "/data"}
    assert metadata["labels"]["team"] == "shop"
    assert metadata["labels"]["app.kubernetes.io/name"] == "kload-runner", "scraping needs it"
    assert metadata["annotations"]["sidecar.istio.io/inject"] == "true"
    assert metadata["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


def test_variables_are_references_and_never_values_of_secrets() -> None:
    secret = {"name": "supabase", "key": "anon"}
    env = [
        {"name": "PLAIN", "value": "x"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": secret}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {**secret, "optional": True}}},
    ]
    [container] = pod_of(job(env=env))["containers"]
    assert container["env"][:3] == [
        {"name": "PLAIN", "value": "x"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": secret}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {**secret, "optional": True}}},
    ]


def test_files_reach_the_pod_with_their_paths() -> None:
    files = [
        {"path": "scenarios/buy.py", "configMapKeyRef": {"name": "scripts", "key": "buy.py"}},
        {"path": "lib/shop.py", "configMapKeyRef": {"name": "scripts", "key": "shop.py"}},
    ]
    fields: dict[str, Any] = {
        "script": {"entry": "scenarios/buy.py", "files": files},
        "data": {"users": {"file": "u.csv", "configMapKeyRef": {"name": "rows", "key": "u"}}},
    }
    [run_volume, _] = pod_of(job(**fields))["volumes"]
    assert run_volume["projected"]["sources"] == [
        {"configMap": {"name": RUN.name, "items": [{"key": "run.json", "path": "run.json"}]}},
        {
            "configMap": {
                "name": "scripts",
                "items": [
                    {"key": "buy.py", "path": "files/scenarios/buy.py"},
                    {"key": "shop.py", "path": "files/lib/shop.py"},
                ],
            }
        },
        {"configMap": {"name": "rows", "items": [{"key": "u", "path": "files/u.csv"}]}},
    ]
    assert file_keys(spec(**fields)) == {
        "scenarios/buy.py": "files/scenarios/buy.py",
        "lib/shop.py": "files/lib/shop.py",
        "u.csv": "files/u.csv",
    }


def test_the_description_is_immutable_and_owned() -> None:
    found = description_config_map(RUN, DESCRIPTION)
    assert found["immutable"] is True
    assert found["metadata"]["ownerReferences"] == [OWNER]
    assert RunDescription.model_validate_json(found["data"]["run.json"]) == DESCRIPTION
    assert is_owned(found, RUN)


def test_a_namesake_of_another_owner_or_run_is_not_ours() -> None:
    found = description_config_map(RUN, DESCRIPTION)
    stranger = found | {"metadata": found["metadata"] | {"ownerReferences": []}}
    other_run = found | {
        "metadata": found["metadata"] | {"labels": LABELS | {"kload.dev/run-uid": "x"}}
    }
    assert not is_owned(stranger, RUN)
    assert not is_owned(other_run, RUN)
