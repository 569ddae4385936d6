# One verb does each thing. `make run` and `make test` need only Python 3.11 or later.
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP_INSTALL := $(PY) -m pip install --quiet --no-input
LOCKS := requirements/runtime.txt requirements/build.txt
FRONTEND_CHECKS := format:check lint typecheck test

# The first of these that is Python 3.11+ and can make a virtual environment; or PYTHON=… make run.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14 python
PYTHON ?= $(shell for p in $(PYTHONS); do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$p; break; }; done)

.PHONY: help run test check fix bench lock web clean dev

help:
	@echo 'make run     start Alert Whisperer on http://127.0.0.1:8001'
	@echo 'make test    every check and every test'
	@echo 'make check   format, lint, types, import direction, house rules, browser app'
	@echo 'make fix     format and mend what can be mended'
	@echo 'make bench   measure (BENCH=name for one)'
	@echo 'make lock    renew the locks (UPGRADE=1 for newer versions)'
	@echo 'make clean   remove what was built and installed, never your data'

run: $(VENV)/installed web
	@exec $(BIN)/alertwhisperer serve

test: check web
	@$(PY) -m tools.frontend budget
	@$(PY) -m tools.debian_packages
	$(PY) -m pytest

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) -m tools.house
	$(PY) -m tools.frontend $(FRONTEND_CHECKS)

fix: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(PY) -m tools.docs
	$(PY) -m tools.frontend format

bench: dev web
	$(PY) -m benchmarks $(BENCH)

lock: dev
	$(PY) -m tools.lock $(if $(UPGRADE),--upgrade)
	$(PIP_INSTALL) --require-hashes $(LOCKS:%=-r %) -r requirements/dev.txt
	$(PY) -m tools.notices

web: $(VENV)/installed
	@$(PY) -m tools.build_web

dev: $(VENV)/installed-dev

clean:
	rm -rf $(VENV) dist build src/alertwhisperer/web frontend/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(PY):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later with venv is needed (on Debian: apt-get install python3-venv).' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(LOCKS) pyproject.toml hatch_build.py | $(PY)
	@echo 'installing the runtime (once)'
	@$(PIP_INSTALL) --require-hashes $(LOCKS:%=-r %)
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt $(VENV)/installed
	@echo 'installing what the checks need (once)'
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
