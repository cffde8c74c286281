# Everything here needs Python 3.11 or 3.12 and make, nothing else.

SUITABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
SECOND := .venv-architectures
LIGHT = $(shell $(BIN)/python -c 'import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent \
	/ "backend/test/data/light/light_resnet50.onnx")')

.PHONY: demo test check lint zoo conformance fuzz parity architectures gradients faults hostile docs clean

demo: $(VENV)/demo  # convert and prove a network that ships inside the onnx package
	$(BIN)/onnx2ms $(LIGHT) --output $(VENV)/resnet50_mindspore --force
	@echo; cat $(VENV)/resnet50_mindspore/model.py

test: $(VENV)/test
	$(BIN)/python -m pytest -n 2 -q

check: lint test  # what a change must pass

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

zoo: $(VENV)/test  # prove every convolutional network of an archive: make zoo ARCHIVE=folder
	$(BIN)/python benchmarks/zoo.py $(ARCHIVE) --group cnn --static
	$(BIN)/python benchmarks/zoo.py $(ARCHIVE) --dynamic

conformance: $(VENV)/test  # the official ONNX suite in all forms and both modes, two workers
	$(BIN)/python tests/conformance/run.py

parity: $(VENV)/dev  # train networks in MindSpore beside PyTorch, by both exporters, in both modes
	$(BIN)/python benchmarks/parity.py

architectures: $(SECOND)/architectures  # the same for networks of torchvision, timm and transformers
	$(SECOND)/bin/python benchmarks/architectures.py

gradients: $(VENV)/test  # derive every row of every operator in both modes
	ONNX2MS_EVERY_GRADIENT=1 $(BIN)/python -m pytest -q tests/emitters/mindspore/operators

faults: $(VENV)/dev  # plant 130 faults and see whether `onnx2ms verify` catches and locates them
	$(BIN)/python benchmarks/faults.py

fuzz: $(VENV)/test  # 2000 random graphs against onnxruntime
	$(BIN)/python tests/fuzz/run.py

hostile: $(VENV)/test  # 10,000 spoiled models: no traceback, no hang, no death, no file elsewhere
	$(BIN)/python tests/hostile/run.py --suite --verify-every 100

docs: $(VENV)/docs  # write the generated documents anew, and the site of them into build/site
	$(BIN)/python -m onnx2ms.compiler.docs docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) $(SECOND) build dist *.egg-info

# One stamp for each extra: it is installed again only when pyproject.toml has changed since.
$(VENV)/demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test $(VENV)/dev $(VENV)/docs: $(VENV)/%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

$(SECOND)/architectures: pyproject.toml | $(SECOND)/bin/python
	$(SECOND)/bin/python -m pip install --quiet --editable '.[architectures]'
	@touch $@

$(BIN)/python $(SECOND)/bin/python: %/bin/python:
	@$(or $(PYTHON),false) -c '$(SUITABLE)' 2>/dev/null || { echo >&2 "onnx2ms needs Python 3.11 or \
	3.12 with venv, and found none; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $*
