"""The router's configuration, haproxy.cfg.

Belongs here: the text, as a function of the app. Not here: the objects that carry it (`router`).
"""

import math
from typing import Final

from immutant.contract import names
from immutant_operator.spec import App

__all__ = ["haproxy_configuration"]

_SLOTS: Final = 10
"""Servers are made in steps of this many, so that few scale moves change the configuration."""

_TEMPLATE: Final = """\
global
    log stdout format raw local0 notice
    maxconn 4000
    # Of connections that do not end by themselves; requests at work end before.
    hard-stop-after {grace}s

defaults
    mode http
    log global
    option redispatch 1
    option forwardfor if-none
    retries 3
    retry-on conn-failure
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout queue 10s
    timeout http-request 10s
    # Longer than the proxies in front keep a connection for their next request: were this one the
    # first to close, a request that is on its way would be lost.
    timeout http-keep-alive 61m
    # A router that stops tells those connections so with their next answer, for the same reason.
    option idle-close-on-response
    timeout check 2s
    timeout tunnel 1h
    timeout client-fin 30s

# The pods that are ready come and go in the DNS; answers are asked for anew every second.
resolvers cluster
    parse-resolv-conf
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 1s
    hold obsolete 0s
    hold nx 3s
    # A DNS that does not answer says nothing about the pods: the checks do.
    hold timeout 24h
    hold refused 24h
    hold other 24h

frontend web
    bind :{port}
    http-request del-header {check}
    http-request set-header X-Forwarded-Proto http unless {{ req.hdr(X-Forwarded-Proto) -m found }}
    # The cluster's DNS may answer for 30 s with what it knew, and not name a pod that has come
    # since. A router that knows no other asks the Service, whose address leads to pods that are
    # ready. (HAProxy that stops counts no servers, and knows them still.)
    use_backend ready if {{ nbsrv(app) eq 0 }} !{{ stopping }}
    default_backend app

backend app
    balance roundrobin
    option httpchk
    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {host} hdr {check} router
    http-check expect status 200-399
    dynamic-cookie-key {key}
    cookie {cookie} insert indirect nocache httponly dynamic
    default-server check inter {period}ms fastinter {fast}ms fall 2 rise 1 slowstart 5s
    # A connection for each request. One that waits for its next request is half dead once its pod
    # or node is: the request on it would be lost, where a connect is tried again elsewhere.
    default-server pool-max-conn 0
    default-server resolvers cluster resolve-prefer ipv4 init-addr none
    server-template pod 1-{slots} {servers}:{app_port}

backend ready
    option httpchk
    # Answered by the process: the application's page hears of one check a period, not of two.
    http-check send meth GET uri / ver HTTP/1.1 hdr Host {host} hdr {check} {ready_check}
    http-check expect status 200
    # Each check may meet another pod, also one that leaves while kube-proxy does not know it yet.
    default-server check inter {period}ms fastinter {fast}ms fall 5 rise 1
    default-server pool-max-conn 0
    default-server resolvers cluster resolve-prefer ipv4 init-addr libc,none
    server ready {ready}:{app_port}
    # Pods that are too busy for any check may still answer requests, late: Kubernetes decides.
    server unchecked {ready}:{app_port} backup no-check

frontend status
    bind :{status_port}
    option dontlog-normal
    monitor-uri /healthz
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /haproxy-status
    stats refresh 5s
    stats hide-version
"""


def haproxy_configuration(app: App, domain: str) -> str:
    """The configuration: checks, round robin, a cookie that keeps a browser on its pod.

    The cookie's value is derived from a pod's address and the app's UID: all routers of the app
    agree on it without talking to each other.
    """
    web = app.spec.web
    return _TEMPLATE.format(
        grace=app.spec.termination_grace_period_seconds,
        port=names.ROUTER_PORT,
        check=names.CHECK_HEADER,
        ready_check=names.READY_CHECK,
        path=web.health.path,
        host=web.names[0] if web.names else app.name,
        key=app.uid,
        cookie=names.ROUTE_COOKIE,
        period=round(web.health.period * 1000),
        fast=round(web.health.fast_period * 1000),
        slots=_SLOTS * max(1, math.ceil((app.spec.replicas + 1) / _SLOTS)),
        servers=f"{names.web_service(app.name)}.{app.namespace}.svc.{domain}",
        ready=f"{names.ready_service(app.name)}.{app.namespace}.svc.{domain}",
        app_port=names.APP_PORT,
        status_port=names.ROUTER_STATUS_PORT,
    )
