# Commands of this project. Each installs its prerequisites; only the first run on a machine is slow.

# The first supported Python on PATH; an older one reports the error.
PYTHON ?= $(or $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$each" && break; done),python3)
RUN = @$(PYTHON) -m local.bootstrap

.PHONY: help up demo down env check test test-all faults contract bench bench-fleet docs golden lock

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

up:  ## start the local AWS, deploy stack dev with the policy pack, verify it
	$(RUN) local up

demo:  ## play a granted and a rejected session request on the local AWS
	$(RUN) local demo

down:  ## destroy dev, stop the local AWS
	$(RUN) local down

env:  ## environment variables for the local AWS: eval "$(make -s env)"
	$(RUN) local env

check:  ## lint, format, types, unit tests (a minute)
	$(RUN) tools check

test:  ## every check: the unit tests, the local AWS, the real engine
	$(RUN) tools test

test-all:  ## `make test`, the exhaustive tests, and AWS' simulator of runbooks (1 GB)
	$(RUN) tools test-all

faults:  ## inject every fault into every call for the preferences document
	$(RUN) tools faults

contract:  ## compare the stand-in with the official AWS plugin
	$(RUN) tools contract

bench:  ## measure run time, as ratios
	$(RUN) tools bench

bench-fleet:  ## measure a fleet of 12 accounts x 4 Regions (half an hour)
	$(RUN) tools bench-fleet

docs:  ## generate the reference pages of docs/
	$(RUN) tools docs

golden:  ## rewrite the golden files: help, JSON, exit codes, previews, schemas
	$(RUN) tools golden

lock:  ## resolve the pinned requirements
	$(RUN) tools lock
