# Targets: demo, test, check, bench, evidence, gallery, clean. Each installs what it needs into .venv, once, at the versions of constraints.txt.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check bench evidence gallery clean

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

bench: .venv/.with-bench
	$(BIN)/python -m benchmarks.run $(if $(QUICK),--quick)

evidence: .venv/.with-demo
	$(BIN)/python -m benchmarks.evidence $(if $(QUICK),--quick)

gallery: .venv/.with-demo .venv/.with-train
	$(BIN)/python -m benchmarks.gallery $(NAMES)

clean:
	rm -rf demo-output .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.with-%: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable ".[$*]"
	touch $@

# A rival that cannot be had here is reported as missing; the others are still compared.
.venv/.with-bench: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable ".[bench]" || { $(INSTALL) --editable ".[plot]" && for rival in torch jax mkl scikit-learn; do $(INSTALL) $$rival || true; done; }
	touch $@

$(BIN)/pip:
	$(PYTHON) -m venv .venv
