# Everything a developer or a curious reader needs; each target sets up what it needs by itself.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check coverage bench clean

$(BIN)/sd: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/tested: $(BIN)/sd
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

demo: $(BIN)/sd
	@$(BIN)/python -m demo.run

check: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# pandas in an environment of its own: sqlite-utils imports it where it finds it, at every start
$(VENV)-oracle/ready:
	$(PYTHON) -m venv $(VENV)-oracle
	$(VENV)-oracle/bin/python -m pip install --quiet --disable-pip-version-check pandas
	touch $@

test: check $(VENV)-oracle/ready
	$(BIN)/python -m pytest -n auto -rs
	$(BIN)/python -m pytest -n auto -rs --engine postgresql

coverage: $(VENV)/tested
	$(BIN)/python -m pytest -n auto --cov --cov-report=term -rs

bench: $(BIN)/sd
	$(BIN)/python -m bench.run

clean:
	rm -rf $(VENV) $(VENV)-oracle build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
