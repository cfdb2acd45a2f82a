"""What sessions promise (coordination.md, rule 20)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from immutant import (
    App,
    NotRunningError,
    Session,
    SessionEndedError,
    SessionOptions,
    ValueRefusedError,
)
from immutant.services.entries import Mark
from immutant.services.envelope import Envelope

MINUTE = 60.0


def client_of(asgi: Any, **options: Any) -> httpx.AsyncClient:
    options.setdefault("base_url", "http://app.test")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), **options)


def with_pages(app: App) -> App:
    """Pages that set, get, count, log out and rotate."""

    @app.get("/get/{name}")
    async def get(request: Request) -> dict[str, Any]:
        return {"value": request.session.get(request.path_params["name"])}

    @app.get("/set/{name}/{value}")
    async def set_(request: Request) -> None:
        request.session[request.path_params["name"]] = request.path_params["value"]

    @app.get("/drop/{name}")
    async def drop(request: Request) -> None:
        del request.session[request.path_params["name"]]

    @app.get("/count")
    async def count(request: Request) -> str:
        return str(await Session.of(request).update("count", lambda seen: (seen or 0) + 1))

    @app.get("/count-in-thread")
    def count_in_thread(request: Request) -> str:
        return str(Session.of(request).blocking.update("count", lambda seen: (seen or 0) + 1))

    @app.get("/logout")
    async def logout(request: Request) -> None:
        Session.of(request).invalidate()

    @app.get("/login/{name}")
    async def login(request: Request) -> None:
        Session.of(request).rotate()
        request.session["user"] = request.path_params["name"]

    @app.get("/nothing")
    async def nothing(request: Request) -> str:
        return "nothing"

    return app


@pytest.fixture
async def client(app: App, run: Any) -> AsyncIterator[httpx.AsyncClient]:
    runtime = await run(with_pages(app))
    async with client_of(runtime.asgi) as client:
        yield client


async def test_two_logins_at_once_leave_the_browser_logged_in(app: App, run: Any) -> None:
    both = asyncio.Barrier(2)

    @app.get("/slow-login")
    async def slow_login(request: Request) -> None:
        Session.of(request).rotate()
        request.session["user"] = "jim"
        await both.wait()

    runtime = await run(with_pages(app))
    async with client_of(runtime.asgi) as browser:
        await browser.get("/set/basket/full")
        answers = await asyncio.gather(*(browser.get("/slow-login") for _ in range(2)))
        given = [answer.headers["set-cookie"] for answer in answers if answer.cookies]
        removed = [one for one in answers if "Max-Age=0" in one.headers.get("set-cookie", "")]
        assert len(given) == 1
        assert not removed, "the slower one must not take the cookie away"
        assert await value(browser, "user") == "jim"
        assert await value(browser, "basket") == "full"


async def test_a_health_check_leaves_no_session_behind(app: App, run: Any) -> None:
    runtime = await run(with_pages(app))
    async with client_of(runtime.asgi, headers={"x-immutant-check": "1"}) as router:
        answers = [await router.get("/count") for _ in range(2)]
    assert [answer.text for answer in answers] == ["1", "1"]
    assert all("set-cookie" not in answer.headers for answer in answers)


async def value(client: httpx.AsyncClient, name: str) -> Any:
    return (await client.get(f"/get/{name}")).json()["value"]


async def test_a_session_goes_on_on_another_replica(run: Any) -> None:
    first = await run(with_pages(App("demo")), "a")
    second = await run(with_pages(App("demo")), "b")
    async with client_of(first.asgi) as client:
        assert (await client.get("/count")).text == "1"
        cookies = client.cookies
    async with client_of(second.asgi, cookies=cookies) as client:
        assert (await client.get("/count")).text == "2"
        assert (await client.get("/count-in-thread")).text == "3"


async def test_an_untouched_session_sets_no_cookie(client: httpx.AsyncClient) -> None:
    response = await client.get("/nothing")
    assert "set-cookie" not in response.headers
    assert await value(client, "x") is None
    assert not client.cookies


async def test_the_cookie_is_given_once(client: httpx.AsyncClient) -> None:
    assert "set-cookie" in (await client.get("/set/a/1")).headers
    assert "set-cookie" not in (await client.get("/set/a/2")).headers


async def test_the_cookies_flags_are_safe_by_default(client: httpx.AsyncClient) -> None:
    cookie = (await client.get("/set/a/1")).headers["set-cookie"].lower()
    flags = {flag.strip() for flag in cookie.split(";")[1:]}
    assert flags == {"httponly", "path=/", "samesite=lax"}


async def test_over_tls_the_cookie_is_for_tls_only(app: App, run: Any) -> None:
    await run(with_pages(app))
    async with client_of(app, base_url="https://app.test") as client:
        cookie = (await client.get("/set/a/1")).headers["set-cookie"].lower()
    assert "secure" in {flag.strip() for flag in cookie.split(";")}


async def test_the_cookies_flags_are_the_options(run: Any) -> None:
    options = SessionOptions("sid", same_site="strict", path="/x", domain="app.test", secure=True)
    app = with_pages(App("demo", sessions=options))
    await run(app)
    async with client_of(app) as client:
        cookie = (await client.get("/set/a/1")).headers["set-cookie"].lower()
    assert cookie.startswith("sid=")
    flags = {flag.strip() for flag in cookie.split(";")[1:]}
    assert flags == {
        "httponly", "path=/x", "samesite=strict", "domain=app.test", "secure"
    }  # fmt: skip


@pytest.mark.parametrize("forge", [lambda _: "forged", lambda good: good[:-1] + "A", lambda _: ""])
async def test_a_forged_cookie_is_a_new_session(
    app: App, client: httpx.AsyncClient, forge: Any
) -> None:
    await client.get("/set/a/1")
    good = client.cookies["immutant_session"]
    forged = forge(good) if forge(good) != good else "x" + good
    async with client_of(app, cookies={"immutant_session": forged}) as thief:
        assert await value(thief, "a") is None


async def test_concurrent_requests_merge_attribute_by_attribute(
    app: App, client: httpx.AsyncClient
) -> None:
    both, arrived = asyncio.Event(), []

    @app.get("/together/{name}")
    async def together(request: Request) -> None:
        name = request.path_params["name"]
        arrived.append(name)
        if len(arrived) == 2:
            both.set()
        await both.wait()
        request.session[name] = name
        request.session.pop("old", None) if name == "a" else None

    await client.get("/set/old/1")
    await client.get("/set/kept/1")
    await asyncio.gather(client.get("/together/a"), client.get("/together/b"))
    assert [await value(client, name) for name in ("a", "b", "kept", "old")] == [
        "a", "b", "1", None
    ]  # fmt: skip


async def test_exact_updates_of_concurrent_requests_lose_none(client: httpx.AsyncClient) -> None:
    await client.get("/set/a/1")
    answers = await asyncio.gather(*(client.get("/count") for _ in range(10)))
    assert sorted(int(answer.text) for answer in answers) == list(range(1, 11))
    assert await value(client, "count") == 10


async def test_changes_inside_a_value_are_noticed(app: App, client: httpx.AsyncClient) -> None:
    @app.get("/append")
    async def append(request: Request) -> None:
        request.session.setdefault("list", []).append(len(request.session["list"]))

    for _ in range(3):
        await client.get("/append")
    assert await value(client, "list") == [0, 1, 2]


async def test_a_removed_attribute_is_gone(client: httpx.AsyncClient) -> None:
    await client.get("/set/a/1")
    await client.get("/drop/a")
    assert await value(client, "a") is None


async def test_after_logout_the_cookie_opens_nothing(app: App, client: httpx.AsyncClient) -> None:
    await client.get("/set/a/1")
    cookies = dict(client.cookies)
    response = await client.get("/logout")
    assert "max-age=0" in response.headers["set-cookie"].lower()
    assert not client.cookies
    async with client_of(app, cookies=cookies) as stale:
        assert await value(stale, "a") is None


async def test_logout_and_rotation_leave_tombstones(
    client: httpx.AsyncClient, backend: Any
) -> None:
    await client.get("/set/a/1")
    await client.get("/login/ada")
    await client.get("/logout")
    stored = (await backend.caches.entries("immutant.sessions")).values()
    assert [Envelope.decode(data, "it").value for data in stored] == [Mark.ABSENT] * 2


async def test_a_slow_request_does_not_bring_a_session_back_after_logout(
    app: App, client: httpx.AsyncClient
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow(request: Request) -> None:
        begun.set()
        await go_on.wait()
        request.session["late"] = 1

    await client.get("/set/a/1")
    cookies = dict(client.cookies)
    async with client_of(app, cookies=cookies) as other:
        late = asyncio.create_task(other.get("/slow"))
        await begun.wait()
        await client.get("/logout")
        go_on.set()
        response = await late
        assert response.status_code == 204
        assert "set-cookie" not in response.headers
        assert [await value(other, name) for name in ("a", "late")] == [None, None]


async def test_an_exact_update_of_a_session_that_has_ended_says_so(
    app: App, client: httpx.AsyncClient
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.get("/slow-count")
    async def slow_count(request: Request) -> dict[str, Any]:
        session = Session.of(request)
        begun.set()
        await go_on.wait()
        for _ in range(2):
            with pytest.raises(SessionEndedError, match="'count'"):
                await session.update("count", lambda seen: (seen or 0) + 1)
        seen = dict(session)
        session.invalidate()
        return {"seen": seen, "new": await session.update("count", lambda seen: seen or 7)}

    await client.get("/set/a/1")
    async with client_of(app, cookies=dict(client.cookies)) as other:
        late = asyncio.create_task(other.get("/slow-count"))
        await begun.wait()
        await client.get("/logout")
        go_on.set()
        assert (await late).json() == {"seen": {}, "new": 7}
        assert await value(other, "count") == 7


async def test_rotation_keeps_the_attributes_under_a_new_id(
    app: App, client: httpx.AsyncClient
) -> None:
    await client.get("/set/a/1")
    before = dict(client.cookies)
    await client.get("/login/ada")
    assert dict(client.cookies) != before
    assert [await value(client, name) for name in ("a", "user")] == ["1", "ada"]
    async with client_of(app, cookies=before) as stale:
        assert await value(stale, "user") is None


async def test_a_logout_and_a_login_in_one_request_begin_afresh(
    app: App, client: httpx.AsyncClient
) -> None:
    @app.get("/switch")
    async def switch(request: Request) -> None:
        Session.of(request).invalidate()
        request.session["user"] = "bob"

    await client.get("/set/a/1")
    await client.get("/switch")
    assert [await value(client, name) for name in ("a", "user")] == [None, "bob"]


async def test_a_session_ends_when_it_is_idle_and_not_while_it_is_used(
    run: Any, world: Any
) -> None:
    idle = 4 * world.tick
    app = with_pages(App("demo", sessions=SessionOptions(idle=idle)))
    await run(app)
    async with client_of(app) as client:
        await client.get("/set/a/1")
        for _ in range(3):
            await world.elapse(idle / 2)
            assert await value(client, "a") == "1"
        await world.elapse(idle * 1.2)
        assert await value(client, "a") is None


async def test_the_time_to_live_is_begun_anew_at_most_every_tenth(
    app: App, run: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not world.is_turned:
        pytest.skip("counts writes in minutes")
    runtime = await run(with_pages(app))
    store = runtime._replica.backend.caches
    replace, writes = store.replace, list[float]()

    async def counting(*args: Any) -> bool:
        writes.append(world.clock.now())
        return bool(await replace(*args))

    monkeypatch.setattr(store, "replace", counting)
    async with client_of(app) as client:
        await client.get("/set/a/1")
        for _ in range(60):
            await world.elapse(MINUTE / 2)
            assert await value(client, "a") == "1"
    assert len(writes) == 10


async def test_the_response_starts_after_the_save(
    app: App, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from immutant import StoreError

    runtime = await run(with_pages(app))

    async def failing(*args: Any) -> None:
        raise StoreError("disk gone")

    monkeypatch.setattr(runtime._replica.backend.caches, "put_if_absent", failing)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        response = await client.get("/set/a/1")
    assert response.status_code == 500
    assert "set-cookie" not in response.headers


async def test_what_a_stream_changes_is_saved_at_its_end(
    app: App, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            request.session["late"] = 1
            yield b"b"

        return StreamingResponse(parts())

    assert (await client.get("/stream")).text == "ab"
    assert "no cookie could be given any more" in caplog.text
    await client.get("/set/a/1")
    await client.get("/stream")
    assert await value(client, "late") == 1


async def test_a_value_that_is_no_json_is_refused_where_it_is_set(
    app: App, client: httpx.AsyncClient
) -> None:
    @app.get("/bad")
    async def bad(request: Request) -> str:
        with pytest.raises(ValueRefusedError, match="session attribute 'x'"):
            request.session["x"] = {1, 2}
        with pytest.raises(ValueRefusedError, match="base64"):
            request.session["x"] = b"raw"
        return "refused"

    assert (await client.get("/bad")).text == "refused"


async def test_a_session_is_a_mapping_with_the_usual_update(
    app: App, client: httpx.AsyncClient
) -> None:
    @app.get("/mapping")
    async def mapping(request: Request) -> list[Any]:
        session = Session.of(request)
        session.update({"a": 1}, b=2)
        session.update([("c", 3)])
        return [sorted(session), len(session), "a" in session, session.id]

    assert (await client.get("/mapping")).json() == [["a", "b", "c"], 3, True, None]
    assert await value(client, "c") == 3


async def test_without_sessions_a_handler_that_wants_one_is_told(run: Any) -> None:
    app = App("demo", sessions=None)

    @app.get("/")
    async def index(request: Request) -> str:
        with pytest.raises(NotRunningError, match="sessions=None"):
            Session.of(request)
        return "told"

    async with client_of(app) as client:
        assert (await client.get("/")).text == "told"


async def test_the_middleware_serves_any_asgi_application(app: App, run: Any) -> None:
    from immutant.services.session_store import SessionStore
    from immutant.web import SessionMiddleware

    async def foreign(scope: Any, receive: Any, send: Any) -> None:
        session = scope["session"]
        session["n"] = session.get("n", 0) + 1
        await PlainTextResponse(str(session["n"]))(scope, receive, send)

    await run(app)
    wrapped = SessionMiddleware(foreign, SessionStore(app.binding, 60.0), SessionOptions())
    async with client_of(wrapped) as client:
        assert [(await client.get("/")).text for _ in range(3)] == ["1", "2", "3"]
