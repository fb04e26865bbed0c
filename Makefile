# Every target sets up what it needs: `make demo` wants only Python 3.11 or later, pip and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# What is written down and nothing else: each package at its version, by its hash, ready built (the files say so).
PINNED := -m pip --disable-pip-version-check --quiet --quiet install --require-hashes --no-deps --requirement
# Compiled once here, so that a shell that forbids writing bytecode does not pay for it at every start.
export PYTHONDONTWRITEBYTECODE =

# More than one for each core: some tests wait for a process or a server.
WORKERS ?= $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN))
PYTEST := $(BIN)/pytest -q -n $(WORKERS) --dist worksteal
# What `make test` runs: CONTRIBUTING.md has the table of markers.
LEFT_OUT := exhaustive or peer or terminal or docs or process or release
QUICK := not ($(LEFT_OUT))

TOOLS := .venv/tools/bin
# Newer versions: `make constraints NEWER=--upgrade`, or `NEWER='--upgrade-package rich'` for one.
NEWER ?=
COMPILE := $(TOOLS)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes \
  --only-binary :all: --emit-build-options --no-annotate --custom-compile-command "make constraints" $(NEWER)

.PHONY: demo demo-continuous test test-rest test-all coverage lint types bench mutation completions man fault-matrix package \
  lambda constraints audit clean

demo: .venv/run.stamp
	@$(BIN)/smrep sandbox exec --seed --replication-delay 2s --replication-delay ap-southeast-2=4s \
	  -- $(BIN)/smrep replicate prod/payments/db -r us-west-2,eu-west-1,ap-southeast-2 -o table
	@echo 'next, the loss of a Region and the failback:'
	@echo '  $(BIN)/smrep sandbox drill'

# A secret is born and protected: what the Lambda function does on AWS.
demo-continuous: .venv/run.stamp
	@$(BIN)/smrep sandbox exec --manifest docs/continuous_demo.toml -- $(BIN)/python docs/continuous_demo.py

test: lint types
	$(PYTEST) -m "$(QUICK)"

# What `make test` left out: whole tests, and most examples of the properties.
test-rest: .venv/dev.stamp
	$(PYTEST) -m "$(LEFT_OUT) or property" --hypothesis-profile thorough

test-all: lint types
	$(PYTEST) --hypothesis-profile thorough

# Of what `make test` runs in its own process.
coverage: .venv/dev.stamp
	$(BIN)/coverage erase
	$(PYTEST) -m "$(QUICK)" --cov --cov-report=
	@$(BIN)/coverage json -q -o .coverage.json
	@$(BIN)/python bench/coverage_by_package.py .coverage.json

lint: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/dev.stamp
	$(BIN)/mypy

bench: .venv/dev.stamp
	@$(BIN)/python bench/run.py

# From scratch each time, so that the score is of all mutants: a quarter of an hour. No part of `make test`.
mutation: .venv/mutation.stamp
	rm -rf mutants
	$(BIN)/mutmut run --max-children $$(getconf _NPROCESSORS_ONLN)
	$(BIN)/mutmut export-cicd-stats
	$(BIN)/python bench/mutation.py

completions: .venv/run.stamp
	for shell in bash zsh fish; do $(BIN)/smrep completion $$shell > completions/smrep.$$shell; done

man: .venv/run.stamp
	$(BIN)/python docs/man.py docs/man

docs/document.md: smrep/output/document.schema.json .venv/run.stamp
	$(BIN)/python docs/fields.py < $@ > $@.new
	mv $@.new $@

fault-matrix: .venv/dev.stamp
	PYTHONPATH=tests $(BIN)/python -m matrix.matrix_page > docs/fault-matrix.new
	mv docs/fault-matrix.new docs/fault-matrix.md
	@grep -Eo '[0-9]+ cases' docs/fault-matrix.md

# hatchling's own date in every file, so that the same commit makes the same bytes, whoever builds it and when.
unexport SOURCE_DATE_EPOCH
package: .venv/run.stamp
	rm -rf dist
	@$(BIN)/python -m hatchling build -d dist
	@cd dist && { sha256sum * 2> /dev/null || shasum -a 256 *; }

# Likewise, for the Lambda runtime of the same Python: `make lambda PYTHON=python3.13`, in a clone without .venv.
lambda: .venv/run.stamp
	@$(BIN)/python deploy/lambda_zip.py dist

docs/page.png: docs/picture.py .venv/run.stamp
	$(BIN)/python docs/picture.py page > $@

docs/%.svg: docs/picture.py .venv/run.stamp
	$(BIN)/python docs/picture.py $* > $@

constraints: .venv/tools.stamp
	$(COMPILE) pyproject.toml --group build --output-file constraints.txt > /dev/null
	$(COMPILE) pyproject.toml --group build --group dev -c constraints.txt --output-file constraints-dev.txt > /dev/null
	$(COMPILE) pyproject.toml --extra crt -c constraints.txt --output-file constraints-crt.txt > /dev/null
	$(COMPILE) --group mutation -c constraints-dev.txt --output-file constraints-mutation.txt > /dev/null
	$(COMPILE) --group tools --output-file constraints-tools.txt > /dev/null

audit: .venv/tools.stamp
	@$(TOOLS)/python .ci/audit.py $(TOOLS)/pip-audit constraints*.txt

clean:
	rm -rf .venv mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

.venv/run.stamp: pyproject.toml constraints.txt
	@echo "setting up .venv to run smrep ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(PINNED) constraints.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@$(BIN)/python -m compileall -q smrep
	@touch $@

.venv/dev.stamp: .venv/run.stamp constraints-dev.txt
	@echo "setting up .venv to test smrep ..."
	@$(BIN)/python $(PINNED) constraints-dev.txt
	@$(PIP) check
	@touch $@

.venv/mutation.stamp: .venv/dev.stamp constraints-mutation.txt
	@echo "setting up .venv to mutate smrep ..."
	@$(BIN)/python $(PINNED) constraints-mutation.txt
	@$(PIP) check
	@touch $@

.venv/tools.stamp: constraints-tools.txt
	@echo "setting up .venv/tools ..."
	@$(PYTHON) -m venv .venv/tools
	@$(TOOLS)/python $(PINNED) constraints-tools.txt
	@touch $@
