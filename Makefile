# WhatsApp API Manager. `make` alone lists what there is.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python on PATH that will do; `make PYTHON=...` takes another.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.version_info < (3, 11) or print(sys.executable)' 2>/dev/null)))
DEMO_DATA ?= demo-data
REVISION = $(shell printf %04d $$(( $$(ls migrations/versions | grep -c '^[0-9]') + 1 )))
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo install install-dev user setup-link test test-postgres chaos lint format types translations migration first-migration

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: install ## Start everything; settings come from the environment or .env
	@exec $(BIN)/python -m app.supervisor

demo: install ## The product on a WhatsApp test network of its own: no phone, nothing leaves the machine
	@SANDBOX=1 DATA_DIR=$(DEMO_DATA) DATABASE_URL= REDIS_URL= WEBHOOK_PRIVATE_ADDRESSES=1 \
		exec $(BIN)/python -m app.supervisor --demo

install: $(VENV)/.installed ## The environment in .venv; nothing to do while requirements.txt is unchanged

install-dev: $(VENV)/.installed-dev ## The same with what the tests need

user: install ## A person: make user EMAIL=anna@example.com [ADMIN=1]
	@$(BIN)/flask --app wsgi users create --email '$(EMAIL)' $(if $(ADMIN),--admin)

setup-link: install ## A new link for the first administrator
	@$(BIN)/flask --app wsgi setup-link

test: install-dev ## Everything that must hold: style, types, the whole suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app wsgi.py worker.py
	$(BIN)/pytest -n 2 --dist loadfile

ON_POSTGRES := $(addprefix tests/,api services sessions ui webhooks supervisor/test_prepare.py supervisor/test_roles.py \
	test_cli.py test_clockwork.py test_health.py test_races.py test_migrations.py)

test-postgres: install-dev ## The tests that touch a database, on a PostgreSQL server of their own
	$(BIN)/pytest -n 2 --dist loadfile --database postgresql $(ON_POSTGRES)

chaos: install-dev ## Kill everything under load and judge it: make chaos [SCENARIO="1 3"] [SCALE=0.2]
	$(BIN)/python -m tests.chaos $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(SCALE),--scale $(SCALE))

lint: install-dev ## Style and likely mistakes
	$(BIN)/ruff check .

format: install-dev ## Put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install-dev ## Check the types
	$(BIN)/mypy app wsgi.py worker.py

translations: install-dev ## Collect the sentences of code and templates into the catalogues
	$(BIN)/pybabel extract -F babel.cfg -k N_ -k lazy_gettext -k _l --no-location --sort-output -o build/messages.pot .
	$(BIN)/pybabel update -i build/messages.pot -d translations --no-fuzzy-matching --ignore-obsolete
	$(BIN)/python -m app.translations

migration: install-dev ## A migration from the models: make migration MESSAGE="what it does"
	@test -n '$(MESSAGE)' || { echo 'usage: make migration MESSAGE="what it does"'; exit 2; }
	rm -rf build/migration
	DATA_DIR=build/migration $(BIN)/flask --app app.migrating db upgrade
	DATA_DIR=build/migration $(BIN)/flask --app app.migrating db migrate --rev-id $(REVISION) -m '$(MESSAGE)'

first-migration: install-dev ## One migration in place of all, anew from the models (until the first release)
	rm -rf build/migration migrations/versions/[0-9]*.py
	DATA_DIR=build/migration $(BIN)/flask --app app.migrating db migrate --rev-id 0001 -m 'first tables'

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: install the package python3.'; exit 1; }
	@'$(PYTHON)' -m venv $(VENV) || { rm -rf $(VENV); echo 'Python cannot make an environment: install the package python3-venv.'; exit 1; }

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo 'Installing what the product needs (once, about a minute) ...'
	@$(PIP) -r requirements.txt
	@$(BIN)/python -m compileall -q app
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo 'Installing what the tests need ...'
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.installed
