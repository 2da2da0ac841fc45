# Boundscape.  `make` or `make help` lists every way in.
PYTHON ?= python3
VENV := .venv/bin/python
PRESET ?=
CORPUS ?=
SUITE ?=
WORKERS ?=
RETRY_FAILED ?=
EXECUTOR ?=
ADDRESS ?=
OPTIONS ?=
TO ?=
PORT ?= 8501

# One word of the shell, whatever spaces and quotes it holds; ~/ is the home folder.
home = $(if $(filter ~/%,$(firstword $(1))),$(subst ~/,$(HOME)/,$(1)),$(1))
quoted = '$(subst ','\'',$(call home,$(1)))'
SETUP = $(call quoted,$(PYTHON)) -m tools.environment

RUN_OPTIONS = $(if $(PRESET),--preset $(call quoted,$(PRESET))) \
	$(if $(CORPUS),--corpus $(call quoted,$(CORPUS))) \
	$(if $(SUITE),--suite $(call quoted,$(SUITE))) \
	$(if $(WORKERS),--workers $(call quoted,$(WORKERS))) \
	$(if $(RETRY_FAILED),--retry-failed) \
	$(if $(EXECUTOR),--executor $(call quoted,$(EXECUTOR))) \
	$(if $(ADDRESS),--address $(call quoted,$(ADDRESS))) \
	$(OPTIONS)

# Style, format, spelling and plain words.
define LINT
@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m codespell_lib
	@$(VENV) -m tools.plain_words
endef

# The tests of the mathematics, alone: they must run every line of bounds/ themselves.
define MATHEMATICS
@OMP_NUM_THREADS=1 $(VENV) -m pytest -p tests.project.without_torch -n 2 --cov=bounds tests/bounds
endef

.DEFAULT_GOAL := help
.PHONY: help compute publish app results check test lint format testdata bench screenshots

help: ## show this list
	@echo "Ways in:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "Options of make compute: PRESET=tiny|small|pythia|cerebras CORPUS=folder SUITE=name WORKERS=n RETRY_FAILED=1"
	@echo "  EXECUTOR=ray ADDRESS=host:port OPTIONS='--only pythia-70m --without chain' (any of python -m compute run --help)"
	@echo "Options of make publish: SUITE=name TO=folder OPTIONS='--data folder --with-failures'"

compute: ## train and measure the models, write Parquet under data/
	@$(SETUP) $(if $(filter ray,$(EXECUTOR)),ray,compute)
	@$(VENV) -m compute run $(RUN_OPTIONS)

publish: ## write a compact copy of the suite data/SUITE, to be read only, into the folder TO
	@$(SETUP) compute
	@$(VENV) -m compute publish $(if $(SUITE),$(call quoted,$(SUITE))) $(if $(TO),--to $(call quoted,$(TO))) $(OPTIONS)

app: ## open the dashboard on the artifacts under data/
	@$(SETUP) app
	@OMP_NUM_THREADS=1 $(VENV) -m streamlit run app.py --server.port $(PORT)

results: ## write RESULTS.md and its figures from the Parquet of a suite (SUITE=name)
	@$(SETUP) results
	@OMP_NUM_THREADS=1 $(VENV) -m tools.results $(if $(SUITE),--suite $(call quoted,$(SUITE)))

check: ## lint, architecture, mathematics, charts and controls, without torch, in a minute
	@$(SETUP) check
	$(LINT)
	@OMP_NUM_THREADS=1 $(VENV) -m pytest -p tests.project.without_torch -n 2 -m "not slow and not app" \
		tests/project/test_architecture.py tests/bounds tests/dashboard

test: ## lint and every test: the batch stage, the app, a real browser
	@$(SETUP) test
	$(LINT)
	$(MATHEMATICS)
	@OMP_NUM_THREADS=1 $(VENV) -m pytest -n 3 --dist loadfile \
		--no-loadscope-reorder --durations=10 --ignore tests/bounds

lint: ## check style, format, spelling and plain words only
	@$(SETUP) check
	$(LINT)

format: ## rewrite the code in the project's format
	@$(SETUP) check
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

testdata: ## measure the suite under tests/data anew, which the tests of the app read
	@$(SETUP) test
	@OMP_NUM_THREADS=1 $(VENV) -m tests.data.micro_suite

bench: ## measure speeds against named alternatives, and tightness
	@$(SETUP) bench
	@$(VENV) -m tests.project.bench

screenshots: ## take the README's screenshots with a real browser
	@$(SETUP) test
	@$(VENV) -m tests.project.browser.screenshots
