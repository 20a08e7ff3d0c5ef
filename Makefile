# Only Python 3.11 or newer and make are needed: a target that needs the environment builds .venv first.

VENV := .venv
PEERS := .venv-bench
BIN := $(VENV)/bin

# An interpreter is taken if it runs, is new enough and can make an environment. `make PYTHON=...` names one.
USABLE := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	if "$$candidate" -c "$(USABLE)" >/dev/null 2>&1; then echo "$$candidate"; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint stress bench docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## see Routebook at work, offline, in a few seconds
	@$(BIN)/routebook demo

test: lint ## lint, then run every test, some at the same time
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: lint ## lint, then run the quick tests of the project's shape
	$(BIN)/python -m pytest tests/test_floors.py tests/test_project.py tests/test_docs.py \
		tests/document/test_schemas_in_step.py tests/document/test_schemas_agree.py tests/document/test_reference.py \
		tests/diagnostics/test_docs_diagnostics.py

lint: $(VENV)/.installed ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

stress: $(VENV)/.installed ## run the random tests and the chaos a hundred times as long, ten minutes each at most
	ROUTEBOOK_STRESS=1 $(BIN)/python -m pytest tests/test_random_books.py tests/test_fuzz.py tests/test_mutations.py \
		tests/test_unreachable.py tests/test_decisions_complete.py tests/test_touched.py tests/test_fallbacks_dead.py \
		tests/test_random_invariants.py tests/test_incremental.py tests/document/test_schemas_agree.py \
		tests/chaos/test_chaos.py

docs: $(VENV)/.installed ## write the generated pages and the schemas anew
	$(BIN)/python docs/generate.py diagnostics options apis
	$(BIN)/python docs/route_files.py
	$(BIN)/routebook schema --write schemas

bench: $(VENV)/.installed $(PEERS)/.locked ## measure Routebook and others, as ratios in one run (RUNS=200000: its memory for longer)
	@$(BIN)/python benchmarks/run.py $(if $(RUNS),--memory-runs $(RUNS))

lock: ## pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-header --no-annotate \
		--quiet --output-file requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --python-version 3.11 --universal --generate-hashes \
		--no-header --no-annotate --quiet --output-file requirements-dev.lock
	uv pip compile --group bench --python-version 3.11 --universal --generate-hashes --no-header --no-annotate \
		--quiet --output-file requirements-bench.lock

clean: ## remove the environments and the caches
	rm -rf $(VENV) $(PEERS) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last, so that what was interrupted is done again, the environment from nothing.
$(VENV)/.locked: requirements-dev.lock
	@"$(PYTHON)" -c "$(USABLE)" 2>/dev/null || { echo "error: no Python 3.11 or newer with venv and pip was found;" \
		"install one, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "installing the locked dependencies into $(VENV)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Those we are measured against have versions of what we use that are not ours.
$(PEERS)/.locked: requirements-bench.lock | $(VENV)/.locked
	@echo "installing whom we are measured against into $(PEERS)"
	@"$(PYTHON)" -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
