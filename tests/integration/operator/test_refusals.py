"""What a user gets wrong is refused by the API server itself, with a sentence on what to write."""

import json
import random
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import kubectl

from immutant.contract.timings import Timings
from immutant.errors import ConfigurationError
from immutant_operator.api import Api, ApiError
from immutant_operator.spec import parse

APPS = "/apis/immutant.org/v1alpha1/namespaces/default/immutantapps"

GIT = {"url": "https://a.org/b.git"}
KEY = {"name": "key"}


def app(spec: Any, name: str = "demo") -> dict[str, Any]:
    kind = {"apiVersion": "immutant.org/v1alpha1", "kind": "ImmutantApp"}
    return {**kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"replicas": "two"}, 'spec.replicas: Invalid value: "string"'),
        ({"replicas": -1}, "should be greater than or equal to 0"),
        ({"replica": 2}, 'unknown field "spec.replica"'),
        ({"web": {"router": {"replcas": 2}}}, 'unknown field "spec.web.router.replcas"'),
        ({"source": {}}, "write exactly one of them"),
        ({"source": {"configMap": {"name": "a"}, "git": GIT}}, "write exactly one of them"),
        ({"source": {"archive": {"configMaps": [], "sha256": "0" * 64}}}, "configMaps"),
        ({"source": {"archive": {"configMaps": ["a"] * 17, "sha256": "0" * 64}}}, "at most 16"),
        ({"source": {"archive": {"configMaps": ["a"], "sha256": "abc"}}}, "archive.sha256"),
        ({"source": {"git": {"url": "file:///etc"}}}, "spec.source.git.url"),
        ({"source": {"git": {**GIT, "url": "https://a:b@c.org/d"}}}, "put it into a Secret"),
        ({"source": {"git": {"url": "http://a.org/b", "secret": KEY}}}, "write https://"),
        ({"source": {"git": {"url": "git@a.org:b.git"}}}, "over ssh a key is needed"),
        ({"source": {"git": {"url": "ssh://git@a.org/b.git"}}}, "over ssh a key is needed"),
        ({"source": {"git": {**GIT, "path": "a/../../b"}}}, "without . and .."),
        ({"source": {"git": {**GIT, "path": "/etc"}}}, "spec.source.git.path"),
        ({"source": {"git": {**GIT, "revision": "-x"}}}, "spec.source.git.revision"),
        ({"source": {"git": {**GIT, "period": "1s"}}}, "period must be at least 10s"),
        (
            {"source": {"configMap": {"name": "a"}}, "image": "b"},
            "source and image exclude each other",
        ),
        ({"singletons": {"renewDeadline": "3.9s"}}, "raise leaseDuration or lower renewDeadline"),
        ({"singletons": {"renewPeriod": "2s"}}, "raise renewDeadline or lower renewPeriod"),
        ({"singletons": {"renewPeriod": "0s"}}, "must be above zero"),
        ({"singletons": {"leaseDuration": "4 seconds"}}, "spec.singletons.leaseDuration"),
        ({"cache": {"owners": 5}}, "should be less than or equal to 4"),
        ({"cache": {"memory": "1Mi"}}, "memory must be at least 64Mi"),
        ({"env": [{"name": "IMMUTANT_GRID", "value": "x"}]}, "choose another name"),
        ({"env": [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}]}, "Duplicate value"),
        ({"web": {"host": "Demo.Example.org"}}, "spec.web.host"),
        ({"web": {"health": {"path": '/ "'}}}, "spec.web.health.path"),
        ({"entrypoint": "app.py; rm"}, "spec.entrypoint"),
        ({"web": {"tls": {"secretName": "a"}}}, "tls is for the app's hosts"),
        ({"web": {"host": "a.org", "tls": {}}}, "tls needs a certificate"),
        (
            {"web": {"host": "a.org", "tls": {"issuer": "a", "clusterIssuer": "b"}}},
            "issuer and clusterIssuer exclude each other",
        ),
        ({"web": {"host": "a.org", "gateway": {"parentRefs": []}}}, "spec.web.gateway.parentRefs"),
        ({"web": {"gateway": {"parentRefs": [{"name": "a"}]}}}, "gateway is for the app's hosts"),
        ({"web": {"hosts": ["a.org", "a.org"]}}, "Duplicate value"),
        ({"terminationGracePeriodSeconds": 6}, "health.period is too long"),
        ({"web": {"health": {"period": "18s"}}}, "lower the one or raise the other"),
    ],
)
def test_a_wrong_spec_is_refused_at_kubectl_apply(
    server: ApiServer, spec: Any, sentence: str
) -> None:
    assert sentence in kubectl(server, "apply", "-f", "-", stdin=json.dumps(app(spec)), check=False)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a" * 41, "must be at most 40 characters"),
        ("my.app", "without dots"),
        ("1st", "must begin with a letter"),
        ("demo-web", "choose another ending"),
        ("demo-ready", "choose another ending"),
    ],
)
def test_a_name_that_cannot_be_is_refused_at_kubectl_apply(
    server: ApiServer, name: str, sentence: str
) -> None:
    said = kubectl(server, "apply", "-f", "-", stdin=json.dumps(app({}, name)), check=False)
    assert sentence in said


async def test_the_api_server_and_the_sidecar_agree_on_which_timings_fit(api: Api) -> None:
    chance = random.Random(5)
    verdicts = []
    for number in range(60):
        lease = round(chance.choice([chance.uniform(0.3, 3), chance.uniform(3, 30)]), 3)
        deadline = round(lease * chance.uniform(0.4, 0.8), 3)
        period = round(deadline * chance.uniform(0.1, 0.8), 3)
        spec = {
            "leaseDuration": f"{lease}s",
            "renewDeadline": f"{round(deadline * 1000)}ms",
            "renewPeriod": f"{period}s",
        }
        accepted = await accepts(api, app({"singletons": spec}, f"timed-{number}"))
        assert accepted == fits(lease, deadline, period), spec
        verdicts.append(accepted)
    assert 10 < sum(verdicts) < 50


def fits(lease: float, deadline: float, period: float) -> bool:
    try:
        Timings.fitting(lease, deadline, period)
    except ConfigurationError:
        return False
    return True


async def accepts(api: Api, body: dict[str, Any]) -> bool:
    try:
        await api.create(body)
    except ApiError as error:
        if error.status == 422:
            return False
        raise
    return True


async def test_what_the_api_server_accepts_leaves_a_pod_a_second_after_its_shutdown_delay(
    api: Api,
) -> None:
    chance = random.Random(7)
    verdicts = []
    for number in range(40):
        spec = {
            "terminationGracePeriodSeconds": chance.choice([6, 7, 8, 15, 29, 30, 31, 90]),
            "web": {
                "health": {"period": f"{chance.randint(1, 250) * 100}ms"},
                "router": {"enabled": chance.random() < 0.8},
            },
        }
        body = app(spec, f"noticed-{number}")
        accepted = await accepts(api, body)
        wanted = parse({**body, "metadata": {**body["metadata"], "uid": "1"}}).spec
        fits = wanted.web.shutdown_delay + 1 <= wanted.app_grace
        assert accepted == (fits or not wanted.web.router.enabled), spec
        verdicts.append(accepted)
    assert 10 < sum(verdicts) < 35
