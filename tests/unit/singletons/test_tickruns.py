"""The runs of ticks on a replica."""

from typing import NoReturn

from immutant import App, Tick
from immutant.link import TickDue
from immutant.singletons.tickruns import TickRuns
from immutant.tenure import Tenure
from immutant.testing import FakeClock


class Nameless(type):
    """A class of classes that do not even tell their name."""

    @property
    def __name__(cls) -> NoReturn:  # type: ignore[override]
        raise LookupError("no name")


class NamelessError(Exception, metaclass=Nameless):
    """An error that cannot be put into words at all."""


async def test_a_run_that_could_not_be_seen_to_its_end_has_ended() -> None:
    app, told = App("demo"), list[str | None]()

    @app.job(every=1.0)
    async def job(tick: Tick) -> None:
        raise NamelessError

    async def ended(_: TickDue, error: str | None) -> None:
        told.append(error)

    clock = FakeClock()
    runs = TickRuns(app.definitions.jobs[0], Tenure("job.job", 1, clock), clock, ended)
    runs.begin(TickDue("job/1", 1.0, 1, 1e12))
    await runs.finish()
    assert told == ["LookupError: no name"]
