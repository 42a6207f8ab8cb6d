# All output goes to .venv and build. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SANDBOX_READY := $(VENV)/.sandbox-ready

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Ansible writes nothing to the user's home, and does not use the collections there.
export ANSIBLE_HOME := $(CURDIR)/build/ansible
# Nothing here may reach an AWS account, except `make conformance AWS=profile`, which reads the files of that profile.
FILES := AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
PROFILES := $(FILES:%=-u %) $(foreach name,$(FILES),$(if $($(name)),$(name)="$($(name))"))
$(foreach name,$(filter AWS_%,$(.VARIABLES)),$(eval unexport $(name)))
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
# Without compiled modules each command would take seconds longer.
unexport PYTHONDONTWRITEBYTECODE

# The longest first; `make test` runs as many of them at a time as there are processors.
CHECKS := integration molecule browser deliver state sanity galaxy package policies docs unit sandbox-tests conformance terraform ansible-lint mypy yamllint ruff shellcheck changelog

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo laptop laptop-stop laptop-reset sandbox sandbox-stop sandbox-status sandbox-reset test lint bench release clean host-image $(CHECKS)

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s%s\n", $$1, $$2 }' Makefile

demo: $(SANDBOX_READY) ## The whole platform in the sandbox: no AWS account, nothing outside this directory
	@python -m sandbox.demo

laptop: $(SANDBOX_READY) ## The platform with instances that run: JupyterLab in the browser; needs podman
	@python -m sandbox.laptop up

laptop-stop: $(SANDBOX_READY) ## Stop the laptop; keep the platform and the instances' volumes
	@python -m sandbox.laptop stop

laptop-reset: $(SANDBOX_READY) ## Stop the laptop; remove the platform and the volumes
	@python -m sandbox.laptop reset

sandbox: $(SANDBOX_READY) ## Start the sandbox, AWS on this machine
	@python -m sandbox start

sandbox-status: $(SANDBOX_READY) ## Say where the sandbox is and what is in it
	@python -m sandbox status

sandbox-reset: $(SANDBOX_READY) ## Empty the sandbox
	@python -m sandbox reset

sandbox-stop: $(SANDBOX_READY) ## Stop the sandbox
	@python -m sandbox stop

test: venv ## All checks, as CI runs them
	@python -m tests.tools.checks $(CHECKS)

lint: yamllint ansible-lint ruff mypy shellcheck changelog ## The checks that only read files

sanity: venv ## ansible-test sanity
	@python -m tests.tools.sanity

unit: venv ## The unit tests
	@pytest -n 2 --dist worksteal tests/unit # many wait for processes that they start

sandbox-tests: venv ## The tests of the sandbox itself
	@pytest tests/sandbox

terraform: venv ## Terraform against the sandbox, if PyPI has it for this machine
	@python -m tests.tools.terraform

integration: venv ## Modules, roles and playbooks in the sandbox
	@rm -rf build/operations
	@pytest -n 2 --dist worksteal tests/integration # each test has a sandbox of its own
	@python -m tests.tools.operator # the rights that their playbooks did not need

package: venv ## Build the archive, install it, and run the commands of README and docs
	@python -m tests.tools.package

galaxy: venv ## Import the archive as Galaxy does
	@python -m tests.tools.galaxy

molecule: venv ## The scripts of an instance, in containers; SCENARIOS="restart viewer" chooses
	@python -m tests.tools.molecule $(SCENARIOS)

browser: venv ## A day on the platform of `make laptop`, in Chromium; writes pages to build/laptop-pages
	@python -m tests.tools.browser

policies: venv ## Prove what the policies of the role platform_access allow; needs Node.js
	@python -m tests.tools.policies

# AWS is read from the command line only: a variable of the environment must not reach an account.
conformance: venv ## Test what we believe about AWS, in the sandbox; AWS=profile CONFIRM=account: in an account
ifeq ($(origin AWS),command line)
	@env $(PROFILES) python -m tests.conformance --profile "$(AWS)" --confirm "$(CONFIRM)" --remove "$(REMOVE)"
else
	@python -m tests.conformance --endpoint "$(SANDBOX)"
endif

deliver: venv ## Deliver a corpus of notebooks as projects, in an environment of its own
	@pytest tests/deliver

state: venv ## Kill kernels and restore their notebooks, in environments of their own
	@pytest tests/state

host-image: venv ## Build the container images for molecule; print the variables that name them
	@python -m tests.tools.containers

docs: venv ## All pages and the reference as one site, in build/docs/site
	@python -m tests.tools.docs

release: venv ## Make a release in build/release, without the upload; VERSION=0.2.0 REPOSITORY=https://…
	@python -m tests.tools.release "$(VERSION)" "$(REPOSITORY)"

bench: venv ## Measure; write build/benchmarks.json
	@python -m tests.benchmarks

yamllint: venv
	@yamllint --strict .

ansible-lint: venv
	@ansible-lint --nocolor

ruff: venv
	@ruff check .
	@ruff format --check .

mypy: venv
	@mypy -p ansible_collections.datalab.notebooks.plugins -p sandbox -p ansible_collections.datalab.notebooks.tests \
		| sed "s|^.*/ansible_collections/datalab/notebooks/||"
	@mypy roles/*/files/*.py
	@mypy -p datalab_deliver -p datalab_state

shellcheck: venv
	@git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run | xargs -0 shellcheck

changelog: venv
	@antsibull-changelog lint

venv: $(READY) ## The virtual environment, with all that checks need; PYTHON=python3.13 chooses another Python

# uv is several times faster, but has a configuration of its own, so it is used only if the user has it.
ifneq ($(shell command -v uv),)
INSTALL := uv pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --quiet --no-compile
endif

# What the demo needs, so that a newcomer waits for nothing else. A link puts the checkout where Ansible, Python and the
# type checker look for installed collections.
$(SANDBOX_READY): requirements.txt requirements-sandbox.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"datalab.notebooks needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make PYTHON=python3.11" % sys.version_info[:2])'
	@echo "==> The virtual environment in $(VENV): this takes about half a minute, once"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --upgrade pip # an old one takes a minute longer to find out what fits together
	@$(INSTALL) -r requirements.txt -r requirements-sandbox.txt
	@collections=$$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections; \
		mkdir -p "$$collections/datalab"; \
		ln -sfn "$(CURDIR)" "$$collections/datalab/notebooks"; \
		touch "$$collections/py.typed" $@

$(READY): $(SANDBOX_READY) requirements-dev.txt
	@echo "==> What the checks need: this takes about a minute, once"
	@$(INSTALL) -r requirements.txt -r requirements-sandbox.txt -r requirements-dev.txt
	@touch $@

clean: ## Stop the sandbox and the laptop; remove the virtual environment and all output, but no volume of the laptop
	@if [ -e build/sandbox ] && [ -x $(BIN)/python ]; then $(BIN)/python -m sandbox stop; fi
	@if [ -e build/laptop ] && [ -x $(BIN)/python ]; then $(BIN)/python -m sandbox.laptop stop; \
		echo "What people have on the laptop's volumes stays, for the next make laptop; make laptop-reset removes it."; fi
	@rm -rf $(VENV) build
