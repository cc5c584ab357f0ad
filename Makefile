# WhatsApp API Manager. `make` alone lists what there is.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python on PATH that will do; `make PYTHON=...` takes another.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.version_info < (3, 11) or print(sys.executable)' 2>/dev/null)))
DEMO_DATA ?= demo-data
REVISION = $(shell ls migrations/versions | awk '/^[0-9]/ { last = $$0 } END { printf "%04d", last + 1 }')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo install install-dev user users invite reset-link setup-link test test-postgres test-valkey chaos fuzz bench \
	bench-pages bench-chat bench-contacts bench-webhooks bench-api bench-stats lint format types translations icons screenshots migration first-migration

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

users: install ## Everybody who has an account; `flask --app wsgi users --help` does the rest
	@$(BIN)/flask --app wsgi users list

invite: install ## A link that makes an account, once: make invite [EMAIL=anna@example.com] [ADMIN=1] [LIMIT=3]
	@$(BIN)/flask --app wsgi users invite --email '$(EMAIL)' $(if $(ADMIN),--admin) $(if $(LIMIT),--limit $(LIMIT))

reset-link: install ## A link for a new password, once: make reset-link EMAIL=anna@example.com
	@$(BIN)/flask --app wsgi users reset-link '$(EMAIL)'

setup-link: install ## A new link for the first administrator
	@$(BIN)/flask --app wsgi setup-link

test: install-dev ## Everything that must hold: style, types, the whole suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app wsgi.py worker.py clients/python/whatsapp_manager
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

# Of the live sessions those that share a product; the others are about the engine and the network.
ON_POSTGRES := $(addprefix tests/,api services sessions ui webhooks supervisor/test_prepare.py supervisor/test_roles.py \
	test_cli.py test_clockwork.py test_database.py test_health.py test_races.py test_migrations.py)

test-postgres: install-dev ## The tests that touch a database, on a PostgreSQL server of their own
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --database postgresql --ignore-glob '*/sessions/live/test_*.py' $(ON_POSTGRES)

chaos: install-dev ## Kill everything under load and judge it: make chaos [SCENARIO="1 3"] [SCALE=0.2] [DATABASE=postgresql] [REPORT=file]
	$(BIN)/python -m tests.chaos $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(SCALE),--scale $(SCALE)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(REPORT),--report $(REPORT))

fuzz: install-dev ## Schemathesis over the whole API on the test network: make fuzz [SECONDS=900] [REPORT=file]
	$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(REPORT),--report $(REPORT))

test-valkey: install-dev ## The tests of Redis and of the jobs on the machine's valkey-server
	@command -v valkey-server >/dev/null || { echo 'Install the package valkey-server (in Debian 12 from backports).'; exit 1; }
	@! command -v redis-server >/dev/null || { echo 'redis-server is on PATH and would be taken instead.'; exit 1; }
	$(BIN)/pytest tests/test_redis_server.py tests/test_rq_worker.py tests/jobs

bench: install-dev ## Measure a start with 50 phones, on both databases: docs/reports/bench.md
	$(BIN)/python -m tests.bench

bench-pages: install-dev ## Measure the list of instances, with up to 1000 of them: docs/reports/list.md
	$(BIN)/python -m tests.bench.pages

bench-chat: install-dev ## Measure the chat page with 100,000 messages and 5,000 chats: docs/reports/chat.md
	$(BIN)/python -m tests.bench.chat

bench-contacts: install-dev ## Measure contacts, 100,000 of them, and imports of 50,000: docs/reports/contacts.md
	$(BIN)/python -m tests.bench.contacts $(if $(REMARK),--remark '$(REMARK)')

bench-webhooks: install-dev ## Measure the webhooks' worker, deliveries a second and delay: docs/reports/webhooks.md
	$(BIN)/python -m tests.bench.webhooks

bench-api: install-dev ## Measure the API, requests a second beside a bare 204: docs/reports/api.md
	$(BIN)/python -m tests.bench.api

bench-stats: install-dev ## Measure statistics of 50 instances after a year, 10,000,000 messages: docs/reports/statistics.md
	$(BIN)/python -m tests.bench.statistics

lint: install-dev ## Style and likely mistakes
	$(BIN)/ruff check .

format: install-dev ## Put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install-dev ## Check the types
	$(BIN)/mypy app wsgi.py worker.py clients/python/whatsapp_manager

translations: install-dev ## Collect the sentences of code and templates into the catalogues
	@mkdir -p build
	$(BIN)/pybabel extract -F babel.cfg -k N_ -k lazy_gettext -k _l --no-location --sort-output -o build/messages.pot .
	$(BIN)/pybabel update -i build/messages.pot -d translations --no-fuzzy-matching --ignore-obsolete
	$(BIN)/python -m app.translations

icons: install-dev ## Put the icons that pages name into the sprite (for developers; needs npm, which nothing else does)
	$(BIN)/python -m tools.icons

screenshots: install-dev ## Every page and state in both themes at three widths, into docs/screenshots
	$(BIN)/python -m tests.look $(if $(ONLY),--only $(ONLY))

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
