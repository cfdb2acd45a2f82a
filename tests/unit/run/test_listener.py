from contextlib import closing

import pytest

from immutant.errors import ConfigurationError
from immutant.run.listener import listen, url


def test_a_port_that_is_taken_is_named_with_another_one() -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} .*--port {port + 1}"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"--host 127\.0\.0\.1"):
        listen("192.0.2.1", 0)


def test_a_listener_tells_what_to_open() -> None:
    with closing(listen("0.0.0.0", 0)) as listener:
        assert url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
