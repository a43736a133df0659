# Every target sets itself up in .venv, and touches nothing else.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq

# The port of `make demo`, and its server: uvicorn, gunicorn, hypercorn, granian or
# daphne.
PORT ?= 8000
SERVER ?= uvicorn

# The Python for .venv: PYTHON, or the first of these that is new enough.
PYTHON ?=
PYTHONS := python3 python3.13 python3.12 python3.11 python3.10

# Arguments for pytest or the benchmarks: make test ARGS="-k name -x".
ARGS ?=

.PHONY: help
help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/.demo ## Serve the example site: make demo SERVER=daphne PORT=8000
	PORT='$(PORT)' SERVER='$(SERVER)' $(PY) -m example_site

# With COVERAGE=yes, every process that the tests start writes there.
export COVERAGE_FILE := $(CURDIR)/build/coverage/data

# Executed in the place of the shell, so that a signal to make reaches pytest.
PYTEST = exec $(PY) $(if $(COVERAGE),-m coverage run) -m pytest -n auto --dist worksteal

.PHONY: test
test: $(VENV)/.test ## Run the tests, without slow ones: make test ARGS="-k name"
	$(if $(COVERAGE),rm -rf build/coverage && mkdir -p build/coverage)
	$(PYTEST) $(ARGS)

.PHONY: test-all
test-all: $(VENV)/.test ## Run all tests: make test-all COVERAGE=yes
	$(if $(COVERAGE),rm -rf build/coverage && mkdir -p build/coverage)
	$(PYTEST) -m 'not checkers' $(ARGS)

.PHONY: covered
covered: ## After make test-all COVERAGE=yes: nearly every line and branch was reached
	$(PY) -m coverage combine -q
	$(PY) -m coverage report --precision=1 --fail-under=99.8

.PHONY: coverage
coverage: ## Run all tests, and show the lines and branches that they do not reach
	$(MAKE) test-all COVERAGE=yes
	$(MAKE) covered

.PHONY: matrix
matrix: $(VENV)/.matrix ## Test the wheel on each Python and Django: ARGS="-k py312"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) -m nox --noxfile .ci/noxfile.py \
		--envdir '$(CURDIR)/build/nox' $(ARGS)

# How many times as many reloads, recycled workers and lifespans as in test-all.
SOAK_ROUNDS ?= 20

.PHONY: soak
soak: $(VENV)/.test ## Run longer soak tests: make soak SOAK_ROUNDS=20
	exec env SOAK_ROUNDS='$(SOAK_ROUNDS)' $(PY) -m pytest -m slow tests/soak $(ARGS)

.PHONY: check
check: $(VENV)/.check ## Format, lint, types (four checkers), import direction
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(PY)
	$(BIN)/ty check --python $(PY)
	$(BIN)/pyrefly check --python-interpreter-path $(PY)
	$(PY) -m pytest -m checkers
	$(PY) -m pytest tests/test_layers.py

.PHONY: bench
bench: $(VENV)/.bench ## Compare with other libraries: make bench ARGS=--write
	$(PY) -m tests.benchmarks $(ARGS)

.PHONY: docs
docs: $(VENV)/.docs ## Build the documentation: docs/_build/html
	$(PY) -m sphinx --fail-on-warning --keep-going -q docs docs/_build/html
	@echo 'Open docs/_build/html/index.html'

.PHONY: docs-links
docs-links: $(VENV)/.docs ## Check the links to other sites
	$(PY) -m sphinx -b linkcheck -q docs docs/_build/links

.PHONY: format
format: $(VENV)/.check ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: clean
clean: ## Remove .venv, caches and builds
	rm -rf $(VENV) build dist docs/_build htmlcov
	rm -rf .mypy_cache .pyrefly_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@python=''; \
	for candidate in $(if $(PYTHON),'$(PYTHON)',$(PYTHONS)); do \
		if "$$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' \
				>/dev/null 2>&1; then \
			python=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'No Python 3.10 or newer (with venv) among: $(or $(PYTHON),$(PYTHONS))' >&2; \
		echo 'Name one: make PYTHON=/path/to/python3' >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$python ($$("$$python" -V))"; \
	"$$python" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.demo: EXTRAS := demo
$(VENV)/.test: EXTRAS := test
$(VENV)/.check: EXTRAS := check,test,demo
$(VENV)/.bench: EXTRAS := bench
$(VENV)/.matrix: EXTRAS := matrix
$(VENV)/.docs: EXTRAS := docs
$(VENV)/.demo $(VENV)/.test $(VENV)/.check $(VENV)/.bench $(VENV)/.docs $(VENV)/.matrix: pyproject.toml $(VENV)/.made
	@echo 'Installing .[$(EXTRAS)] into $(VENV)'
	@$(PIP) install -e '.[$(EXTRAS)]'
	@touch $@
