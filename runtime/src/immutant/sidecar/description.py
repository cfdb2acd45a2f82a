"""What the coordinator's API takes and answers, for people and programs of any language.

Belongs here: the models behind `/openapi.json`. Not here: the calls themselves, which read their
bodies by themselves (`immutant.coordinator`), also where there is no FastAPI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, RootModel

from immutant.link import KillReason, Kind

__all__ = ["DESCRIPTIONS", "Description"]


class Hello(BaseModel):
    """The application's process says who it is; another one than before proves that one dead."""

    process: str = Field(description="A name that no other process has, e.g. a UUID.")


class Welcome(BaseModel):
    """The life in whose name the process may stand."""

    replica: str
    incarnation: str = Field(description="Standing names it.")
    lock: str | None = Field(description="A file to be locked, shared, while one stands; or null.")


class Standing(BaseModel):
    """What is stood for. The answer is a stream of events, one JSON object a line."""

    incarnation: str = Field(description="As hello answered.")
    kind: Kind
    name: str
    schedule: str = Field("", description="For a job: its schedule as JSON text.")
    prefer: str = Field("", description="The pod or the zone that should have it.")


class Done(BaseModel):
    """A tick's run has ended."""

    tick: str
    error: str = Field("", description="What went wrong; empty when it went well.")
    attempt: int = Field(0, ge=0, description="Whose end it is; 0: of the one that runs.")


class Trigger(BaseModel):
    """Run the job now, whatever its schedule says."""

    key: str = Field("", description="Asking again with the same key changes nothing.")


class Backfill(Trigger):
    """Run the ticks of a range of the past, one after the other."""

    since: float = Field(description="The first instant that counts, seconds since the epoch.")
    until: float = Field(description="The last one.")


class Attempt(BaseModel):
    """An attempt at a tick, or what was asked for. Instants are seconds since the epoch."""

    id: str = Field(description="The same for every attempt at this tick, and for no other tick.")
    scheduled_at: float
    attempt: int
    started: float | None
    ended: float | None
    member: str
    outcome: str = Field(
        description="asked, running, waiting, ok, interrupted, cancelled, or the error."
    )
    retry_at: float | None = Field(description="When one that waits is begun again.")


class Job(BaseModel):
    """What the cluster knows of a job."""

    name: str
    paused: bool
    unscheduled: bool
    ticks: int = Field(description="How many ticks of the schedule were claimed.")
    open: list[Attempt]
    runs: list[Attempt] = Field(description="The last ones, oldest first.")
    asked: list[Attempt] = Field(description="Triggers and backfills that wait.")
    holder: str = Field(description="The member that holds it; empty when nobody does.")
    anchor: float | None = Field(description="When the cluster first saw its schedule.")


class Jobs(RootModel[list[Job]]):
    """Every job that was ever held."""


class Failed(BaseModel):
    """A daemon has failed, returned or been silent, and is started again."""

    error: str = Field(description="What went wrong.")
    times: int = Field(ge=0, description="How often in a row, in this tenure.")
    elsewhere: bool = Field(description="Whether another pod should try it now.")


class Ready(BaseModel):
    """The answer to a probe: the process runs and hears what it is told."""

    process: str = Field(description="As in hello.")


class Killed(BaseModel):
    """The application was killed; whoever watches over it says so."""

    reason: KillReason = Field(description="As immutant_application_kills_total has it.")


class Counted(BaseModel):
    """One series of a metric."""

    name: str = Field(description="As docs/cluster.md has it, without the _total of a counter.")
    labels: list[str] = Field([], description="The values of its labels, in their order.")
    value: float = Field(description="So far; of a histogram the sum of the seconds.")
    counts: list[int] = Field([], description="Of a histogram: by bucket, the infinite one last.")


class Counts(BaseModel):
    """What the application has counted since its process began."""

    process: str = Field(description="As in hello.")
    number: int = Field(ge=0, description="Grows with each report; one that comes late is nothing.")
    heard: bool = Field(description="Whether an earlier report of this process was answered.")
    series: list[Counted] = Field(description="All; names that are not known are left out.")


class Drain(BaseModel):
    """Hand over everything; the answer comes when all is given back."""

    process: str = Field(description="As in hello.")
    reason: str
    grace: float = Field(ge=0, description="Seconds until what has not stopped is cancelled.")


class Held(BaseModel):
    """A tenure."""

    kind: Kind
    name: str
    token: str = Field(description="The fencing token, a decimal number.")


class Status(BaseModel):
    """What this replica holds."""

    replica: str
    incarnation: str
    tenures: list[Held]


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of one call.

    Attributes:
        summary: One line.
        body: What it takes.
        answer: What it answers; None: nothing, or a stream of lines.
        streams: What the lines are.
    """

    summary: str
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    streams: str = ""

    def options(self, path: str) -> dict[str, Any]:
        """What FastAPI is told of the call with this path."""
        responses: dict[int | str, dict[str, Any]] = {
            409: {"description": "Not now; the text says why."},
            422: {"description": "Never as it is; the text says what to change."},
        }
        if self.answer:
            responses[200] = {"model": self.answer, "description": "Done."}
        if self.streams:
            content = {"application/x-ndjson": {"schema": {"type": "string"}}}
            responses[200] = {"description": self.streams, "content": content}
        return {
            "summary": self.summary,
            "status_code": 200 if self.answer or self.streams else 204,
            "responses": responses,
            "openapi_extra": self._request(path),
        }

    def _request(self, path: str) -> dict[str, Any]:
        request: dict[str, Any] = {}
        if self.body:
            schema = self.body.model_json_schema()
            content = {"application/json": {"schema": schema}}
            request["requestBody"] = {"required": "required" in schema, "content": content}
        request["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("tenure", "job")
            if f"{{{name}" in path
        ]
        return request


DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "/v1/hello": Description("Begin", Hello, Welcome),
    "/v1/singletons": Description(
        "Stand for election while the answer is read",
        Standing,
        streams=(
            "granted (tenure, token, not_after), heartbeat (not_after), stopping (reason, grace), "
            "revoked (reason), tick (id, scheduled_at, attempt, not_after), overtaken (id), "
            "probe (to be answered by /v1/ready). not_after is in seconds of CLOCK_BOOTTIME."
        ),
    ),
    "/v1/tenures/{tenure}/stopped": Description("Nothing of the tenure runs any more"),
    "/v1/tenures/{tenure}/done": Description("A tick's run has ended", Done),
    "/v1/tenures/{tenure}/failed": Description("A daemon has failed", Failed),
    "/v1/ready": Description("Answer a probe", Ready),
    "/v1/drain": Description("Hand over everything that is held", Drain),
    "/v1/killed": Description("The application was killed", Killed),
    "/v1/metrics": Description("What the application has counted", Counts),
    "/v1/deadlines": Description(
        "All tenures' deadlines, as they change", streams="{tenure: not_after} of all, each time."
    ),
    "/v1/status": Description("What is held", answer=Status),
    "/v1/jobs": Description("The application's jobs", answer=Jobs),
    "/v1/jobs/{job:path}": Description("A job, with its last runs", answer=Job),
    "/v1/jobs/{job:path}/pause": Description("Begin no tick of the schedule", answer=Job),
    "/v1/jobs/{job:path}/resume": Description("Go on from now", answer=Job),
    "/v1/jobs/{job:path}/trigger": Description("Run it once, now", Trigger, Job),
    "/v1/jobs/{job:path}/backfill": Description("Run it for a time that is past", Backfill, Job),
    "/v1/jobs/{job:path}/unschedule": Description("End its schedule", answer=Job),
}
"""By path."""
