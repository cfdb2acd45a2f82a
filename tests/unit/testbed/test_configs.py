"""The cluster's configuration files, and the archives of small images."""

import csv
import hashlib
import json
import tarfile
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path

from tests.e2e.testbed import configs
from tests.e2e.testbed.archives import write_archive
from tests.e2e.testbed.layout import (
    CLUSTER_DNS,
    CONTROL_PLANE,
    COREDNS,
    NODES,
    POD_NETWORK,
    SERVICE_NETWORK,
)


def test_every_user_has_a_token_that_its_kubeconfig_shows() -> None:
    rows = {row[0]: row for row in csv.reader(configs.tokens().splitlines())}
    for user, (name, groups) in configs.USERS.items():
        token = configs.kubeconfig(user, Path("/ca"))["users"][0]["user"]["token"]
        assert rows[token][1:] == [name, user, groups]


def test_addresses_lie_in_their_networks_and_apart() -> None:
    networks = [IPv4Network(node.pods) for node in NODES]
    assert all(network.subnet_of(IPv4Network(POD_NETWORK)) for network in networks)
    assert len({node.address for node in NODES} | {CONTROL_PLANE, COREDNS}) == len(NODES) + 2
    assert ip_address(CLUSTER_DNS) in ip_network(SERVICE_NETWORK)
    assert not ip_network(POD_NETWORK).overlaps(ip_network(SERVICE_NETWORK))


def test_names_of_cables_are_short_enough_for_the_kernel() -> None:
    assert all(len(node.port) <= 15 for node in NODES)


def test_each_node_is_in_a_zone_of_its_own() -> None:
    assert [node.zone for node in NODES] == ["a", "b", "c"]


def test_the_name_service_has_the_stock_times() -> None:
    text = configs.corefile(Path("/admin"))
    assert "ttl 30" in text
    assert "disable success cluster.local" in text
    assert "disable denial cluster.local" in text


def test_pods_look_names_up_where_the_service_is() -> None:
    kubelet = configs.kubelet(NODES[0], Path("/ca"), Path("/resolv"))
    service, slice_, _ = configs.cluster_objects()
    assert kubelet["clusterDNS"] == [service["spec"]["clusterIP"]]
    assert slice_["endpoints"][0]["addresses"] == [COREDNS]


def test_kubelets_let_nobody_in_unasked() -> None:
    kubelet = configs.kubelet(NODES[0], Path("/ca"), Path("/resolv"))
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}


def test_an_archive_names_its_layer_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("a program")
    archive = tmp_path / "image.tar"
    write_archive(archive, "localhost/tool:1", {"bin/tool": tmp_path / "tool"}, ["/bin/tool"])
    with tarfile.open(archive) as tar:
        parts = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    config = json.loads(parts["config.json"])
    digest = hashlib.sha256(parts["layer.tar"]).hexdigest()
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    assert json.loads(parts["manifest.json"])[0]["RepoTags"] == ["localhost/tool:1"]


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("a program")
    archives = [tmp_path / "one.tar", tmp_path / "two.tar"]
    for archive in archives:
        write_archive(archive, "tool:1", {"tool": tmp_path / "tool"}, ["/tool"])
    assert archives[0].read_bytes() == archives[1].read_bytes()
