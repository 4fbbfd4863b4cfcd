# One line each over tools/dev.py, which does its own set-up; `make verify ARGS=...` hands arguments on.
PYTHON ?= python3

.PHONY: verify test nightly lint dist setup
verify: ; @$(PYTHON) tools/dev.py verify $(ARGS)
test: ; @$(PYTHON) tools/dev.py test $(ARGS)
nightly: ; @$(PYTHON) tools/dev.py nightly $(ARGS)
lint: ; @$(PYTHON) tools/dev.py lint $(ARGS)
dist: ; @$(PYTHON) tools/dev.py dist $(ARGS)
setup: ; @$(PYTHON) tools/dev.py setup $(ARGS)
