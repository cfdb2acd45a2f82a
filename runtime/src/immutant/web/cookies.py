"""The session cookie.

Belongs here: signing an id and the cookie's flags.
"""

from hashlib import sha256
from http.cookies import SimpleCookie

from itsdangerous import BadSignature, Signer

from immutant.definitions import SessionOptions

__all__ = ["SessionCookie"]

_SALT = b"immutant.session"


class SessionCookie:
    """Reads and writes the signed id; a forged one is none."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """The cookie's name."""
        return self._options.cookie

    def read(self, value: str, secret: bytes) -> str | None:
        """The id, None when the signature is not ours."""
        try:
            return _signer(secret).unsign(value).decode()
        except (BadSignature, UnicodeError):
            return None

    def write(self, session: str, secret: bytes, is_secure: bool) -> str:
        """The header's value that gives the id to the client until its browser is closed."""
        return self._header(_signer(secret).sign(session).decode(), is_secure)

    def removal(self, is_secure: bool) -> str:
        """The header's value that takes the cookie from the client."""
        return self._header("", is_secure) + "; Max-Age=0"

    def _header(self, value: str, is_secure: bool) -> str:
        options = self._options
        cookie: SimpleCookie = SimpleCookie()
        cookie[options.cookie] = value
        morsel = cookie[options.cookie]
        morsel["path"] = options.path
        morsel["samesite"] = options.same_site
        morsel["httponly"] = options.http_only
        morsel["secure"] = is_secure if options.secure is None else options.secure
        if options.domain is not None:
            morsel["domain"] = options.domain
        return cookie.output(header="").strip()


def _signer(secret: bytes) -> Signer:
    return Signer(secret, salt=_SALT, digest_method=sha256)
