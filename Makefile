# make run: the main job, on a generated log. make test: every test. Nothing but python3, make and the package registries;
# with cargo, the native kernels are built too.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NATIVE := native/Cargo.toml native/Cargo.lock $(shell find native/src -name '*.rs')
# What the twins in Python must hold too: kernels, what is made of them, and that the main job is exact.
TWINS := tests/columns tests/filters tests/aggregates tests/functions tests/inputs tests/outputs tests/e2e/test_oracle.py tests/e2e/test_bad_data.py
# The hundred kills are those of one engine.
TWINS += --deselect tests/e2e/test_oracle.py::test_a_hundred_kills_through_twenty_rotations_lose_and_double_nothing

# Without bytecode every start of `pipe` compiles the engine anew, which takes longer than all else that it does.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run servers test test-twins lint fmt docs bench clean

run: $(READY)  ## the main job for 45 s: live facts, a compressed archive, a clean stop
	@$(BIN)/python bench/main_job.py

servers:  ## fetch the servers that tests talk to: S3, Kafka, Kinesis; without them their tests are skipped
	@tests/services/fetch.sh

test: $(READY)  ## every test; those that need a server which is not there are listed as skipped
	@$(BIN)/python -m pytest -n 2 --dist worksteal -rs

test-twins: $(READY)  ## the tests of kernels and of the main job once more, without the native module
	@PIPE_NATIVE=off $(BIN)/python -m pytest -n 2 --dist worksteal -rs $(TWINS)

lint: $(READY)  ## format, lint, types, and the rooms of the house
	$(BIN)/ruff format --check pipeline plugins tests bench
	$(BIN)/ruff check pipeline plugins tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	cargo fmt --manifest-path native/Cargo.toml --check
	cargo clippy --manifest-path native/Cargo.toml --quiet --all-targets -- --deny warnings

fmt: $(READY)  ## put the code into the house's format
	$(BIN)/ruff format pipeline plugins tests bench
	$(BIN)/ruff check --fix pipeline plugins tests bench
	cargo fmt --manifest-path native/Cargo.toml

docs: $(READY)  ## write docs/plugins from the plugins' own models
	$(BIN)/pipe plugins --markdown docs/plugins
	$(BIN)/python tests/docs/tables.py

bench: $(READY)  ## every benchmark with its reference, into docs/performance.md (about 20 minutes)
	$(BIN)/python bench/all.py --write

clean:  ## remove the environment and everything that runs left behind
	rm -rf $(VENV) build *.egg-info out .pipe .bench native/target native/fuzz/target pipeline/columns/_native*.so

$(READY): pyproject.toml setup.py $(NATIVE)
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit("pipe needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/pipe --version
	@touch $(READY)
