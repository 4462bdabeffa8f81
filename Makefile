# Everything that is done with this repository, by name. `make` alone lists it.
# It needs Python 3.11 or later and make; the rest is installed into .venv, by hash, on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# `docker compose` (v2) where it is there, else the older docker-compose.
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help
help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

## Running

.PHONY: run
run: $(VENV)/run.stamp  ## Start everything here: servers, migrations, workers, API (PORT=8000, MARQUEE_HOME=.marquee)
	@exec $(BIN)/marquee up

.PHONY: compose-up
compose-up: .env-key  ## The same in containers, on http://127.0.0.1:8000 (or PORT)
	$(COMPOSE) up -d --build
	@echo "Started. Logs: $(COMPOSE) logs -f    State: $(COMPOSE) ps"

# What people write is sealed with a key that outlives the containers: made once, and kept in .env.
.PHONY: .env-key
.env-key:
	@if [ -z "$$MARQUEE_KEY_ENCRYPTION_KEYS" ] && ! grep -Eqs '^ *(export +)?MARQUEE_KEY_ENCRYPTION_KEYS=.' .env; then \
	  umask 077; \
	  key=$$($(PYTHON) -c 'import secrets; print(f"k{secrets.token_hex(4)}:{secrets.token_urlsafe(32)}")') \
	    && printf '\nMARQUEE_KEY_ENCRYPTION_KEYS=%s\n' "$$key" >> .env \
	    && echo "Made a key for what people write, in .env: keep that file."; \
	fi

.PHONY: compose-down
compose-down:  ## Stop the containers; their data stays
	$(COMPOSE) down --remove-orphans

## Working on it

.PHONY: test
test: $(VENV)/dev.stamp  ## All tests, on a real PostgreSQL and Redis (ARGS="-k words" chooses)
	$(BIN)/python -m pytest $(ARGS)

.PHONY: test-unit
test-unit: $(VENV)/dev.stamp  ## The tests that need no server
	$(BIN)/python -m pytest tests/unit $(ARGS)

.PHONY: lint
lint: $(VENV)/dev.stamp  ## Style, types, the direction of imports, and what must not be published
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_public.py

.PHONY: format
format: $(VENV)/dev.stamp  ## Mend what can be mended without thinking
	$(BIN)/ruff check --fix --quiet --exit-zero
	$(BIN)/ruff format

.PHONY: bench
bench: $(VENV)/dev.stamp $(VENV)/peers.stamp  ## Measure, beside limits and peers, as ratios (ARGS="--quick", --help)
	$(BIN)/python -m benchmarks --peers $(VENV)/peers/bin/python $(ARGS)

# More sets of questions lie where a neighbour of this folder keeps them, or where EVALS says.
EVALS ?= $(wildcard ../shared/eval*)

.PHONY: eval
eval: $(VENV)/dev.stamp  ## How many questions are understood, and how many rightly (EVALS=folder, ARGS="--show wrong")
	$(BIN)/python -m benchmarks.eval $(EVALS) $(ARGS)

.PHONY: hooks
hooks: $(VENV)/dev.stamp  ## Lint before every commit, from now on
	$(BIN)/prek install

# Pins that still fit are kept: `make lock` follows pyproject.toml, `make lock ARGS=--upgrade` takes the newest.
# The options leave no trace of the machine or of the index in the files.
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal -p 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate pyproject.toml --group build $(ARGS)

.PHONY: lock
lock: $(VENV)/place  ## Write requirements/*.lock anew from pyproject.toml
	@$(BIN)/python -m pip install -qq uv
	$(UV_COMPILE) -o requirements/server.lock
	$(UV_COMPILE) --extra embedded -o requirements/run.lock
	$(UV_COMPILE) --extra embedded --group dev -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal -p 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --group peers $(ARGS) -o requirements/peers.lock

.PHONY: clean
clean:  ## Remove .venv and all caches; never the data under .marquee
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

## The environment. Each stamp is newer than the lock that it was installed from, so a second start takes no time.

# An environment whose Python has gone, or that was copied here with its folder, is made anew: the latter
# would import the code of the folder that it came from. One that was made by hand, and works, is kept.
ifneq ($(shell $(BIN)/python -c 'print(open("$(VENV)/place").read())' 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/place
endif

$(VENV)/place:
	@if [ ! -e $@ ] && $(BIN)/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then \
	  printf '%s' "$(CURDIR)" > $@; exit; \
	fi; \
	for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or later is needed; name yours: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Python $$version here cannot make virtual environments: install the package python$$version-venv" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with Python $$version"; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) && printf '%s' "$(CURDIR)" > $@

define install
	@echo "Installing $(1) (some minutes the first time on a slow line)"
	@$(BIN)/python -m pip install -qq --require-hashes -r $(1)
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
endef

$(VENV)/run.stamp: requirements/run.lock pyproject.toml $(VENV)/place
	$(call install,$<)
	@touch $@

# What the tests need contains what the program needs.
$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml $(VENV)/place
	$(call install,$<)
	@touch $@ $(VENV)/run.stamp

# What we are measured against has an environment of its own: our program looks at what is installed beside it.
$(VENV)/peers.stamp: requirements/peers.lock $(VENV)/dev.stamp
	@echo "Installing $< for the benchmarks"
	@$(BIN)/python -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install -qq --require-hashes -r $<
	@touch $@
