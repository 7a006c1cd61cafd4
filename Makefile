# Everything runs in .venv, which is made on first use and again when a dependency file changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOMAIN ?= finance
DOMAINS := $(wildcard domains/*/pyproject.toml)
READY := $(VENV)/.ready

.PHONY: run test lint bench clean

run: $(READY)
	$(BIN)/selfspec run --domain $(DOMAIN)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

# torch first and pinned: left to the resolver it may bring gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt $(DOMAINS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[local,dev]' $(patsubst %/pyproject.toml,-e ./%,$(DOMAINS))
	touch $(READY)

clean:
	rm -rf $(VENV) runs dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
