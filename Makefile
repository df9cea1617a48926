# The book's commands. Each sets itself up when needed, and only then.
#
#   make book      build the site
#   make serve     build it and show it in a browser
#   make lab       open the lessons in JupyterLab
#   make test      check everything (ONLY=lessons runs one stage)
#   make refresh   run the lessons and store their outputs
#   make models    train the models that come with the book again
#   make bench     measure what the book claims about its own code
#   make clean     remove what the commands made

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do "$$p" -c "import sys; sys.exit(sys.version_info < (3, 8))" 2>/dev/null && echo "$$p" && break; done)
RUN := .venv/bin/python
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help setup book serve lab test refresh models bench clean

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@if [ -z "$(PYTHON)" ]; then echo "The book needs Python 3.11 to 3.13 and found none that runs. Install one from python.org or your package manager."; exit 1; fi
	@"$(PYTHON)" .ci/setup.py $(if $(filter-out undefined file,$(origin PYTHON)),"$(PYTHON)")

book: setup
	@$(RUN) .ci/build.py

serve: setup
	@$(RUN) .ci/build.py --serve

lab: setup
	@$(RUN) -m jupyterlab lessons

test: setup
	@$(RUN) tests $(ONLY)

refresh: setup
	@$(RUN) -m llmkit.refresh $(ONLY)

models: setup
	@$(RUN) -m llmkit.recipes $(ONLY)

bench: setup
	@$(RUN) tests/bench $(ONLY)

clean:
	@rm -rf _build .venv .venv-* build llmkit.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} + -o -name .pytest_cache -prune -exec rm -rf {} + -o -name .ruff_cache -prune -exec rm -rf {} +
	@echo "Removed the environments and everything that was built."
