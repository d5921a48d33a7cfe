# A real Kubernetes for the tests and for trying things by hand; docs/testing.md says more.
# CLUSTER names it (default: one per checkout); PYTEST_E2E is handed to pytest, e.g. PYTEST_E2E='-k oom'.
.PHONY: cluster-up cluster-down cluster-image demo-cluster bench-cluster e2e
CLUSTER_TOOL := PYTHONPATH=tests/support $(BIN)/python -m cluster $(if $(CLUSTER),--name $(CLUSTER))
# One test waits most of its time, so several run side by side in one cluster; those that harm it as a whole run alone.
E2E_WORKERS ?= 3
E2E_TESTS ?= tests/e2e
PYTEST_E2E ?=
E2E_SETTINGS := -o addopts="--import-mode=importlib --strict-markers --strict-config" -o timeout=300 -o timeout_func_only=true -o faulthandler_timeout=290

cluster-up: $(READY)  ## bring up a single-node Kubernetes on this machine (root, Linux, Go)
	@$(CLUSTER_TOOL) up

cluster-down: $(READY)  ## take it down, whatever state it is in
	@$(CLUSTER_TOOL) down

cluster-image: $(READY)  ## build the project's image and load it into the running cluster
	@$(CLUSTER_TOOL) image

demo-cluster: $(READY)  ## kload in a cluster: operator, shop and a load test of three runners, to the verdict
	@$(if $(CLUSTER),CLUSTER=$(CLUSTER)) PYTHONPATH=tests/support $(BIN)/python -m trials.demo

bench-cluster: $(READY)  ## measure the operator: times, start skew, API calls, memory (about 12 minutes)
	@$(if $(CLUSTER),KLOAD_E2E_CLUSTER=$(CLUSTER)) PYTHONPATH=tests/support $(BIN)/python -m trials.bench

e2e: $(READY)  ## run the tests that need a cluster, in one of their own
	@$(BIN)/python -m pytest -q $(E2E_SETTINGS) -n $(E2E_WORKERS) --dist worksteal $(E2E_TESTS) $(PYTEST_E2E)
