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

RUN_OPTIONS = $(if $(PRESET),--preset $(PRESET)) \
	$(if $(CORPUS),--corpus "$(CORPUS)") \
	$(if $(SUITE),--suite "$(SUITE)") \
	$(if $(WORKERS),--workers $(WORKERS)) \
	$(if $(RETRY_FAILED),--retry-failed) \
	$(if $(EXECUTOR),--executor $(EXECUTOR)) \
	$(if $(ADDRESS),--address "$(ADDRESS)") \
	$(OPTIONS)

.DEFAULT_GOAL := help
.PHONY: help compute publish app results test lint format bench screenshots

help: ## show this list
	@echo "Ways in:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "Options of make compute: PRESET=tiny|small|pythia|cerebras CORPUS=folder SUITE=name WORKERS=n RETRY_FAILED=1"
	@echo "  EXECUTOR=ray ADDRESS=host:port OPTIONS='--only pythia-70m --without chain' (any of python -m compute run --help)"
	@echo "Options of make publish: SUITE=name TO=folder OPTIONS='--data folder --with-failures'"

compute: ## train and measure the models, write Parquet under data/
	@$(PYTHON) tools/environment.py $(if $(filter ray,$(EXECUTOR)),ray,compute)
	@$(VENV) -m compute run $(RUN_OPTIONS)

publish: ## write a compact copy of the suite data/SUITE, to be read only, into the folder TO
	@$(PYTHON) tools/environment.py compute
	@$(VENV) -m compute publish $(if $(SUITE),"$(SUITE)") $(if $(TO),--to "$(TO)") $(OPTIONS)

app: ## open the dashboard on the artifacts under data/
	@$(PYTHON) tools/environment.py app
	@$(VENV) -m streamlit run app.py --server.port $(PORT)

results: ## write RESULTS.md and its figures from the Parquet of a suite (SUITE=name)
	@$(PYTHON) tools/environment.py results
	@$(VENV) -m tools.results $(if $(SUITE),--suite "$(SUITE)")

test: ## run every test and the lint checks
	@$(PYTHON) tools/environment.py test
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@OMP_NUM_THREADS=1 $(VENV) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: ## check style and format only
	@$(PYTHON) tools/environment.py test
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .

format: ## rewrite the code in the project's format
	@$(PYTHON) tools/environment.py test
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

bench: ## measure speeds against named alternatives, and tightness
	@$(PYTHON) tools/environment.py bench
	@$(VENV) -m tests.bench

screenshots: ## take the README's screenshots with a real browser
	@$(PYTHON) tools/environment.py test
	@$(VENV) -m tests.browser.screenshots
