"""An application whose page costs as much of a processor as it is asked for."""

import time

from starlette.requests import Request

from immutant import App

app = App("burning")


@app.get("/")
def page() -> str:
    return "hello"


@app.get("/burn")
def burn(request: Request) -> str:
    """Use so many milliseconds of a processor, however long that takes."""
    end = time.thread_time() + float(request.query_params["ms"]) / 1000
    while time.thread_time() < end:
        pass
    return "burnt"
