# triggerbot: `make demo` and `make test` are all a newcomer needs. Both set up what they need, in .venv.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help demo test lint types unit coverage bench chaos docs lock format clean

help: ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml .ci/setup
	@bash .ci/setup $(VENV)
	@touch $(STAMP)

demo: $(STAMP) ## A simulated CI and the real daemon, live: one minute
	@$(BIN)/triggerbot demo

test: lint types unit ## Everything that CI runs

lint: $(STAMP) ## Style, and imports that point down only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r triggerbot -s B101,B404,B603,B608,B704

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

unit: $(STAMP) ## The tests, on a real RabbitMQ and Redis
	@bash .ci/servers
	$(BIN)/pytest -n 3

coverage: $(STAMP) ## The tests once more, slower, with the lines that none of them reaches
	@bash .ci/servers
	@rm -f .coverage .coverage.*
	$(BIN)/pytest -n 3 --cov --cov-report=
	@$(BIN)/coverage combine -q --append 2>/dev/null || true
	$(BIN)/coverage report --skip-covered --sort=cover

bench: $(STAMP) ## How fast, how much memory (a table, and bench.json)
	@bash .ci/servers
	$(BIN)/python -m tests.bench --json bench.json

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
