# `make demo` and `make test` are all the set-up there is; both build .venv from constraints.txt.

PYTHON ?= python3
# Processes that run tests at the same time: `make test WORKERS=1` for one after the other.
WORKERS ?= auto
VENV := .venv
BIN := $(VENV)/bin
SCHEDULES ?= 2000
VENDOR_SDK := tests/vendor_sdk/node_modules
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test mutants soak ui notebook bench bench-guard docs new bundle clean

demo: $(VENV)/.run
	$(BIN)/octane-flows demo

test: $(VENV)/.test $(VENDOR_SDK)/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# Every one-line change of every SQL model: is there a golden case that notices it?
mutants: $(VENV)/.test
	$(BIN)/python -m tests.mutants

soak: $(VENV)/.test
	SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -q -n $(WORKERS) tests/property/test_schedules.py

ui: $(VENV)/.run
	$(BIN)/octane-flows ui $(if $(OCTANE_URL),,--demo)

notebook: $(VENV)/.notebook
	OCTANE_HOME="$${OCTANE_HOME:-$(CURDIR)/demo}" $(BIN)/jupyter lab notebooks

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(NAME)

# Are the ratios of docs/ratios.csv still held? A few minutes; not part of `make test`.
bench-guard: $(VENV)/.bench
	BENCH_RUNS=$${BENCH_RUNS:-100000} $(BIN)/python -m tests.benchmarks --guard $(NAME)

docs: $(VENV)/.docs
	$(BIN)/python -m tests.generated_contract
	$(BIN)/python -m tests.generated_docs --write

# The first files of a question: make new KIND=flow|metric|plan|er SLUG=what_the_rows_are
new: $(VENV)/.test
	$(BIN)/python -m tests.golden.new $(KIND) $(SLUG)

# A folder for sites without internet, with checksums and a bill of materials: make bundle EXTRAS=dagster
EXTRAS ?= dagster
bundle: $(BIN)/python
	$(BIN)/python deploy/bundle/make_bundle.py --output dist/bundle --extras $(EXTRAS)

clean:
	rm -rf $(VENV) $(VENDOR_SDK) demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "octane-flows needs Python 3.11 or newer; call: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[dagster]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[dagster,distributed,dlt,export,spark,test]' ipykernel
	touch $@ $(VENV)/.run $(VENV)/.docs

# Documents and unit tests need none of the extras, Spark among them.
$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(PIP) install --quiet -c constraints.txt -e '.[bench]'
	touch $@

$(VENV)/.notebook: $(VENV)/.run
	$(PIP) install --quiet -c constraints.txt -e '.[notebook]'
	touch $@

# The vendor's SDK, which the simulator is tested with. Without it those tests are skipped, unless
# TESTS_NEED_NODE=1 says that they must run.
$(VENDOR_SDK)/.done: tests/vendor_sdk/package.json tests/vendor_sdk/package-lock.json
	@if ! command -v npm >/dev/null || ! command -v node >/dev/null; then \
		echo "Node.js 18 with npm was not found: the tests with the vendor's JavaScript SDK are skipped"; \
	elif npm ci --prefix tests/vendor_sdk --ignore-scripts --no-audit --no-fund --loglevel=error \
			--fetch-retries=1 --fetch-retry-mintimeout=2000; then \
		touch $@; \
	else \
		echo "npm could not fetch the vendor's JavaScript SDK: the tests with it are skipped"; \
	fi
