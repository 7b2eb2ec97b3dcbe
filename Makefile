# What a person does here; `make help` lists it. Settings (METRICS_…, see .env.example) may be given on the command
# line: make run METRICS_AS_OF=2026-06-28 METRICS_HOME=/somewhere
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CODE := dags plugins include expectations tests

export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export SCARF_ANALYTICS := false
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help setup run test lint clean

help: ## list what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# The copy of the lock inside the environment says what is installed; mtimes differ from clone to clone.
setup: ## make the Python environment (again only when requirements.lock changed)
	@cmp -s requirements.lock $(VENV)/installed.lock || { \
	  set -e; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed, found " + sys.version.split()[0])'; \
	  echo "Setting up the environment in $(VENV) (once, a few minutes) ..."; \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  { $(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
	    && $(BIN)/python -m uv pip install --quiet --python $(BIN)/python -r requirements.lock; } \
	  || { echo "uv can't be used here; pip does the same, more slowly ..."; \
	       $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock; }; \
	  cp requirements.lock $(VENV)/installed.lock; \
	}

run: setup ## run the nightly: files in, published marts out
	@$(BIN)/python -m service_metrics.run_nightly

test: setup ## run all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup ## check format, style and types
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy

clean: ## remove caches (never the data home)
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis dbt_project/target dbt_project/logs
	@find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +
