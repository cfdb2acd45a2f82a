"""A real API server with its etcd on loopback, and nothing else of a cluster.

Belongs here: starting, stopping, users. No root is needed, but Linux: both processes end with this
one.
"""

import ctypes
import json
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.testbed import metering, programs
from tests.machine import API_SERVER, need
from tests.processes import free_port

PATIENCE = 60.0
ADMIN = "admin-token"
NAMESPACE = "apps"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ApiServer:
    """One API server; what it stores survives `stop` and `start`."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Prepare one.

        Args:
            folder: Where it stores everything.
            options: Further options of kube-apiserver.
        """
        self.folder = folder
        self._options = options
        self.url = f"https://127.0.0.1:{free_port()}"
        self._etcd = f"http://127.0.0.1:{free_port()}"
        self._peers = f"http://127.0.0.1:{free_port()}"
        self._program = _program()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._tokens = folder / "tokens.csv"
        self._tokens.write_text(
            f"{ADMIN},admin,admin,system:masters\n"
            "demo-token,system:serviceaccount:apps:immutant-app-demo,demo,"
            '"system:serviceaccounts,system:authenticated"\n'
        )

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def start(self) -> None:
        """Start what does not run, and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start what does not run. It ends with the thread that calls this."""
        if "etcd" not in self._running:
            self._spawn(
                *("etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync"),
                *("--listen-client-urls", self._etcd, "--advertise-client-urls", self._etcd),
                *("--listen-peer-urls", self._peers, "--log-level", "error"),
            )
        key = self.folder / "account.key"
        if not key.exists():
            subprocess.run(
                ["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True
            )
            made = ["openssl", *map(str, metering.front_proxy(self.folder))]
            subprocess.run(made, check=True, capture_output=True)
        self._spawn(
            *(self._program, f"--etcd-servers={self._etcd}", "--cert-dir", self.folder / "pki"),
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}"),
            *("--service-cluster-ip-range=10.202.0.0/16", "--token-auth-file", self._tokens),
            *("--service-account-issuer=https://kubernetes.default.svc",),
            *("--service-account-signing-key-file", key, "--service-account-key-file", key),
            "--authorization-mode=RBAC",
            *metering.api_server(self.folder),
            *self._options,
        )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert time.monotonic() < deadline, self.log("kube-apiserver")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the API server at once; etcd goes on."""
        self._end("kube-apiserver")

    def close(self) -> None:
        for name in list(self._running):
            self._end(name)

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open, nothing is answered."""
        self._running["kube-apiserver"].send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running["kube-apiserver"].send_signal(signal.SIGCONT)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def kubeconfig(self, token: str = ADMIN, port: int | None = None) -> Path:
        """Access for whoever has this token, by way of another port of loopback if one is given."""
        path = self.folder / (
            f"{token}.kubeconfig" if port is None else f"{token}-{port}.kubeconfig"
        )
        ca = str(self.folder / "pki" / "apiserver.crt")
        url = self.url if port is None else f"https://127.0.0.1:{port}"
        cluster = {"server": url, "certificate-authority": ca}
        context = {"cluster": "one", "user": "one", "namespace": NAMESPACE}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "one",
            "clusters": [{"name": "one", "cluster": cluster}],
            "users": [{"name": "one", "user": {"token": token}}],
            "contexts": [{"name": "one", "context": context}],
        }
        if not path.exists():  # what reads it now is not to find it half written
            path.write_text(json.dumps(config))
        return path

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request as the administrator."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {ADMIN}",
                "Content-Type": "application/merge-patch+json"
                if method == "PATCH"
                else "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10, context=self._trust()) as response:
            text = response.read()
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "pki" / "apiserver.crt"))

    def _is_ready(self) -> bool:
        assert self._running["kube-apiserver"].poll() is None, self.log("kube-apiserver")
        try:
            return bool(self.call("GET", "/readyz") == "ok")
        except (OSError, urllib.error.URLError):
            return False

    def _spawn(self, program: Any, *arguments: Any) -> None:
        name = Path(program).name
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(program), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _program() -> Path:
    need(*API_SERVER)
    programs.build("kubernetes", "helm")
    return programs.program("kube-apiserver")
