PYTHON ?= python3
BIN := .venv/bin
DEMO_ACTORS ?= 1-6
BENCHMARKS := startup encoders decode augmentation functionals pitch_against_praat chain scaling training scoring front_end

.PHONY: demo test coverage test-services test-encoders dev check docs bench install

demo: .venv/installed
	$(BIN)/ser-assets demo --actors $(DEMO_ACTORS)

test: install
	$(BIN)/pytest

coverage: install
	$(BIN)/pytest --cov --cov-report=

test-services: install
	$(BIN)/pytest -m services --numprocesses=0

# Not in .ci/run: torch alone is more than 1 GB.
test-encoders: .venv/installed-encoders
	$(BIN)/pytest -m encoders --numprocesses=0

dev: export DAGSTER_HOME ?= $(CURDIR)
dev: .venv/installed
	$(BIN)/dagster dev

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "documentation: site/index.html"

bench: $(BENCHMARKS:%=bench-%)

bench-%: .venv/installed-bench
	$(BIN)/python -W ignore benchmarks/$*.py --json data/benchmarks/$*.json $(if $(SHORT),--short)

install: .venv/installed-test

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "installing the platform ..."
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[platform]'
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/installed-bench: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	touch $@

.venv/installed-encoders: .venv/installed-test
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[encoders]'
	touch $@
