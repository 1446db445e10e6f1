# The commands of this project. Each prepares what it needs first; only the first on a machine is slow.

# The first Python on PATH that is new enough; an older one says so itself.
PYTHON ?= $(or $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$each" && break; done),python3)
RUN = @$(PYTHON) -m local.bootstrap

.PHONY: help up demo down env check test test-all faults contract bench bench-fleet docs golden lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

up:  ## local AWS, `pulumi up` on stack dev under the policy pack, verification
	$(RUN) local up

demo:  ## one granted and one refused request for a session, played through on the local AWS
	$(RUN) local demo

down:  ## destroy dev, stop the local AWS
	$(RUN) local down

env:  ## settings for working by hand: eval "$(make -s env)"
	$(RUN) local env

check:  ## lint, format, types, unit tests: a minute
	$(RUN) tools check

test:  ## every check that a change needs: the unit tests, the local AWS, the real engine
	$(RUN) tools test

test-all:  ## `make test`, every case of what it samples, and AWS' own simulator of runbooks (1 GB)
	$(RUN) tools test-all

faults:  ## every call for the preferences document under every fault, as a table
	$(RUN) tools faults

contract:  ## the stand-in for the AWS plugin compared with the official one
	$(RUN) tools contract

bench:  ## speed, as ratios measured side by side
	$(RUN) tools bench

bench-fleet:  ## a fleet of 12 accounts x 4 Regions: every situation, time and memory (half an hour)
	$(RUN) tools bench-fleet

docs:  ## the pages of docs/ that are made from the code
	$(RUN) tools docs

golden:  ## the golden files that tests compare with: help, JSON, exit codes, previews, schemas
	$(RUN) tools golden

lock:  ## resolve the pinned requirements again
	$(RUN) tools lock
