"""The Kubernetes API as the operator uses it: JSON in, JSON out.

Belongs here: requests, paths, and errors as exceptions. Not here: what is asked for.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from urllib.parse import quote

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from immutant.contract import names
from immutant_operator.errors import OperatorError
from immutant_operator.objects import Json

__all__ = [
    "APP_KIND",
    "Api",
    "ApiError",
    "ConflictError",
    "NotFoundError",
    "Page",
    "connected",
    "plural",
]

APP_KIND: Final = (f"{names.GROUP}/{names.VERSION}", names.KIND)

_TIMEOUT: Final = 10.0
"""Seconds for one request."""

_PAGE: Final = 500
"""Objects of one answer: a page at a time is in memory, and keeps the event loop."""

_NAMES_ALONE: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for the metadata of objects without the rest."""

_PLURALS: Final = {
    names.KIND: names.PLURAL,
    "ConfigMap": "configmaps",
    "ControllerRevision": "controllerrevisions",
    "Deployment": "deployments",
    "Event": "events",
    "HTTPRoute": "httproutes",
    "Ingress": "ingresses",
    "Lease": "leases",
    "NetworkPolicy": "networkpolicies",
    "Node": "nodes",
    "Pod": "pods",
    "PodMonitor": "podmonitors",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets",
}


def plural(kind: str) -> str:
    """How a kind is called in paths."""
    return _PLURALS[kind]


class ApiError(OperatorError):
    """The API server answered with an error, or not at all (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotFoundError(ApiError):
    """There is no such object."""


class ConflictError(ApiError):
    """The object has changed since it was read, or exists already."""


class Page(NamedTuple):
    """A part of a list; the version is that of all of it."""

    items: list[Json]
    version: int


class Api:
    """Requests about objects, by API version, kind, namespace and name."""

    def __init__(self, connection: ApiClient) -> None:
        self._connection = connection

    async def get(self, version: str, kind: str, namespace: str, name: str) -> Json:
        """One object.

        Raises:
            NotFoundError: There is none.
        """
        return await self._ask("GET", _path(version, kind, namespace, name))

    async def find(self, version: str, kind: str, namespace: str, name: str) -> Json | None:
        """One object, or None."""
        try:
            return await self.get(version, kind, namespace, name)
        except NotFoundError:
            return None

    async def list(
        self, version: str, kind: str, namespace: str | None, labels: Mapping[str, str]
    ) -> list[Json]:
        """The objects with these labels, in a namespace or (None) in all."""
        selector = ",".join(f"{label}={value}" for label, value in labels.items())
        pages = self.pages(version, kind, namespace, selector)
        return [body async for page in pages for body in page.items]

    async def named(
        self, version: str, kind: str, namespace: str, labels: Mapping[str, str]
    ) -> set[str]:
        """The names of the objects with these labels; what is in them is not read."""
        selector = ",".join(f"{label}={value}" for label, value in labels.items())
        path = _path(version, kind, namespace)
        answer = await self._ask("GET", path, {"labelSelector": selector}, accept=_NAMES_ALONE)
        return {one["metadata"]["name"] for one in answer["items"] or ()}  # of none it is null

    async def pages(
        self, version: str, kind: str, namespace: str | None, selector: str
    ) -> AsyncIterator[Page]:
        """Those that a selector takes, page by page: all show what was there at one moment."""
        query = {"limit": str(_PAGE), "labelSelector": selector}
        while True:
            answer = await self._ask("GET", _path(version, kind, namespace), query)
            metadata = answer["metadata"]
            items = [{"apiVersion": version, "kind": kind, **one} for one in answer["items"]]
            yield Page(items, int(metadata["resourceVersion"]))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def apply(self, manifest: Json, manager: str, subresource: str = "") -> Json:
        """Apply an object on the server's side, taking over fields that others have set."""
        path = _own_path(manifest) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": manager, "force": "true"}
        return await self._ask("PATCH", path, query, manifest, "application/apply-patch+yaml")

    async def create(self, manifest: Json, *, dry_run: bool = False) -> Json:
        """Create an object.

        Args:
            manifest: The object.
            dry_run: Do everything but keep it.

        Raises:
            ConflictError: There is one of this name.
        """
        metadata = manifest["metadata"]
        path = _path(manifest["apiVersion"], manifest["kind"], metadata["namespace"])
        return await self._ask("POST", path, {"dryRun": "All"} if dry_run else None, manifest)

    async def replace(self, manifest: Json) -> Json:
        """Replace an object, if it still has the resourceVersion that the manifest names.

        Raises:
            ConflictError: It has changed.
        """
        return await self._ask("PUT", _own_path(manifest), body=manifest)

    async def delete(
        self, manifest: Json, *, unchanged: bool = False, at_once: bool = False
    ) -> None:
        """Delete this very object, if it is still there: one of the same name is left alone.

        Args:
            manifest: The object; its UID will do.
            unchanged: Leave it alone also where it has changed since it was read.
            at_once: Do not wait for the kubelet that should end it.
        """
        fields = ("uid", "resourceVersion") if unchanged else ("uid",)
        options: Json = {"preconditions": {one: manifest["metadata"][one] for one in fields}}
        if at_once:
            options["gracePeriodSeconds"] = 0
        try:
            await self._ask("DELETE", _own_path(manifest), body=options)
        except (NotFoundError, ConflictError):
            return

    async def serves(self, version: str, plural: str) -> bool:
        """Whether the API server knows a kind."""
        try:
            answer = await self._ask("GET", f"/apis/{version}")
        except NotFoundError:
            return False
        return any(one["name"] == plural for one in answer["resources"])

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        request = await self._connection.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": accept, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._connection.call_api(*request, _request_timeout=_TIMEOUT)
            response: aiohttp.ClientResponse = answer.response
            text = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(0, f"the API server does not answer: {error!r}") from error
        if 200 <= response.status <= 299:
            parsed: Json = json.loads(text)
            return parsed
        raise _failure(response.status, text)


def _failure(status: int, text: bytes) -> ApiError:
    try:
        message = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        message = text.decode(errors="replace")[:500] or f"status {status}"
    kinds = {404: NotFoundError, 409: ConflictError}
    return kinds.get(status, ApiError)(status, message)


def _own_path(manifest: Json) -> str:
    metadata = manifest["metadata"]
    return _path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])


def _path(version: str, kind: str, namespace: str | None, name: str = "") -> str:
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{quote(namespace)}" if namespace is not None else ""
    return f"{group}{within}/{_PLURALS[kind]}" + (f"/{quote(name)}" if name else "")


@asynccontextmanager
async def connected(kubeconfig: str | None) -> AsyncIterator[Api]:
    """The API by a kubeconfig's path, or (None) by the pod's service account."""
    configuration = Configuration()
    configuration.retries = None  # the queue repeats, with its own backoff
    if kubeconfig is None:
        config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            kubeconfig, client_configuration=configuration
        )
    async with ApiClient(configuration) as connection:
        connection.user_agent = "immutant-operator"
        yield Api(connection)
