"""Which header lines pass the router, and which it adds. Pure.

Rules for hop-by-hop fields: RFC 9110, section 7.6.1.
"""

from collections.abc import Sequence

from immutant.health import CHECK_HEADER

__all__ = [
    "COOKIE",
    "Headers",
    "cookie_for",
    "to_backend",
    "to_client",
    "upgrade",
    "wanted_replica",
]

Headers = Sequence[tuple[bytes, bytes]]

COOKIE = "immutant_route"
"""The affinity cookie; it names the replica."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
    }
)
_SET_BY_ROUTER = frozenset(
    (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for", CHECK_HEADER.encode())
)


def wanted_replica(headers: Headers) -> str:
    """The replica that the affinity cookie names, "" without one."""
    prefix = f"{COOKIE}=".encode()
    for part in _cookies(headers):
        if part.startswith(prefix):
            return part.removeprefix(prefix).decode("latin-1")
    return ""


def upgrade(headers: Headers) -> bytes:
    """The protocol to which the client wants to switch, b"" for none."""
    return _value(headers, b"upgrade") if b"upgrade" in _connection_options(headers) else b""


def to_backend(headers: Headers, client: str, protocol: bytes) -> list[tuple[bytes, bytes]]:
    """The request's header for the replica.

    Args:
        headers: As the client sent them.
        client: The client's address.
        protocol: The protocol to which the client wants to switch; b"": none.
    """
    host = _value(headers, b"host") or b"localhost"  # HTTP/1.0 may leave it out
    kept = [(b"host", host), *_end_to_end(headers, _SET_BY_ROUTER | {b"host", b"cookie"})]
    cookies = [part for part in _cookies(headers) if not part.startswith(f"{COOKIE}=".encode())]
    if cookies:
        kept.append((b"cookie", b"; ".join(cookies)))
    kept += [
        (b"x-forwarded-for", _append(_value(headers, b"x-forwarded-for"), client.encode())),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-host", host),
        (b"connection", b"upgrade" if protocol else b"close"),
    ]
    return [*kept, (b"upgrade", protocol)] if protocol else kept


def to_client(headers: Headers, cookie: bytes = b"") -> list[tuple[bytes, bytes]]:
    """The response's header for the client, with the affinity cookie when it changes."""
    kept = _end_to_end(headers, frozenset())
    return [*kept, (b"set-cookie", cookie)] if cookie else kept


def cookie_for(replica: str) -> bytes:
    """The Set-Cookie value that binds a browser to the replica."""
    return f"{COOKIE}={replica}; Path=/; HttpOnly; SameSite=Lax".encode()


def _end_to_end(headers: Headers, without: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    dropped = _HOP_BY_HOP | _connection_options(headers) | without
    if _value(headers, b"transfer-encoding"):  # it overrides the length; never pass on both
        dropped |= {b"content-length"}
    return [(name, content) for name, content in headers if name not in dropped]


def _connection_options(headers: Headers) -> set[bytes]:
    return {part.strip().lower() for part in _value(headers, b"connection").split(b",")}


def _value(headers: Headers, name: bytes) -> bytes:
    """The field's lines joined by commas; b"" without one."""
    return b", ".join(content for field, content in headers if field == name)


def _cookies(headers: Headers) -> list[bytes]:
    lines = [content for name, content in headers if name == b"cookie"]
    return [part.strip() for line in lines for part in line.split(b";") if part.strip()]


def _append(former: bytes, client: bytes) -> bytes:
    return former + b", " + client if former else client
