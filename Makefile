# One command to see it, one to trust it: `make demo`, `make test`. CONTRIBUTING.md explains the rest.
# Needs python3 >= 3.11 and access to the package index; `.venv` is built from the hash-pinned locks.

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
LOCKS := requirements-uv.lock requirements-build.lock requirements.lock
INPUTS := $(LOCKS) pyproject.toml hatch_build.py tools/build_venv.py

# Where the tests' packages are installed already, the product's alone would remove them.
RUN := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.run)
DEV := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast check check-format check-lint check-types check-floors
.PHONY: bench fmt lock wheel clean

help:
	@echo "make demo       everything offline: an emulated tenant, Jackfield, the first sync"
	@echo "                (ARGS=\"--people 20000 --data DIR --port N\")"
	@echo "make install    .venv with the product, and nothing started"
	@echo "make test       every test, with what it needs (ARGS=\"browser\" for one stage)"
	@echo "make test-fast  the tests that need nothing, in a minute"
	@echo "make check      format, lint, types, floor plan"
	@echo "make bench      the benchmarks, as a table and JSON"
	@echo "make fmt lock wheel clean"

install: $(RUN)

.venv/.run: $(INPUTS)
	@$(PYTHON) tools/build_venv.py run
	@touch $@

.venv/.dev: $(INPUTS) requirements-dev.lock
	@$(PYTHON) tools/build_venv.py dev
	@touch $@ .venv/.run

demo: $(RUN)
	@$(BIN)/jackfield demo $(ARGS)

test: $(DEV)
	@$(BIN)/python tools/run_tests.py $(ARGS)

test-fast: $(DEV)
	@$(BIN)/python tools/run_tests.py fast

check: check-format check-lint check-types check-floors

check-format: $(DEV)
	@$(BIN)/ruff format --check .

check-lint: $(DEV)
	@$(BIN)/ruff check .

check-types: $(DEV)
	@$(BIN)/mypy

check-floors: $(DEV)
	@$(BIN)/lint-imports --no-logo

bench: $(DEV)
	@$(BIN)/python bench/run.py $(ARGS)

fmt: $(DEV)
	@$(BIN)/ruff check --fix-only --exit-zero .
	@$(BIN)/ruff format .

# `make lock` pins what pyproject.toml newly asks for; `make lock ARGS=--upgrade` renews everything.
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

lock: $(RUN)
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --group installer -c requirements.lock -o requirements-uv.lock
	$(COMPILE) $(ARGS) --group build -c requirements.lock -o requirements-build.lock
	$(COMPILE) $(ARGS) --group dev -c requirements.lock -c requirements-build.lock \
		-o requirements-dev.lock

wheel: $(RUN)
	@$(BIN)/uv build -q --wheel --no-build-isolation --python $(BIN)/python -o dist

clean:
	rm -rf .venv build dist src/jackfield/web/static/vendor
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
