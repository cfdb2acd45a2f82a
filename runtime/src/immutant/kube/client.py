"""Requests to the Kubernetes API: JSON in, JSON out, each bounded and never repeated.

Belongs here: sending, time limits, and what can be learnt from any answer. Not here: what is asked
(`leases`), and where the API is (`access`).

The objects stay plain JSON. The client library's models of all of Kubernetes would be loaded for
one kind of which the store reads a few fields.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from immutant._version import __version__
from immutant.clock import Clock
from immutant.errors import StoreError
from immutant.kube.calendar import Calendar

__all__ = ["Answer", "KubeClient", "Observer"]

Observer = Callable[[str, str, float], object]
"""Told of each request: its verb, the answer's code ("failed" without one), seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answered."""

    status: int
    body: Mapping[str, Any]

    @property
    def said(self) -> str:
        """The server's sentence on what went wrong."""
        return f"the API server answered {self.status}: {self.body.get('message', '')}"


def _ignore(_verb: str, _code: str, _seconds: float) -> None:
    pass


class KubeClient:
    """A connection to the API server.

    Attributes:
        calendar: The server's calendar, as far as its answers told it.
    """

    def __init__(
        self, configuration: Configuration, clock: Clock, observe: Observer = _ignore
    ) -> None:
        self.calendar = Calendar()
        self._client = ApiClient(configuration)
        # Its first part is the manager that `metadata.managedFields` names.
        self._client.user_agent = f"immutant-runtime/{__version__}"
        self._clock = clock
        self._observe = observe

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.rest_client.close()

    async def call(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        timeout: float,
    ) -> Answer:
        """Send one request.

        Args:
            verb: What is asked, in Kubernetes' word for it: get, list, create, update.
            path: The resource.
            query: The query.
            body: The object to be stored.
            timeout: Seconds for all of it.

        Raises:
            StoreError: No answer came in time, or none that is JSON.
        """
        limit = aiohttp.ClientTimeout(total=timeout)
        async with self._answered(verb, path, query, body, limit) as response:
            return Answer(response.status, _parsed(await response.read()))

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, opening: float, silence: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Open a watch: its lines are to be read from what this gives.

        Args:
            path: The resource.
            query: The query.
            opening: Seconds until the answer must have begun.
            silence: Seconds after which a connection without a byte is given up.

        Raises:
            StoreError: It cannot be opened, or breaks.
        """
        limit = aiohttp.ClientTimeout(total=None, sock_connect=opening, sock_read=silence)
        async with self._answered("watch", path, query, None, limit, opening) as response:
            if response.status != 200:
                raise StoreError(Answer(response.status, _parsed(await response.read())).said)
            yield response.content

    @asynccontextmanager
    async def _answered(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        limit: aiohttp.ClientTimeout,
        opening: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        sent, code = self._clock.now(), "failed"
        try:
            async with asyncio.timeout(opening):
                response = await self._send(verb, path, query, body, limit)
            code = str(response.status)
            self.calendar.learn(response.headers.get("Date", ""), sent, self._clock.now())
            async with response:
                if verb == "watch":  # it is answered once it has begun
                    self._observe(verb, code, self._clock.now() - sent)
                yield response
        except TimeoutError as error:
            raise StoreError(f"the API server did not answer to {verb} in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreError(f"the API server cannot be reached: {error}") from error
        finally:
            if verb != "watch" or code == "failed":
                self._observe(verb, code, self._clock.now() - sent)

    async def _send(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        limit: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        method = {"create": "POST", "update": "PUT"}.get(verb, "GET")
        request = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._client.call_api(*request, _request_timeout=limit)
        response: aiohttp.ClientResponse = answer.response
        return response


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise StoreError(f"the API server's answer is no JSON: {text[:80]!r}") from error
    if not isinstance(body, dict):
        raise StoreError(f"the API server's answer is no object: {text[:80]!r}")
    return body
