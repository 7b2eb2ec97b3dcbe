# What a person does here; `make help` lists it. Settings (METRICS_…, see .env.example) may be given on the command
# line: make run METRICS_AS_OF=2026-06-28 METRICS_HOME=/somewhere
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CODE := dags plugins include expectations benchmarks tests

export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export SCARF_ANALYTICS := false
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help setup run report failed-rows release trace up down test soak lint style backup restore rebuild bench clean dev docs hooks check-source new-source calendars schema

help: ## list what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Compiled once, as pip does: where Python may write no bytecode every process would compile its libraries anew, and a night
# starts dozens of them.
# The copy of the lock inside the environment says what is installed; mtimes differ from clone to clone.
setup: ## make the Python environment (again only when requirements.lock changed)
	@cmp -s requirements.lock $(VENV)/installed.lock || { \
	  set -e; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed, found " + sys.version.split()[0])'; \
	  echo "Setting up the environment in $(VENV) (once, a few minutes) ..."; \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  { $(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
	    && $(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock; } \
	  || { echo "uv can't be used here; pip does the same, more slowly ..."; \
	       $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock; }; \
	  cp requirements.lock $(VENV)/installed.lock; \
	  if command -v fc-list >/dev/null && ! fc-list :lang=zh | grep -q .; then \
	    echo "Hint: this machine has no Chinese font; pages will show boxes here (Debian: apt install fonts-wqy-microhei)"; \
	  fi; \
	}

run: setup ## run the nightly: files in, published marts out
	@$(BIN)/python -m service_metrics.run_nightly

report: setup ## write the metrics pages of the served night and the auditors' pages again
	@$(BIN)/python -m include.reporting

failed-rows: setup ## all rows that did not count, masked: make failed-rows OUT=rows.xlsx [NIGHT=… SOURCE=… RULE=… FORMAT=csv|xlsx RAW=1]
	@$(BIN)/python -m include.reporting.audit.failed_rows --night "$(NIGHT)" --source "$(SOURCE)" --rule "$(RULE)" \
	  --format "$(FORMAT)" --raw "$(RAW)" --out "$(or $(OUT),$(error name a file: make failed-rows OUT=rows.xlsx))"

# Words with quotation marks of any kind reach the command as they are.
release: setup ## what waits for a person; or decide: make release BATCH=… DECISION=release|discard WHO=… WHY="…" [RULE=… ROWS=1,2]
	@$(BIN)/python -m include.gate.release_command --batch "$${BATCH}" --decision "$${DECISION}" --who "$${WHO}" \
	  --why "$${WHY}" --rule "$${RULE}" --rows "$${ROWS}"

trace: setup ## one number down to its rows, batches, files and lines: make trace METRIC=… PERIOD=2026-06 [SEGMENT=region=… OUT=rows.csv LIMIT=…]
	@$(BIN)/python -m include.tracing --metric "$(METRIC)" --period "$(PERIOD)" --segment "$(SEGMENT)" --out "$(OUT)" \
	  --limit "$(LIMIT)"

up: setup ## start Airflow (scheduler, web page on 127.0.0.1) and say how to log in
	@$(BIN)/python -m service_metrics.serve up

down: setup ## end what `make up` started
	@$(BIN)/python -m service_metrics.serve down

# Three workers for two cores: nights spend a good part of their time waiting for processes to start.
test: setup ## run all tests
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

soak: setup ## kill, fill up and damage for hours (METRICS_SOAK_KILLS=200, METRICS_SOAK_SEED=…)
	@$(BIN)/python -m pytest -m soak -n 2 --dist load -v --durations 5

lint: style ## check format, style, types, SQL and the conventions of the models
	@$(BIN)/python -m include.development.lint_models

style: setup ## check format, style, types and SQL
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@PYTHONWARNINGS=ignore $(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/models dbt_project/tests

dev: setup ## build changed models (or MODEL=fct_ticket+) into your own file, beside the served night
	@$(BIN)/python -m include.development.dev_build $(MODEL)

docs: setup ## write the generated pages of docs/, and lineage pages into the data home
	@$(BIN)/python -m include.development.write_docs

hooks: setup ## check every commit before it is made (pre-commit)
	@$(BIN)/pre-commit install

backup: setup ## back the data home up: make backup TO=folder
	@$(BIN)/python -m include.backup make "$(or $(TO),$(error name a folder: make backup TO=folder))"

restore: setup ## make a new data home from a back-up: make restore FROM=folder METRICS_HOME=new
	@$(BIN)/python -m include.backup restore "$(or $(FROM),$(error name a folder: make restore FROM=folder))"

rebuild: setup ## build a past night again in a new data home: make rebuild NIGHT=2026-06-28 TO=folder
	@$(BIN)/python -m include.warehouse.past_night "$(or $(NIGHT),$(error name a night: make rebuild NIGHT=2026-06-28 TO=folder))" \
	  "$(or $(TO),$(error name a folder: make rebuild NIGHT=2026-06-28 TO=folder))"

bench: setup ## measure beside hand-written SQL (over an hour, 20 GB of disk, a quiet machine): make bench [PARTS="delivery responses history tickets surveys customers pages"]
	@$(BIN)/python -m benchmarks $(PARTS)

check-source: setup ## try a mapping, landing nothing: make check-source FILE=source YAML or data file [SOURCE=… FEED=…]
	@$(BIN)/python -m include.mapping_help check "$(or $(FILE),$(error name a file: make check-source FILE=file))" \
	  --source "$(SOURCE)" --feed "$(FEED)"

new-source: setup ## propose a source YAML for a data file: make new-source FILE=file [NAME=… OUT=file]
	@$(BIN)/python -m include.mapping_help new "$(or $(FILE),$(error name a file: make new-source FILE=file))" \
	  --name "$(NAME)" --out "$(OUT)"

calendars: setup ## write a country's holidays into calendars.yml: make calendars YEARS=2024-2027 [COUNTRY=CN]
	@$(BIN)/python -m include.configuration.fill_calendars --years "$(or $(YEARS),$(error name years: make calendars YEARS=2024-2027))" \
	  --country "$(or $(COUNTRY),CN)"

schema: setup ## write the JSON Schemas that editors check source YAMLs with
	@$(BIN)/python -m include.mapping_help schema

clean: ## remove caches (never the data home)
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis dbt_project/target dbt_project/logs
	@find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +
