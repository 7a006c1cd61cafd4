# Everything but test-min runs in .venv, which is made on first use and again when a dependency file changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOMAIN ?= finance
# Processes that share the tests, a file to each at a time; 0 to run them in order, for a debugger.
WORKERS ?= auto
DOMAINS := $(wildcard domains/*/pyproject.toml)
READY := $(VENV)/.ready

.PHONY: run test test-min licences lint bench clean

run: $(READY)
	$(BIN)/selfspec run --domain $(DOMAIN)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

licences: $(READY)
	$(BIN)/python tests/licences.py

# The suite with the lowest versions that pyproject.toml allows, which uv finds the rest for: pip tries
# combinations for minutes. torch is the pinned one; tests/lowest.py says why.
MIN := .venv-min
test-min: $(MIN)/.ready
	$(MIN)/bin/python -m pytest $(ARGS)

$(MIN)/.ready: pyproject.toml constraints.txt tests/lowest.py $(DOMAINS)
	test -x $(MIN)/bin/python || $(PYTHON) -m venv $(MIN)
	$(MIN)/bin/python -m pip install --quiet uv packaging
	grep '^torch==' constraints.txt >$(MIN)/direct.txt
	$(MIN)/bin/python tests/lowest.py local dev >>$(MIN)/direct.txt
	$(MIN)/bin/uv pip compile --quiet --extra local --extra dev -c $(MIN)/direct.txt -o $(MIN)/lowest.txt pyproject.toml
	$(MIN)/bin/python -m pip install --quiet -c $(MIN)/lowest.txt torch
	$(MIN)/bin/python -m pip install --quiet -c $(MIN)/lowest.txt -e '.[local,dev]' $(patsubst %/pyproject.toml,-e ./%,$(DOMAINS))
	touch $@

# torch first and pinned: left to the resolver it may bring gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt $(DOMAINS)
	@echo "Setting up $(VENV): some 2.5 GB (more if torch brings CUDA) in a few minutes; pip is quiet meanwhile."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[local,dev]' $(patsubst %/pyproject.toml,-e ./%,$(DOMAINS))
	touch $(READY)

clean:
	rm -rf $(VENV) $(MIN) runs dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
