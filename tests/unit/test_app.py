"""What an application may define, and what it may not."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import immutant
from immutant import App, DefinitionError, NotRunningError, SessionOptions

AT_A_LINE = rf"^{re.escape(__file__)}:\d+: "


@pytest.fixture
def app() -> App:
    return App("demo")


def here(app: App) -> None:
    app.cache("counters")


def there(app: App) -> None:
    app.cache("counters")


def test_two_caches_of_one_name_are_refused_with_both_places(app: App) -> None:
    here(app)
    with pytest.raises(DefinitionError) as refused:
        there(app)
    lines = re.findall(rf"{re.escape(__file__)}:(\d+)", str(refused.value))
    first = here.__code__.co_firstlineno + 1
    second = there.__code__.co_firstlineno + 1
    assert lines == [str(first), str(second)]
    assert "another name" in str(refused.value)


def test_two_daemons_of_one_name_are_refused(app: App) -> None:
    @app.daemon
    async def counter() -> None: ...

    with pytest.raises(DefinitionError, match="daemon 'counter' is defined twice"):

        @app.daemon(name="counter")
        async def other() -> None: ...


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attempts": 0}, "attempts=0 must be a whole number, 1 or more"),
        ({"prefer": 3}, "must be the name of a replica"),
        ({"prefer": " near"}, "must be the name of a replica"),
        ({"prefer": "near", "singleton": False}, "leave one of the two out"),
        ({"attempts": 5, "singleton": False}, "leave one of the two out"),
    ],
)
def test_a_wrong_place_for_a_daemon_is_refused_with_what_to_write(
    app: App, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DefinitionError, match=AT_A_LINE) as refused:
        app.daemon(**options)
    assert said in str(refused.value)


def test_a_job_prefers_a_place_as_a_daemon_does(app: App) -> None:
    @app.job(every="1h", prefer="near")
    async def report() -> None: ...

    assert app.definitions.jobs[0].prefer == "near"
    with pytest.raises(DefinitionError, match="leave one of the two out"):
        app.job(every="1h", prefer="near", singleton=False)


def test_a_daemon_and_a_job_may_share_a_name(app: App) -> None:
    app.daemon(name="same")(lambda: None)
    app.job(every=1, name="same")(lambda: None)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "n" * 201, 7])
def test_a_name_is_readable_text(app: App, name: str) -> None:
    with pytest.raises(DefinitionError):
        app.queue(name)


def test_two_handlers_of_one_path_are_refused_only_for_the_same_method(app: App) -> None:
    app.get("/x")(lambda: "")
    app.post("/x")(lambda: "")
    app.websocket("/x")(lambda: None)
    with pytest.raises(DefinitionError, match="GET route '/x' is defined twice"):
        app.route("/x", methods=("get",))(lambda: "")


def test_a_wrong_schedule_is_refused_with_its_place(app: App) -> None:
    with pytest.raises(DefinitionError, match=rf"{re.escape(__file__)}:\d+: cron="):
        app.job(cron="every now and then")


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"concurrency": "3"},
        {"concurrency": True},
        {"attempts": 0},
        {"attempts": 2.5},
        {"visibility": "soon"},
        {"visibility": 0},
        {"visibility": None},
        {"backoff": -1},
        {"backoff": "soon"},
        {"backoff": "10m"},
        {"subscription": "durable"},
    ],
)
def test_a_listener_that_cannot_be_is_refused_with_its_place(
    app: App, options: dict[str, object]
) -> None:
    with pytest.raises(DefinitionError, match=AT_A_LINE):
        app.listener(app.queue("q"), **options)  # type: ignore[arg-type]


def test_durations_may_be_timedeltas(app: App) -> None:
    app.job(every=timedelta(seconds=20))(lambda: None)
    app.listener(app.queue("q"), visibility=timedelta(minutes=1))(lambda body: None)
    (job,), (listener,) = app.definitions.jobs, app.definitions.listeners
    assert (job.schedule.every, listener.visibility) == (20.0, 60.0)


@pytest.mark.parametrize("ttl", [0, "0s", "soon", -1])
def test_a_cache_whose_entries_never_live_is_refused_with_its_place(app: App, ttl: object) -> None:
    with pytest.raises(DefinitionError, match=AT_A_LINE + "ttl="):
        app.cache("c", ttl=ttl)  # type: ignore[arg-type]  # as users may write it


def test_a_listener_knows_the_queue_that_it_works_on(app: App) -> None:
    news = app.topic("news")
    app.listener(app.queue("q"))(lambda body: None)
    app.listener(news, subscription="mail")(lambda body: None)
    app.listener(news)(lambda body: None)
    assert [one.queue for one in app.definitions.listeners] == ["q", "news@mail", None]


def test_a_listener_of_anything_else_is_refused(app: App) -> None:
    with pytest.raises(DefinitionError, match=r"app\.queue"):
        app.listener("q")  # type: ignore[arg-type]


def test_a_path_begins_with_a_slash(app: App) -> None:
    with pytest.raises(DefinitionError, match="write '/count'"):
        app.get("count")


def test_two_durable_subscriptions_of_one_name_are_refused(app: App) -> None:
    news = app.topic("news")
    app.listener(news, subscription="mail")(lambda body: None)
    with pytest.raises(DefinitionError, match="defined twice"):
        app.listener(news, subscription="mail")


@pytest.mark.parametrize("idle", ["half an hour", 0, None])
def test_session_options_are_checked_at_once(idle: object) -> None:
    with pytest.raises(DefinitionError, match=AT_A_LINE + r"SessionOptions\.idle"):
        SessionOptions(idle=idle)  # type: ignore[arg-type]  # as users may write it


async def test_a_handle_used_while_nothing_runs_says_what_to_do(app: App) -> None:
    cache, queue, topic = app.cache("c"), app.queue("q"), app.topic("t")
    for use in (cache.get("k"), queue.send(1), topic.publish(1)):
        with pytest.raises(NotRunningError, match="immutant run"):
            await use


def loaded_by(code: str) -> set[str]:
    code = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_immutant_loads_nothing_that_it_does_not_use() -> None:
    assert not {"asyncio", "dataclasses", "immutant.app"} & loaded_by("import immutant")


def test_making_an_app_loads_no_framework_and_no_store() -> None:
    heavy = {"starlette", "uvicorn", "sqlite3", "httpx", "pydantic", "typer", "cronsim", "zoneinfo"}
    heavy |= {"opentelemetry", "immutant.telemetry"}
    assert not heavy & loaded_by("from immutant import App; App('demo')")


def test_every_public_name_is_there() -> None:
    for name in immutant.__all__:
        assert getattr(immutant, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        immutant.Nothing  # noqa: B018


@pytest.mark.parametrize(
    ("define", "said"),
    [
        (lambda app: app.job(lambda: None), 'write @app.job\\(every="20s"\\)'),
        (lambda app: app.listener(app.queue("q"))(lambda a, b, c: None), "body, message"),
        (lambda app: app.daemon(lambda a, b: None), r"as many of \(tenure\) as it takes"),
        (lambda app: app.job(every=1)(lambda a, b: None), r"as many of \(tick\) as it takes"),
    ],
)
def test_a_function_that_cannot_be_called_so_is_refused_where_it_is_defined(
    define: Callable[[App], object], said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        define(App("demo"))


@pytest.mark.parametrize(
    "options",
    [
        {"hard_deadline": True, "singleton": False},
        {"alive_within": "10s", "singleton": False},
        {"alive_within": "500ms"},
        {"alive_within": "often"},
    ],
)
def test_a_guard_that_cannot_be_is_refused_where_it_is_written(
    app: App, options: dict[str, Any]
) -> None:
    with pytest.raises(DefinitionError, match=AT_A_LINE):
        app.daemon(**options)(lambda tenure: None)


def test_a_job_of_every_replica_has_no_hard_deadline(app: App) -> None:
    with pytest.raises(DefinitionError, match="leave them out, or singleton=False"):
        app.job(every=1, hard_deadline=True, singleton=False)(lambda tick: None)
