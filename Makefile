# Everything a developer runs. `make help` lists it; `make demo` and `make test` need nothing but
# python3 and make.

PYTHON := .venv/bin/python
RUFF := .venv/bin/ruff
SOURCES := runtime/src operator/src tests tools examples
PYTEST := $(PYTHON) -m pytest

# Stamps named by content: requirements that changed are installed again, a touched file is not.
content = $(shell cat $(1) runtime/pyproject.toml operator/pyproject.toml runtime/src/immutant/_version.py tools/bootstrap.sh | cksum | tr -d ' ')
RUN := .venv/.run-$(call content,requirements/run.txt)
DEV := .venv/.dev-$(call content,requirements/dev.txt)

CHECKS := lint types imports docs unit behaviour integration faults walk simulation e2e

.DEFAULT_GOAL := help
.PHONY: help demo test machine $(CHECKS) images testbed testbed-down bench chaos lock crd dashboards format clean

help: ## List the targets.
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: $(RUN) ## Run the example on three replicas; SECONDS=60 stops by itself. Both end with a summary.
	@$(PYTHON) tools/demo.py $(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

test: $(DEV) ## Run every check: lint, types, imports and all tests.
	@tools/checks.sh machine lint types imports docs unit behaviour integration faults walk e2e+simulation

machine: $(DEV) ## Install and build, once, what the tests need beside Python.
	$(PYTHON) -m tests.machine

lint: $(DEV) ## Check style and format.
	$(RUFF) check $(SOURCES)
	$(RUFF) format --check $(SOURCES)

types: $(DEV) ## Check types.
	.venv/bin/mypy $(SOURCES)

imports: $(DEV) ## Check that layers import downwards only.
	.venv/bin/lint-imports

docs: $(DEV) ## Build the documents as a site into build/site; a broken link is an error.
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet --strict

unit: $(DEV) ## Run the unit tests.
	$(PYTEST) -n 2 tests/unit

behaviour: $(DEV) ## Run the behaviour suite on every backend.
	$(PYTEST) -n 2 tests/behaviour

simulation: $(DEV) ## Run the election and the ticks in simulated time.
	$(PYTEST) -n 2 tests/simulation

integration: $(DEV) ## Run the tests with real processes.
	$(PYTEST) -n 2 --timeout 300 tests/integration tests/grid

faults: $(DEV) ## Play each kind of fault once on real sidecars and applications beside a real API server.
	$(PYTEST) -n 3 --dist worksteal --ignore tests/chaos/test_requests.py tests/chaos
	$(PYTEST) tests/chaos/test_requests.py  # alone: a busy machine makes tenures move, which costs requests

walk: $(DEV) ## Walk through the article, and kill and freeze replicas on the way.
	$(PYTEST) -n 3 --dist worksteal tests/walk

e2e: $(DEV) ## Walk through the article on three real nodes; KUBECONFIG names a cluster of yours instead.
	$(PYTEST) -n 2 --dist loadfile --timeout 600 -m "not alone" tests/e2e
	$(PYTEST) --timeout 600 -m alone tests/e2e

images: $(DEV) ## Build the images, from a base that debootstrap makes or from BASE.
	$(PYTHON) -m tests.e2e.images

testbed: images ## Raise a Kubernetes of three nodes on this machine, with the images loaded (root, Linux).
	$(PYTHON) -m tests.e2e.testbed up $$($(PYTHON) -m tests.e2e.images --paths)

testbed-down: $(DEV) ## Remove it.
	$(PYTHON) -m tests.e2e.testbed down

bench: $(DEV) ## Measure start-up, cache and queue, and what APPS= (200) apps cost the operator.
	$(PYTHON) tools/bench_start.py
	$(PYTHON) tools/bench_embedded.py
	$(PYTHON) -m tools.bench_operator $(or $(APPS),200)

chaos: export IMMUTANT_SEED = $(or $(SEED),1)
chaos: $(DEV) ## The long forms: faults (TRIALS= a kind), kills (KILLS=), simulated schedules, from SEED=.
	IMMUTANT_TRIALS=$(or $(TRIALS),12) $(PYTEST) tests/chaos
	IMMUTANT_KILLS=$(or $(KILLS),200) $(PYTEST) -s tests/walk/test_kills.py tests/walk/test_ticks.py
	IMMUTANT_SIMULATED_SEEDS=4000 $(PYTEST) -n 2 tests/simulation
	IMMUTANT_TRIALS=$(or $(TRIALS),20) $(PYTEST) -s --timeout 600 tests/e2e/test_takeover.py
	IMMUTANT_TRIALS=$(or $(TRIALS),100) $(PYTEST) -s --timeout 600 $(addprefix tests/e2e/test_,moves.py breaks.py split.py autoscaling.py)
	IMMUTANT_TRIALS=$(or $(TRIALS),12) $(PYTEST) tests/behaviour/test_queue_model.py
	$(PYTHON) tools/benchmarks.py

lock: $(DEV) ## Resolve the dependencies anew.
	$(COMPILE) runtime/pyproject.toml requirements/run.in --output-file requirements/run.txt
	$(COMPILE) runtime/pyproject.toml operator/pyproject.toml --all-extras requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) runtime/pyproject.toml --extra cluster --extra sidecar --extra source --extra tracing --output-file requirements/runtime-image.txt
	$(COMPILE) operator/pyproject.toml --output-file requirements/operator-image.txt
	$(COMPILE) images/wheels.in --output-file images/wheels.txt

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-package immutant --custom-compile-command "make lock"

crd: $(DEV) ## Write what is generated: the CRD in crds/ and the chart, the example's demo.yaml.
	$(PYTHON) -m immutant_operator.crd
	$(PYTHON) tools/cluster_demo.py

dashboards: $(DEV) ## Write the chart's dashboards and alert rules from tools/dashboards.
	$(PYTHON) -m tools.dashboards

format: $(DEV) ## Format the sources.
	$(RUFF) check --fix $(SOURCES)
	$(RUFF) format $(SOURCES)

clean: ## Remove what can be made again, the demo's state too.
	rm -rf .venv .immutant build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUN):
	@tools/bootstrap.sh requirements/run.txt $@

$(DEV):
	@tools/bootstrap.sh requirements/dev.txt $@
