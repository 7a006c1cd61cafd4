# Everything runs in .venv, which is made on first use and again when a dependency file changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint bench clean

run: $(READY)
	$(BIN)/selfspec run --domain finance

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py

# torch first and pinned: left to the resolver it may bring gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt domains/finance/pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[local,dev]' -e ./domains/finance
	touch $(READY)

clean:
	rm -rf $(VENV) runs dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
