"""As whom to speak to a git server: the Secret's keys, and a connection by SSH.

Belongs here: reading the keys, as Kubernetes calls those of Secrets of its types basic-auth and
ssh-auth; SSH by paramiko, with the host's key compared. Not here: git (`gitserver`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from immutant.errors import ConfigurationError, SourceUnreachableError

if TYPE_CHECKING:
    import paramiko  # type: ignore[import-untyped]

__all__ = ["Login", "Ssh"]

_ANYBODY: Final = "x-access-token"
"""The user's name where a Secret has a token alone: servers that take tokens ask for one, and
mostly for none in particular."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a Secret says; nothing in it is shown when this is printed.

    Attributes:
        token: A token or password, for https (`token` or `password`).
        username: Whose it is (`username`).
        key: A private key, for ssh (`ssh-privatekey`).
        known_hosts: The keys of hosts, as ssh-keyscan prints them (`known_hosts`).
        authorities: Certificates by which a server is known, in PEM (`ca.crt`).
    """

    token: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    authorities: str = field(default="", repr=False)

    @classmethod
    def of(cls, secret: Mapping[str, str]) -> Login:
        """The login that a Secret's texts make."""
        return cls(
            token=(secret.get("token") or secret.get("password") or "").strip(),
            username=secret.get("username", "").strip(),
            key=secret.get("ssh-privatekey", ""),
            known_hosts=secret.get("known_hosts", ""),
            authorities=secret.get("ca.crt", ""),
        )

    @classmethod
    def mounted(cls, folder: Path) -> Login:
        """The login of a Secret that is mounted; one that says nothing where none is."""
        keys = ("token", "password", "username", "ssh-privatekey", "known_hosts", "ca.crt")
        files = {key: folder / key for key in keys}
        return cls.of({key: file.read_text() for key, file in files.items() if file.is_file()})

    def for_http(self) -> tuple[str | None, str | None]:
        """User and token; None and None: anybody may read."""
        if not self.token:
            return None, None
        return self.username or _ANYBODY, self.token

    def for_ssh(self) -> paramiko.PKey:
        """The private key.

        Raises:
            ConfigurationError: There is none, or it cannot be read.
        """
        import paramiko

        if not self.key:
            raise ConfigurationError(
                "the Secret in spec.source.git.secret has no key ssh-privatekey, which a "
                "repository over ssh needs; add it"
            )
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                return kind.from_private_key(io.StringIO(self.key))
            except (paramiko.SSHException, ValueError, IndexError):
                continue
        raise ConfigurationError(
            "ssh-privatekey in the Secret of spec.source.git.secret cannot be read; it must be a "
            "private key (Ed25519, ECDSA or RSA) without a passphrase"
        )


class Ssh:
    """Connections by SSH, as dulwich asks for them.

    A host whose key is not in `known_hosts` is refused. Whoever answers in its place would decide
    what runs in the cluster.
    """

    def __init__(self, login: Login, timeout: float) -> None:
        """Make connections by a login.

        Args:
            login: The key, and the hosts' keys.
            timeout: Seconds for each step.
        """
        self._login = login
        self._timeout = timeout

    def run_command(
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        protocol_version: int | None = None,
        **_: object,
    ) -> _Channel:
        """Run a command there.

        Raises:
            ConfigurationError: The login cannot be meant.
            SourceUnreachableError: The host is not the one that is known.
        """
        import paramiko

        client = paramiko.SSHClient()
        self._know(client.get_host_keys(), host)
        limits = dict.fromkeys(
            ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), self._timeout
        )
        try:
            client.connect(
                host,
                port or 22,
                username or "git",
                pkey=self._login.for_ssh(),
                allow_agent=False,
                look_for_keys=False,
                **limits,
            )
        except paramiko.BadHostKeyException as error:
            raise SourceUnreachableError(
                f"{host} has another key than known_hosts in the Secret of spec.source.git.secret "
                "says: somebody answers in its place, or it was set up anew"
            ) from error
        except paramiko.AuthenticationException as error:
            raise SourceUnreachableError(
                f"{host} does not let the key in; add its public half to the repository's deploy "
                "keys"
            ) from error
        return _Channel(client, command, self._timeout, protocol_version)

    def _know(self, keys: paramiko.HostKeys, host: str) -> None:
        from paramiko.hostkeys import HostKeyEntry, InvalidHostKey  # type: ignore[import-untyped]

        for line in self._login.known_hosts.splitlines():
            if not line.strip() or line.lstrip().startswith(("#", "@")):
                continue
            try:
                entry = HostKeyEntry.from_line(line)
            except InvalidHostKey as error:
                raise ConfigurationError(
                    f"known_hosts in the Secret of spec.source.git.secret cannot be read: {error}"
                ) from error
            for name in entry.hostnames if entry is not None and entry.key is not None else ():
                keys.add(name, entry.key.get_name(), entry.key)
        if not keys:
            raise ConfigurationError(
                f"the Secret in spec.source.git.secret has no key known_hosts, by which {host} is "
                f"known; add what `ssh-keyscan {host}` prints, once you have compared it"
            )


class _Channel:
    """A command that runs on a host: what it writes is read here."""

    def __init__(
        self,
        client: paramiko.SSHClient,
        command: bytes,
        timeout: float,
        version: int | None,
    ) -> None:
        self._client = client
        transport = client.get_transport()
        assert transport is not None
        self._channel = transport.open_session(timeout=timeout)
        self._channel.settimeout(timeout)
        if version is None or version == 2:
            self._channel.set_environment_variable("GIT_PROTOCOL", "version=2")
        self._channel.exec_command(command)
        self.read = self._channel.makefile("rb").read
        self.write = self._channel.sendall
        self.stderr = self._channel.makefile_stderr("rb")

    def can_read(self) -> bool:
        return bool(self._channel.recv_ready())

    def close(self) -> None:
        self._channel.close()
        self._client.close()
