"""The web port.

Belongs here: taking it before anything starts, and the sentence when it cannot be had.
"""

import errno
import os
import socket

from immutant.errors import ConfigurationError

__all__ = ["listen", "url"]

_LAST_PORT = 65535


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigurationError: The address cannot be listened on; the text names the remedy.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ConfigurationError(_sentence(host, port, error)) from error


def url(listener: socket.socket) -> str:
    """The address of a listening socket, to be opened in a browser."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < _LAST_PORT else port - 1
        return (
            f"port {port} of {host} is taken by another program; "
            f"stop that one, or choose another port: --port {other}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is for privileged users; choose one above 1023: --port 8080"
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return f"cannot listen on {host} ({reason}); name an address of this machine: --host 127.0.0.1"
