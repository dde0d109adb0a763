# What people and CI run. Rust and Python 3.10 or later are assumed; the rest is got from here.
.DEFAULT_GOAL := help
SHELL := bash
CARGO ?= cargo
VENV = $(or $(CARGO_TARGET_DIR),target)/test-venv
LINTERS = $(or $(CARGO_TARGET_DIR),target)/lint-venv

# Certificates of the machine are not for what listens on loopback, and no test asks for anything beyond this machine.
unexport AWS_CA_BUNDLE
export AWS_EC2_METADATA_DISABLED := true
export CHECKPOINT_DISABLE := 1

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.PHONY: test
test: fmt clippy lint-workflows nextest ## Everything that must hold before a change lands

.PHONY: fmt
fmt: ## Formatting
	$(CARGO) fmt --check

.PHONY: clippy
clippy: ## Lints
	$(CARGO) clippy --locked --all-targets -- -D warnings

.PHONY: lint-workflows
lint-workflows: ## Workflows, the action, scripts and the Dockerfile of releases, with pinned linters
	@tests/venv.sh $(LINTERS) packaging/requirements.txt
	@packaging/lint.sh $(LINTERS)/bin

.PHONY: nextest
nextest: test-venv ## Unit, law, emulator and Terraform tests
	@command -v terraform >/dev/null || \
	{ echo 'terraform 1.11 or later is needed on PATH: https://developer.hashicorp.com/terraform/install' >&2; exit 1; }
	@TFBACKEND_TF_MIRROR=$$(tests/mirror.sh) || exit; export TFBACKEND_TF_MIRROR; \
	if $(CARGO) nextest --version >/dev/null 2>&1; \
	then $(CARGO) nextest run --locked --test-threads $$((7 * $$(getconf _NPROCESSORS_ONLN))); \
	else $(CARGO) test --locked; fi

.PHONY: soak
soak: test-venv ## Each call cut, each action denied, 20 races, where the tests take a few; SOAK=faults::cut::restore is a part
	TFBACKEND_SOAK=1 $(CARGO) test --locked --test it -- $(or $(SOAK),faults::cut faults::denied faults::at_once) --nocapture

.PHONY: audit
audit: test-venv ## Known vulnerabilities of crates and Python packages, of which day, and licences; DB and PYTHON_DB name clones of the databases
	@$(VENV)/bin/python -I .ci/audit.py $(if $(DB),--rust $(DB)) $(if $(PYTHON_DB),--python $(PYTHON_DB))
	@$(CARGO) test --quiet --locked --test it -- threats::supply

.PHONY: test-venv
test-venv: ## Python packages for the tests
	@tests/venv.sh

# As the tests are built: what they stand on changes the features of crates on which all others are built.
AS_TESTED = $(CARGO) build --locked --bins --example proxy

.PHONY: proxy
proxy: ## The tests' proxy before the sandbox, by hand: make proxy PROXY="'kms:CreateKey cut-after' 'all delay=50ms'"
	@$(AS_TESTED)
	@bin=$(or $(CARGO_TARGET_DIR),target)/debug; \
	$(if $(findstring --to,$(PROXY)),,$$bin/tfbackend sandbox run --) $$bin/examples/proxy $(PROXY)

.PHONY: docs
docs: test-venv ## Writes the generated pages of docs/ and the examples again
	UPDATE_DOCS=1 $(CARGO) test --locked --test it -- each_command_calls every_example what_the_tutorials docs:: pipelines_of_the_page

.PHONY: picture
picture: test-venv ## Draws the picture of the README again, from a run in a terminal
	UPDATE_DOCS=1 $(CARGO) test --locked --test it -- picture_of_the_readme

SITE = $(or $(CARGO_TARGET_DIR),target)/site
TOOLS = $(or $(CARGO_TARGET_DIR),target)/tools
MDBOOK_VERSION = 0.5.4

.PHONY: site
site: mdbook ## The site of docs/, in target/site/book
	@mkdir -p $(SITE)
	@python3 site/build.py $(SITE)
	@$(TOOLS)/bin/mdbook build $(SITE)

.PHONY: mdbook
mdbook:
	@[ "$$($(TOOLS)/bin/mdbook --version 2>/dev/null)" = 'mdbook v$(MDBOOK_VERSION)' ] || \
	$(CARGO) install --locked --root $(TOOLS) mdbook@$(MDBOOK_VERSION)

.PHONY: site-test
site-test: site ## Opens the site and the report of `verify` in Chromium: links, search, narrow screen, light and dark
	@$(AS_TESTED)
	@tests/venv.sh $(SITE)/venv site/requirements.txt
	@$(SITE)/venv/bin/python -I site/check.py $(SITE)/book $(or $(CARGO_TARGET_DIR),target)/debug/tfbackend

.PHONY: bench
bench: test-venv bench-venv ## How long it takes, beside Terraform, the AWS CLI and boto3; BENCH=bootstrap or BENCH=teardown for one
	@TFBACKEND_TF_MIRROR=$$(tests/mirror.sh) || exit; export TFBACKEND_TF_MIRROR; $(VENV)/bin/python -I benches/bench.py $(BENCH)

.PHONY: bench-venv
bench-venv:
	@tests/venv.sh $(or $(CARGO_TARGET_DIR),target)/bench-venv benches/bootstrap/requirements.txt

.PHONY: build
build: ## Release binary, which knows its commit
	TFBACKEND_COMMIT=$$(git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null) \
	TFBACKEND_COMMIT_DATE=$$(git show --no-patch --format=%cI HEAD 2>/dev/null) \
	$(CARGO) build --locked --release

.PHONY: dist
dist: ## What is released for this machine, in target/dist: archive, list of components, SHA256SUMS; TARGET names another target
	@python3 -Es packaging/dist.py build $(addprefix --target=,$(TARGET))

.PHONY: dist-check
dist-check: ## The same twice, in two folders, and compared byte for byte
	@python3 -Es packaging/dist.py check $(addprefix --target=,$(TARGET))

.PHONY: demo
demo: ## Builds, starts the sandbox, bootstraps it, and runs Terraform on it
	@$(AS_TESTED)
	@./demo.sh
