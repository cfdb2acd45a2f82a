"""A replica leaves behind a real HAProxy, and nobody who asks notices."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from tests.integration.drain.harness import GRACE, SPEC, Replica, Setting, until
from tests.load import Client, Load
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

DELAY = SPEC.spec.web.shutdown_delay
LEAVES = 4


class Reader:
    """Asks for a page."""

    def visit(self, client: Client) -> None:
        assert client.ask("GET", "/") == "hello"


class Poster:
    """Posts more than fits into one packet, and gets it back."""

    def visit(self, client: Client) -> None:
        body = "x" * 20_000
        assert client.ask("POST", "/echo", body.encode()) == body


def test_no_request_fails_while_replicas_leave_and_come_back(setting: Setting) -> None:
    visitors = (Reader(), Reader(), Poster(), Poster())
    with Load(setting.router.address, visitors) as load:
        for number in range(LEAVES):
            replica = setting.replicas[number % 2]
            load.note(f"-- {replica.name} leaves")
            replica.stop()
            assert replica.ended() == 0
            load.note(f"-- {replica.name} has ended and comes back")
            setting.until_whole()
    load.assert_none_failed()


def test_a_stopped_replica_drains_and_its_process_waits_until_it_is_started(
    setting: Setting,
) -> None:
    replica = setting.replicas[0]
    assert replica.app
    pid = replica.app.process.pid
    with Load(setting.router.address, (Reader(), Poster())) as load:
        for _ in range(2):
            since = len(replica.log.lines)
            load.note("-- it is stopped")
            replica.mark.set()
            until(lambda: not _is_answered(replica), "it serves no more")
            setting.router.until_up("demo-1")
            assert replica.app.process.pid == pid
            assert replica.runs, "its process stays"
            load.note("-- it is started")
            replica.mark.clear()
            setting.until_whole()
            replica.log.wait_for("daemon", since=since)
    load.assert_none_failed()
    replica.mark.set()
    until(lambda: not _is_answered(replica), "it serves no more")
    replica.stop()
    assert replica.ended() == 0, "while it waits it ends at once"
    replica.mark.clear()


@pytest.mark.parametrize("moment", [0.0, 0.3, DELAY + 0.1, DELAY + 0.5])
def test_told_to_end_in_the_middle_of_a_stop_it_ends(setting: Setting, moment: float) -> None:
    replica = setting.replicas[0]
    replica.mark.set()
    time.sleep(moment)  # the fault's own moment
    replica.stop()
    assert replica.ended() == 0
    replica.mark.clear()


def _is_answered(replica: Replica) -> bool:
    try:
        with closing(Client(replica.address, keeps=False)) as client:
            client.ask("GET", "/")
    except AssertionError:
        return False
    return True


@contextmanager
def begun(replica: Replica, method: str, path: str) -> Iterator["Future[str]"]:
    """A request that has come to this replica, and its answer."""
    since = len(replica.log.lines)
    with ThreadPoolExecutor(1) as pool, closing(Client(replica.address, keeps=False)) as client:
        answer = pool.submit(client.ask, method, path, b"x" if method == "POST" else None)
        replica.log.wait_for("slow", since=since)
        yield answer


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_at_work_is_finished_long_after_the_router_has_noticed(
    setting: Setting, method: str
) -> None:
    replica = setting.replicas[0]
    with begun(replica, method, f"/slow?seconds={DELAY + 2}") as answer:
        replica.stop()
        assert answer.result() == "done"
    assert replica.ended() == 0


def test_a_request_longer_than_the_grace_does_not_keep_the_process(setting: Setting) -> None:
    replica = setting.replicas[0]
    with begun(replica, "GET", f"/slow?seconds={10 * GRACE}") as answer:
        began = time.monotonic()
        replica.stop()
        assert replica.ended() == 0
        assert time.monotonic() - began < GRACE + 2
        assert isinstance(answer.exception(), AssertionError)


def test_singletons_are_handed_over_at_once_and_a_handler_is_not_cut(setting: Setting) -> None:
    log = setting.log
    log.wait_for("daemon")
    holder = next(line.replica for line in reversed(log.said("daemon")) if "begun" in line.text)
    (replica,) = (one for one in setting.replicas if one.name == holder)
    since = len(log.lines)
    send_until_it_handles(setting, replica)
    told = time.monotonic()
    replica.stop()

    def taken_over() -> list[float]:
        return [one.at for one in log.said("daemon", since) if one.replica != holder]

    log.until(lambda: bool(taken_over()), "the other replica runs the daemon")
    took = taken_over()[0] - told
    assert took < min(1.0, DELAY)
    assert replica.ended() == 0
    words = [one.text for one in log.said("handler", since) if one.replica == holder]
    assert words[-1] == "handler done"
    assert "handler cut" not in words


def send_until_it_handles(setting: Setting, replica: Replica) -> None:
    """Consumers take turns: of a few messages, this replica gets one."""
    since = len(setting.log.lines)
    client = Client(setting.router.address, keeps=False)

    def handles() -> bool:
        handlers = setting.log.said("handler", since)
        return any(one.replica == replica.name and one.text == "handler begun" for one in handlers)

    for _ in setting.replicas:
        client.ask("GET", "/send")
    until(handles, f"{replica.name} handles a message")


def test_told_twice_it_takes_its_time_all_the_same(setting: Setting) -> None:
    replica = setting.replicas[0]
    began = time.monotonic()
    replica.stop()
    with Load(replica.address, [Reader()]) as load:
        until(lambda: load.answered() >= 5, "it serves on")
        replica.stop()
        answered = load.answered()
        until(lambda: load.answered() >= answered + 5, "it serves on")
    load.assert_none_failed()
    assert replica.ended() == 0
    assert time.monotonic() - began >= DELAY


def test_a_websocket_works_on_and_is_then_told_to_connect_anew(setting: Setting) -> None:
    replica = setting.replicas[0]
    url = f"ws://127.0.0.1:{setting.router.address.port}/talk"
    cookie = {"Cookie": f"IMMUTANT_ROUTE={route_to(setting, replica)}"}
    with connect(url, additional_headers=cookie) as socket:
        socket.send("before")
        assert socket.recv() == "before"
        began = time.monotonic()
        replica.stop()
        socket.send("after")
        assert socket.recv() == "after"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DELAY + 5)
        assert (socket.close_code, socket.close_reason) == (1012, "service restart")
        assert time.monotonic() - began >= DELAY
    with connect(url, additional_headers=cookie) as again:  # the other replica, by now
        again.send("hello")
        assert again.recv() == "hello"
    assert replica.ended() == 0


def route_to(setting: Setting, replica: Replica) -> str:
    """The cookie that leads to this replica; one that has come back gets few requests at first."""
    cookies: dict[str, str] = {}

    def came() -> bool:
        client = Client(setting.router.address, keeps=False)
        since = len(setting.log.lines)
        client.ask("GET", "/slow?seconds=0")
        (line,) = setting.log.wait_for("slow", since=since)
        cookies[line.replica] = client.cookies["IMMUTANT_ROUTE"]
        return replica.name in cookies

    until(came, f"a request comes to {replica.name}")
    return cookies[replica.name]


def test_server_sent_events_end_as_a_whole_response_between_two_events(setting: Setting) -> None:
    replica = setting.replicas[0]
    with closing(http.client.HTTPConnection("127.0.0.1", setting.router.address.port)) as client:
        cookie = f"IMMUTANT_ROUTE={route_to(setting, replica)}"
        client.request("GET", "/events", headers={"Cookie": cookie})
        answer = client.getresponse()
        assert answer.readline() == b"data: 0\n"
        replica.stop()
        rest = answer.read()  # raises where the last chunk is missing
    events = (b"data: 0\n" + rest).split(b"\n\n")
    assert events.pop() == b""
    assert events == [b"data: %d" % number for number in range(len(events))]
    assert replica.ended() == 0


def test_an_upload_that_is_answered_early_is_not_reset(setting: Setting) -> None:
    replica = setting.replicas[0]
    body = b"x" * 4_000_000
    with closing(Client(setting.router.address, keeps=False)) as client:
        client.cookies["IMMUTANT_ROUTE"] = route_to(setting, replica)
        assert client.ask("POST", "/refuse", body) == "too large"
        replica.stop()
        for _ in range(5):
            assert client.ask("POST", "/refuse", body) == "too large"
    assert replica.ended() == 0


def test_a_client_that_keeps_its_connection_is_told_to_leave_before_it_is_closed(
    setting: Setting,
) -> None:
    replica = setting.replicas[0]
    with closing(http.client.HTTPConnection("127.0.0.1", replica.port)) as client:
        assert connection_of(client) is None
        replica.stop()
        until(lambda: connection_of(client) == "close", "an answer says so")
    assert replica.ended() == 0


def connection_of(client: http.client.HTTPConnection) -> str | None:
    """What the header Connection of an answer says."""
    client.request("GET", "/")
    with client.getresponse() as answer:
        assert answer.read() == b"hello"
        return answer.getheader("connection")
