# make demo   score the shipped samples as a Prefect flow and print the table and the path of the report
# make test   run the tests
# make lint   style, types, and the one direction of imports
# make bench  accuracy against labelled conversations and outside texts, fairness, how fast conversations are read and scored,
#             and how well and fast recordings are heard
# make docs   write the manual of kinds from the docstrings of their modules
# make clean  remove what the other targets made

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e

.PHONY: demo test lint bench docs clean setup

setup: .venv/.installed-dev

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

# The tests also train, in small, look at pages, and keep results in PostgreSQL and recordings in an object store.
.venv/.installed-dev: .venv/.installed
	$(INSTALL) '.[dev,postgres,s3,train]'
	touch $@

# Status 1 means that files were set aside: three of the samples are broken on purpose.
demo: .venv/.installed
	rm -rf out/demo
	ZHIJIAN_HOME=out/demo ZHIJIAN_RUN_ENGINE=prefect $(BIN)/zhijian run samples/inbox || test $$? -eq 1

test: .venv/.installed-dev
	$(BIN)/python -m pytest

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed-dev
	$(BIN)/python bench/accuracy.py --noise 0.1 --confusion
	-$(BIN)/python bench/outside.py
	$(BIN)/python bench/fairness.py
	$(BIN)/python bench/reading.py
	$(BIN)/python bench/rescore.py --sizes 1000 10000 100000
	$(BIN)/python bench/asr.py

docs: .venv/.installed
	$(BIN)/python -m pipeline.manual

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find pipeline models scorecards tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
