# Go and make are all that is needed here: what else a target wants, it brings, or says what to install.
.DEFAULT_GOAL := help
SHELL := /bin/sh

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOLS := internal/tools
PKG ?= ./...
FUZZTIME ?= 30s
export GO PKG FUZZTIME

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  PKG=./smpp/...      only these packages (test, test-faults, fuzz, bench)'
	@echo '  RUN=TestName        only these tests (test, test-browser, test-faults), or benchmarks (bench)'
	@echo '  ADUAN_REQUIRE=all   what is missing (redis, race, node, net-smpp, kannel, tshark, …) is a failure, not a skip'

.PHONY: run
run: build ## a complaint line to try: open the page that it prints
	bin/aduan try $(ARGS)

.PHONY: build
build: ## bin/aduan, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/aduan ./cmd/aduan

.PHONY: test
test: ## every test that needs no browser
	@sh $(TOOLS)/test.sh unit

.PHONY: test-browser
test-browser: ## the tests that drive chromium
	@sh $(TOOLS)/test.sh browser

.PHONY: docs-pictures
docs-pictures: ## the pictures of docs/ anew, by chromium
	@sh $(TOOLS)/test.sh pictures

.PHONY: test-faults
test-faults: ## the long tests of faults: kills, cuts, lost answers
	@sh $(TOOLS)/test.sh faults

.PHONY: soak
soak: ## an hour at 300 messages a second under random faults (ADUAN_SOAK=10m: shorter)
	@sh $(TOOLS)/test.sh soak

.PHONY: fill
fill: build ## fill the empty store of FILE with made-up tickets, for tests (TICKETS=719245 SEED=1)
	bin/aduan fill -c $(FILE) --tickets $(or $(TICKETS),719245) --seed $(or $(SEED),1)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (30s)
	@sh $(TOOLS)/fuzz.sh

.PHONY: bench
bench: ## every benchmark, against a real redis-server
	@sh $(TOOLS)/test.sh bench

.PHONY: lint
lint: ## format, linters, arrows between the rooms, known vulnerabilities
	@sh $(TOOLS)/lint.sh

.PHONY: fmt
fmt: ## gofumpt over all Go files
	@sh $(TOOLS)/lint.sh fmt

.PHONY: clean
clean: ## what was built or brought
	rm -rf bin dist .cache internal/e2e/node/node_modules
