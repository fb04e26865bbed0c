# Every target sets up what it needs: `make demo` wants only Python 3.11 or later, pip and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# Compiled once here, so that a shell that forbids writing bytecode does not pay for it at every start.
export PYTHONDONTWRITEBYTECODE =

# Two for each core: many a test waits for a process or a replication.
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

.PHONY: demo test lint types bench completions clean

demo: .venv/run.stamp
	@$(BIN)/smrep sandbox exec --seed --replication-delay 2s --replication-delay ap-southeast-2=4s \
	  -- $(BIN)/smrep replicate prod/payments/db -r us-west-2,eu-west-1,ap-southeast-2 -o table

test: lint types
	$(BIN)/pytest -q -n $(WORKERS)

lint: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/dev.stamp
	$(BIN)/mypy

bench: .venv/dev.stamp
	$(BIN)/python bench/startup.py

completions: .venv/run.stamp
	for shell in bash zsh fish; do $(BIN)/smrep completion $$shell > completions/smrep.$$shell; done

docs/replicate.svg: .venv/run.stamp
	$(BIN)/python docs/picture.py > $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

.venv/run.stamp: pyproject.toml constraints.txt
	@echo "setting up .venv to run smrep ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --constraint constraints.txt --editable .
	@$(BIN)/python -m compileall -q smrep
	@touch $@

.venv/dev.stamp: .venv/run.stamp
	@echo "setting up .venv to test smrep ..."
	@$(PIP) install --constraint constraints.txt --group dev
	@touch $@
