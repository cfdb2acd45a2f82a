"""Putting one replica together.

Belongs here: which sockets, variables and programs a replica of a given name gets.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from immutant.contract.environment import Address, Environment
from immutant.run.keeper import Keeper
from immutant.run.log import Log
from immutant.run.options import Options
from immutant.run.places import Places
from immutant.run.process import Program
from immutant.run.programs import Programs
from immutant.run.replica import Replica
from immutant.run.router.pool import WebBackend

__all__ = ["Assembly"]

_CONSOLE = "cons.sock"


class Assembly:
    """Makes replicas.

    Holds the *lifeline*: a pipe whose reading end all processes inherit and whose writing end only
    the launcher has. However the launcher ends, the kernel closes it, and the processes, seeing the
    end of file, stop by themselves.
    """

    def __init__(self, options: Options, programs: Programs, places: Places, log: Log) -> None:
        self._options = options
        self._programs = programs
        self._places = places
        self._log = log
        self._lifeline, self._held = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._held)
        os.close(self._lifeline)

    def build(self, name: str, on_refusal: Callable[[], None]) -> Replica:
        """The replica of that name, not started.

        Args:
            name: E.g. demo-0.
            on_refusal: Called when one of its programs cannot run as configured.

        Raises:
            ConfigurationError: The name makes a socket's path too long.
        """
        environment = self._environment(name)
        variables = environment.variables()

        def keeper(what: str, command: Sequence[str]) -> Keeper:
            program = Program(
                f"the {what} of {name}", name, command, variables, inherited=(self._lifeline,)
            )
            return Keeper(program, self._log, on_refusal=on_refusal)

        return Replica(
            name,
            coordinator=keeper("coordinator", self._programs.coordinator),
            app=keeper("application", self._programs.app),
            backend=WebBackend(name, Path(environment.listen.path)),
            address=environment.coordinator,
            console=self._places.of(name, _CONSOLE),
            grace=self._options.grace,
        )

    def _environment(self, name: str) -> Environment:
        return Environment(
            app=self._options.name,
            replica=name,
            state=self._places.state,
            coordinator=Address(path=str(self._places.of(name, "link.sock"))),
            listen=Address(path=str(self._places.of(name, "web.sock"))),
            app_lock=self._places.of(name, "app.lock"),
            grace=self._options.grace,
            lifeline=self._lifeline,
            console=self._places.of(name, _CONSOLE),
            repl=self._options.repl,
        )
