# One door to everything a developer does here; `make` alone lists the targets.
#
# Needed on the machine: git, make and Python 3.11 or newer. Everything else (the Python
# packages pinned in constraints.txt, Node for two linters, those linters) goes into .venv.
# Paths are relative throughout, so a checkout may live in a directory with spaces.

PYTHON ?= python3
ARGS ?=
VERSIONS ?= pinned

REDOCLY_VERSION := 2.77.0
PYRIGHT_VERSION := 1.1.414

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DEMO_READY := .venv/.demo-installed
DEV_READY := .venv/.dev-installed
PACKAGING := pyproject.toml constraints.txt objectstore_client/_version.py
# The versions are part of the name, so that another version is another target.
NODE_READY := .venv/node/.redocly-$(REDOCLY_VERSION)-pyright-$(PYRIGHT_VERSION)
NODE_BIN := .venv/node/node_modules/.bin

# The Node programs start with `env node`: they shall find the one in .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true
export REDOCLY_TELEMETRY := off

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test bench check check-long fuzz matrix test-wheel generated lint types spec \
	regenerate format docs build hooks constraints clean

help: ## Show this list
	@echo 'usage: make TARGET [PYTHON=python3.12] [ARGS="-k pattern"]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

# ---- see it, test it ---------------------------------------------------------------------

demo: $(DEMO_READY) ## Put, read, describe and delete objects against an embedded server
	@$(BIN)/python docs/demo.py

test: $(DEV_READY) ## Run the tests (ARGS go to pytest)
	$(BIN)/python -m pytest $(ARGS)

check: generated lint types spec test ## Everything CI runs: drift, linters, types, contract, tests

check-long: $(DEV_READY) ## Run the tests of heavy sizes (ARGS go to pytest)
	$(BIN)/python -m pytest -m long -o faulthandler_timeout=1200 $(ARGS)

matrix: $(DEV_READY) ## Every operation against every fault, in both worlds, as a table
	$(BIN)/python -m tests.faults.matrix

bench: $(DEV_READY) ## Measure speed and memory against the official client and others (ARGS=--quick)
	$(BIN)/python benchmarks/run.py $(ARGS)

fuzz: $(DEV_READY) ## Feed the engine's parser with garbage for a minute (FUZZ_SECONDS=60)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} $(BIN)/python -m pytest tests/engine/test_exchange.py -k hostile_answers $(ARGS)

test-wheel: build ## Run the tests against the wheel (VERSIONS=lowest: the oldest allowed)
	$(BIN)/python .ci/test_wheel.py $(VERSIONS)

# ---- the parts of `make check`, also the git hooks ---------------------------------------

generated: $(DEV_READY) ## Compare the generated code with its sources
	$(BIN)/python -m generator --check

lint: $(DEV_READY) ## Lint and check the formatting of the Python code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DEV_READY) $(NODE_READY) ## Check the types with mypy (strict) and pyright
	$(BIN)/mypy
	$(NODE_BIN)/pyright --pythonpath $(BIN)/python

spec: $(DEV_READY) $(NODE_READY) ## Validate and lint openapi.yaml
	$(BIN)/openapi-spec-validator openapi.yaml
	$(NODE_BIN)/redocly lint --config docs/api/redocly.yaml openapi.yaml

# ---- write things ------------------------------------------------------------------------

regenerate: $(DEV_READY) ## Regenerate everything that is generated
	$(BIN)/python -m generator

format: $(DEV_READY) ## Fix what the linters can fix, format the Python code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(DEV_READY) $(NODE_READY) ## Build the page that shows the HTTP API
	$(BIN)/python docs/api/build_page.py

build: $(DEV_READY) ## Build the wheel and the source archive into dist/
	$(BIN)/python -m hatchling build --clean

hooks: $(DEV_READY) ## Install the git hooks of this repository
	$(BIN)/pre-commit install

constraints: ## Pin the newest allowed packages in constraints.txt (best with Python 3.11)
	@rm -rf build/constraints
	@$(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@build/constraints/bin/python -m pip freeze --exclude-editable > build/constraints/pins
	@{ grep '^#' constraints.txt; cat build/constraints/pins; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt
	@rm -rf build/constraints
	@git diff --stat constraints.txt

clean: ## Remove what was built and cached (.venv stays)
	rm -rf build dist .mypy_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment ---------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Python 3.11 or newer is needed, but $(PYTHON) is not; choose another: make PYTHON=/path/to/python3' >&2; \
		exit 1; }
	@echo "Creating .venv ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo '$(PYTHON) cannot create virtual environments (on Debian: install python3-venv)' >&2; \
		exit 1; }

$(DEMO_READY): $(PACKAGING) | $(BIN)/python
	@echo 'Installing the package into .venv'
	@$(PIP_INSTALL) -e '.[demo]'
	@touch $@

$(DEV_READY): $(PACKAGING) | $(BIN)/python
	@echo 'Installing the package and the developer tools into .venv (takes a minute)'
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $(DEMO_READY) $@

$(NODE_READY): | $(DEV_READY)
	@echo 'Installing redocly and pyright into .venv/node'
	@$(BIN)/npm install --prefix .venv/node --no-save --no-package-lock --ignore-scripts \
		--no-audit --no-fund --no-update-notifier --loglevel=error --silent \
		@redocly/cli@$(REDOCLY_VERSION) pyright@$(PYRIGHT_VERSION)
	@touch $@
