"""An application whose daemons do all they can to outlive their tenures."""

import time

from witness import Witness

from immutant import App, BlockingTenure, StaleTenureError, Tenure, TenureLostError

app = App("stubborn")
fenced = app.cache("fenced", fenced=True)
witness = Witness()


@app.daemon
def deaf(tenure: BlockingTenure) -> None:
    """Never looks at its tenure: only the end of its process ends it."""
    while True:
        witness("beat", tenure.token)
        time.sleep(0.02)


@app.daemon
async def writing(tenure: Tenure) -> None:
    """Writes a fenced entry as fast as it can, and wakes from a freeze in the middle of it."""
    while True:
        try:
            number = await fenced.get("counter", 0) + 1
            await fenced.put("counter", number)
        except (StaleTenureError, TenureLostError) as error:
            witness("refused", tenure.token, type(error).__name__)
            raise
        witness("accepted", number, tenure.token)
