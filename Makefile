# Everything the project needs is installed by these targets into .venv, from requirements.lock, with the Python that is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION = $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help install run test test-long test-backends e2e chart k8s-keys check lint types contracts proto proto-fresh lock lock-fresh bench clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

FITS = $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "Python 3.11 to 3.13 is needed; name one with PYTHON=…" >&2; exit 1; }

# A Python that is named and is not the one of .venv: .venv is made anew with it. Where none is named, .venv stays as it is.
ifneq ($(origin PYTHON),file)
ifneq ($(wildcard $(BIN)/python),)
ifneq ($(shell $(BIN)/python --version 2>&1),$(shell $(PYTHON) --version 2>&1))
$(VENV)/.installed: another-python
endif
endif
endif

.PHONY: another-python
another-python:
	@$(FITS)
	@echo "$(VENV) is made anew with $(PYTHON)"
	@rm -rf $(VENV)

install: $(VENV)/.installed ## install what is locked into .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(FITS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv && $(BIN)/uv --version | grep -qF "$(UV_VERSION)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

run: install ## start the platform on this machine (Ctrl-C ends it); data in ./var or VONGLAU_DATA
	@$(BIN)/python -m services.standalone $(ARGS)

test: install ## the default suite: loopback only
	$(BIN)/python -m pytest $(ARGS)

test-long: install ## soaks and many-round tests
	$(BIN)/python -m pytest -m "long and not cluster" $(ARGS)

test-backends: install ## suites that need other servers; each skips with its reason where they are not there
	$(BIN)/python -m pytest -m backends -rs $(ARGS) || test $$? -eq 5

e2e: install ## on a real cluster: VONGLAU_TEST_KUBECONFIG names its kubeconfig; only namespaces that the tests made are touched
	$(BIN)/python -m pytest -m "cluster and not long" -rs $(ARGS) || test $$? -eq 5

chart: install ## write the chart's schema and table of values from helm/schema.yaml and the settings
	$(BIN)/python helm/generate.py

k8s-keys: install ## print the Secrets of a laptop's cluster; the keys stay in var/k8s
	@$(BIN)/python k8s/keys.py var/k8s --namespace $(or $(NAMESPACE),vonglau)

check: lint types contracts proto-fresh lock-fresh ## ruff, mypy strict, import contracts, protos fresh, lock fresh

lint: install
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

proto: install ## generate libs/vonglau/<context>/v1 from proto/
	$(BIN)/python proto/generate.py
	$(BIN)/python proto/catalogue.py

proto-fresh: install
	$(BIN)/python proto/generate.py --check
	$(BIN)/python proto/catalogue.py --check

LOCK = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 --custom-compile-command "make lock"
# The image's parts of the lock: the same versions, without what only development needs.
LOCKS := requirements locks/platform locks/cameras locks/build
requirements_OF := --all-extras pyproject.toml
locks/platform_OF := -c requirements.lock pyproject.toml
locks/cameras_OF := -c requirements.lock --extra cameras pyproject.toml
locks/build_OF := -c requirements.lock --group image

lock: ## raise the versions in requirements.lock and locks/
	@mkdir -p locks
	@set -e; $(foreach each,$(LOCKS),echo "$(each).lock"; $(BIN)/$(LOCK) --upgrade $($(each)_OF) -o $(each).lock;)

lock-fresh: install
	@rm -rf $(VENV)/fresh && mkdir -p $(VENV)/fresh/locks
	@set -e; $(foreach each,$(LOCKS),cp $(each).lock $(VENV)/fresh/$(each).lock; $(BIN)/$(LOCK) $($(each)_OF) -o $(VENV)/fresh/$(each).lock; \
	diff -q $(each).lock $(VENV)/fresh/$(each).lock >/dev/null || { echo "$(each).lock does not fit pyproject.toml: make lock" >&2; exit 1; };)

bench: install ## the bars, each beside its reference; ONLY=name picks one
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

clean: ## remove .venv and caches; data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
