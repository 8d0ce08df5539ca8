# What one types here. Everything runs from build/, which nothing else writes to; `make help` lists the targets.
DISTRICTS ?= 320508 310101
# Options of one run, for example: make bench ONLY=rpc_window50, make faults RESUME=1
ONLY ?=
RESUME ?=

RUN := infra/setup.sh bus edge local
TEST := infra/setup.sh bus edge local test deploy browser
TONGBAN := build/venv/bin/tongban

.PHONY: help demo test up down status logs lint bench faults proto queues openapi chart asyncapi dashboards
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## one case crosses two districts and comes back decided; writes build/demo.json
	@$(RUN)
	@$(TONGBAN) demo

test: ## every ring of tests, on engines of its own, also beside a running `make up`
	@$(TEST) clients
	@$(TONGBAN) test

up: ## start districts here: make up DISTRICTS="320508 310101 330102"; again: nothing changes
	@$(RUN)
	@$(TONGBAN) up $(DISTRICTS)

down: ## end every process that `make up` started
	@$(RUN)
	@$(TONGBAN) down

status: ## what runs: addresses, processes, links, queues
	@$(RUN)
	@$(TONGBAN) status

logs: ## the end of every log; tongban logs CODE PROCESS shows one
	@$(RUN)
	@$(TONGBAN) logs

lint: ## formatter, linter, types, layers, contracts
	@$(TEST)
	@$(TONGBAN) lint

bench: ## measures beside their floors; writes build/bench.json (ONLY=name for one)
	@$(TEST)
	@$(TONGBAN) bench $(if $(ONLY),--only $(ONLY))

faults: ## faults beside their controls; writes build/faults.json (ONLY=id for one, RESUME=1 to go on)
	@$(TEST)
	@$(TONGBAN) faults $(if $(ONLY),--only $(ONLY)) $(if $(RESUME),--resume)

proto: ## generate the Python package of the contracts again
	@$(TEST)
	@PYTHON=$(CURDIR)/build/venv/bin/python proto/generate.sh

queues: ## write the lock file of the queues' names again
	@$(TEST)
	@build/venv/bin/python -m tongban_broker.lock

openapi: ## write the public API's document again
	@$(TEST)
	@build/venv/bin/python -m gateway openapi >services/gateway/openapi.json

chart: ## write what the chart is made from elsewhere again: schema, tables, the broker's definitions
	@$(TEST)
	@$(TONGBAN) chart

asyncapi: ## write the document of the events, proto/asyncapi.yaml, again
	@$(TEST)
	@build/venv/bin/python -m tongban_broker.asyncapi

dashboards: ## write the dashboards and the index of the runbooks again
	@$(TEST)
	@build/venv/bin/python -m tongban_observability
