# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := $(wildcard core registry plugins/* tests/benchmarks)
MANIFESTS := requirements-dev.txt constraints.txt $(wildcard $(addsuffix /pyproject.toml,$(PACKAGES)))

.PHONY: demo test lint pytest bench docs clean

# Everything is installed editable, from one requirements file under one constraints file, and again
# only when one of the manifests changed.
$(STAMP): $(MANIFESTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tokenry needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

demo: $(STAMP)
	$(BIN)/python examples/demo/demo.py

test: lint pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pytest: $(STAMP)
	$(BIN)/python -m pytest -q --durations=10

bench: $(STAMP)
	$(BIN)/tokenry bench --page docs/benchmarks.md

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
