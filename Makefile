# Every target sets itself up; nothing but Python 3.11, git and make is needed.
PYTHON ?= $(or $(shell command -v python3.11),python3)
BIN := .venv/bin
# The lock names no index, so that each machine uses its own.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--all-extras --group dev pyproject.toml --output-file requirements.lock

.PHONY: setup up demo demo-training test check bench lock clean

setup: .venv/ready ## the tool at .venv/bin/deepwhisk

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "deepwhisk needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

up: setup ## store, engine, feed and trainings, with the catalog deployed
	$(BIN)/deepwhisk up

demo: setup ## from photographs in a bucket to named classes in another
	$(BIN)/deepwhisk demo

demo-training: setup ## a trigger retrains a model, and its new version answers
	$(BIN)/deepwhisk demo --training

check: setup ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: check ## all tests
	$(BIN)/python -m pytest -n auto --dist loadgroup

bench: setup ## the figures of docs/performance.md
	$(BIN)/python -m benchmarks

lock: setup ## the newest versions that pyproject.toml allows
	$(LOCK) --upgrade

clean: ## the environment and the state of `make up`
	rm -rf .venv .deepwhisk
