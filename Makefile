# From a bare clone, with only python3 and make:
#   make demo        install, make sample data, test the shipped checkpoint
#   make train-demo  the same, but train the checkpoint first
#   make test        lint and tests        make test-slow  the slow tests
#   make lint        lint only             make clean      start over
#   make test-reliability  kills, full disks, hostile files: half an hour
#
# Variables: PYTHON (3.9 to 3.12), PIP_ARGS (more arguments for pip).

PYTHON ?= python3
PIP_ARGS ?=

DATA_ROOT := data/synth_actors
DATA_COMMAND := tools/data/synth_actors/generate.py $(DATA_ROOT) --seed 0 \
	--overwrite
CONFIG := configs/evad/evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py
CHECKPOINT := demo/evad_synth_actors.pth
DEMO_DIR := outputs/demo
TRAIN_DIR := outputs/train-demo
DEMO_CLIP := $(DATA_ROOT)/videos/test_000.mp4
DEMO_COMMAND := demo/evad_demo.py $(DEMO_CLIP) --config $(CONFIG) \
	--weights $(CHECKPOINT) --out-dir $(DEMO_DIR)
REPORT_COMMAND := tools/analysis/report.py $(DEMO_DIR) --videos $(DEMO_CLIP) \
	--checkpoint $(CHECKPOINT)

LINTED := mmevad tools tests configs demo setup.py

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL := $(PIP) install $(PIP_ARGS)
LOCK = $(shell $(BIN)/python -c 'import sys; print("requirements/lock.txt" \
	if sys.version_info >= (3, 11) else "requirements/lock-py39.txt")')

# mim says so four times at every start
export PYTHONWARNINGS := ignore:pkg_resources is deprecated:UserWarning

.DEFAULT_GOAL := help
.PHONY: help install demo train-demo data lint test test-slow \
	test-reliability clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p; /^$$/q' Makefile

# --------------------------------------------------------------- install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	sys.exit(0 if (3, 9) <= v < (3, 14) else "mmevad needs Python 3.9 to \
	3.12, but $(PYTHON) is %d.%d: make PYTHON=python3.11" % v[:2])'
	@echo '== making $(VENV)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: requirements/torch.txt | $(BIN)/python
	@echo '== installing torch'
	@$(INSTALL) -r requirements/torch.txt -c $(LOCK)
	@touch $@

$(VENV)/.lock: requirements/lock.txt requirements/lock-py39.txt $(VENV)/.torch
	@echo '== installing the other packages, versions of $(LOCK)'
	@$(INSTALL) --no-deps -r $(LOCK)
	@touch $@

$(VENV)/.mmevad: setup.py setup.cfg pyproject.toml mmevad/version.py \
		$(wildcard model-index.yml dataset-index.yml) $(VENV)/.lock
	@echo '== installing mmevad'
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

install: $(VENV)/.mmevad

# ------------------------------------------------------------------ demo

$(DATA_ROOT)/.done: tools/data/synth_actors/generate.py \
		$(wildcard mmevad/datasets/synth_actors/*.py) | $(VENV)/.mmevad
	@echo '== making sample data in $(DATA_ROOT)'
	@$(BIN)/python $(DATA_COMMAND)
	@touch $@

data: $(DATA_ROOT)/.done

demo: $(VENV)/.mmevad $(DATA_ROOT)/.done
	@echo '== testing $(CHECKPOINT)'
	@$(BIN)/mim test mmevad $(CONFIG) --checkpoint $(CHECKPOINT) \
		--work-dir $(DEMO_DIR)
	@echo '== drawing a clip'
	@$(BIN)/python $(DEMO_COMMAND)
	@echo '== writing the report'
	@$(BIN)/python $(REPORT_COMMAND)
	@echo "== done: $$(grep -ho 'mAP/overall: [0-9.]*' $(DEMO_DIR)/*/*.log \
	| tail -n 1); open $(DEMO_DIR)/report.html in a browser"

train-demo: $(VENV)/.mmevad $(DATA_ROOT)/.done
	@echo '== training from scratch, into $(TRAIN_DIR)'
	@$(BIN)/mim train mmevad $(CONFIG) --work-dir $(TRAIN_DIR)

# ----------------------------------------------------------------- tests

LINT = echo '== lint' && $(BIN)/flake8 $(LINTED) && \
	$(BIN)/isort --check-only --quiet $(LINTED) && \
	$(BIN)/yapf --parallel --diff --recursive $(LINTED) && $(BIN)/codespell
# linters of other versions have other opinions
NO_LINT = echo '== no lint: that takes the linters of requirements/lock.txt'

lint: $(VENV)/.mmevad
	@$(if $(findstring py39,$(LOCK)),$(NO_LINT),$(LINT))

test: lint
	@echo '== tests'
	@$(BIN)/python -m pytest tests

test-slow: $(VENV)/.mmevad
	@echo '== slow tests'
	@$(BIN)/python -m pytest tests -m slow

test-reliability: $(VENV)/.mmevad
	@echo '== reliability'
	@$(BIN)/python -m pytest tests/reliability -m reliability -s

clean:
	rm -rf $(VENV) build dist outputs mmevad.egg-info mmevad/.mim
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
