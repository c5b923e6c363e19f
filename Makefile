# Every task of Footbridge is one word here. It needs Python 3.11 or newer and nothing else; see `make help`.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The first of these that is new enough. Choose another with `make PYTHON=/path/to/python run`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV_COMPILE := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group build pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test check demo bench burst growth mutants simulate machines production-shape access races upgrade crash soak drills histories fuzz shots format lock clean

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.installed ## start everything here: pages, API, worker, Temporal, a demonstration program
	@exec $(BIN)/footbridge up

test: $(VENV)/.installed-dev ## check, then every test on SQLite, PostgreSQL, Temporal and Chromium
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed-dev ## format, lint, types, templates and the architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/djlint templates --lint --quiet
	@$(BIN)/pytest -q tests/test_architecture.py

demo: $(VENV)/.installed ## as run, in var/demo, with a day of the clock in a minute
	@FOOTBRIDGE_DATA_DIR=var/demo FOOTBRIDGE_CLOCK_SPEED=1440 exec $(BIN)/footbridge up

simulate: $(VENV)/.installed ## N=100000 invented lives and a million faults, on every core (hours; N=1000: minutes)
	@$(BIN)/footbridge simulate --referrals $${N:-100000} --seed $${SEED:-1} \
		--processes $$($(BIN)/python -c 'import os; print(os.cpu_count())')

machines: $(VENV)/.installed-dev ## Hypothesis drives a program, thirty times as much as in test (half an hour)
	@MACHINES=$${MACHINES:-30} $(BIN)/pytest -q -s tests/simulation/test_machines.py

bench: $(VENV)/.installed ## what things cost, each against something of the same run (a quarter of an hour, a quiet machine)
	@$(BIN)/python -m bench

burst: $(VENV)/.installed ## 10,000 contacts due at one moment, then 5,000 releases, while people work (40 minutes, a quiet machine)
	@$(BIN)/python -m bench burst

growth: $(VENV)/.installed ## memory, disk, starts and pages with 1,000 and 10,000 open referrals; see docs/growth.md (15 minutes)
	@$(BIN)/python -m bench.growth 1000 10000

mutants: $(VENV)/.installed-dev ## plant each leak and bug of tests/mutants/, and see that the tests notice (twenty minutes)
	@$(BIN)/python -m tests.mutants

drills: $(VENV)/.installed-dev ## records and Temporal put back from different moments, sixty times (a quarter of an hour)
	@$(BIN)/python -m tests.drills

fuzz: $(VENV)/.installed-dev ## the API against its document and every parser, thirty times as much as in test (half an hour)
	@FUZZ=$${FUZZ:-30} $(BIN)/pytest -q tests/fuzz

production-shape: $(VENV)/.installed ## production's processes on PostgreSQL, checked over HTTP, stopped (a minute)
	@$(BIN)/python -m cli.production_shape

access: $(VENV)/.installed-dev ## the whole access matrix on both databases; in test PostgreSQL has its part (ten minutes)
	@ACCESS=whole $(BIN)/pytest -q tests/access

races: $(VENV)/.installed-dev ## a thousand times consent or STOP against a message that is going out (six minutes)
	@CONSENT_RACES=1000 $(BIN)/pytest -q tests/consent/test_races.py tests/consent/test_stop_races.py

upgrade: $(VENV)/.installed-dev ## new code, a migration and two bad deploys under 200 running transitions (ten minutes)
	@$(BIN)/python -m tests.upgrade

crash: $(VENV)/.installed-dev ## each process killed at each point of each step, three times, on both databases (an hour and a half)
	@$(BIN)/python -m tests.crash matrix

soak: $(VENV)/.installed-dev ## people at work while one fault follows another, on both databases (forty minutes)
	@$(BIN)/python -m tests.crash soak

histories: $(VENV)/.installed-dev ## record the workflow histories that the replay test plays
	@$(BIN)/python -m tests.histories.record

shots: $(VENV)/.installed-dev ## photograph the main pages of each face, phone and desk, into var/shots
	@$(BIN)/python -m tests.browser.shots var/shots

format: $(VENV)/.installed-dev ## put the code in its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## resolve the dependencies anew into the two lock files (needs uv)
	@$(UV_COMPILE) --output-file requirements.lock
	@$(UV_COMPILE) --extra dev --output-file requirements-dev.lock

clean: ## remove what is installed and cached; data in var/ stays
	@rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

# The rest makes .venv. A lock that has not changed is not installed again. Compiling on all cores takes half the time
# of pip's own; a file in some package that cannot be compiled does not matter.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Footbridge needs Python 3.11 or newer; here is $$(python3 --version 2>/dev/null || echo none)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Footbridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.locked: requirements.lock | $(BIN)/python
	@echo "Installing the locked dependencies (once; about half a gigabyte) ..."
	@$(PIP) install --no-compile --require-hashes --requirement requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the locked tools of developers ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
