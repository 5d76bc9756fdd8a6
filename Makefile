# Sixstep: `make run` opens the window. Each target first makes .venv and puts into it only what is missing.

VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made

# The first Python that starts and fits; a pyenv shim may be there and not start. `make PYTHON=...` names another.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c '$(FITS)' 2>/dev/null && { echo "$$p"; break; }; done)

# Prints the packages of pyproject.toml with those of one extra. Sixstep itself runs from this folder, not installed.
LIST := import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*project["dependencies"], *project["optional-dependencies"].get(sys.argv[1], []), sep="\n")

.PHONY: help run test bench clean
.NOTPARALLEL:

help:
	@echo 'make run     open the window (ARGS="..." is handed to main.py)'
	@echo 'make test    ruff, mypy, pytest (no screen needed)'
	@echo 'make bench   the benchmarks, beside scikit-learn, skorch and Lightning'
	@echo 'make clean   remove .venv and the caches'

run: $(VENV)/installed-run.txt
	@$(BIN)/python main.py $(ARGS)

# python -m, not .venv/bin/ruff: those scripts hold the path of the folder where .venv was made.
test: $(VENV)/installed-dev.txt
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

bench: $(VENV)/installed-bench.txt
	$(BIN)/python -m tests.bench $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# The list that is installed for an extra ("run": none), and so a stamp. A pyproject.toml that changed elsewhere
# leaves the list as it was, and pip is not started.
$(VENV)/installed-%.txt: pyproject.toml $(MADE)
	@$(BIN)/python -c '$(LIST)' $* > $@.new
	@cmp -s $@.new $@ || { echo 'Sixstep: installing Python packages into $(VENV) (the first time takes minutes)'; \
		$(BIN)/python -m pip install --no-input --disable-pip-version-check --requirement $@.new; }
	@mv $@.new $@ && touch $@

# A .venv that someone else made is kept if it works; one left half-made is not.
$(MADE):
	@test -n "$(PYTHON)" || { echo 'Sixstep needs Python 3.11 to 3.14 and found none: install one,' \
		'or name it with "make PYTHON=/path/to/python3".' >&2; exit 1; }
	@tools/system_libraries.sh "$(PYTHON)"
	@$(BIN)/python -c 'import pip; $(FITS)' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

# No such file also means: .venv/bin/python points to a Python that is gone. Then all of .venv is made anew.
ifeq ($(realpath $(BIN)/python),)
.PHONY: $(MADE)
endif
