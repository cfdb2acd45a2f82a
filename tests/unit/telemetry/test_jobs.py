"""Spans of jobs."""

import asyncio
import time
from typing import Any

from opentelemetry.trace import StatusCode
from tests.unit.telemetry.looking import Kept, attributes, ids, parent

from immutant import App, Tick
from immutant.clock import SystemClock
from immutant.link import TickDue
from immutant.singletons.tickruns import TickRuns
from immutant.telemetry.spans import SpanTracer
from immutant.tenure import Tenure


async def test_a_run_is_a_trace_with_its_tick_and_what_it_sends(run: Any, kept: Kept) -> None:
    app, ticks = App("demo"), list[Tick]()
    queue = app.queue("q")

    @app.job(every="1h", in_="1ms", singleton=False)
    async def report(tick: Tick) -> None:
        ticks.append(tick)
        await queue.send("body")

    await run(app)
    (ran,) = await kept.wait_for("job report")
    (sent,) = kept.named("send q")
    assert (parent(ran), parent(sent)) == (None, ids(ran))
    late = attributes(ran)["immutant.tick.late_by"]
    assert isinstance(late, float)
    assert 0 <= late < 10
    assert attributes(ran) == {
        "immutant.job.name": "report",
        "immutant.tick.id": ticks[0].id,
        "immutant.tick.attempt": 1,
        "immutant.tick.scheduled_at": ticks[0].scheduled_at,
        "immutant.tick.late_by": late,
    }


async def test_a_run_that_fails_and_one_that_is_cut_off_say_so(
    kept: Kept, tracer: SpanTracer
) -> None:
    app, clock = App("demo"), SystemClock()

    @app.job(every="1h", timeout="50ms")
    async def job(tick: Tick) -> None:
        if tick.attempt == 1:
            raise ValueError("not yet")
        await asyncio.Event().wait()

    async def ended(due: TickDue, error: str | None) -> None: ...

    tenure = Tenure("job.job", 1, clock)
    runs = TickRuns(app.definitions.jobs[0], tenure, clock, ended, tracer)
    for attempt in (1, 2):
        runs.begin(TickDue("job/1", time.time(), attempt, 1e12))
        await runs.finish()
    failed, cut = kept.named("job job")
    assert [attributes(one)["error.type"] for one in (failed, cut)] == [
        "builtins.ValueError",
        "asyncio.exceptions.CancelledError",
    ]
    assert {one.status.status_code for one in (failed, cut)} == {StatusCode.ERROR}
