# Offhook. Every target may be the first command on a fresh Debian or Ubuntu with rustup, Node.js 20 and make: it
# installs what it needs and says so. The work is done by the scripts in .make/.
.DEFAULT_GOAL := help
.PHONY: help run dev test test-pbx faults lint build bench screenshots

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: ## build, then start at http://127.0.0.1:3000 with data in ./data
	@.make/run

dev: ## debug build, rebuilt and restarted after each change
	@.make/dev

test: ## every test: Rust on SQLite and PostgreSQL, then the browser
	@.make/test

test-pbx: ## calls on a real Asterisk and Kamailio, which are fetched from Debian, to a receiver
	@.make/test-pbx $(ARGS)

faults: ## the long runs: several servers, wrong clocks, broken connections; random input
	@.make/faults

lint: ## formatting, spelling, banned phrases, structure, what we depend on, clippy
	@.make/lint

build: ## the one file to ship: target/release/offhook, and its bill of materials
	@.make/build

bench: ## sender throughput
	@.make/bench $(ARGS)

screenshots: ## pictures for the documentation, and of every page
	@.make/screenshots
