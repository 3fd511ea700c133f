# Everything the project needs is installed into .venv by the targets themselves: python3 and make suffice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest
PEERS := $(VENV)/peers
FRONTEND := gemini_magic/widget/frontend
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo lab test check bench frontend clean

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/.user ## set everything up and run the quickstart notebook on the embedded model
	@$(BIN)/gemini-magic demo

lab: $(VENV)/.lab ## open the notebooks in JupyterLab
	@$(BIN)/gemini-magic local pull
	@$(BIN)/jupyter lab notebooks

# Tests in pages run in a process of their own: Playwright's event loop stays with it, and others want to run theirs.
test: check $(VENV)/.models $(VENV)/.peers $(VENV)/.frontend $(VENV)/.browser ## install all that tests need, then run them
	@$(PYTEST) -m 'not browser'
	@$(PYTEST) -m browser

check: $(VENV)/.dev ## lint, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure against other clients; ratios, not seconds
	@$(BIN)/python -m tests.benchmarks

frontend: $(VENV)/.frontend ## build the chat pane's browser half anew; only who changes it needs this
	@npm run --prefix $(FRONTEND) --silent build

clean: ## remove what make has made
	@rm -rf $(VENV) $(FRONTEND)/node_modules demo

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip

$(VENV)/.user: $(BIN)/python pyproject.toml
	@echo "Installing gemini_magic into $(VENV) …"
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.lab: $(VENV)/.user
	@$(PIP) jupyterlab
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	@echo "Installing gemini_magic and its development tools into $(VENV) …"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.user $(VENV)/.lab

# The embedded models go into the user's cache and are checked there, so a second checkout finds them.
$(VENV)/.models: $(VENV)/.dev
	@$(BIN)/gemini-magic local pull qwen2.5-coder-0.5b
	@$(BIN)/gemini-magic local pull smollm2-135m
	@touch $@

# Other people's clients, against which the local server is tested; an older google-genai beside the current one.
$(VENV)/.peers: $(VENV)/.dev tests/local/peers/package-lock.json
	@$(PIP) --upgrade --target $(PEERS)/google-genai-2 'google-genai==2.34.0'
	@npm ci --prefix tests/local/peers --silent --no-audit --no-fund
	@touch $@

$(VENV)/.frontend: $(VENV)/.dev $(FRONTEND)/package-lock.json
	@npm ci --prefix $(FRONTEND) --silent --no-audit --no-fund
	@touch $@

$(VENV)/.browser: $(VENV)/.dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	  else $(BIN)/python -m playwright install --with-deps chromium; fi
	@touch $@
