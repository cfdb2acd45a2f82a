"""What can be asked of jobs.

Belongs here: what the cluster knows of each job beside its schedule, and commands to it. A trigger
or a backfill carries a key that whoever asks has drawn, so that a repeated request changes nothing.
"""

import asyncio
from dataclasses import asdict
from datetime import datetime

from immutant.app import App
from immutant.console.requests import Json, Request
from immutant.errors import ConsoleError, CoordinatorError
from immutant.link import JobStatus
from immutant.schedules import Schedule
from immutant.services.job import Job

__all__ = ["jobs", "pause", "resume", "run_again", "trigger", "unschedule"]


async def jobs(app: App, request: Request) -> list[Json]:
    """Each job: schedule, next due instant, last runs, whether it is paused, who holds it."""
    replica = app.binding.current("the list of jobs")
    return list(
        await asyncio.gather(*(_row(one, replica.clock.wall()) for one in app.jobs.values()))
    )


async def pause(app: App, request: Request) -> Json:
    """Begin no tick of the schedule."""
    await _named(app, request).pause()
    return {}


async def resume(app: App, request: Request) -> Json:
    """Go on from now."""
    await _named(app, request).resume()
    return {}


async def unschedule(app: App, request: Request) -> Json:
    """End the schedule."""
    await _named(app, request).unschedule()
    return {}


async def trigger(app: App, request: Request) -> Json:
    """Run the job once, now."""
    return {"tick": await _named(app, request).trigger(key=request.text("key"))}


async def run_again(app: App, request: Request) -> Json:
    """Run the ticks of a range of the past: the verb `backfill`."""
    since, until = _instant(request, "since"), _instant(request, "until")
    await _named(app, request).backfill(since, until, key=request.text("key"))
    return {}


async def _row(job: Job, now: float) -> Json:
    definition = job.definition
    row: Json = {
        "name": job.name,
        "schedule": _words(definition.schedule),
        "tz": definition.schedule.tz if definition.schedule.cron else "",
        "singleton": definition.singleton,
        "status": None,
        "next": None,
        "note": "",
    }
    if not definition.singleton:
        return row | {"note": "every replica runs it by itself, and nobody can command it"}
    try:
        status = await job.status()
    except CoordinatorError as error:
        return row | {"note": str(error)}
    return row | {"status": asdict(status), "next": _next(definition.schedule, status, now)}


def _next(schedule: Schedule, status: JobStatus, now: float) -> float | None:
    """The next due instant of the schedule; None where there is none or it is not known."""
    if status.paused or status.unscheduled:
        return None
    if status.anchor is None and not schedule.is_of_the_calendar:
        return None
    if schedule.repeat is not None and status.ticks > schedule.repeat:
        return None
    return schedule.next_after(now, status.anchor or 0.0)


def _words(schedule: Schedule) -> str:
    """The schedule as its user wrote it, or nearly so."""
    if schedule.cron:
        return schedule.cron
    if schedule.every is not None:
        return f"every {schedule.every:g}s"
    if schedule.at is not None:
        return f"at {datetime.fromtimestamp(schedule.at).astimezone().isoformat()}"
    return f"in {schedule.delay:g}s"


def _named(app: App, request: Request) -> Job:
    return app.jobs[request.text("name")]


def _instant(request: Request, name: str) -> datetime:
    """An instant as text; without an offset it is read in the job's own time zone."""
    text = request.text(name)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ConsoleError(
            f"{name} must be a date and time such as 2026-08-01T06:00 or "
            f"2026-08-01T06:00+02:00, not {text!r}"
        ) from error
