"""What an account may do, and what of that it does.

Belongs here: asking the API server for rules, and reading its audit log. Not here: which rights are
right.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import kubectl

__all__ = ["Right", "audited", "granted", "listed", "used"]


class Right(NamedTuple):
    """One verb on one kind of objects; `name` is "" where it is not for one object alone."""

    resource: str
    verb: str
    name: str = ""


def granted(server: ApiServer, account: str, namespace: str) -> set[Right]:
    """What an account may do in a namespace, beyond what every account may."""
    return {right for line in listed(server, account, namespace) for right in _rights(line)}


def listed(server: ApiServer, account: str, namespace: str) -> list[str]:
    """The lines of `kubectl auth can-i --list`, beyond those of every account."""
    everybody = _lines(server, f"system:serviceaccount:{namespace}:nobody", namespace)
    return [one for one in _lines(server, account, namespace) if one not in everybody]


def _lines(server: ApiServer, account: str, namespace: str) -> list[str]:
    groups = ("system:authenticated", "system:serviceaccounts")
    said = kubectl(
        *(server, "auth", "can-i", "--list", "--namespace", namespace, "--as", account),
        *(f"--as-group={group}" for group in groups),
    )
    return sorted(" ".join(line.split()) for line in said.splitlines()[1:])


def _rights(line: str) -> Iterator[Right]:
    """The rights of a line: RESOURCE [URLS] [NAMES] [VERBS]."""
    found = re.fullmatch(r"(\S+) \[\] \[(.*)\] \[(.*)\]", line)
    assert found, f"a rule that names no kind: {line}"
    for verb in found[3].split():
        yield from (Right(found[1], verb, name) for name in found[2].split() or [""])


def audited(folder: Path) -> tuple[str, ...]:
    """The options by which an API server writes down all requests, in this folder."""
    policy: dict[str, Any] = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy"}
    policy["rules"] = [{"level": "Metadata"}]
    path = folder / "audit.yaml"
    path.write_text(yaml.safe_dump(policy))
    return (
        f"--audit-policy-file={path}",
        f"--audit-log-path={_log(folder)}",
        "--audit-log-mode=blocking",
    )


def _log(folder: Path) -> Path:
    return folder / "audit.log"


def used(folder: Path, account: str) -> set[Right]:
    """What an account has done that it needed a right for, by the names of `kubectl auth can-i`."""
    found = set()
    for line in _log(folder).read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef") or {}
        if event["user"]["username"] != account or "resource" not in about:
            continue
        group = f".{about['apiGroup']}" if about.get("apiGroup") else ""
        part = f"/{about['subresource']}" if about.get("subresource") else ""
        resource = f"{about['resource']}{group}{part}"
        found.add(Right(resource, event["verb"]))
        if event["verb"] == "patch" and (event.get("responseStatus") or {}).get("code") == 201:
            found.add(Right(resource, "create"))  # an apply that creates needs both
    return found
