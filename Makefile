# `make demo` and `make test` are all the set-up there is; both build .venv from constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test ui notebook bench docs clean

demo: $(VENV)/.run
	$(BIN)/octane-flows demo

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

ui: $(VENV)/.run
	$(BIN)/python -m pipelines.dev

notebook: $(VENV)/.notebook
	OCTANE_HOME="$${OCTANE_HOME:-$(CURDIR)/demo}" $(BIN)/jupyter lab notebooks/explore.ipynb

bench: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.test
	$(BIN)/python -m tests.generated_contract
	$(BIN)/python -m tests.generated_docs --write

clean:
	rm -rf $(VENV) demo

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
