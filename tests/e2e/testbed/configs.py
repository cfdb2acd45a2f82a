"""The configuration files of the cluster's programs, as data.

Belongs here: pure functions that return what a file says. Not here: writing them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.testbed.layout import (
    CLUSTER_DNS,
    CONTROL_PLANE,
    COREDNS,
    NODES,
    POD_NETWORK,
    Node,
)

__all__ = [
    "PAUSE_IMAGE",
    "USERS",
    "cluster_objects",
    "cni",
    "containerd",
    "corefile",
    "kube_proxy",
    "kubeconfig",
    "kubelet",
    "tokens",
]

PAUSE_IMAGE = "localhost/pause:1"

USERS: Mapping[str, tuple[str, str]] = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    **{node.name: (f"system:node:{node.name}", "system:nodes") for node in NODES},
}
"""Whom the API server knows by a token: name and groups."""


def tokens() -> str:
    """The API server's token file. Nobody outside the testbed's network can use the tokens."""
    rows = (f'{user}-token,{name},{user},"{groups}"' for user, (name, groups) in USERS.items())
    return "\n".join(rows) + "\n"


def kubeconfig(user: str, authority: Path) -> dict[str, Any]:
    """How a user reaches the API server."""
    cluster = {"server": f"https://{CONTROL_PLANE}:6443", "certificate-authority": str(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testbed",
        "clusters": [{"name": "testbed", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": f"{user}-token"}}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user}}],
    }


def corefile(admin: Path) -> str:
    """What kubeadm 1.35 ships, less `forward`: there is nothing to forward to.

    Source: CoreDNSConfigMap in cmd/kubeadm/app/phases/addons/dns/manifests.go. The addresses and
    the kubeconfig stand here because CoreDNS runs beside the API server, not in a pod.
    """
    return f"""\
.:53 {{
    bind {COREDNS}
    errors
    health {COREDNS}:8080 {{
       lameduck 5s
    }}
    ready {COREDNS}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
       kubeconfig {admin}
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
    prometheus {COREDNS}:9153
    cache 30 {{
       disable success cluster.local
       disable denial cluster.local
    }}
    loop
    reload
    loadbalance
}}
"""


def containerd(node: Node) -> str:
    """containerd's settings. Its sockets lie in the node's own /run.

    restrict_oom_score_adj: a process without CAP_SYS_RESOURCE may not lower its own, and runc would
    give up.
    """
    return f"""\
version = 2
root = "{node.folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{PAUSE_IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{node.folder}/cni"
"""


def cni(node: Node) -> dict[str, Any]:
    """The pods' network: each a cable to the node, which routes all of its packets.

    A bridge would pass packets between pods of one node by, where no policy sees them.
    """
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": node.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": addresses}],
    }


def kubelet(node: Node, client_authority: Path, resolver: Path) -> dict[str, Any]:
    """kubelet's settings: defaults but for what the testbed is."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(client_authority)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "podLogsDir": f"{node.folder}/logs",
        "resolvConf": str(resolver),
        "clusterDNS": [CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "nodeStatusUpdateFrequency": "4s",
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
    }


def kube_proxy(node_name: str, credentials: Path) -> dict[str, Any]:
    """kube-proxy's settings; zeros leave the machine's connection tracking as it is."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(credentials)},
        "hostnameOverride": node_name,
        "clusterCIDR": POD_NETWORK,
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def cluster_objects() -> list[dict[str, Any]]:
    """What the cluster holds from the start: its DNS service, and the ingress class."""
    label = {"kubernetes.io/service-name": "kube-dns"}
    kube_dns = {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": kube_dns,
            "spec": {"clusterIP": CLUSTER_DNS, "ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "kube-dns-1", "namespace": "kube-system", "labels": label},
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": [COREDNS], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "traefik"},
            "spec": {"controller": "traefik.io/ingress-controller"},
        },
    ]
