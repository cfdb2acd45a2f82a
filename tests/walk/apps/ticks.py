"""Jobs on a fast schedule: what each tick's handler does it also tells the witness."""

from witness import Witness

from immutant import App, Tick

JOBS = 8
EVERY = 0.05
WORK = 0.01

app = App("ticks")
witness = Witness()


async def run(tick: Tick) -> None:
    witness("tick-begins", tick.id, tick.attempt, tick.scheduled_at, tick.tenure.token)
    await tick.tenure.sleep(WORK)
    witness("tick-ends", tick.id, tick.attempt)


for number in range(JOBS):
    app.job(every=EVERY, name=f"job-{number}")(run)
