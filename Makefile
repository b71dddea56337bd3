PYTHON ?= python3
BIN := .venv/bin
DEMO_ACTORS ?= 1-6

.PHONY: demo test dev check bench install

demo: install
	$(BIN)/ser-assets demo-corpus data/raw/demo --actors $(DEMO_ACTORS)
	$(BIN)/ser-assets run --actors $(DEMO_ACTORS)

test: install
	$(BIN)/pytest

dev: install
	$(BIN)/dagster dev

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-bench
	$(BIN)/python benchmarks/pitch_against_praat.py
	$(BIN)/python benchmarks/front_end.py
	$(BIN)/python benchmarks/scoring.py

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

.venv/installed-bench: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	touch $@
