"""A real, single-node Kubernetes for the tests, made from processes instead of containers.

Bring-up, tear-down, images and faults live here. The package knows nothing of kload's semantics: it hands out a
kubeconfig, a Prometheus and levers, and the tests under ``tests/e2e`` do the rest. ``docs/testing.md`` is the guide.
"""
