# `make demo` and `make test` are all the set-up there is; both build .venv from constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Where Dagster keeps its own state: beside the demo's data, with telemetry switched off.
export DAGSTER_HOME ?= $(CURDIR)/.dagster

.PHONY: demo test ui notebook bench docs clean

demo: $(VENV)/.run
	$(BIN)/octane-flows demo

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

ui: $(VENV)/.run | $(DAGSTER_HOME)/dagster.yaml
	OCTANE_HOME="$${OCTANE_HOME:-$(CURDIR)/demo}" $(BIN)/dagster dev -m pipelines.definitions

notebook: $(VENV)/.notebook
	OCTANE_HOME="$${OCTANE_HOME:-$(CURDIR)/demo}" $(BIN)/jupyter lab notebooks/explore.ipynb

bench: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.test
	$(BIN)/python -m tests.generated_docs --write

clean:
	rm -rf $(VENV) demo .dagster

$(DAGSTER_HOME)/dagster.yaml: pipelines/dagster.yaml
	mkdir -p $(DAGSTER_HOME)
	cp $< $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "octane-flows needs Python 3.11 or newer; call: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[dagster]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[dagster,test]' ipykernel
	touch $@ $(VENV)/.run

$(VENV)/.notebook: $(VENV)/.run
	$(PIP) install --quiet -c constraints.txt -e '.[notebook]'
	touch $@
