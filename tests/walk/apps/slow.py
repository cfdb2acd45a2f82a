"""An application with requests that take their time."""

import asyncio

from starlette.requests import Request
from starlette.websockets import WebSocket

from immutant import App

app = App("slow")


@app.get("/slow/{tenths:int}")
async def slow(request: Request) -> str:
    print(f"slow {request.path_params['tenths']}")
    await asyncio.sleep(request.path_params["tenths"] / 10)
    return "done"


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())
