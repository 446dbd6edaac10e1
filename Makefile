# mithaq: `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check lint types floors docs measure fuzz lock clean

help: ## print this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/python: # an environment of our own, from the system's Python 3.11 or newer
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mithaq needs Python 3.11 or newer; $$($(PYTHON) --version) is $(PYTHON). Try: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/run: requirements/run.txt pyproject.toml | $(VENV)/python # what the program runs with
	@echo "making the environment in $(VENV) (about 160 MB of packages) ..."
	@$(BIN)/pip install -q --require-hashes -r requirements/build.txt
	@$(BIN)/pip install -q --require-hashes -r requirements/run.txt
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e . && touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run # and what it is tested with
	@$(BIN)/pip install -q --require-hashes -r requirements/dev.txt && touch $@

$(VENV)/token: requirements/token.txt $(VENV)/dev # the extra `token`, for the tests of keys in a PKCS#11 token
	@$(BIN)/pip install -q --require-hashes -r requirements/token.txt && touch $@

demo: $(VENV)/run ## two agencies on this machine, queries both ways up to a released hit; ARGS=--once to end after that
	@$(BIN)/mithaq demo $(ARGS)

test: $(VENV)/dev ## the default test run
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not browser and not postgres and not slow" $(ARGS)

check: lint types floors docs ## everything that must hold before a change lands
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/dev ## ruff, and its formatting
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .

types: $(VENV)/dev ## mypy, strict on floors 0 to 4
	@$(BIN)/mypy

floors: $(VENV)/dev ## who may import whom
	@$(BIN)/lint-imports --no-cache >/tmp/mithaq-floors.$$$$ || { cat /tmp/mithaq-floors.$$$$; exit 1; }; rm -f /tmp/mithaq-floors.$$$$

docs: $(VENV)/dev ## the documentation as HTML in docs/_build
	@$(BIN)/sphinx-build -q -W -b html docs docs/_build

measure: $(VENV)/dev ## one query by stage, and messages a second
	@$(BIN)/mithaq measure flow $(ARGS)

fuzz: $(VENV)/dev ## damaged files against every reader; ARGS="--target reader --seconds 600 --seed 2" chooses, --help lists
	@$(BIN)/python tools/fuzz.py $(ARGS)

lock: $(VENV)/dev ## pin every dependency with its hashes anew
	@cd $(CURDIR) && UV="$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate"; \
	  $$UV pyproject.toml -o requirements/run.txt && \
	  $$UV pyproject.toml --group dev -o requirements/dev.txt && \
	  $$UV --group build -o requirements/build.txt && \
	  $$UV --group token -o requirements/token.txt

clean: ## remove the environment and everything built
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache docs/_build build dist
