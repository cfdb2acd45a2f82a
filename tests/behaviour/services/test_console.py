"""What the console answers of queues and caches, whatever keeps them."""

import asyncio
from typing import Any

from immutant import App
from immutant.console.requests import Request
from immutant.console.verbs import VERBS


async def ask(app: App, verb: str, **fields: Any) -> Any:
    return await VERBS[verb](app, Request(verb, fields))


async def test_queues_dead_letters_and_their_replay(app: App, run: Any) -> None:
    orders, mended = app.queue("orders"), asyncio.Event()
    packed: asyncio.Queue[object] = asyncio.Queue()

    @app.listener(orders, attempts=1)
    async def pack(order: object) -> None:
        if not mended.is_set():
            raise RuntimeError("the shelf is empty")
        packed.put_nowait(order)

    await run(app)
    await orders.send_many([1, 2])
    async with asyncio.timeout(20):
        while (await ask(app, "queues"))[0]["dead"] < 2:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    first, second = (await ask(app, "dead"))["letters"]
    assert (first["value"], second["value"]) == (1, 2)
    assert (await ask(app, "dead", limit=1))["more"]
    mended.set()
    assert await ask(app, "discard", queue="orders", ids=[second["id"]]) == {"discarded": 1}
    assert await ask(app, "replay", queue="orders", all=True) == {"replayed": 1}
    async with asyncio.timeout(20):
        assert await packed.get() == 1
    assert (await ask(app, "dead"))["letters"] == []


async def test_caches_and_their_entries(app: App, run: Any, world: Any) -> None:
    app.cache("plain")
    ledger = app.cache("ledger", fenced=True)
    await run(app)
    await ledger.put("total", 7)
    for number in range(5):
        await ask(app, "cache put", cache="plain", key=str(number), value={"number": number})
    assert [one["entries"] for one in await ask(app, "caches")] == [5, 1]
    some = await ask(app, "cache list", cache="plain", limit=3)
    assert (len(some["entries"]), some["size"]) == (3, 5)
    listed = await ask(app, "cache list", cache="ledger")
    assert listed["entries"] == [{"key": "total", "value": 7}]
    owners = await ask(app, "cache owners", cache="plain", key="3")
    assert len(owners["owners"]) == (0 if world.keeps_all else 2)
    assert await ask(app, "cache remove", cache="plain", key="3") == {"removed": True}
    assert await ask(app, "cache get", cache="plain", key="3") == {"found": False}
