# Targets: demo, test, check, clean. Each installs what it needs into .venv, once, at the versions of constraints.txt.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

.PHONY: demo test check clean

demo: .venv/.with-demo
	$(BIN)/reslim demo --out demo-output

test: .venv/.with-test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

check: .venv/.with-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest --doctest-modules src
	$(BIN)/pytest tests/docs

clean:
	rm -rf demo-output .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.with-%: pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$*]"
	touch $@

$(BIN)/pip:
	$(PYTHON) -m venv .venv
