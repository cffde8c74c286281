# Everything here needs Python 3.11 or 3.12 and make, nothing else.

PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
LIGHT := $(BIN)/python -c 'import onnx.backend.test as t, pathlib; \
	print(pathlib.Path(t.__file__).parent / "data/light/light_squeezenet.onnx")'

.PHONY: demo test check lint docs clean

demo: $(VENV)/demo  ## convert and verify a network that ships inside the onnx package
	cd $(VENV) && bin/onnx2ms "$$(cd .. && $(LIGHT))" --output demo_mindspore --force
	@echo; cat $(VENV)/demo_mindspore/model.py

test: $(VENV)/test  ## run the tests
	$(BIN)/python -m pytest -n 2 -q

check: lint test  ## all that a change must pass

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/demo  ## write the generated documents anew
	$(BIN)/python -m onnx2ms.compiler.docs docs

clean:
	rm -rf $(VENV) build dist *.egg-info

# One stamp an extra: installed again only when pyproject.toml has changed since.
$(VENV)/demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test $(VENV)/dev: $(VENV)/%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "onnx2ms needs Python 3.11 or 3.12, and none was found; \
	name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
