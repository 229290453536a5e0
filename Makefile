# Six verbs; anything longer is a subcommand of sniper.
#   make run ARGS='--ticks 200 --headless --json'    make sim SEED=7    make test ARGS='-k config'
# The first call creates .venv with Python 3.12 or 3.11 (PYTHON=/path chooses one) and takes a minute or two;
# later calls only look at time stamps. What is said of that goes to standard error, so that `--json` stays alone.

VENV    := .venv
BIN     := $(VENV)/bin
KERNELS := $(wildcard _ext/*.pyx _ext/*.pxd _ext/*.h)
PIP     := $(BIN)/python -m pip --disable-pip-version-check --quiet
SEED    ?= 1
COVERED ?= 95
# Two compilers at a time: the kernels are few and the machine may be small.
JOBS    ?= 2
# What builds the kernels is installed into the environment itself, so that a rebuild needs no network.
BUILD_TOOLS := 'setuptools>=77' 'Cython>=3.3,<3.4' 'numpy>=2'

.PHONY: build run test check bench sim
.DELETE_ON_ERROR:

build: $(VENV)/kernels.stamp

run: build
	@$(BIN)/sniper run --config config.toml $(ARGS)

test: build $(VENV)/dev.stamp
	@mkdir -p build
	$(BIN)/python -m pytest --cov=sniper --cov-report=json:build/coverage.json --cov-report= $(ARGS)
	@$(BIN)/python .ci/line_coverage.py build/coverage.json $(COVERED)

check: build $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@rm -rf build/typed && mkdir -p build/typed/sniper && ln -s $(CURDIR)/sniper/* $(CURDIR)/_ext build/typed/sniper/
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml -p sniper
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint _ext

bench: build $(VENV)/dev.stamp
	$(BIN)/python -m bench $(ARGS)

sim: build
	$(BIN)/python -m tests.twin_run --seed $(SEED) $(ARGS)
	$(BIN)/python -m tests.rehearsal --times 1 --seed $(SEED) --story --replay 1

$(VENV)/python.stamp:
	@python=$$(./.ci/find-python) && echo "creating $(VENV) with $$python" >&2 && "$$python" -m venv $(VENV)
	@$(PIP) install $(BUILD_TOOLS)
	@touch $@

$(VENV)/install.stamp: $(VENV)/python.stamp pyproject.toml
	@echo "installing sniper and what it needs (the first time this takes a minute or two)" >&2
	@SNIPER_KERNELS=0 $(PIP) install --no-build-isolation --editable .
	@touch $@

$(VENV)/kernels.stamp: $(VENV)/install.stamp $(KERNELS) setup.py
	@echo "building the kernels" >&2
	@mkdir -p build && { $(BIN)/python setup.py -q build_ext --inplace --parallel $(JOBS) > build/kernels.log 2>&1 \
	    || { cat build/kernels.log >&2; exit 1; }; }
	@touch $@

$(VENV)/dev.stamp: $(VENV)/install.stamp pyproject.toml
	@echo "installing what the tests need" >&2
	@SNIPER_KERNELS=0 $(PIP) install --no-build-isolation --editable '.[dev]'
	@touch $@
