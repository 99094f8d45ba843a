# make run: the main job, on a generated log. make test: every test. Nothing but python3, make and the package registries.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint fmt docs bench clean

run: $(READY)  ## the main job for 45 s: live facts, a compressed archive, a clean stop
	@$(BIN)/python bench/main_job.py

test: $(READY)  ## every test; those that need a server which is not there are listed as skipped
	@$(BIN)/python -m pytest -n 2 --dist worksteal -rs

lint: $(READY)  ## format, lint, types, and the rooms of the house
	$(BIN)/ruff format --check pipeline plugins tests bench
	$(BIN)/ruff check pipeline plugins tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(READY)  ## put the code into the house's format
	$(BIN)/ruff format pipeline plugins tests bench
	$(BIN)/ruff check --fix pipeline plugins tests bench

docs: $(READY)  ## write docs/plugins from the plugins' own models
	$(BIN)/pipe plugins --markdown docs/plugins
	$(BIN)/python tests/docs/tables.py

bench: $(READY)  ## what the seed job costs
	$(BIN)/python bench/seed_job.py

clean:  ## remove the environment and everything that runs left behind
	rm -rf $(VENV) build *.egg-info out .pipe

$(READY): pyproject.toml
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit("pipe needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)
