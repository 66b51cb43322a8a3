# triggerbot: `make demo` and `make test` are all a newcomer needs. Both set up what they need, in .venv.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help demo test test-all lint style imports security types fast slow coverage bench chaos docs lock format clean

# Processes of pytest: tests wait a lot, so more than there are processors.
PROCESSES ?= 4
PYTEST := $(BIN)/pytest -n $(PROCESSES)

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml .ci/setup
	@bash .ci/setup $(VENV)
	@touch $(STAMP)

demo: $(STAMP) ## A simulated CI and the real daemon, live: one minute
	@$(BIN)/triggerbot demo

test: $(STAMP) ## Style, types, and the tests that are quick: four minutes on two processors
	@$(MAKE) --no-print-directory -j 4 lint types
	@$(MAKE) --no-print-directory fast

test-all: $(STAMP) ## The same with every test, and the generated ones tried harder
	@$(MAKE) --no-print-directory -j 4 lint types
	@bash .ci/servers
	$(PYTEST) --hypothesis-profile=thorough

lint: style imports security ## Style, imports that point down only, and what is unsafe

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports: $(STAMP)
	$(BIN)/lint-imports

security: $(STAMP)
	$(BIN)/bandit -q -r triggerbot -s B101,B404,B603,B608,B704

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

fast: $(STAMP) ## The quick tests, on a real RabbitMQ and Redis
	@bash .ci/servers
	$(PYTEST) -m "not slow"

slow: $(STAMP) ## The other tests, and the generated ones tried harder
	@bash .ci/servers
	$(PYTEST) --hypothesis-profile=thorough -m "slow or hypothesis"

coverage: $(STAMP) ## All tests once more, slower, with the lines that none of them reaches
	@bash .ci/servers
	@rm -f .coverage .coverage.*
	$(PYTEST) --hypothesis-profile=thorough --cov --cov-report=
	@$(BIN)/coverage combine -q --append 2>/dev/null || true
	$(BIN)/coverage report --skip-covered --sort=cover

bench: $(STAMP) ## How fast, how much memory (a table, and bench.json); one of them: make bench ARGS="--only evidence"
	@bash .ci/servers
	$(BIN)/python -m tests.bench --json bench.json $(ARGS)

SEED ?= 1
RUNS ?= 100
MODE ?= kills
chaos: $(STAMP) ## Crashes and faults: make chaos MODE=kills SEED=1 RUNS=100 (see docs/explanation/reliability.md)
	@bash .ci/servers
	$(BIN)/python -m tests.service.chaos $(MODE) --seed $(SEED) --runs $(RUNS) $(ARGS)

docs: $(STAMP) ## The documentation: its generated pages anew, and all of it as a site in build/docs
	$(BIN)/python -m tests.service.docs
	@# What it would warn of is that Material for MkDocs ends in May 2027; its successor reads the same mkdocs.yml.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "open build/docs/index.html"

lock: $(STAMP) ## The dependencies of the image anew, with their hashes
	$(BIN)/python deploy/lock.py

format: $(STAMP) ## Lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Forget what was set up
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* bench.json
