from immutant.run.router.headers import (
    cookie_for,
    to_backend,
    to_client,
    upgrade,
    wanted_replica,
)

HOST = (b"host", b"shop.example")


def test_the_affinity_cookie_names_the_replica() -> None:
    headers = [HOST, (b"cookie", b"a=1; immutant_route=demo-1"), (b"cookie", b"b=2")]
    assert wanted_replica(headers) == "demo-1"
    assert wanted_replica([HOST, (b"cookie", b"a=1; not_immutant_route=demo-1")]) == ""


def test_the_application_never_sees_the_affinity_cookie() -> None:
    headers = [HOST, (b"cookie", b"a=1; immutant_route=demo-1; b=2")]
    assert dict(to_backend(headers, "127.0.0.1", b""))[b"cookie"] == b"a=1; b=2"
    only = [HOST, (b"cookie", b"immutant_route=demo-1")]
    assert b"cookie" not in dict(to_backend(only, "127.0.0.1", b""))


def test_the_application_learns_who_asked_and_where() -> None:
    forwarded = [HOST, (b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-proto", b"https")]
    sent = to_backend(forwarded, "127.0.0.1", b"")
    assert (b"x-forwarded-for", b"1.2.3.4, 127.0.0.1") in sent
    assert (b"x-forwarded-proto", b"http") in sent
    assert (b"x-forwarded-host", b"shop.example") in sent
    assert [name for name, _ in sent].count(b"x-forwarded-proto") == 1


def test_a_client_cannot_pass_for_a_health_check() -> None:
    sent = dict(to_backend([HOST, (b"x-immutant-check", b"1")], "127.0.0.1", b""))
    assert b"x-immutant-check" not in sent


def test_what_is_meant_for_the_next_hop_ends_there() -> None:
    headers = [HOST, (b"connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"te", b"trailers")]
    assert set(dict(to_backend(headers, "127.0.0.1", b""))).isdisjoint({b"x-hop", b"te"})
    assert to_client([(b"connection", b"close"), (b"x", b"1")]) == [(b"x", b"1")]


def test_a_length_that_chunks_override_is_not_passed_on() -> None:
    headers = [HOST, (b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    assert b"content-length" not in dict(to_backend(headers, "127.0.0.1", b""))


def test_a_switch_of_protocols_is_passed_on() -> None:
    headers = [HOST, (b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"websocket")]
    assert upgrade(headers) == b"websocket"
    sent = dict(to_backend(headers, "127.0.0.1", upgrade(headers)))
    assert (sent[b"connection"], sent[b"upgrade"]) == (b"upgrade", b"websocket")
    assert upgrade([HOST, (b"upgrade", b"websocket")]) == b""


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    assert cookie_for("demo-0") == b"immutant_route=demo-0; Path=/; HttpOnly; SameSite=Lax"
    assert to_client([], cookie_for("demo-0")) == [(b"set-cookie", cookie_for("demo-0"))]


def test_a_request_without_a_host_gets_one() -> None:
    assert dict(to_backend([], "127.0.0.1", b""))[b"host"] == b"localhost"
