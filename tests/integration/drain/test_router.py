"""Routers that go, that come, and that do not know anybody yet."""

import http.client
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.integration.drain.harness import Router, Setting, until
from tests.load import Client, Load

from immutant.contract.names import CHECK_HEADER


def test_a_router_that_stops_finishes_what_is_at_work_and_cuts_no_kept_connection(
    setting: Setting,
) -> None:
    router = setting.new_router()
    router.until_up(*(one.name for one in setting.replicas))
    since = len(setting.log.lines)
    with (
        closing(http.client.HTTPConnection("127.0.0.1", router.port)) as slow,
        closing(http.client.HTTPConnection("127.0.0.1", router.port)) as idle,
    ):
        idle.request("GET", "/")
        assert idle.getresponse().read() == b"hello"
        slow.request("POST", "/slow?seconds=2", b"x")
        setting.log.wait_for("slow", since=since)
        until(lambda: stops(router), "it takes no new connection")
        idle.request("POST", "/echo", b"still here")
        answer = idle.getresponse()
        assert (answer.read(), answer.getheader("connection")) == (b"still here", "close")
        assert slow.getresponse().read() == b"done"
    assert router.process.ended() == 0


def stops(router: Router) -> bool:
    """Tell it to, and again: in its first moments HAProxy's master process hears no signal."""
    router.process.signal(signal.SIGUSR1)
    with closing(http.client.HTTPConnection("127.0.0.1", router.port)) as client:
        try:
            client.connect()
        except ConnectionRefusedError:
            return True
        return False


def test_routers_agree_on_where_a_cookie_leads(setting: Setting) -> None:
    another = setting.new_router()
    another.until_up(*(one.name for one in setting.replicas))
    routes = set()
    for _ in range(6):
        client = Client(setting.router.address, keeps=False)
        first = who_answers(setting, client)
        client.ask("GET", "/")
        routes.add(first)
        other = Client(another.address, keeps=False)
        other.cookies = dict(client.cookies)
        assert who_answers(setting, other) == first
        assert other.cookies == client.cookies
    assert routes == {"demo-0", "demo-1"}


def who_answers(setting: Setting, client: Client) -> str:
    since = len(setting.log.lines)
    client.ask("GET", "/slow?seconds=0")
    (line,) = setting.log.wait_for("slow", since=since)
    return line.replica


def test_a_router_that_knows_no_pod_asks_the_service(setting: Setting) -> None:
    unknown, known = setting.replicas
    known.stop()
    assert known.ended() == 0
    router = setting.new_router(ready=unknown.port, servers=[known.port])
    until(lambda: router.states().get("demo-0", "").startswith("DOWN"), "it knows nobody")
    with Load(router.address, [Page()]) as load:
        until(lambda: load.answered() >= 20, "it is served")
        known.start()
        router.until_up("demo-0")
        answered = load.answered()
        until(lambda: load.answered() >= answered + 20, "it is served by who is known")
    load.assert_none_failed()


def test_pods_that_answer_requests_but_no_check_are_asked_all_the_same(setting: Setting) -> None:
    with busy() as port:
        router = setting.new_router(servers=[port], ready=port)
        until(lambda: {"demo-0", "ready"} <= down(router), "its checks are not answered")
        assert Client(router.address, keeps=False).ask("GET", "/") == "hello"


def down(router: Router) -> set[str]:
    return {name for name, state in router.states().items() if state.startswith("DOWN")}


@contextmanager
def busy() -> Iterator[int]:
    """A server on this port that answers everybody but the routers' checks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if CHECK_HEADER in self.headers:
                self.rfile.read()  # until the check is given up
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Page:
    def visit(self, client: Client) -> None:
        assert client.ask("GET", "/") == "hello"
