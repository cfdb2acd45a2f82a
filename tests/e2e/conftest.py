"""The cluster of the end-to-end tests: the one that KUBECONFIG names, or the project's testbed.

Without either the tests are skipped, with the reason; `make test` repeats it in its last lines.
"""

import os
from collections.abc import Generator, Iterator

import pytest
from tests.chaos.results import Table, report
from tests.chaos.settings import LONG
from tests.e2e.cluster import Cluster, Pods
from tests.e2e.figures import Figures
from tests.e2e.installation import given_cluster, testbed_cluster
from tests.e2e.remains import keep
from tests.e2e.testbed import Testbed, given_kubeconfig, why_no_testbed
from tests.e2e.tolls import Tolls
from tests.gathering import Gathering
from tests.machine import not_run

_FIGURES = Figures()
_TABLES: dict[str, Table] = {}


@pytest.fixture(scope="session")
def figures() -> Figures:
    """What the run measures; printed at its end."""
    return _FIGURES


@pytest.fixture(scope="session")
def tables() -> dict[str, Table]:
    """Tables by name, to be printed at the run's end; those of the long form are kept."""
    return _TABLES


@pytest.fixture(scope="session")
def tolls(tables: dict[str, Table]) -> Tolls:
    """What moves and faults cost those who use an application."""
    return Tolls(tables)


@pytest.fixture(scope="session")
def cluster(figures: Figures, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster on which the chart is installed; one for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    given = given_kubeconfig()
    if given is None and (reason := why_no_testbed()):
        not_run("end to end", reason)
        pytest.skip(reason)
    with testbed_cluster(run, figures) if given is None else given_cluster(run) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def on_this_machine(cluster: Cluster) -> None:
    """The pods are processes of this machine, which a test may kill and freeze."""
    if reason := why_no_testbed():
        not_run("faults of pods and nodes", reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def testbed(on_this_machine: None) -> Testbed:
    """The testbed, for faults of its nodes: those of every app there, so the module is `alone`."""
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        pytest.fail("it takes nodes away from the tests beside it: mark its module `alone`")
    return Testbed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what there is of the application before the fixtures of a failed test remove it."""
    report = yield
    found = getattr(item, "funcargs", {})
    pods = next((one for one in found.values() if isinstance(one, Pods)), None)
    if report.when == "call" and report.failed and pods is not None:
        folder = keep(item.name, found["cluster"], pods)
        report.sections.append(("what is kept of it", str(folder)))
    return report


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Gathering("figures", _FIGURES.noted))
    config.pluginmanager.register(Gathering("tables", _TABLES))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _FIGURES.noted:
        terminalreporter.section("measured")
        for what, figure in _FIGURES.noted.items():
            terminalreporter.write_line(f"{what}: {figure}")
    report(terminalreporter, _TABLES, keep=LONG)
