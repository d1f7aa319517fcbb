# make demo   score the shipped samples and print the table and the path of the report
# make test   run the tests
# make lint   style, types, and the one direction of imports
# make bench  accuracy against labelled conversations, and how well and fast recordings are heard
# make clean  remove what the other targets made

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test lint bench clean setup

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

# Status 1 means that files were set aside: three of the samples are broken on purpose.
demo: $(STAMP)
	rm -rf out/demo
	ZHIJIAN_HOME=out/demo $(BIN)/zhijian run samples/inbox || test $$? -eq 1

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python bench/accuracy.py
	$(BIN)/python bench/asr.py

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find pipeline models scorecards tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
